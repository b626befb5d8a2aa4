// What nobody knows, and what a person says of it.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/integration/idempotency/store_contract.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr char kOperator[] = "spiffe://bank.example/ns/operations/sa/on-call";

RecordStore::Settlement Executed(const std::string& resource_id) {
  return {.settled_by = kOperator, .result = StoredResult{resource_id, "answer"}};
}
RecordStore::Settlement NotExecutedWith(const std::string& baseline) {
  return {.settled_by = kOperator, .baseline = baseline};
}

std::vector<std::string> Ids(const std::vector<Record>& records) {
  std::vector<std::string> ids;
  for (const Record& record : records) ids.push_back(record.request_id);
  return ids;
}

class SettlementsTest : public StoreContractTest {
 protected:
  Record Inconclusive(const std::string& request_id, const std::string& key) {
    return store_->InState(RecordState::kInconclusive, AClaim(request_id, key));
  }
  // One that no look is ever conclusive for.
  Record Unkeyed(const std::string& request_id) {
    const Record claimed = store_->Claimed(AClaim(request_id, "create/" + request_id));
    const Record sent = store_->Changed(
        claimed, {.state = RecordState::kSent, .lease = kAnHour, .first_baseline = Baseline{}});
    return store_->Changed(sent, {.state = RecordState::kInconclusive, .was_ambiguous = true});
  }
  static bool IsAttributed(const RecordStore::SettleResult& result) {
    return std::holds_alternative<RecordStore::Attributed>(result);
  }
  static bool IsSettled(const RecordStore::SettleResult& result) {
    return std::holds_alternative<Record>(result);
  }
};

INSTANTIATE_TEST_SUITE_P(Stores, SettlementsTest,
                         testing::Values(Database::kSqlite, Database::kPostgres),
                         [](const auto& of) {
                           return of.param == Database::kSqlite ? "Sqlite" : "Postgres";
                         });

TEST_P(SettlementsTest, ListsInPagesWhatIsSentAndHeldByNobodyAndWhatIsInconclusive) {
  const auto send = [this](const std::string& request_id, Milliseconds lease) {
    const Record claimed = store_->Claimed(AClaim(request_id, request_id));
    return store_->Changed(claimed, {.state = RecordState::kSent,
                                     .lease = lease,
                                     .conclusive_after = kAnHour,
                                     .first_baseline = Baseline{.state = "long"}});
  };
  send("held", kAnHour);
  send("younger", -Milliseconds(1000));
  send("oldest", -Milliseconds(4000));
  store_->Changed(send("older", -Milliseconds(3000)),
                  {.state = RecordState::kInconclusive, .candidate_ids = {{kApplication}}});
  // Its lease may be running: it is inconclusive as soon as its attempt has ended.
  store_->Changed(send("at once", kAnHour), {.state = RecordState::kInconclusive});
  store_->InState(RecordState::kNoEffect, AClaim("without effect", "x"));
  store_->Claimed(AClaim("claimed", "y"));

  const auto all = store_->Unresolved({.limit = 10});
  EXPECT_THAT(Ids(all), ElementsAre("oldest", "older", "younger", "at once"));
  EXPECT_THAT(all[1].candidate_ids, ElementsAre(kApplication));
  EXPECT_FALSE(all[0].baseline.has_value()) << "it may be long";
  EXPECT_TRUE(all[0].conclusive_at.has_value());
  EXPECT_THAT(Ids(store_->Unresolved({.limit = 10, .state = RecordState::kSent})),
              ElementsAre("oldest", "younger"));
  EXPECT_THAT(Ids(store_->Unresolved({.limit = 10, .state = RecordState::kInconclusive})),
              ElementsAre("older", "at once"));

  std::vector<std::string> paged;
  RecordStore::UnresolvedQuery query{.limit = 3};
  for (auto page = store_->Unresolved(query); !page.empty(); page = store_->Unresolved(query)) {
    for (const Record& record : page) paged.push_back(record.request_id);
    query.after = {page.back().lease_until, page.back().request_id};
  }
  EXPECT_EQ(paged, Ids(all));

  const RecordStore::OpenRecords open = store_->Sweep().open;
  EXPECT_EQ(open.in_flight, 2) << "held and claimed";
  EXPECT_EQ(open.unresolved, 2);
  EXPECT_EQ(open.inconclusive, 2);
}

TEST_P(SettlementsTest, WhatWasToBeRememberedForLongerIsNotForgottenSooner) {
  const Record settled = Unkeyed("settled");
  ASSERT_TRUE(IsSettled(store_->Settle(settled, Executed(kApplication))));
  EXPECT_GE(store_->Find("settled")->expires_at, settled.expires_at);
  const Record answered = Unkeyed("answered");
  ASSERT_TRUE(*store_->StoreResponse(answered, {"another", "answer"}));
  EXPECT_GE(store_->Find("answered")->expires_at, answered.expires_at);
}

TEST_P(SettlementsTest, AsExecutedItIsDoneAndItsResourceIsAttributed) {
  const Record seen = Inconclusive("request", kProfile);
  const auto settled = store_->Settle(seen, Executed(kApplication));
  ASSERT_TRUE(IsSettled(settled));

  const Record done = *store_->Find("request");
  EXPECT_EQ(done.state, RecordState::kDone);
  EXPECT_EQ(done.result, (StoredResult{kApplication, "answer"}));
  EXPECT_EQ(done.result_origin, ResultOrigin::kReconciled);
  ASSERT_TRUE(done.settled.has_value());
  EXPECT_EQ(done.settled->name, kOperator);
  EXPECT_LE(done.settled->at, done.store_now);
  EXPECT_EQ(done.epoch, seen.epoch + 1);
  EXPECT_THAT(store_->AttributedIds(kProfile, "another"), ElementsAre(kApplication));
  EXPECT_THAT(store_->Unresolved({.limit = 10}), IsEmpty());
}

TEST_P(SettlementsTest, AsNotExecutedItHasANewBaselineAndCanBeTakenAgain) {
  const Record seen = Inconclusive("request", kProfile);
  ASSERT_TRUE(IsSettled(store_->Settle(seen, NotExecutedWith("what is there now"))));

  const Record free = *store_->Find("request");
  EXPECT_EQ(free.state, RecordState::kNoEffect);
  EXPECT_EQ(free.baseline->state, "what is there now");
  EXPECT_EQ(free.baseline->read_at, seen.baseline->read_at) << "never younger than what it weighs";
  EXPECT_TRUE(free.was_ambiguous);
  EXPECT_EQ(free.settled->name, kOperator);

  const Record claimed = store_->Changed(free, {.state = RecordState::kClaimed, .lease = kAnHour});
  EXPECT_FALSE(claimed.settled.has_value()) << "what becomes of it now, nobody has said";
  EXPECT_EQ(claimed.baseline->state, "what is there now");
}

TEST_P(SettlementsTest, OfManyAtOnceOneWins) {
  const Record seen = Inconclusive("request", kProfile);
  RecordStore& store = **store_;
  const auto results = AllAtOnce(*loop_, kRacers, [&store, &seen](int i) {
    return store.Settle(
        seen, i % 2 == 0 ? Executed(absl::StrCat("application ", i)) : NotExecutedWith("baseline"),
        Soon());
  });
  int won = 0;
  int lost = 0;
  for (const auto& result : results) {
    ASSERT_TRUE(result.ok()) << result.status();
    if (IsSettled(*result)) ++won;
    if (std::holds_alternative<RecordStore::VersionConflict>(*result)) ++lost;
  }
  EXPECT_EQ(won, 1);
  EXPECT_EQ(lost, kRacers - 1);
}

TEST_P(SettlementsTest, WhoeverReconcilesAtTheSameMomentLosesOrWins) {
  const Record seen = store_->InState(RecordState::kSent, AClaim("request", kProfile));
  ASSERT_TRUE(IsSettled(store_->Settle(seen, NotExecutedWith("baseline"))));
  const auto late = store_->StoreReconciled(seen, {kApplication, "found"});
  EXPECT_TRUE(late.ok() && std::holds_alternative<RecordStore::VersionConflict>(*late));

  const Record other = store_->InState(RecordState::kSent, AClaim("other", kOtherProfile));
  ASSERT_TRUE(store_->StoreReconciled(other, {kApplication, "found"}).ok());
  EXPECT_TRUE(std::holds_alternative<RecordStore::VersionConflict>(
      store_->Settle(other, Executed("another application"))));
}

TEST_P(SettlementsTest, NothingIsSettledByWhatMayBeAnothersWhileThatIsOpen) {
  const Record seen = Inconclusive("request", kProfile);
  const Record open = store_->InState(RecordState::kSent, AClaim("open", kProfile));
  const auto held = store_->Settle(seen, Executed(kApplication));
  ASSERT_TRUE(std::holds_alternative<RecordStore::KeyHeld>(held));
  EXPECT_EQ(std::get<RecordStore::KeyHeld>(held).holder.request_id, "open");

  ASSERT_TRUE(store_->StoreResponse(open, {kApplication, "answer"}).ok());
  EXPECT_TRUE(IsAttributed(store_->Settle(seen, Executed(kApplication))));
  EXPECT_TRUE(IsSettled(store_->Settle(seen, Executed("another application"))));
}

// It is for a person to say which of two lost writes came to which of two applications.
TEST_P(SettlementsTest, ASecondInconclusiveRecordOfTheKeyIsNoObstacle) {
  const Record first = Inconclusive("first", kProfile);
  const Record second = Inconclusive("second", kProfile);
  EXPECT_TRUE(IsSettled(store_->Settle(first, Executed("application 1"))));
  EXPECT_TRUE(IsAttributed(store_->Settle(second, Executed("application 1"))));
  EXPECT_TRUE(IsSettled(store_->Settle(second, Executed("application 2"))));
}

TEST_P(SettlementsTest, AResourceWithoutAKeyBelongsToOneRecordAllTheSame) {
  const Record received = Unkeyed("received");
  ASSERT_TRUE(store_->StoreResponse(received, {kOtherProfile, "answer"}).ok());
  const Record seen = Unkeyed("request");
  EXPECT_TRUE(IsAttributed(store_->Settle(seen, Executed(kOtherProfile))));
  EXPECT_TRUE(IsSettled(store_->Settle(seen, Executed(kProfile))));
  EXPECT_TRUE(IsAttributed(store_->Settle(Unkeyed("later"), Executed(kProfile))));
}

TEST_P(SettlementsTest, PassfortsOwnResponseReplacesWhatAPersonSaid) {
  const Record seen = Inconclusive("request", kProfile);
  ASSERT_TRUE(IsSettled(store_->Settle(seen, Executed("application 1"))));
  ASSERT_TRUE(*store_->StoreResponse(seen, {"application 2", "answer"}));

  const Record done = *store_->Find("request");
  EXPECT_EQ(done.result.resource_id, "application 2");
  EXPECT_EQ(done.result_origin, ResultOrigin::kReceived);
  EXPECT_FALSE(done.settled.has_value());
  EXPECT_THAT(store_->AttributedIds(kProfile, "another"),
              testing::UnorderedElementsAre("application 1", "application 2"));
}

}  // namespace
}  // namespace gateway
