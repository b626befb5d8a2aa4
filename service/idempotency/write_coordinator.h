#ifndef SERVICE_IDEMPOTENCY_WRITE_COORDINATOR_H_
#define SERVICE_IDEMPOTENCY_WRITE_COORDINATOR_H_

#include <list>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "service/base/task.h"
#include "service/idempotency/operation.h"
#include "service/idempotency/write_session.h"

namespace gateway {

// Executes writes at most once per request_id. Calls with the same request_id share one session; a
// call leaves at its deadline, and the last to leave has the record released if nothing was sent.
// Loop thread only.
class WriteCoordinator {
 public:
  // All dependencies outlive the coordinator, and it outlives its sessions: see `Drain`.
  WriteCoordinator(SessionDependencies dependencies, AtMostOnceOptions options)
      : dependencies_(std::move(dependencies)), options_(options) {}

  // Returns what the intent came to. Returns by the context's deadline, or soon after its stop is
  // requested. `key` has a request_id. `context` outlives the task.
  Task<SessionResult> Write(RequestKey key, std::shared_ptr<const WriteRequest> request,
                            const CallContext& context [[clang::lifetimebound]]);

  // Whether a session of this process works on the record.
  bool IsActive(const std::string& request_id) const { return sessions_.contains(request_id); }

  // Whether there is no session at all.
  bool IsIdle() const { return sessions_.empty(); }

  // Ends all sessions where they stand: what was sent is in the store, for a later process to
  // resolve. Returns when none is left.
  Task<void> Drain();

 private:
  struct InFlightWrite {
    InFlightWrite(const SessionDependencies& dependencies, AtMostOnceOptions options,
                  RequestKey key, std::shared_ptr<const WriteRequest> request, TraceContext trace)
        : session(dependencies, options, std::move(key), std::move(request), std::move(trace)) {}

    WriteSession session;
    // The callers that wait, each with what wakes it.
    std::multimap<Deadline, std::stop_source> waiters;
    // Of other callers, for whom it does nothing.
    std::list<std::stop_source> onlookers;
    std::optional<SessionResult> result;
    bool is_released = false;
    bool was_waited_for = false;
  };

  std::shared_ptr<InFlightWrite> RunningOfAnother(const RequestKey& key) const;
  Task<void> WaitAside(InFlightWrite& running, SteadyTime until, std::stop_token stop);
  std::shared_ptr<InFlightWrite> Join(const RequestKey& key,
                                      const std::shared_ptr<const WriteRequest>& request,
                                      const CallContext& context);
  // Says in the call's trace which other one has the lines about its write.
  void LogWhereItGoesOn(std::string_view what, const CallContext& call, std::string_view trace_id);
  void OnEnd(const std::string& request_id, const InFlightWrite& ended);
  Task<void> RunSession(std::string request_id, std::shared_ptr<InFlightWrite> shared);
  Task<void> WaitFor(InFlightWrite& shared, SteadyTime until, Deadline deadline,
                     std::stop_token stop);
  Task<SessionResult> Detach(std::shared_ptr<InFlightWrite> shared, const CallContext& context);
  static void UpdateDeadline(InFlightWrite& shared);

  const SessionDependencies dependencies_;
  const AtMostOnceOptions options_;
  std::map<std::string, std::shared_ptr<InFlightWrite>, std::less<>> sessions_;
  bool is_draining_ = false;
  std::stop_source drained_;
};

}  // namespace gateway

#endif  // SERVICE_IDEMPOTENCY_WRITE_COORDINATOR_H_
