// What a session does at each step, whatever becomes of the store, the record and its callers. What
// many sessions do to each other under every fault is the subject of the history checker.

#include "service/idempotency/write_session.h"

#include <gmock/gmock.h>

#include <string>
#include <utility>

#include "tests/unit/idempotency/engine_fixture.h"

namespace gateway {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using Cause = IdempotencyError::Cause;
using Failure = ImmediateExecutor::Failure;

Outcome<SharedResult> DoneWith(const std::string& line) { return AppendOperation::ResultOf(line); }
Outcome<SharedResult> RefusedWith(int status) {
  return Refused{.response = {.http_status = status}};
}
const Outcome<SharedResult> kUnreachable = NotExecuted{};
const Outcome<SharedResult> kLost = Ambiguous{.cause = Ambiguous::Cause::kConnectionLost};

class WriteSessionTest : public EngineTest {
 protected:
  // As the coordinator runs one.
  struct Running {
    Running(const SessionDependencies& dependencies, RequestKey key,
            std::shared_ptr<const WriteRequest> request, Deadline latest)
        : session(dependencies, kOptions, std::move(key), std::move(request),
                  dependencies.trace_ids.NewTrace()) {
      session.SetLatestDeadline(latest);
      Spawn(Keep());
    }
    Task<void> Keep() { result = co_await session.Run(); }
    std::optional<IdempotencyError::Cause> error() const {
      const auto* const found = result ? std::get_if<IdempotencyError>(&result->outcome) : nullptr;
      return found == nullptr ? std::nullopt : std::optional(found->cause);
    }
    std::string line() const {
      const auto* const done = result ? std::get_if<SharedResult>(&result->outcome) : nullptr;
      return done == nullptr ? "none" : (*done)->stored.resource_id;
    }
    std::optional<RetryEnd> retry_end() const { return result ? result->retry_end : std::nullopt; }
    template <typename T>
    const T* Get() const {
      return result ? std::get_if<T>(&result->outcome) : nullptr;
    }

    WriteSession session;
    std::optional<SessionResult> result;
  };

  void TearDown() override {
    for (const auto& running : sessions_) running->session.Stop();
    clock_.Advance(1h);  // and whoever polls sees it
  }

  Running& Start(RequestKey key = {.request_id = kId}) { return StartWith(request_, key); }
  Running& StartWith(std::shared_ptr<AppendRequest> request, RequestKey key = {.request_id = kId},
                     Deadline latest = Deadline(SteadyTime::max())) {
    sessions_.push_back(std::make_unique<Running>(Dependencies(), key, std::move(request), latest));
    return *sessions_.back();
  }
  // A statement as it is named in record_statements.h fails from now on.
  void FailAt(const std::string& statement, Failure failure) {
    executor_->fails = [statement, failure](const std::string& run) {
      return run == statement ? failure : Failure::kNone;
    };
  }
  void HealStore() {
    executor_->fails = [](const std::string&) { return Failure::kNone; };
  }
  RecordState StateNow() { return Find().value_or(Record{.state = RecordState(0)}).state; }

  const std::shared_ptr<AppendRequest> request_ = std::make_shared<AppendRequest>(operation_);
  std::vector<std::unique_ptr<Running>> sessions_;
};

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
  ASSERT_TRUE(session.session.HasUnstoredResult());

  Spawn(session.session.RetryStoringResult());
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

// ---- Writes that nothing shows. ----

class UnobservableWriteTest : public WriteSessionTest {
 protected:
  UnobservableWriteTest() {
    operation_.observable = false;
    operation_.is_complete = false;
  }
};

TEST_F(UnobservableWriteTest, ALostResponseIsUnknownForGoodAndNothingIsSentAgain) {
  request_->outcomes = {kLost};
  Running& lost = Start();
  ASSERT_NE(lost.Get<Ambiguous>(), nullptr) << "at once: waiting does not help";
  EXPECT_EQ(lost.result->known_by, std::nullopt);
  EXPECT_TRUE(lost.result->stays_unknown);
  EXPECT_TRUE(lost.result->sent_at.has_value());
  EXPECT_EQ(StateNow(), RecordState::kInconclusive);
  EXPECT_EQ(Find()->conclusive_at, std::nullopt);

  clock_.Advance(1h);
  Running& later = Start();
  EXPECT_NE(later.Get<Ambiguous>(), nullptr);
  EXPECT_EQ(later.result->known_by, std::nullopt);
  EXPECT_TRUE(later.result->stays_unknown);
  EXPECT_EQ(StateNow(), RecordState::kInconclusive);
  EXPECT_EQ(request_->executions, 1);
}

TEST_F(UnobservableWriteTest, AnUnknownOutcomeIsToldWithoutTheStoreToo) {
  request_->outcomes = {kLost};
  request_->on_execute = [this](BootTime) { FailAt(UpdateRecord(), Failure::kBefore); };
  Running& lost = Start();
  EXPECT_NE(lost.Get<Ambiguous>(), nullptr);
  EXPECT_FALSE(lost.result->stays_unknown);
  HealStore();
  EXPECT_EQ(StateNow(), RecordState::kSent);
}

// Others would take an attempt that is still under way for one that nobody will ever know of.
TEST_F(UnobservableWriteTest, NobodyElseLooksAtTheRecordBeforeTheAttemptIsOver) {
  request_->outcomes = {std::nullopt};
  Running& sent = Start();
  ASSERT_EQ(StateNow(), RecordState::kSent);
  const Record record = *Find();
  EXPECT_EQ(record.lease_until - record.store_now,
            absl::FromChrono(kOptions.lease_duration + kOptions.attempt_timeout));
  EXPECT_FALSE(sent.session.PendingResult().stays_unknown) << "the response may still come";
}

TEST_F(UnobservableWriteTest, ARefusalIsGivenAlsoIfItCannotBeStored) {
  request_->outcomes = {RefusedWith(422)};
  request_->on_execute = [this](BootTime) { FailAt(DeleteRecord(), Failure::kBefore); };
  EXPECT_NE(Start().Get<Refused>(), nullptr) << "a later look would show nothing";
}

TEST_F(UnobservableWriteTest, ARefusalLeavesTheRequestIdFree) {
  request_->outcomes = {RefusedWith(422), DoneWith("note/1")};
  EXPECT_NE(Start().Get<Refused>(), nullptr);
  EXPECT_EQ(StateNow(), RecordState(0));
  sessions_.clear();  // and with it the turn of the key
  EXPECT_EQ(Start().line(), "note/1");
}

}  // namespace
}  // namespace gateway
