#include "service/idempotency/reconcile_loop.h"

#include <algorithm>
#include <utility>

#include "service/resilience/backoff.h"

namespace gateway {

Task<ReconcileLoop::Next> ReconcileLoop::Run(Record record, std::optional<SessionResult> refusal) {
  state_.stage = Stage::kSent;
  state_.dependencies.fail_point(FailPointId::kBeforeReconcile, state_.key.request_id);
  Backoff looks(state_.options.poll, state_.dependencies.random);
  const Absence absence = refusal ? Absence::kKnown : Absence::kToBeProven;
  while (!state_.stop.stop_requested() && state_.has_waiters) {
    Reconciliation look = co_await state_.dependencies.reconciler.Reconcile(
        std::move(record), state_.until_stopped, absence);
    state_.pending.Update(look.record);
    state_.pending.SetUnobserved(look.unobserved);
    Milliseconds wait = looks.Next();
    switch (look.kind) {
      case Reconciliation::Kind::kTookEffect:
        co_return state_.FinishWith(look.record, Replay::kNo);
      case Reconciliation::Kind::kVersionConflict:
        co_return state_.FollowNewHolder();
      case Reconciliation::Kind::kInconclusive:
        co_return state_.Finish(state_.PendingResult());
      case Reconciliation::Kind::kNoEffect:
        state_.stage = Stage::kNothingSent;
        if (refusal) co_return state_.Finish(*std::move(refusal));
        if (std::exchange(was_proven_without_effect_, true) || !state_.HasTimeForAnAttempt()) {
          SessionResult result = ToResult(IdempotencyError::Cause::kNoEffect);
          result.retry_end =
              state_.HasTimeForAnAttempt() ? RetryEnd::kExhausted : RetryEnd::kOutOfTime;
          co_return state_.Finish(std::move(result));
        }
        co_return Next::kRestart;
      case Reconciliation::Kind::kTooEarly:
        wait = std::min(wait, look.conclusive_after);
        break;
      case Reconciliation::Kind::kUnavailable:
        if (state_.pending.LooksInVain() || !state_.is_observable())
          co_return state_.Finish(state_.PendingResult());
        break;
    }
    record = std::move(look.record);
    co_await state_.dependencies.clock.SleepUntil(state_.dependencies.clock.Now() + wait,
                                                  state_.until_stopped.stop);
  }
  co_return state_.Finish(state_.PendingResult());
}

}  // namespace gateway
