#include "service/idempotency/unrecorded_end.h"

#include "service/resilience/backoff.h"

namespace gateway {

using Change = OwnedRecord::Change;

Task<void> UnrecordedEnd::RetryRecording() {
  Backoff backoff(state_.options.poll, state_.dependencies.random);
  Clock& clock = state_.dependencies.clock;
  while (true) {
    const auto wake =
        co_await clock.SleepUntil(clock.Now() + backoff.Next(), state_.until_stopped.stop);
    const bool is_recorded = co_await TryRecording();
    if (is_recorded || wake == Clock::SleepResult::kStopped) co_return;
  }
}

// False: the store was not there.
Task<bool> UnrecordedEnd::TryRecording() {
  OwnedRecord& owned = state_.owned;
  if (const auto* const done = std::get_if<SharedResult>(&end_)) {
    co_return (co_await owned.StoreResponse((*done)->stored)).ok();
  }
  const auto why = std::get<FinishedWrite::End>(end_);
  Change change = co_await owned.Release(why);
  if (change == Change::kVersionConflict) {
    // The intent may have been stored all the same.
    change = co_await owned.HoldIntent(*state_.pending.sent_at());
    if (change == Change::kApplied) change = co_await owned.Release(why);
  }
  co_return change != Change::kStoreFailed;
}

}  // namespace gateway
