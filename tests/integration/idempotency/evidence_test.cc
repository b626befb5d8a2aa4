// What lists are weighed against, and for how long it is kept.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <variant>

#include "tests/integration/idempotency/store_contract.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;
using VersionConflict = RecordStore::VersionConflict;

constexpr char kReplaced[] = "dddddddd-0000-4000-8000-000000000004";

class EvidenceTest : public StoreContractTest {
 protected:
  // From now on everything expires with its last change.
  void ExpireAtOnce() {
    StoreOptions options = AnOptions();
    options.records.replay_window = kNone;
    Open(std::move(options));
  }
  // A record that is not done, with a baseline of that moment before now.
  Record Older(RecordState state, absl::Duration age, const std::string& profile = kProfile) {
    const Record claimed = store_->Claimed(AClaim("older", profile));
    const Record sent =
        store_->Changed(claimed, {.state = RecordState::kSent,
                                  .conclusive_after = kNone,
                                  .first_baseline = Baseline{.read_at = claimed.store_now - age}});
    return state == RecordState::kSent ? sent : store_->Changed(sent, {.state = state});
  }
  void HoldAnApplication(const std::string& request_id) {
    const Record record = store_->InState(RecordState::kNoEffect, AClaim(request_id, kProfile));
    ASSERT_TRUE(store_->StoreResponse(record, {kApplication, "answer"}).ok());
  }
};

TEST_P(EvidenceTest, AHeldApplicationIsKnownForAsLongAsAnOlderBaselineIsWeighed) {
  for (const RecordState state : {RecordState::kNoEffect, RecordState::kInconclusive}) {
    Open();
    Older(state, absl::Minutes(1));
    ExpireAtOnce();
    HoldAnApplication("holder");

    EXPECT_EQ(store_->Sweep().expired, 0);
    EXPECT_THAT(store_->AttributedIds(kProfile, "older"), ElementsAre(kApplication));

    ASSERT_TRUE(store_->StoreResponse(*store_->Find("older"), {kReplaced, "answer"}).ok());
    EXPECT_EQ(store_->Sweep().expired, 2) << "now that none is open";
  }
}

TEST_P(EvidenceTest, AHeldApplicationIsKnownWhileAnOlderRecordIsSent) {
  HoldAnApplication("holder");
  const Record holder = *store_->Find("holder");
  const Record older = Older(RecordState::kNoEffect, absl::Minutes(1));
  const Record claimed = store_->Changed(older, {.state = RecordState::kClaimed, .lease = kAnHour});
  store_->Changed(claimed, {.state = RecordState::kSent, .lease = kAnHour});
  ExpireAtOnce();
  // Stored late, with a window of nothing.
  ASSERT_TRUE(*store_->Remove(holder));
  ASSERT_TRUE(store_->StoreResponse(holder, {kApplication, "answer"}).ok());

  EXPECT_EQ(store_->Sweep().expired, 0);

  EXPECT_THAT(store_->AttributedIds(kProfile, "older"), ElementsAre(kApplication));
}

TEST_P(EvidenceTest, ABaselineThatWasReadLaterKeepsNothing) {
  Older(RecordState::kInconclusive, -absl::Minutes(1));
  ExpireAtOnce();
  HoldAnApplication("holder");

  EXPECT_EQ(store_->Sweep().expired, 1);
  EXPECT_FALSE(store_->Find("holder").has_value());
}

TEST_P(EvidenceTest, ARecordOfAnotherProfileKeepsNothing) {
  Older(RecordState::kInconclusive, absl::Minutes(1), kOtherProfile);
  ExpireAtOnce();
  HoldAnApplication("holder");

  EXPECT_EQ(store_->Sweep().expired, 1);
}

TEST_P(EvidenceTest, ADoneRecordKeepsNothing) {
  const Record older = Older(RecordState::kInconclusive, absl::Minutes(1));
  ASSERT_TRUE(store_->StoreResponse(older, {kReplaced, "answer"}).ok());
  ExpireAtOnce();
  HoldAnApplication("holder");

  EXPECT_EQ(store_->Sweep().expired, 1);
  EXPECT_TRUE(store_->Find("older").has_value());
}

TEST_P(EvidenceTest, WhatIsKeptForItsApplicationIsStillReplayed) {
  Older(RecordState::kInconclusive, absl::Minutes(1));
  ExpireAtOnce();
  HoldAnApplication("holder");
  store_->Sweep();

  const auto known = store_->TryClaim(AClaim("holder", kProfile));

  ASSERT_TRUE(known.ok()) << known.status();
  ASSERT_TRUE(std::holds_alternative<RecordStore::Exists>(*known));
  EXPECT_EQ(std::get<RecordStore::Exists>(*known).record.result.contents, "answer");
}

TEST_P(EvidenceTest, AFoundApplicationThatAReceivedOneReplacesStaysHeld) {
  const Record sent = store_->InState(RecordState::kSent, AClaim("holder", kProfile));
  const auto found = store_->StoreReconciled(sent, {kReplaced, "found"});
  ASSERT_TRUE(found.ok() && std::holds_alternative<Record>(*found));
  ASSERT_TRUE(store_->StoreResponse(sent, {kApplication, "received"}).ok());
  const Record other = store_->InState(RecordState::kInconclusive, AClaim("other", kProfile));

  EXPECT_THAT(store_->AttributedIds(kProfile, "other"),
              UnorderedElementsAre(kApplication, kReplaced));
  const auto again = store_->StoreReconciled(other, {kReplaced, "found"});
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_TRUE(std::holds_alternative<VersionConflict>(*again));
}

TEST_P(EvidenceTest, TheSameApplicationFoundAndReceivedIsHeldOnce) {
  const Record sent = store_->InState(RecordState::kSent, AClaim("holder", kProfile));
  const auto found = store_->StoreReconciled(sent, {kApplication, "found"});
  ASSERT_TRUE(found.ok() && std::holds_alternative<Record>(*found));
  ASSERT_TRUE(store_->StoreResponse(sent, {kApplication, "received"}).ok());

  EXPECT_THAT(store_->AttributedIds(kProfile, "other"), ElementsAre(kApplication));
}

// Its own process may be frozen with Passfort's response in its hands.
TEST_P(EvidenceTest, AFoundApplicationMayBeThatOfAnUndecidedRecord) {
  const Record older = Older(RecordState::kInconclusive, absl::Minutes(1));
  const Record claimed = store_->Claimed(AClaim("younger", kProfile));
  const Record sent = store_->Changed(
      claimed, {.state = RecordState::kSent,
                .conclusive_after = kNone,
                .first_baseline = Baseline{.read_at = claimed.store_now + absl::Minutes(1)}});
  const Record younger = store_->Changed(sent, {.state = RecordState::kInconclusive});

  const auto contested = store_->StoreReconciled(older, {kApplication, "found"});
  ASSERT_TRUE(contested.ok()) << contested.status();
  EXPECT_TRUE(std::holds_alternative<RecordStore::Contested>(*contested));
  EXPECT_EQ(store_->Find("older")->state, RecordState::kInconclusive);

  // What the older record could have made was in the younger one's baseline.
  const auto found = store_->StoreReconciled(younger, {kApplication, "found"});
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_TRUE(std::holds_alternative<Record>(*found));
}

// It may have been given a stranger's application while its own was still being made.
TEST_P(EvidenceTest, AFoundApplicationMayBeThatOfARecordThatWasFoundDuringItsAttempt) {
  const Milliseconds settle_window = AnOptions().records.settle_window;
  // By how long the attempt may go on after the find, and by the profile of its own.
  for (const auto& [profile, attempt_left] :
       {std::pair(kProfile, kAnHour), std::pair(kOtherProfile, kNone)}) {
    SCOPED_TRACE(attempt_left.count());
    const std::string suffix = profile;
    const Record early = store_->Changed(
        store_->Claimed(AClaim("early" + suffix, profile)),
        {.state = RecordState::kSent, .conclusive_after = attempt_left + settle_window});
    const auto strangers = store_->StoreReconciled(early, {kReplaced, "found"});
    ASSERT_TRUE(strangers.ok() && std::holds_alternative<Record>(*strangers));
    const Record claimed = store_->Claimed(AClaim("later" + suffix, profile));
    const Record later =
        store_->Changed(claimed, {.state = RecordState::kSent,
                                  .conclusive_after = kNone,
                                  .first_baseline = Baseline{.read_at = claimed.store_now}});

    const auto found = store_->StoreReconciled(later, {kApplication, "found"});
    ASSERT_TRUE(found.ok()) << found.status();
    EXPECT_EQ(std::holds_alternative<RecordStore::Contested>(*found), attempt_left > kNone);
    ASSERT_TRUE(store_->StoreResponse(early, {kApplication, "received"}).ok());
  }
}

TEST_P(EvidenceTest, AReceivedAnswerWhoseIdIsTooLongIsStoredAndHoldsNothing) {
  const Record sent = store_->InState(RecordState::kSent, AClaim("request", kProfile));
  const std::string too_long(kMaxResourceIdBytes + 1, 'a');

  ASSERT_TRUE(store_->StoreResponse(sent, {too_long, "answer"}).ok());

  EXPECT_EQ(store_->Find("request")->state, RecordState::kDone);
  EXPECT_EQ(store_->Find("request")->result.contents, "answer");
  EXPECT_THAT(store_->AttributedIds(kProfile, "other"), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Evidence, EvidenceTest,
                         ::testing::Values(Database::kSqlite, Database::kPostgres),
                         [](const auto& info) {
                           return info.param == Database::kSqlite ? "Sqlite" : "Postgres";
                         });

}  // namespace
}  // namespace gateway
