#ifndef SERVICE_IDEMPOTENCY_SESSION_STATE_H_
#define SERVICE_IDEMPOTENCY_SESSION_STATE_H_

// A session has four parts, by the steps of docs/at-most-once.md:
//
//   WriteSession    claims the record or follows whoever holds it (step 1); all that others see
//   WriteAttempts   reads the baseline, sends, and finishes or releases (steps 2, 3 and 5)
//   ReconcileLoop   looks until it is clear what became of an attempt (step 4)
//   UnrecordedEnd   stores an end that could not be stored at once
//
// SessionState is what they share. A part hands the record on by calling another one, and says with
// a Next how the session goes on.

#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "service/base/clock.h"
#include "service/base/keyed_mutex.h"
#include "service/base/random.h"
#include "service/base/trace_context.h"
#include "service/idempotency/failpoints.h"
#include "service/idempotency/operation.h"
#include "service/idempotency/owned_record.h"
#include "service/idempotency/pending_result.h"
#include "service/idempotency/reconciler.h"
#include "service/idempotency/store/record_store.h"
#include "service/idempotency/unsettled_traces.h"
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
  UnsettledTraces& unsettled_traces;
  // Called at each step, for tests that end or stop the process there.
  FailPoints fail_point;
};

// Loop thread only.
struct SessionState {
  enum class Stage {
    kNothingSent,  // in this attempt; and nobody else holds the record
    kSent,         // it may have been executed
    kFollowing,    // another process holds the record
  };
  enum class Next {
    kContinue,  // with the next step
    kRestart,   // the record is not ours, or not as it was
    kFinished,  // `result` is set
  };

  SessionState(SessionDependencies session_dependencies, AtMostOnceOptions session_options,
               RequestKey request_key, std::shared_ptr<const WriteRequest> write_request,
               TraceContext trace_context);
  SessionState(const SessionState&) = delete;
  SessionState& operator=(const SessionState&) = delete;

  Next Finish(SessionResult end);
  Next FinishWith(const Record& record, Replay replay);
  // Somebody else changed the record: what is true of it now is for the store to say.
  Next FollowNewHolder();

  // For a caller that leaves before the end: Passfort's response if it is there and only storing it
  // takes long, else that the outcome is unknown.
  SessionResult PendingResult() const { return result ? *result : pending.ToResult(); }
  // Without the store, which failed with `why`, this call sent and will send nothing more. That is
  // the whole truth only if no attempt is known of whose outcome is not.
  SessionResult StoreFailedResult(const absl::Status& why) const;

  bool HasTimeForAnAttempt() const;
  bool is_observable() const { return request->operation().is_observable(); }
  bool IsReleaseRequested() const { return release_requested.stop_requested(); }
  bool WasThere(const Record& record, const std::string& resource_id) const;
  Deadline StoreDeadline() const {
    return Deadline(dependencies.clock.Now() + options.store_timeout);
  }
  RetryDependencies retry_dependencies() const {
    return {.clock = dependencies.clock,
            .random = dependencies.random,
            .budget = dependencies.budget,
            .backoff = options.poll};
  }

  const SessionDependencies dependencies;
  const AtMostOnceOptions options;
  const RequestKey key;
  const std::shared_ptr<const WriteRequest> request;
  const TraceContext trace;
  NotExecuted::Cause release_cause = NotExecuted::Cause::kNoTimeLeft;
  std::stop_source release_requested;  // ends the waits that come before an intent
  std::stop_source stop;               // ends the others too
  // Of the waits before an intent, and of the others.
  const CallContext until_released{.stop = release_requested.get_token(), .trace = &trace};
  const CallContext until_stopped{.stop = stop.get_token(), .trace = &trace};

  Deadline latest_deadline{SteadyTime::max()};
  bool has_waiters = true;
  Stage stage = Stage::kNothingSent;
  OwnedRecord owned;
  gateway::PendingResult pending;
  std::optional<SessionResult> result;
};

}  // namespace gateway

#endif  // SERVICE_IDEMPOTENCY_SESSION_STATE_H_
