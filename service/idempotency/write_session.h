#ifndef SERVICE_IDEMPOTENCY_WRITE_SESSION_H_
#define SERVICE_IDEMPOTENCY_WRITE_SESSION_H_

#include <memory>
#include <optional>
#include <stop_token>

#include "service/base/clock.h"
#include "service/base/keyed_mutex.h"
#include "service/base/random.h"
#include "service/base/task.h"
#include "service/base/trace_context.h"
#include "service/idempotency/failpoints.h"
#include "service/idempotency/operation.h"
#include "service/idempotency/owned_record.h"
#include "service/idempotency/pending_result.h"
#include "service/idempotency/reconciler.h"
#include "service/idempotency/store/record_store.h"
#include "service/idempotency/write_result.h"
#include "service/observability/log.h"
#include "service/resilience/backoff.h"
#include "service/resilience/retry_budget.h"
#include "service/resilience/retry_loop.h"

namespace gateway {

struct AtMostOnceOptions {
  // For how long the right to send lasts, and how long others leave a record to its holder.
  Milliseconds lease_duration{10000};
  // The longest that one attempt takes, whatever becomes of the callers.
  Milliseconds attempt_timeout{65000};
  // After the end of an attempt, Passfort may still execute it for this long.
  Milliseconds settle_window{65000};
  Milliseconds store_timeout{5000};
  // Sessions of one process at a time. Those whose callers have left count too: they have a request
  // to Passfort in flight, or a result to store.
  size_t max_sessions = 5000;
  // Between two looks at the store or at Passfort.
  Backoff::Options poll{.initial = Milliseconds(100), .max = Milliseconds(2000)};
  // Between two attempts of which the first definitely did nothing.
  Backoff::Options resend{.initial = Milliseconds(50), .max = Milliseconds(2000)};
};

// What the sessions of one process share. All outlive the sessions.
struct SessionDependencies {
  RecordStore& store;
  Reconciler& reconciler;
  KeyedMutex& key_mutex;
  Clock& clock;
  RandomSource& random;
  TraceIds& trace_ids;
  RetryBudget& budget;
  Log& log;
  WriteObserver& observer;
  // Called at each step, for tests that end or stop the process there.
  FailPoints fail_point;
};

// Drives one record from claim to result, in these steps: (1) claim, (2) baseline, (3) intent and
// attempt, (4) reconcile, (5) finish or release. It decides; OwnedRecord changes the record,
// Reconciler looks at Passfort. Callers with the same key share it (single-flight); once the intent
// is durable it continues without them. Loop thread only.
class WriteSession {
 public:
  // `trace` is that of the call that begins it; the others' lines join it by its request to
  // Passfort only.
  WriteSession(SessionDependencies dependencies, AtMostOnceOptions options, RequestKey key,
               std::shared_ptr<const WriteRequest> request, TraceContext trace);
  WriteSession(const WriteSession&) = delete;
  WriteSession& operator=(const WriteSession&) = delete;

  // Runs to the result, once.
  Task<SessionResult> Run();
  // After `Run`: whether the store does not know of its end yet, which only this process knows.
  bool IsUnrecorded() const { return unrecorded_ != Unrecorded::kNothing; }
  // Tells the store. Returns when that is done, or after a last try at `Stop`.
  Task<void> RetryRecording();

  // Whether it is the caller's own. One of the same name or principal may own less than this one.
  bool IsOf(const RequestKey& key) const {
    return key.caller == key_.caller && key.principal == key_.principal;
  }
  // Whether it is about the same request.
  bool IsFor(const WriteRequest& request) const;

  // Whether the last caller to leave may still have the record released.
  bool CanRelease() const { return stage_ == Stage::kNothingSent; }
  // Asks for that. `Run` then releases the record and returns soon, with `why` nothing was
  // executed.
  void RequestRelease(NotExecuted::Cause why) {
    release_cause_ = why;
    release_requested_.request_stop();
  }
  // Ends the session where it stands; what was sent is left to the store.
  void Stop();
  // The callers' latest deadline: no attempt is begun that nobody would learn of.
  void SetLatestDeadline(Deadline deadline) { latest_deadline_ = deadline; }
  // Whether any caller still waits.
  void SetHasWaiters(bool has_waiters) { has_waiters_ = has_waiters; }

  // The result for a caller that leaves before the end: Passfort's response if it is there and only
  // storing it takes long, else that the outcome is unknown.
  SessionResult PendingResult() const { return result_ ? *result_ : pending_.ToResult(); }

 private:
  enum class Stage {
    kNothingSent,  // in this attempt; and nobody else holds the record
    kSent,         // it may have been executed
    kFollowing,    // another process holds the record
  };
  // What the store could not be told.
  enum class Unrecorded {
    kNothing,
    kResult,   // Passfort's response
    kRelease,  // that nothing was executed, where no look would ever show it
  };
  enum class Next {
    kContinue,  // with the next step
    kRestart,   // the record is not ours, or not as it was
    kFinished,  // `result_` is set
  };

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
  // Step 2.
  Task<Next> ReadBaseline();
  // Step 3.
  Task<Next> ExecuteAttempts();
  Task<Next> RecordIntent();
  Task<Next> AfterDone(SharedResult done);
  Task<Next> AfterRefused(Refused refused);
  Task<Next> AfterNotExecuted(NotExecuted not_executed);
  Task<Next> AfterAmbiguous(Ambiguous ambiguous);
  // Step 4.
  Task<Next> Reconcile(Record record, std::optional<SessionResult> refusal);
  // Step 5.
  Task<Next> Release(SessionResult result);
  Task<bool> TryRecording();
  Next Finish(SessionResult result);
  Next FinishWith(const Record& record, Replay replay);
  Next FollowNewHolder();

  SessionResult StoreUnavailableResult() const;
  // Nothing was executed, and not because of Passfort.
  SessionResult ReleasedResult() const;
  bool HasTimeForAnAttempt() const;
  bool is_observable() const { return request_->operation().is_observable(); }
  // From when on a look is conclusive, if one ever is.
  std::optional<Milliseconds> ConclusiveAfter(Milliseconds wait) const;
  bool IsReleaseRequested() const { return release_requested_.stop_requested(); }
  bool WasThere(const Record& record, const std::string& resource_id) const;
  Deadline StoreDeadline() const {
    return Deadline(dependencies_.clock.Now() + options_.store_timeout);
  }
  RetryDependencies RetryTools() const {
    return {.clock = dependencies_.clock,
            .random = dependencies_.random,
            .budget = dependencies_.budget,
            .backoff = options_.poll};
  }

  const SessionDependencies dependencies_;
  const AtMostOnceOptions options_;
  const RequestKey key_;
  const std::shared_ptr<const WriteRequest> request_;
  const TraceContext trace_;
  NotExecuted::Cause release_cause_ = NotExecuted::Cause::kNoTimeLeft;
  std::stop_source release_requested_;  // ends the waits that come before an intent
  std::stop_source stop_;               // ends the others too
  // Of the waits before an intent, and of the others.
  const CallContext until_released_{.stop = release_requested_.get_token(), .trace = &trace_};
  const CallContext until_stopped_{.stop = stop_.get_token(), .trace = &trace_};

  Backoff poll_backoff_;
  Backoff retry_backoff_;
  Deadline latest_deadline_{SteadyTime::max()};
  bool has_waiters_ = true;
  std::optional<KeyedMutex::Guard> guard_;
  Stage stage_ = Stage::kNothingSent;
  OwnedRecord owned_;
  Baseline baseline_;
  SteadyTime lease_ends_{};                 // of the last intent, at the earliest
  bool was_proven_without_effect_ = false;  // one more attempt is all that a call gets
  gateway::PendingResult pending_;
  std::optional<SessionResult> result_;
  Unrecorded unrecorded_ = Unrecorded::kNothing;
};

}  // namespace gateway

#endif  // SERVICE_IDEMPOTENCY_WRITE_SESSION_H_
