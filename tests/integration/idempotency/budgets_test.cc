// What callers' budgets are charged, with and without a record.

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "tests/integration/idempotency/store_contract.h"

namespace gateway {
namespace {

using BudgetReached = RecordStore::BudgetReached;
using RecordUpdate = RecordStore::RecordUpdate;

constexpr int64_t kLimit = 3;
const WriteBudget kBudget{.account = "onboarding", .writes_per_day = kLimit};

RecordUpdate AnIntent() {
  return {.state = RecordState::kSent,
          .lease = kAnHour,
          .conclusive_after = kAnHour,
          .first_baseline = Baseline{},
          .budget = kBudget};
}

class BudgetTest : public StoreContractTest {
 protected:
  Record Sent(const std::string& id) { return store_->Changed(Claimed(id), AnIntent()); }
  // Each with a key of its own.
  Record Claimed(const std::string& id) { return store_->Claimed(AClaim(id, "key of " + id)); }
  int64_t Used() { return kLimit - store_->Left(kBudget.account, kLimit); }
  bool IsReached(const Record& claimed) {
    const auto updated = store_->Update(claimed, AnIntent());
    EXPECT_TRUE(updated.ok()) << updated.status();
    return std::holds_alternative<BudgetReached>(*updated);
  }
};

INSTANTIATE_TEST_SUITE_P(, BudgetTest, ::testing::Values(Database::kSqlite, Database::kPostgres),
                         [](const auto& row) {
                           return row.param == Database::kSqlite ? "Sqlite" : "Postgres";
                         });

TEST_P(BudgetTest, AnIntentIsChargedAndItsRecordSaysSo) {
  const Record sent = Sent("one");
  ASSERT_TRUE(sent.charge.has_value());
  EXPECT_EQ(sent.charge->account, "onboarding");
  EXPECT_EQ(sent.charge->day, absl::ToUnixSeconds(sent.store_now) / 86400);
  EXPECT_EQ(Used(), 1);
  EXPECT_EQ(store_->Find("one")->charge, sent.charge);
}

TEST_P(BudgetTest, ARecordWithoutABudgetIsNotCharged) {
  RecordUpdate intent = AnIntent();
  intent.budget.reset();
  EXPECT_FALSE(store_->Changed(Claimed("one"), intent).charge.has_value());
  EXPECT_EQ(Used(), 0);
}

TEST_P(BudgetTest, ARecordIsChargedOnceWhateverHappensToIt) {
  Record record = Sent("one");
  const std::optional<BudgetCharge> charge = record.charge;
  record = store_->Changed(record, AnIntent());
  record = store_->Changed(record, {.state = RecordState::kNoEffect, .was_ambiguous = true});
  record = store_->Changed(record, {.state = RecordState::kClaimed, .lease = kAnHour});
  record = store_->Changed(record, AnIntent());
  EXPECT_EQ(record.charge, charge);
  ASSERT_TRUE(*store_->StoreResponse(record, {.resource_id = kApplication, .contents = "result"}));
  EXPECT_EQ(store_->Find("one")->charge, charge);
  EXPECT_EQ(Used(), 1);
}

TEST_P(BudgetTest, NoIntentIsMadeAboveTheLimit) {
  for (int i = 0; i < kLimit; ++i) Sent(absl::StrCat("made-", i));
  const Record claimed = Claimed("too many");
  const auto updated = store_->Update(claimed, AnIntent());
  ASSERT_TRUE(updated.ok()) << updated.status();
  const auto* const reached = std::get_if<BudgetReached>(&*updated);
  ASSERT_NE(reached, nullptr);
  EXPECT_GT(reached->resets_at, absl::Now());
  EXPECT_LE(reached->resets_at, absl::Now() + absl::Hours(24));
  EXPECT_EQ(absl::ToUnixSeconds(reached->resets_at) % 86400, 0) << "midnight UTC";
  const auto found = store_->Find("too many");
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->state, RecordState::kClaimed) << "the intent was taken back";
  EXPECT_EQ(found->epoch, claimed.epoch);
  EXPECT_FALSE(found->charge.has_value());
  EXPECT_FALSE(found->sent_at.has_value());
}

TEST_P(BudgetTest, AnotherAccountHasABudgetOfItsOwn) {
  for (int i = 0; i < kLimit; ++i) Sent(absl::StrCat("made-", i));
  RecordUpdate intent = AnIntent();
  intent.budget->account = "other";
  EXPECT_TRUE(store_->Changed(Claimed("another's"), intent).charge.has_value());
}

TEST_P(BudgetTest, ALowerLimitHoldsAtOnceAndAHigherOneToo) {
  for (int i = 0; i < kLimit; ++i) Sent(absl::StrCat("made-", i));
  RecordUpdate lower = AnIntent();
  lower.budget->writes_per_day = 1;
  const auto updated = store_->Update(Claimed("one"), lower);
  EXPECT_TRUE(std::holds_alternative<BudgetReached>(*updated));
  RecordUpdate higher = AnIntent();
  higher.budget->writes_per_day = kLimit + 1;
  EXPECT_TRUE(store_->Changed(Claimed("two"), higher).charge.has_value());
}

TEST_P(BudgetTest, ARecordThatIsRemovedGivesItsChargeBack) {
  const Record sent = Sent("one");
  ASSERT_EQ(Used(), 1);
  EXPECT_TRUE(*store_->Remove(sent));
  EXPECT_EQ(Used(), 0);
}

TEST_P(BudgetTest, WhoeverLostARecordGivesNothingBack) {
  const Record sent = Sent("one");
  store_->Changed(sent, AnIntent());
  EXPECT_FALSE(*store_->Remove(sent)) << "somebody else changed it";
  EXPECT_EQ(Used(), 1);
  const auto updated = store_->Update(sent, AnIntent());
  EXPECT_TRUE(std::holds_alternative<RecordStore::VersionConflict>(*updated));
  EXPECT_EQ(Used(), 1);
}

TEST_P(BudgetTest, WhoeverLostAClaimIsNotCharged) {
  const Record claimed = Claimed("one");
  ASSERT_TRUE(*store_->Remove(claimed));
  const auto updated = store_->Update(claimed, AnIntent());
  EXPECT_TRUE(std::holds_alternative<RecordStore::VersionConflict>(*updated));
  EXPECT_EQ(Used(), 0);
}

TEST_P(BudgetTest, ChargesAndGivesBackWithoutARecord) {
  std::vector<BudgetCharge> charges;
  for (int i = 0; i < kLimit; ++i) {
    const auto charged = store_->Charge(kBudget);
    ASSERT_TRUE(charged.ok()) << charged.status();
    charges.push_back(std::get<BudgetCharge>(*charged));
  }
  const auto reached = store_->Charge(kBudget);
  ASSERT_TRUE(std::holds_alternative<BudgetReached>(*reached));
  EXPECT_EQ(absl::ToUnixSeconds(std::get<BudgetReached>(*reached).resets_at),
            (charges.front().day + 1) * 86400);
  EXPECT_TRUE(IsReached(Claimed("with a record"))) << "both are charged to the same account";
  EXPECT_TRUE(store_->GiveBack(charges.front()).ok());
  EXPECT_FALSE(IsReached(*store_->Find("with a record")));
}

TEST_P(BudgetTest, OfManyAtOnceExactlyTheLimitIsMade) {
  std::vector<Record> claims;
  for (int i = 0; i < kRacers; ++i) claims.push_back(Claimed(absl::StrCat("racer-", i)));
  const auto updates = AllAtOnce(*loop_, kRacers, [this, &claims](int i) {
    return (*store_)->Update(claims[static_cast<size_t>(i)], AnIntent(), Soon());
  });
  int made = 0;
  for (const auto& update : updates) {
    ASSERT_TRUE(update.ok()) << update.status();
    if (std::holds_alternative<Record>(*update)) ++made;
  }
  EXPECT_EQ(made, kLimit);
  EXPECT_EQ(Used(), kLimit);
}

TEST_P(BudgetTest, RacersThatComeAndGoLeaveWhatIsMade) {
  const auto come_and_go = [this](int i) -> Task<bool> {
    const std::string id = absl::StrCat("racer-", i);
    auto claimed = co_await (*store_)->TryClaim(AClaim(id, id), Soon());
    const Record record = std::get<RecordStore::Claimed>(*std::move(claimed)).record;
    const auto updated = co_await (*store_)->Update(record, AnIntent(), Soon());
    const auto* const sent = std::get_if<Record>(&*updated);
    if (sent == nullptr) co_return false;
    if (i % 2 == 0) co_return true;  // and stays
    const auto removed = co_await (*store_)->Remove(*sent, Soon());
    EXPECT_TRUE(removed.ok() && *removed);
    co_return false;
  };
  const std::vector<bool> stayed = AllAtOnce(*loop_, kRacers, come_and_go);
  EXPECT_EQ(std::ranges::count(stayed, true), Used());
}

}  // namespace
}  // namespace gateway
