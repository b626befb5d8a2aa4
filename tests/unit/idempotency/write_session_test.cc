// What a session does at each step, whatever becomes of the store, the record and its callers. What
// many sessions do to each other under every fault is the subject of the history checker.

#include "service/idempotency/write_session.h"

#include <gmock/gmock.h>

#include <string>
#include <utility>

#include "tests/unit/idempotency/write_session_fixture.h"

namespace gateway {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using Cause = IdempotencyError::Cause;

// ---- Claim. ----

TEST_F(WriteSessionTest, ReturnsWhatWasReceivedAndStoresIt) {
  request_->outcomes = {DoneWith("note/1")};
  Running& session = Start();
  EXPECT_EQ(session.line(), "note/1");
  EXPECT_EQ(session.retry_end(), RetryEnd::kSucceeded);
  EXPECT_EQ(session.result->replay, Replay::kNo);
  ASSERT_EQ(StateNow(), RecordState::kDone);
  EXPECT_EQ(Find()->result.contents, "contents of note/1");
}

TEST_F(WriteSessionTest, ALaterSessionReplaysTheResultAndSendsNothing) {
  request_->outcomes = {DoneWith("note/1")};
  Start();
  Running& later = Start();
  EXPECT_EQ(later.line(), "note/1");
  EXPECT_EQ(later.result->replay, Replay::kYes);
  EXPECT_EQ(later.retry_end(), std::nullopt) << "it made no attempt";
  EXPECT_EQ(request_->executions, 1);
}

TEST_F(WriteSessionTest, AnotherCallerOrOtherValuesAreRefused) {
  request_->outcomes = {DoneWith("note/1")};
  Start();
  EXPECT_EQ(Start({.request_id = kId, .caller = "somebody else"}).error(), Cause::kRequestIdReused);
  EXPECT_EQ(StartWith(std::make_shared<AppendRequest>(operation_, "other")).error(),
            Cause::kRequestIdReused);
}

TEST_F(WriteSessionTest, WaitsForAnotherRecordOfTheKeyAndGoesOnAfterIt) {
  const Record holder = ClaimedElsewhere();
  request_->outcomes = {DoneWith("note/1")};
  Running& session = Start();
  clock_.Advance(1s);
  EXPECT_EQ(request_->executions, 0);
  ASSERT_TRUE(*RunToCompletion(store_.Remove(holder, Deadline(SteadyTime::max()))));
  clock_.Advance(5s);
  EXPECT_EQ(session.line(), "note/1");
}

TEST_F(WriteSessionTest, WhoeverGivesUpWaitingForAnotherRecordSentNothing) {
  ClaimedElsewhere();
  Running& session = Start();
  session.session.RequestRelease(NotExecuted::Cause::kNoTimeLeft);
  EXPECT_EQ(session.error(), Cause::kWriteInProgress);
}

TEST_F(WriteSessionTest, ADeadClaimOfAnotherRecordIsGivenBack) {
  ClaimedElsewhere();
  clock_.Advance(kOptions.lease_duration);
  request_->outcomes = {DoneWith("note/1")};
  Running& session = Start();
  clock_.Advance(1s);
  EXPECT_EQ(session.line(), "note/1");
  EXPECT_EQ(Find("order-2"), std::nullopt);
}

TEST_F(WriteSessionTest, TakesOverTheClaimOfOneThatDiedButNotBeforeItsLeaseEnds) {
  ClaimedElsewhere(kId);
  request_->outcomes = {DoneWith("note/1")};
  Running& session = Start();
  clock_.Advance(kOptions.lease_duration - 1ms);
  EXPECT_EQ(request_->executions, 0);
  clock_.Advance(3s);
  EXPECT_EQ(session.line(), "note/1");
}

TEST_F(WriteSessionTest, FindsWhatOneThatDiedHadSent) {
  SentElsewhere(kId);
  operation_.lines = {"note/1"};
  clock_.Advance(kOptions.lease_duration);
  Running& session = Start();
  EXPECT_EQ(session.line(), "note/1");
  EXPECT_EQ(session.result->source, ResultSource::kReconciled);
  EXPECT_EQ(request_->executions, 0);
}

// ---- Baseline. ----

TEST_F(WriteSessionTest, ABaselineThatCannotBeReadInTimeReleases) {
  operation_.failure = NotExecuted{};
  Running& session = Start();
  clock_.Advance(kOptions.lease_duration);
  ASSERT_NE(session.Get<NotExecuted>(), nullptr);
  EXPECT_EQ(session.Get<NotExecuted>()->cause, NotExecuted::Cause::kUnreachable);
  EXPECT_EQ(session.retry_end(), RetryEnd::kOutOfTime);
  EXPECT_GT(operation_.observations, 1) << "it may pass";
  EXPECT_EQ(Find(), std::nullopt);
}

TEST_F(WriteSessionTest, ARefusedBaselineIsARefusalOfTheWrite) {
  operation_.failure = Refused{.response = {.http_status = 404}};
  Running& session = Start();
  ASSERT_NE(session.Get<Refused>(), nullptr);
  EXPECT_EQ(session.Get<Refused>()->response.http_status, 404);
  EXPECT_EQ(session.retry_end(), RetryEnd::kPermanent);
  EXPECT_EQ(Find(), std::nullopt);
}

TEST_F(WriteSessionTest, WhatIsNoBaselineIsReadOnceMoreAndNoMore) {
  operation_.failure = NotExecuted{.cause = NotExecuted::Cause::kUnreadable};
  Running& session = Start();
  clock_.Advance(kOptions.lease_duration);
  EXPECT_EQ(session.retry_end(), RetryEnd::kExhausted);
  EXPECT_EQ(operation_.observations, 2);
}

TEST_F(WriteSessionTest, ABaselineIsNotReadAgainOnceAllCallsHaveUsedUpTheirRetries) {
  while (budget_.TryWithdraw()) continue;
  operation_.failure = NotExecuted{};
  EXPECT_EQ(Start().retry_end(), RetryEnd::kBudgetEmpty);
  EXPECT_EQ(operation_.observations, 1);
}

TEST_F(WriteSessionTest, ABaselineThatTheStoreCannotKeepReleases) {
  operation_.lines = {std::string(3 << 20, 'x')};
  EXPECT_EQ(Start().error(), Cause::kTooManyToCompare);
  EXPECT_EQ(Find(), std::nullopt);
}

TEST_F(WriteSessionTest, ALaterAttemptIsFirstComparedWithTheFirstBaseline) {
  WithoutEffectElsewhere(kId);
  operation_.lines = {"note/1"};  // late, but it came
  Running& session = Start();
  EXPECT_EQ(session.line(), "note/1");
  EXPECT_EQ(request_->executions, 0);
}

// ---- Intent and attempt. ----

TEST_F(WriteSessionTest, NothingLeavesBeforeTheIntentIsStored) {
  operation_.lines = {"note/0"};
  RecordState state{};
  std::optional<Baseline> baseline;
  request_->on_execute = [&](BootTime) {
    state = StateNow();
    baseline = Find()->baseline;
  };
  request_->outcomes = {DoneWith("note/1")};
  Start();
  EXPECT_EQ(state, RecordState::kSent);
  ASSERT_TRUE(baseline);
  EXPECT_EQ(baseline->state, EncodeNetstrings({"note/0"}));
}

TEST_F(WriteSessionTest, TheGateClosesALeaseAfterTheTimeBeforeTheIntent) {
  // The store takes its time over the intent.
  executor_->fails = [this](const std::string& statement) {
    if (statement == UpdateRecord()) clock_.Advance(3s);
    return Failure::kNone;
  };
  BootTime gate{};
  request_->on_execute = [&](BootTime send_before) { gate = send_before; };
  request_->outcomes = {DoneWith("note/1")};
  const BootTime before = clock_.BootNow();
  Start();
  EXPECT_EQ(gate, before + kOptions.lease_duration);
}

TEST_F(WriteSessionTest, AnIntentThatIsNotStoredSendsNothing) {
  FailAt(UpdateRecord(), Failure::kBefore);
  EXPECT_EQ(Start().error(), Cause::kStoreUnavailable);
  EXPECT_EQ(request_->executions, 0);
}

TEST_F(WriteSessionTest, AnIntentThatMayBeStoredSendsNothing) {
  FailAt(UpdateRecord(), Failure::kAfter);
  EXPECT_EQ(Start().error(), Cause::kStoreUnavailable);
  EXPECT_EQ(StateNow(), RecordState::kSent);
  EXPECT_EQ(request_->executions, 0);
}

// What heals only by somebody's hand: a caller that repeats helps nobody.
TEST_F(WriteSessionTest, AClaimThatTheStoreRefusesIsToldApart) {
  FailAt(InsertClaim(), Failure::kRefused);
  EXPECT_EQ(Start().error(), Cause::kStoreBroken);
}

TEST_F(WriteSessionTest, AnIntentThatTheStoreRefusesIsToldApartAndSendsNothing) {
  FailAt(UpdateRecord(), Failure::kRefused);
  EXPECT_EQ(Start().error(), Cause::kStoreBroken);
  EXPECT_EQ(request_->executions, 0);
}

TEST_F(WriteSessionTest, SoIsAComparisonBeforeALaterAttemptThatTheStoreRefuses) {
  WithoutEffectElsewhere(kId);
  FailAt(SelectAttributedIds(), Failure::kRefused);
  EXPECT_EQ(Start().error(), Cause::kStoreBroken);
  EXPECT_EQ(request_->executions, 0);
}

TEST_F(WriteSessionTest, WhoeverLosesTheRecordSendsNothingAndFollowsIt) {
  operation_.on_observe = [this] {
    operation_.on_observe = [] {};
    const Record sent = UpdatedElsewhere(*Find(), {.state = RecordState::kSent});
    (void)RunToCompletion(store_.StoreResponse(
        sent, {.resource_id = "note/9", .contents = "theirs"}, Deadline(SteadyTime::max())));
  };
  Running& session = Start();
  clock_.Advance(1s);
  EXPECT_EQ(session.line(), "note/9");
  EXPECT_EQ(request_->executions, 0);
}

TEST_F(WriteSessionTest, WhoeverLosesTheRecordNamesNoAttemptThatWasNeverLetOut) {
  operation_.on_observe = [this] {
    operation_.on_observe = [] {};
    UpdatedElsewhere(*Find(), {.state = RecordState::kSent});
    FailAt(InsertClaim(), Failure::kBefore);
  };
  Running& session = Start();
  clock_.Advance(1s);
  ASSERT_NE(session.Get<Ambiguous>(), nullptr);
  EXPECT_EQ(session.result->sent_at, std::nullopt);
}

TEST_F(WriteSessionTest, WhatWasDefinitelyNotExecutedIsSentAgainUnderAnIntentOfItsOwn) {
  std::vector<int64_t> epochs;
  request_->on_execute = [&](BootTime) { epochs.push_back(Find()->epoch); };
  request_->outcomes = {kUnreachable, DoneWith("note/1")};
  Running& session = Start();
  clock_.Advance(1s);
  EXPECT_EQ(session.line(), "note/1");
  ASSERT_EQ(epochs.size(), 2U);
  EXPECT_EQ(epochs[1], epochs[0] + 1);
}

TEST_F(WriteSessionTest, NothingIsSentAgainOnceNoCallerWouldLearnOfIt) {
  request_->outcomes = {kUnreachable};
  Running& session = StartWith(request_, {.request_id = kId}, clock_.In(60ms));
  EXPECT_NE(session.Get<NotExecuted>(), nullptr);
  EXPECT_EQ(session.retry_end(), RetryEnd::kOutOfTime);
  EXPECT_EQ(request_->executions, 1);
  EXPECT_EQ(Find(), std::nullopt);
}

TEST_F(WriteSessionTest, NothingIsSentAgainOnceAllCallsHaveUsedUpTheirRetries) {
  while (budget_.TryWithdraw()) continue;
  request_->outcomes = {kUnreachable};
  EXPECT_EQ(Start().retry_end(), RetryEnd::kBudgetEmpty);
  EXPECT_EQ(Find(), std::nullopt);
}

TEST_F(WriteSessionTest, NothingIsSentAgainAfterAStop) {
  operation_.failure = NotExecuted{};
  Running& session = Start();
  session.session.Stop();
  ASSERT_NE(session.Get<NotExecuted>(), nullptr);
  EXPECT_EQ(session.Get<NotExecuted>()->cause, NotExecuted::Cause::kStopped);
  EXPECT_EQ(session.retry_end(), RetryEnd::kCancelled);
  EXPECT_EQ(Find(), std::nullopt);
}

TEST_F(WriteSessionTest, NothingIsSentAtAllForCallersThatHaveNoTimeLeft) {
  Running& session = StartWith(request_, {.request_id = kId}, clock_.In(20ms));
  EXPECT_NE(session.Get<NotExecuted>(), nullptr);
  EXPECT_EQ(request_->executions, 0);
}

TEST_F(WriteSessionTest, BeforeTheIntentTheLastCallerMayHaveTheRecordReleased) {
  operation_.failure = NotExecuted{};
  Running& session = Start();
  ASSERT_TRUE(session.session.CanRelease());
  session.session.RequestRelease(NotExecuted::Cause::kNoTimeLeft);
  ASSERT_NE(session.Get<NotExecuted>(), nullptr);
  EXPECT_EQ(session.Get<NotExecuted>()->cause, NotExecuted::Cause::kNoTimeLeft);
  EXPECT_EQ(session.retry_end(), RetryEnd::kOutOfTime);
  EXPECT_EQ(Find(), std::nullopt);
}

TEST_F(WriteSessionTest, AfterTheIntentNobodyMayAndALeaverIsToldThatItIsUnknown) {
  request_->outcomes = {std::nullopt};
  Running& session = Start();
  EXPECT_FALSE(session.session.CanRelease());
  const SessionResult pending = session.session.PendingResult();
  EXPECT_TRUE(std::holds_alternative<Ambiguous>(pending.outcome));
  EXPECT_EQ(pending.sent_at, clock_.WallNow());
  EXPECT_EQ(pending.known_by,
            clock_.WallNow() + absl::FromChrono(kOptions.lease_duration + kOptions.attempt_timeout +
                                                kOptions.settle_window));
}

TEST_F(WriteSessionTest, AResultThatWasThereBeforeIsSaidToBeSo) {
  operation_.lines = {"note/1"};
  request_->outcomes = {DoneWith("note/1")};
  EXPECT_EQ(Start().result->source, ResultSource::kExisting);
  EXPECT_EQ(Start().result->source, ResultSource::kExisting) << "a replay";
}

// ---- Reconcile. ----

TEST_F(WriteSessionTest, ALostResponseIsFoundByALook) {
  request_->outcomes = {kLost};
  request_->on_execute = [this](BootTime) { operation_.lines = {"note/1"}; };
  Running& session = Start();
  EXPECT_EQ(session.line(), "note/1");
  EXPECT_EQ(session.result->source, ResultSource::kReconciled);
}

TEST_F(WriteSessionTest, WhatIsProvenWithoutEffectIsSentOnceMoreAndThenReportedSo) {
  request_->outcomes = {kLost, kLost};
  Running& session = Start();
  clock_.Advance(kOptions.settle_window - 1ms);
  EXPECT_EQ(request_->executions, 1) << "too early to prove anything";
  clock_.Advance(3 * kOptions.settle_window);
  EXPECT_EQ(request_->executions, 2);
  EXPECT_EQ(session.error(), Cause::kNoEffect);
  EXPECT_EQ(session.retry_end(), RetryEnd::kExhausted);
  EXPECT_EQ(StateNow(), RecordState::kNoEffect) << "with its baseline, for the next call";
}

TEST_F(WriteSessionTest, SeveralCandidatesAreInconclusiveAndNothingIsSentAgain) {
  request_->outcomes = {kLost};
  operation_.on_observe = [this] {
    if (request_->executions > 0) operation_.lines = {"note/1", "note/2"};
  };
  Running& session = Start();
  clock_.Advance(2 * kOptions.settle_window);
  ASSERT_NE(session.Get<Ambiguous>(), nullptr);
  EXPECT_THAT(session.result->candidate_ids, ElementsAre("note/1", "note/2"));
  EXPECT_EQ(StateNow(), RecordState::kInconclusive);

  operation_.on_observe = [] {};
  operation_.lines.clear();  // not even if they disappear
  Running& later = Start();
  EXPECT_NE(later.Get<Ambiguous>(), nullptr);
  EXPECT_EQ(request_->executions, 1);
}

TEST_F(WriteSessionTest, AnInconclusiveRecordIsLookedAtOnceMoreByEveryCall) {
  const Record sent = SentElsewhere(kId);
  UpdatedElsewhere(sent, {.state = RecordState::kInconclusive, .was_ambiguous = true});
  operation_.lines = {"note/1"};
  EXPECT_EQ(Start().line(), "note/1");
}

TEST_F(WriteSessionTest, AStopLeavesWhatWasSentToTheStore) {
  request_->outcomes = {kLost};
  Running& session = Start();
  session.session.Stop();
  EXPECT_NE(session.Get<Ambiguous>(), nullptr);
  EXPECT_EQ(StateNow(), RecordState::kSent);
}

TEST_F(WriteSessionTest, WithoutTheStoreALostResponseIsStillReportedAsUnknown) {
  request_->outcomes = {kLost};
  request_->on_execute = [this](BootTime) {
    executor_->fails = [](const std::string&) { return Failure::kBefore; };
  };
  Running& session = Start();
  clock_.Advance(1s);
  session.session.Stop();
  EXPECT_NE(session.Get<Ambiguous>(), nullptr);
}

// ---- Finish and release. ----

TEST_F(WriteSessionTest, AResultIsReturnedWithoutTheStoreAndStoredOnceItIsBack) {
  request_->outcomes = {DoneWith("note/1")};
  FailAt(UpsertResponse(), Failure::kBefore);
  Running& session = Start();
  EXPECT_EQ(session.line(), "note/1");
  ASSERT_TRUE(session.session.IsUnrecorded());

  clock_.Advance(1s);
  EXPECT_EQ(StateNow(), RecordState::kSent);
  HealStore();
  clock_.Advance(3s);
  EXPECT_EQ(StateNow(), RecordState::kDone);
}

TEST_F(WriteSessionTest, ARefusalDeletesTheRecord) {
  request_->outcomes = {RefusedWith(422)};
  Running& session = Start();
  EXPECT_NE(session.Get<Refused>(), nullptr);
  EXPECT_EQ(session.retry_end(), RetryEnd::kPermanent);
  EXPECT_EQ(Find(), std::nullopt);
}

TEST_F(WriteSessionTest, ARefusalThatMayMeanAlreadyExecutedIsReconciledFirst) {
  request_->outcomes = {RefusedWith(409)};
  request_->on_execute = [this](BootTime) { operation_.lines = {"note/1"}; };
  EXPECT_EQ(Start().line(), "note/1");
}

TEST_F(WriteSessionTest, ARefusalStandsIfTheLookShowsNothing) {
  request_->outcomes = {RefusedWith(409)};
  Running& session = Start();
  EXPECT_NE(session.Get<Refused>(), nullptr);
  EXPECT_EQ(StateNow(), RecordState::kNoEffect);
}

TEST_F(WriteSessionTest, ARefusalAfterALostResponseIsReconciledFirst) {
  WithoutEffectElsewhere(kId);
  request_->outcomes = {RefusedWith(422)};
  request_->on_execute = [this](BootTime) { operation_.lines = {"note/1"}; };
  EXPECT_EQ(Start().line(), "note/1");
}

TEST_F(WriteSessionTest, AReleaseThatMayNotBeStoredIsNotCalledOne) {
  request_->outcomes = {RefusedWith(422)};
  FailAt(DeleteRecord(), Failure::kAfter);
  Running& session = Start();
  EXPECT_NE(session.Get<Ambiguous>(), nullptr) << "it may be held by somebody else by now";
}

TEST_F(WriteSessionTest, AnAttemptThatDidNothingAfterALostOneKeepsTheRecord) {
  WithoutEffectElsewhere(kId);
  request_->outcomes = {NotExecuted{.cause = NotExecuted::Cause::kCircuitOpen}};
  Running& session = Start();
  EXPECT_NE(session.Get<NotExecuted>(), nullptr);
  EXPECT_EQ(StateNow(), RecordState::kNoEffect);
}

}  // namespace
}  // namespace gateway
