#ifndef SERVICE_IDEMPOTENCY_WRITE_SESSION_H_
#define SERVICE_IDEMPOTENCY_WRITE_SESSION_H_

#include <optional>
#include <stop_token>
#include <string>

#include "absl/time/time.h"
#include "service/base/clock.h"
#include "service/base/random.h"
#include "service/base/task.h"
#include "service/idempotency/failpoints.h"
#include "service/idempotency/keyed_mutex.h"
#include "service/idempotency/reconciler.h"
#include "service/idempotency/store/record_store.h"
#include "service/observability/log.h"
#include "service/passfort/application_writer.h"
#include "service/passfort/passfort_client.h"
#include "service/resilience/backoff.h"
#include "service/resilience/retry_budget.h"

namespace gateway {

struct AtMostOnceOptions {
  // For how long the right to send lasts, and how long others leave a record to its holder.
  Milliseconds lease_duration{10000};
  // The longest that one attempt takes, whatever becomes of the callers.
  Milliseconds attempt_timeout{65000};
  // After the end of an attempt, Passfort may still create the application for this long.
  Milliseconds settle_window{65000};
  Milliseconds store_timeout{5000};
  // Sessions of one process at a time. Those whose callers have left count too: they have a request
  // to Passfort in flight, or a response to store.
  size_t max_sessions = 5000;
  // Between two looks at the store or at Passfort's list.
  Backoff::Options poll{.initial = Milliseconds(100), .max = Milliseconds(2000)};
  // Between two attempts of which the first definitely did nothing.
  Backoff::Options resend{.initial = Milliseconds(50), .max = Milliseconds(2000)};
};

// What the sessions of one process share. All outlive the sessions.
struct SessionDependencies {
  RecordStore& store;
  PassfortClient& passfort;
  Reconciler& reconciler;
  KeyedMutex& key_mutex;
  Clock& clock;
  RandomSource& random;
  TraceIds& trace_ids;
  RetryBudget& budget;
  Log& log;
  // Called at each step, for tests that end or stop the process there.
  FailPoints fail_point;
};

// Drives one record from claim to result: claim, baseline, intent, attempt, reconcile, finish.
// Callers with the same key share it (single-flight); once the intent is durable it continues
// without them. Loop thread only.
class WriteSession {
 public:
  // `trace` is that of the call that begins it; the others' lines join it by its request to
  // Passfort only.
  WriteSession(SessionDependencies parts, AtMostOnceOptions options, RecordStore::Claim claim,
               TraceContext trace);
  WriteSession(const WriteSession&) = delete;
  WriteSession& operator=(const WriteSession&) = delete;

  // Runs to the response, once.
  Task<WriteResult> Run();
  // After `Run`: whether its response is not in the store yet.
  bool HasUnstoredResult() const { return unstored_result_.has_value(); }
  // Stores it. Returns when that is done, or after `Stop`.
  Task<void> RetryStoringResult();

  const RecordStore::Claim& claim() const { return claim_; }

  // Whether the last caller to leave may still have the record released.
  bool CanRelease() const { return stage_ == Stage::kNothingSent; }
  // Asks for that. `Run` then releases the record and returns soon.
  void RequestRelease() { release_requested_.request_stop(); }
  // Ends the session where it stands; what was sent is left to the store.
  void Stop();
  // The callers' latest deadline: no attempt is begun that nobody would learn of.
  void SetLatestDeadline(Deadline deadline) { latest_deadline_ = deadline; }
  // Whether any caller still waits.
  void SetHasWaiters(bool has_waiters) { has_waiters_ = has_waiters; }

  // The result for a caller that leaves before the end: Passfort's response if it is there and only
  // storing it takes long, else that the outcome is unknown.
  WriteResult PendingResult() const;

 private:
  enum class Stage {
    kNothingSent,  // in this attempt; and nobody else holds the record
    kSent,         // it may have been done
    kFollowing,    // another process holds the record
  };
  enum class Next {
    kContinue,  // with the next step
    kRestart,   // the record is not ours, or not as it was
    kFinished,  // `result_` is set
  };

  Task<Next> LockKey();
  Task<WriteResult> FinishWaiting();
  Task<Next> TakeClaim();
  Task<Next> WaitForHolder(Record holder);
  Task<void> ReleaseIfLeaseExpired(Record holder);
  Task<Next> Resume(Record record);
  Task<Next> Reclaim(Record record);
  Task<Next> ExecuteAttempts(Record record);
  Task<Next> ReadBaseline(Record record);
  Task<ListOutcome> ListForBaseline(const Record& record);
  Task<Next> RecordIntent(Record& record);
  Task<Next> AfterAttempt(Record& record, WriteAttempt attempt);
  Task<Next> AfterDone(Record record, Done done);
  Task<Next> AfterRefused(Record record, Refused refused);
  Task<Next> AfterNotExecuted(Record record, NotExecuted not_executed);
  Task<Next> AfterAmbiguous(Record record);
  Task<Next> Reconcile(Record record, std::optional<WriteResult> refusal);
  Task<Next> Release(Record record, WriteResult result);

  Next Finish(WriteResult result);
  Next FinishWith(const Record& record, WriteResult::Replay replay);
  Next FollowNewHolder();
  WriteResult StoreUnavailableResult() const;
  // Why nothing was executed, if it was not because of Passfort.
  NotExecuted ReleasedOutcome() const;
  bool HasTimeForAnAttempt() const;
  bool IsReleaseRequested() const { return release_requested_.stop_requested(); }
  // Looking again would show no more.
  bool IsListTooLarge() const { return no_list_ == NotExecuted::Cause::kResponseTooLarge; }
  Deadline StoreDeadline() const { return Deadline(parts_.clock.Now() + options_.store_timeout); }
  // Notes what `PendingResult` tells.
  void UpdatePendingResult(const Record& record);

  const SessionDependencies parts_;
  const AtMostOnceOptions options_;
  const RecordStore::Claim claim_;
  Backoff poll_backoff_;
  Backoff retry_backoff_;
  std::optional<KeyedMutex::Guard> guard_;
  std::stop_source release_requested_;  // ends the waits that come before an intent
  std::stop_source stop_;               // ends the others too
  const TraceContext trace_;
  // Of the waits before an intent, and of the others.
  const CallContext until_taken_back_{.stop = release_requested_.get_token(), .trace = &trace_};
  const CallContext until_stopped_{.stop = stop_.get_token(), .trace = &trace_};
  Deadline latest_deadline_{SteadyTime::max()};
  bool has_waiters_ = true;
  bool was_proven_without_effect_ = false;  // one more attempt is all that a call gets
  Stage stage_ = Stage::kNothingSent;
  Baseline first_baseline_;
  BootTime send_before_;
  std::optional<WriteResult> result_;
  struct UnstoredResult {
    Record record;
    RecordStore::StoredResult answer;
  };
  std::optional<UnstoredResult> unstored_result_;
  // For `PendingResult`.
  Ambiguous unresolved_;  // what the last attempt came to, with what Passfort said to it
  std::optional<absl::Time> sent_at_;
  std::optional<absl::Time> known_by_;
  std::vector<std::string> candidate_ids_;
  std::optional<NotExecuted::Cause> no_list_;
};

}  // namespace gateway

#endif  // SERVICE_IDEMPOTENCY_WRITE_SESSION_H_
