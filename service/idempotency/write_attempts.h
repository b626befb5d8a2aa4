#ifndef SERVICE_IDEMPOTENCY_WRITE_ATTEMPTS_H_
#define SERVICE_IDEMPOTENCY_WRITE_ATTEMPTS_H_

#include <optional>

#include "service/base/clock.h"
#include "service/base/task.h"
#include "service/idempotency/reconcile_loop.h"
#include "service/idempotency/session_state.h"
#include "service/idempotency/unrecorded_end.h"
#include "service/resilience/backoff.h"

namespace gateway {

// Steps 2, 3 and 5 of a session: drives a record that is ours to its end. Once the intent is
// durable it continues without callers. Loop thread only.
class WriteAttempts {
 public:
  using Next = SessionState::Next;
  using Stage = SessionState::Stage;

  // All outlive it.
  WriteAttempts(SessionState& state, ReconcileLoop& reconcile, UnrecordedEnd& unrecorded)
      : state_(state),
        reconcile_(reconcile),
        unrecorded_(unrecorded),
        retry_backoff_(state.options.resend, state.dependencies.random) {}

  // The record is held and claimed: nothing of this attempt was sent, all earlier ones did nothing.
  Task<Next> Run();

  // The session's result for a caller that comes while the store does not know of the end yet.
  SessionResult UnrecordedResult() const;

 private:
  // Step 2.
  Task<Next> ReadBaseline();
  // Step 3.
  Task<Next> RecordIntent();
  Task<Next> AfterDone(SharedResult done);
  Task<Next> AfterRefused(Refused refused);
  Task<Next> AfterNotExecuted(NotExecuted not_executed);
  Task<Next> AfterAmbiguous(Ambiguous ambiguous);
  // Step 5.
  Task<Next> Release(SessionResult result);

  // Nothing was executed, and not because of Passfort.
  SessionResult ReleasedResult() const;
  // Whether others may then take the last intent's attempt for lost.
  bool IsLeaseOverIn(Milliseconds wait) const {
    return state_.dependencies.clock.BootNow() + wait >= lease_ends_;
  }
  // From when on a look is conclusive, if one ever is.
  std::optional<Milliseconds> ConclusiveAfter(Milliseconds wait) const;

  SessionState& state_;
  ReconcileLoop& reconcile_;
  UnrecordedEnd& unrecorded_;
  Backoff retry_backoff_;
  Baseline baseline_;
  BootTime lease_ends_{};  // of the last intent, at the earliest
};

}  // namespace gateway

#endif  // SERVICE_IDEMPOTENCY_WRITE_ATTEMPTS_H_
