#include "tests/fake_passfort/passfort_state.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

namespace gateway {
namespace {

using ::testing::ElementsAre;
using namespace std::chrono_literals;

constexpr char kProfileId[] = "a2c4393a-e219-67a4-5ab4-2186952e9038";
constexpr WallTime kNow{std::chrono::seconds(1'700'000'000)};

FakeApplication& AddTo(PassfortState& state, std::string_view alias) {
  return state.Add(kProfileId, *FindFakeProduct(alias, ""), "", MadeBy::kApi, kNow);
}

std::vector<std::string> Flags(const FakeApplication& application) {
  std::vector<std::string> flags;
  for (const auto& change : application.flag_history) flags.push_back(change.flag);
  return flags;
}

TEST(PassfortStateTest, MovesOnUntilADecisionIsNeeded) {
  PassfortState state;
  FakeApplication& application = AddTo(state, "forexo_basic");
  for (int i = 0; i < 5; ++i) PassfortState::MoveOn(application, kNow);

  EXPECT_EQ(application.status, "APPLIED");
  EXPECT_THAT(Flags(application),
              ElementsAre("AUTOMATING", "WAITING_ON_CHECKS", "REQUIRES_MANUAL_TASK_COMPLETION",
                          "READY_FOR_DECISION"));
}

TEST(PassfortStateTest, ApprovesByItselfWhereTheProductSaysSo) {
  PassfortState state;
  FakeApplication& application = AddTo(state, "forexo_associate");
  for (int i = 0; i < 5; ++i) PassfortState::MoveOn(application, kNow);

  EXPECT_EQ(application.status, "APPROVED");
  EXPECT_THAT(Flags(application), ElementsAre("AUTOMATING", "WAITING_ON_CHECKS", "DECIDED"));
}

TEST(PassfortStateTest, CatchesUpWithTheTimeThatHasPassed) {
  PassfortState state;
  FakeApplication& application = AddTo(state, "forexo_basic");
  PassfortState::CatchUp(application, 10s, kNow + 9s);
  EXPECT_THAT(Flags(application), ElementsAre("AUTOMATING"));
  PassfortState::CatchUp(application, 10s, kNow + 25s);
  EXPECT_THAT(Flags(application),
              ElementsAre("AUTOMATING", "WAITING_ON_CHECKS", "REQUIRES_MANUAL_TASK_COMPLETION"));
  EXPECT_EQ(application.flag_history.back().date, kNow + 20s);
  PassfortState::CatchUp(application, 10s, kNow + 24h);
  EXPECT_EQ(application.flag, "READY_FOR_DECISION");
  EXPECT_EQ(application.flag_history.size(), 4u);
}

TEST(PassfortStateTest, RefusesToApproveWhileThereAreBlockers) {
  PassfortState state;
  FakeApplication& application = AddTo(state, "forexo_basic");
  EXPECT_EQ(PassfortState::Decide(application, "APPROVED", "", kNow)->code, 105);
  while (application.flag != "READY_FOR_DECISION") PassfortState::MoveOn(application, kNow);
  EXPECT_FALSE(PassfortState::Decide(application, "APPROVED", "", kNow));
  EXPECT_EQ(PassfortState::Decide(application, "APPROVED", "", kNow)->code, 102);
  EXPECT_EQ(PassfortState::Decide(application, "REJECTED", "", kNow)->code, 402);
}

TEST(PassfortStateTest, RevertsOntoTheSameApplication) {
  PassfortState state;
  const std::string id = AddTo(state, "forexo_basic").id;
  ASSERT_FALSE(PassfortState::Decide(*state.Find(kProfileId, id), "REJECTED", "", kNow));

  FakeApplication reverted;
  ASSERT_FALSE(state.Revert(kProfileId, id, PassfortState::RevertedId::kSame, kNow, reverted));

  EXPECT_EQ(reverted.id, id);
  EXPECT_EQ(reverted.history.size(), 1u);
  EXPECT_EQ(state.Find(kProfileId, id)->status, "APPLIED");
  EXPECT_EQ(state.Applications(kProfileId).size(), 1u);
}

TEST(PassfortStateTest, RevertsOntoANewApplicationAndHidesTheOldOne) {
  PassfortState state;
  const std::string id = AddTo(state, "forexo_basic").id;
  ASSERT_FALSE(PassfortState::Decide(*state.Find(kProfileId, id), "REJECTED", "", kNow));

  FakeApplication reverted;
  ASSERT_FALSE(state.Revert(kProfileId, id, PassfortState::RevertedId::kNew, kNow, reverted));

  EXPECT_NE(reverted.id, id);
  EXPECT_TRUE(state.Find(kProfileId, id)->hidden);
  EXPECT_EQ(state.Find(kProfileId, id)->status, "REJECTED");
  EXPECT_EQ(state.Find(kProfileId, reverted.id)->status, "APPLIED");
}

TEST(PassfortStateTest, ComparesIdsWithoutCase) {
  PassfortState state;
  AddTo(state, "forexo_basic");
  EXPECT_EQ(state.Applications("A2C4393A-E219-67A4-5AB4-2186952E9038").size(), 1u);
  EXPECT_NE(FindFakeProduct("", "B0CE7C17-2CAB-86E7-9A83-EBEE0D4D5DC8"), nullptr);
}

TEST(PassfortStateTest, KnowsEveryProfileThatIsAUuid) {
  EXPECT_TRUE(PassfortState::ProfileExists(kProfileId));
  EXPECT_FALSE(PassfortState::ProfileExists("00000000-e219-67a4-5ab4-2186952e9038"));
  EXPECT_FALSE(PassfortState::ProfileExists("a2c4393a-e219-67a4-5ab4-2186952e903"));
  EXPECT_FALSE(PassfortState::ProfileExists("a2c4393ae-219-67a4-5ab4-2186952e9038"));
  EXPECT_FALSE(PassfortState::ProfileExists("g2c4393a-e219-67a4-5ab4-2186952e9038"));
}

}  // namespace
}  // namespace gateway
