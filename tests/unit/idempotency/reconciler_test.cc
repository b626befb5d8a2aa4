// What one look makes of a record. What a list of Passfort's says is the subject of
// add_product_application_test.

#include "service/idempotency/reconciler.h"

#include <gmock/gmock.h>

#include <string>
#include <utility>

#include "tests/unit/idempotency/engine_fixture.h"

namespace gateway {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using Kind = Reconciliation::Kind;

class ReconcilerTest : public EngineTest {
 protected:
  ReconcilerTest() { sent_ = SentElsewhere(kId); }

  void BecomeConclusive() {
    clock_.Advance(kOptions.lease_duration + kOptions.attempt_timeout + kOptions.settle_window);
  }
  Reconciliation Reconcile(Absence absence = Absence::kToBeProven) {
    return RunToCompletion(reconciler_.Reconcile(*Find(), {}, absence));
  }

  Record sent_;
};

TEST_F(ReconcilerTest, ACompleteLookThatShowsNothingProvesThatNothingWasExecuted) {
  BecomeConclusive();
  EXPECT_EQ(Reconcile().kind, Kind::kNoEffect);
  EXPECT_EQ(Find()->state, RecordState::kNoEffect);
  EXPECT_TRUE(Find()->was_ambiguous);
}

TEST_F(ReconcilerTest, ButNotBeforeItIsConclusive) {
  BecomeConclusive();
  clock_.Advance(-1ms);
  const Reconciliation look = Reconcile();
  EXPECT_EQ(look.kind, Kind::kTooEarly);
  EXPECT_EQ(look.conclusive_after, 1ms);
  EXPECT_EQ(Find()->state, RecordState::kSent);
}

TEST_F(ReconcilerTest, WhatSurelyTookEffectIsTheResultAtAnyTime) {
  operation_.lines = {"note/1"};
  EXPECT_EQ(Reconcile().kind, Kind::kTookEffect);
  EXPECT_EQ(Find()->state, RecordState::kDone);
  EXPECT_EQ(Find()->result.resource_id, "note/1");
  EXPECT_EQ(Find()->result_origin, ResultOrigin::kReconciled);
}

TEST_F(ReconcilerTest, ALookThatMayNotShowAllProvesNothing) {
  BecomeConclusive();
  operation_.is_complete = false;
  EXPECT_EQ(Reconcile().kind, Kind::kInconclusive);
  EXPECT_EQ(Find()->state, RecordState::kInconclusive);
  EXPECT_THAT(Find()->candidate_ids, IsEmpty());
}

TEST_F(ReconcilerTest, WhatIsKnownToBeWithoutEffectNeedsNoCompleteLook) {
  BecomeConclusive();
  operation_.is_complete = false;
  EXPECT_EQ(Reconcile(Absence::kKnown).kind, Kind::kNoEffect);
}

TEST_F(ReconcilerTest, AResultThatMayBeAnotherRecordsIsACandidateOnly) {
  UpdatedElsewhere(sent_, {.state = RecordState::kInconclusive, .was_ambiguous = true});
  const Record later = SentElsewhere("order-3");
  operation_.lines = {"note/1"};
  BecomeConclusive();
  const Reconciliation look = RunToCompletion(reconciler_.Reconcile(later, {}));
  EXPECT_EQ(look.kind, Kind::kInconclusive);
  EXPECT_THAT(look.record.candidate_ids, ElementsAre("note/1"));
}

TEST_F(ReconcilerTest, WhatIsAttributedToAnotherRecordIsNoCandidate) {
  operation_.lines = {"note/1"};
  ASSERT_EQ(Reconcile().kind, Kind::kTookEffect);
  const Record later = SentElsewhere("order-3");
  BecomeConclusive();
  EXPECT_EQ(RunToCompletion(reconciler_.Reconcile(later, {})).kind, Kind::kNoEffect);
}

TEST_F(ReconcilerTest, AnInconclusiveRecordStaysSoWhateverALookDoesNotShow) {
  operation_.lines = {"note/1", "note/2"};
  BecomeConclusive();
  ASSERT_EQ(Reconcile().kind, Kind::kInconclusive);
  operation_.lines = {};
  EXPECT_EQ(Reconcile().kind, Kind::kInconclusive);
  EXPECT_THAT(Find()->candidate_ids, ElementsAre("note/1", "note/2"));
}

TEST_F(ReconcilerTest, AnInconclusiveRecordIsResolvedOnceALookIsClear) {
  operation_.is_complete = false;
  BecomeConclusive();
  ASSERT_EQ(Reconcile().kind, Kind::kInconclusive);
  operation_.is_complete = true;
  operation_.lines = {"note/1"};
  EXPECT_EQ(Reconcile().kind, Kind::kTookEffect);
}

TEST_F(ReconcilerTest, WhatCannotBeObservedChangesNothingAndSaysWhy) {
  BecomeConclusive();
  const auto cause = NotExecuted::Cause::kResponseTooLarge;
  operation_.failure = NotExecuted{.cause = cause};
  const Reconciliation look = Reconcile();
  EXPECT_EQ(look.kind, Kind::kUnavailable);
  EXPECT_EQ(look.unobserved, cause);
  EXPECT_EQ(Find()->state, RecordState::kSent);
}

TEST_F(ReconcilerTest, ARecordThatChangedMeanwhileIsLeftAlone) {
  const Record read = *Find();
  UpdatedElsewhere(sent_, {.state = RecordState::kSent});
  operation_.lines = {"note/1"};
  EXPECT_EQ(RunToCompletion(reconciler_.Reconcile(read, {})).kind, Kind::kVersionConflict);
  EXPECT_EQ(operation_.observations, 0);
}

TEST_F(ReconcilerTest, ARecordThatChangesDuringTheLookIsLeftAlone) {
  operation_.lines = {"note/1"};
  operation_.on_observe = [this] { UpdatedElsewhere(sent_, {.state = RecordState::kSent}); };
  EXPECT_EQ(Reconcile().kind, Kind::kVersionConflict);
  EXPECT_EQ(Find()->state, RecordState::kSent);
}

// It comes from a newer gateway, which knows what it means.
TEST_F(ReconcilerTest, ARecordOfAnUnknownOperationIsLeftAlone) {
  BecomeConclusive();
  Reconciler knows_nothing({}, store_, {}, clock_, observer_);
  EXPECT_EQ(RunToCompletion(knows_nothing.Reconcile(*Find(), {})).kind, Kind::kUnavailable);
  EXPECT_EQ(Find()->state, RecordState::kSent);
}

TEST_F(ReconcilerTest, ItsReadGoesBeforeOthers) {
  Reconcile();
  EXPECT_EQ(operation_.priority, Priority::kReconciliation);
}

TEST_F(ReconcilerTest, AtMostTwentyCandidatesAreKept) {
  for (int i = 0; i < 30; ++i) operation_.lines.push_back("note/" + std::to_string(i));
  BecomeConclusive();
  EXPECT_EQ(Reconcile().kind, Kind::kInconclusive);
  EXPECT_EQ(Find()->candidate_ids.size(), 20U);
}

TEST_F(ReconcilerTest, ADeadClaimIsDeletedUnlessItFollowsALostAttempt) {
  ASSERT_TRUE(*RunToCompletion(store_.Remove(sent_, Deadline(SteadyTime::max()))));
  const Record fresh = ClaimedElsewhere("order-3");
  clock_.Advance(kOptions.lease_duration);
  RunToCompletion(reconciler_.ReleaseExpired(fresh, {}));
  EXPECT_EQ(Find("order-3"), std::nullopt);

  const Record claimed = UpdatedElsewhere(ClaimedElsewhere("order-4"),
                                          {.state = RecordState::kClaimed, .was_ambiguous = true});
  clock_.Advance(kOptions.lease_duration);
  RunToCompletion(reconciler_.ReleaseExpired(claimed, {}));
  EXPECT_EQ(Find("order-4")->state, RecordState::kNoEffect);
}

}  // namespace
}  // namespace gateway
