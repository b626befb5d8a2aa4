#ifndef SERVICE_IDEMPOTENCY_WRITE_SESSION_H_
#define SERVICE_IDEMPOTENCY_WRITE_SESSION_H_

#include <memory>
#include <optional>
#include <string_view>

#include "service/base/keyed_mutex.h"
#include "service/base/task.h"
#include "service/base/trace_context.h"
#include "service/idempotency/operation.h"
#include "service/idempotency/pending_result.h"
#include "service/idempotency/reconcile_loop.h"
#include "service/idempotency/session_state.h"
#include "service/idempotency/store/record_store.h"
#include "service/idempotency/unrecorded_end.h"
#include "service/idempotency/write_attempts.h"
#include "service/idempotency/write_result.h"
#include "service/resilience/backoff.h"

namespace gateway {

// Drives one record from claim to result, in these steps: (1) claim, (2) baseline, (3) intent and
// attempt, (4) reconcile, (5) finish or release. It decides; OwnedRecord changes the record,
// Reconciler looks at Passfort. Callers with the same key share it (single-flight); once the intent
// is durable it continues without them. Loop thread only.
class WriteSession {
 public:
  // `trace` is that of the call that begins it.
  WriteSession(SessionDependencies dependencies, AtMostOnceOptions options, RequestKey key,
               std::shared_ptr<const WriteRequest> request, TraceContext trace);
  WriteSession(const WriteSession&) = delete;
  WriteSession& operator=(const WriteSession&) = delete;

  // Runs to the result, once.
  Task<SessionResult> Run();
  // After `Run`: whether the store does not know of its end yet, which only this process knows.
  bool IsUnrecorded() const { return unrecorded_.IsThere(); }
  // Tells the store. Returns when that is done, or after a last try at `Stop`.
  Task<void> RetryRecording() { return unrecorded_.RetryRecording(); }
  // The result for a caller that comes meanwhile.
  SessionResult UnrecordedResult() const { return attempts_.UnrecordedResult(); }
  // Whether it is the caller's own. One of the same name or principal may own less than this one.
  bool IsOf(const RequestKey& key) const {
    return key.caller == state_.key.caller && key.principal == state_.key.principal;
  }
  std::string_view operation_name() const { return state_.request->operation().name(); }
  // Of the call that began it.
  const TraceContext& trace() const { return state_.trace; }
  // Whether it is about the same request.
  bool IsFor(const WriteRequest& request) const;

  // Whether the last caller to leave may still have the record released.
  bool CanRelease() const { return state_.stage == Stage::kNothingSent; }
  // Asks for that. `Run` then releases the record and returns soon, with `why` nothing was
  // executed.
  void RequestRelease(NotExecuted::Cause why) {
    state_.release_cause = why;
    state_.release_requested.request_stop();
  }
  // Ends the session where it stands; what was sent is left to the store.
  void Stop();
  // The callers' latest deadline: no attempt is begun that nobody would learn of.
  void SetLatestDeadline(Deadline deadline) { state_.latest_deadline = deadline; }
  // Whether any caller still waits.
  void SetHasWaiters(bool has_waiters) { state_.has_waiters = has_waiters; }

  // The result for a caller that leaves before the end: Passfort's response if it is there and only
  // storing it takes long, else that the outcome is unknown.
  SessionResult PendingResult() const { return state_.PendingResult(); }

 private:
  using Next = SessionState::Next;
  using Stage = SessionState::Stage;

  // Step 1.
  Task<Next> LookAtBudget();
  Task<Next> LockKey();
  Task<Next> Claim();
  Task<SessionResult> FinishWaiting();
  Task<Next> WaitForHolder(Record holder);
  Task<void> ReleaseIfLeaseExpired(Record holder);
  Task<Next> Resume(Record record);
  Task<Next> ResumeInconclusive(Record record);
  Task<Next> Reclaim(Record record);

  SessionState state_;
  UnrecordedEnd unrecorded_{state_};
  ReconcileLoop reconcile_{state_};
  WriteAttempts attempts_{state_, reconcile_, unrecorded_};
  Backoff poll_backoff_;
  std::optional<KeyedMutex::Guard> guard_;
};

}  // namespace gateway

#endif  // SERVICE_IDEMPOTENCY_WRITE_SESSION_H_
