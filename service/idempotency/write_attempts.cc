#include "service/idempotency/write_attempts.h"

#include <chrono>
#include <memory>
#include <utility>
#include <variant>

#include "service/idempotency/observe_with_retries.h"
#include "service/resilience/write_retry_policy.h"

namespace gateway {

using Change = OwnedRecord::Change;

// ---- Step 2: baseline. ----

// What is there before anything is sent: the only dependable mark of what comes later.
Task<WriteAttempts::Next> WriteAttempts::ReadBaseline() {
  CallContext reading = state_.until_released;
  reading.deadline = Deadline(state_.dependencies.clock.Now() + state_.options.lease_duration / 2);
  auto [observed, end] = co_await ObserveWithRetries(
      state_.request->operation(), state_.owned->target, reading, state_.retry_dependencies());
  if (auto* refused = std::get_if<Refused>(&observed)) {
    co_return co_await Release({.outcome = std::move(*refused), .retry_end = end});
  }
  if (auto* not_executed = std::get_if<NotExecuted>(&observed)) {
    if (state_.IsReleaseRequested()) co_return co_await Release(ReleasedResult());
    if (not_executed->cause == NotExecuted::Cause::kNoTimeLeft) {
      not_executed->cause = NotExecuted::Cause::kUnreachable;  // that was the read's time
    }
    co_return co_await Release({.outcome = std::move(*not_executed), .retry_end = end});
  }
  const auto observation = std::get<std::unique_ptr<const Observation>>(std::move(observed));
  if (!state_.owned->baseline) {
    baseline_ = {.state = observation->ToBaseline(), .read_at = state_.owned->store_now};
    co_return Next::kContinue;
  }
  // It was sent before and proven without effect; what came later than that is seen here.
  Reconciliation look = co_await state_.dependencies.reconciler.Evaluate(
      *state_.owned, *observation, state_.until_stopped);
  switch (look.kind) {
    case Reconciliation::Kind::kNoEffect:
      co_return Next::kContinue;
    case Reconciliation::Kind::kTookEffect:
      co_return state_.FinishWith(look.record, Replay::kNo);
    case Reconciliation::Kind::kInconclusive:
      state_.pending.Update(look.record);
      co_return state_.Finish(state_.PendingResult());
    case Reconciliation::Kind::kUnavailable:
      co_return state_.Finish(state_.StoreFailedResult(look.store_failure));
    case Reconciliation::Kind::kTooEarly:
    case Reconciliation::Kind::kVersionConflict:
      break;
  }
  co_return Next::kRestart;
}

// ---- Step 3: intent and attempt. ----

// The record is ours and claimed: nothing of this attempt was sent, all earlier ones did nothing.
Task<WriteAttempts::Next> WriteAttempts::Run() {
  state_.stage = Stage::kNothingSent;
  state_.dependencies.fail_point(FailPointId::kAfterClaim, state_.key.request_id);
  Next next = co_await ReadBaseline();
  while (next == Next::kContinue) {
    // The gate is open for a lease from *before* the intent: by the time others may act on the
    // record, nothing leaves any more, however long the store or this process was held up.
    const BootTime send_before =
        state_.dependencies.clock.BootNow() + state_.options.lease_duration;
    next = co_await RecordIntent();
    if (next != Next::kContinue) break;
    state_.dependencies.fail_point(FailPointId::kAfterIntent, state_.key.request_id);
    CallContext attempting = state_.until_stopped;
    attempting.deadline =
        Deadline(state_.dependencies.clock.Now() + state_.options.attempt_timeout);
    Outcome<SharedResult> outcome = co_await state_.request->Execute(send_before, attempting);
    state_.dependencies.fail_point(FailPointId::kAfterAttempt, state_.key.request_id);
    if (auto* done = std::get_if<SharedResult>(&outcome)) {
      next = co_await AfterDone(std::move(*done));
    } else if (auto* refused = std::get_if<Refused>(&outcome)) {
      next = co_await AfterRefused(std::move(*refused));
    } else if (auto* not_executed = std::get_if<NotExecuted>(&outcome)) {
      next = co_await AfterNotExecuted(std::move(*not_executed));
    } else {
      next = co_await AfterAmbiguous(std::move(std::get<Ambiguous>(outcome)));
    }
  }
  co_return next;
}

// From here on the write may take effect, so this is in the store before the body is let out.
Task<WriteAttempts::Next> WriteAttempts::RecordIntent() {
  if (state_.IsReleaseRequested() || !state_.has_waiters || !state_.HasTimeForAnAttempt()) {
    co_return co_await Release(ReleasedResult());
  }
  const absl::Time sent_at = state_.dependencies.clock.WallNow();
  state_.pending.OnAttempt(sent_at);
  state_.stage = Stage::kSent;
  const auto conclusive_after =
      ConclusiveAfter(state_.options.lease_duration + state_.options.attempt_timeout +
                      state_.options.settle_window);
  // Where no look will ever show what became of the attempt, it is left to its holder to the end.
  const Milliseconds lease =
      state_.options.lease_duration +
      (state_.is_observable() ? Milliseconds(0) : state_.options.attempt_timeout);
  lease_ends_ = state_.dependencies.clock.BootNow() + lease;
  switch (co_await state_.owned.RecordIntent(lease, conclusive_after, baseline_, sent_at,
                                             state_.key.budget)) {
    case Change::kApplied:
      state_.pending.Update(*state_.owned);
      co_return Next::kContinue;
    case Change::kVersionConflict:
      // What its new holder sends is not known yet.
      state_.pending.OnAttemptNotSent();
      co_return state_.FollowNewHolder();
    // The gate was never passed, whatever the store has.
    case Change::kTooLarge:
      state_.stage = Stage::kNothingSent;
      co_return co_await Release(ToResult(IdempotencyError::Cause::kTooManyToCompare));
    case Change::kBudgetReached:
      state_.stage = Stage::kNothingSent;
      co_return co_await Release(BudgetReachedResult(state_.owned.budget_resets_at()));
    case Change::kStoreFailed:
      state_.stage = Stage::kNothingSent;
      if (!state_.is_observable()) unrecorded_.SetRelease(FinishedWrite::End::kNotExecuted);
      break;
  }
  co_return state_.Finish(state_.StoreFailedResult(state_.owned.store_failure()));
}

// Passfort's own word: it is given whatever the store does.
Task<WriteAttempts::Next> WriteAttempts::AfterDone(SharedResult done) {
  const StoredResult& stored = done->stored;
  const bool was_there = state_.WasThere(*state_.owned, stored.resource_id);
  const Next next =
      state_.Finish({.outcome = done,
                     .sent_at = state_.pending.sent_at(),
                     .source = was_there ? ResultSource::kExisting : ResultSource::kReceived,
                     .retry_end = RetryEnd::kSucceeded});
  if (!(co_await state_.owned.StoreResponse(stored)).ok()) {
    state_.dependencies.log.Warn(
        "returning Passfort's response before it is stored: store unavailable",
        {{"trace_id", state_.trace.trace_id()}});
    unrecorded_.SetResponse(done);
  }
  state_.dependencies.fail_point(FailPointId::kAfterFinish, state_.key.request_id);
  co_return next;
}

Task<WriteAttempts::Next> WriteAttempts::AfterRefused(Refused refused) {
  const ResponseSummary response = refused.response;
  SessionResult result{.outcome = std::move(refused),
                       .sent_at = state_.pending.sent_at(),
                       .retry_end = RetryEnd::kPermanent};
  state_.pending.OnAmbiguous({.response = response});  // should the store not let it stand
  if (!state_.owned->was_ambiguous &&
      !state_.request->operation().MayMeanAlreadyExecuted(response)) {
    co_return co_await Release(std::move(result));
  }
  // It may be refused because of an earlier attempt, or because of a stranger. This attempt did
  // nothing, so there is nothing to wait for.
  switch (co_await state_.owned.RecordConclusive()) {
    case Change::kApplied:
      co_return co_await reconcile_.Run(*state_.owned, std::move(result));
    case Change::kVersionConflict:
      co_return state_.FollowNewHolder();
    case Change::kStoreFailed:
    case Change::kTooLarge:
    case Change::kBudgetReached:
      break;
  }
  co_return state_.Finish(state_.PendingResult());
}

Task<WriteAttempts::Next> WriteAttempts::AfterNotExecuted(NotExecuted not_executed) {
  state_.stage = Stage::kNothingSent;
  RetryDecision decision = ShouldRetry(not_executed);
  if (state_.IsReleaseRequested()) decision = RetryEnd::kCancelled;
  auto next =
      PlanRetry(decision, state_.latest_deadline, state_.retry_dependencies(), retry_backoff_);
  // By then another process would take it for lost.
  if (const auto* const again = std::get_if<SteadyTime>(&next);
      again != nullptr && !state_.is_observable()) {
    const auto wait = std::chrono::ceil<Milliseconds>(*again - state_.dependencies.clock.Now());
    if (IsLeaseOverIn(wait + state_.options.store_timeout)) next = RetryEnd::kOutOfTime;
  }
  if (const auto* end = std::get_if<RetryEnd>(&next)) {
    co_return co_await Release({.outcome = std::move(not_executed), .retry_end = *end});
  }
  // If this is stopped, the next intent is not recorded and the record is released there.
  co_await state_.dependencies.clock.SleepUntil(std::get<SteadyTime>(next),
                                                state_.until_released.stop);
  co_return Next::kContinue;
}

Task<WriteAttempts::Next> WriteAttempts::AfterAmbiguous(Ambiguous ambiguous) {
  state_.pending.OnAmbiguous(std::move(ambiguous));
  if (co_await state_.owned.RecordAmbiguous(ConclusiveAfter(state_.options.settle_window)) ==
      Change::kVersionConflict) {
    co_return state_.FollowNewHolder();
  }
  state_.pending.Update(*state_.owned);
  co_return co_await reconcile_.Run(*state_.owned, std::nullopt);
}

// ---- Step 5: finish or release. ----

// Gives the record back with nothing executed. Only who really gave it back may say so.
Task<WriteAttempts::Next> WriteAttempts::Release(SessionResult result) {
  state_.dependencies.fail_point(FailPointId::kBeforeRelease, state_.key.request_id);
  const bool was_sent = state_.owned->state == RecordState::kSent;
  const bool is_refused = std::holds_alternative<Refused>(result.outcome);
  const auto end = is_refused ? FinishedWrite::End::kRefused : FinishedWrite::End::kNotExecuted;
  switch (co_await state_.owned.Release(end)) {
    case Change::kApplied:
      co_return state_.Finish(std::move(result));
    case Change::kVersionConflict:
      co_return state_.FollowNewHolder();
    case Change::kStoreFailed:
    case Change::kTooLarge:
    case Change::kBudgetReached:
      break;
  }
  // Nobody else may send under the record. Without a look, what Passfort said is all there is: it
  // is given, unless another process may have told by now that nobody will ever know.
  if (was_sent && !state_.is_observable()) {
    unrecorded_.SetRelease(end);
    if (!IsLeaseOverIn(Milliseconds(0))) co_return state_.Finish(std::move(result));
  }
  co_return state_.Finish(was_sent ? state_.PendingResult()
                                   : state_.StoreFailedResult(state_.owned.store_failure()));
}

// What was said of the record while its lease ran does not hold any more once another process may
// have told that nobody will ever know. A response of Passfort does, and so does what is said of
// the call alone.
SessionResult WriteAttempts::UnrecordedResult() const {
  const bool is_of_the_record = std::holds_alternative<NotExecuted>(state_.result->outcome) ||
                                std::holds_alternative<Refused>(state_.result->outcome);
  if (is_of_the_record && IsLeaseOverIn(Milliseconds(0))) return state_.pending.ToResult();
  return *state_.result;
}

SessionResult WriteAttempts::ReleasedResult() const {
  const NotExecuted released{.cause = state_.release_cause};
  return {.outcome = released, .retry_end = std::get<RetryEnd>(ShouldRetry(released))};
}

std::optional<Milliseconds> WriteAttempts::ConclusiveAfter(Milliseconds wait) const {
  return state_.is_observable() ? std::optional(wait) : std::nullopt;
}

}  // namespace gateway
