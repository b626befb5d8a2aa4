#ifndef SERVICE_IDEMPOTENCY_WRITE_COORDINATOR_H_
#define SERVICE_IDEMPOTENCY_WRITE_COORDINATOR_H_

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "service/base/task.h"
#include "service/idempotency/write_session.h"
#include "service/passfort/application_writer.h"

namespace gateway {

// Adds an application at most once per request_id. Calls with the same request_id share one
// session; a call leaves at its deadline, and the last to leave takes the intent back if nothing
// was sent. Calls without a request_id go to `plain`. Loop thread only.
class WriteCoordinator final : public ApplicationWriter {
 public:
  // All parts outlive the writer, and the writer outlives its sessions: see `Drain`.
  WriteCoordinator(SessionDependencies parts, AtMostOnceOptions options, ApplicationWriter& plain)
      : parts_(std::move(parts)), options_(options), plain_(plain) {}

  Task<WriteResult> Add(ApplicationDraft draft, RequestKey intent,
                        const CallContext& context) override;

  // Whether a session of this process works on the record.
  bool IsActive(const std::string& request_id) const { return sessions_.contains(request_id); }

  // Whether there is no session at all.
  bool IsIdle() const { return sessions_.empty(); }

  // Ends all sessions where they stand: what was sent is in the store, for a later process to
  // resolve. Returns when none is left.
  Task<void> Drain();

 private:
  struct InFlightWrite {
    InFlightWrite(const SessionDependencies& parts, AtMostOnceOptions options,
                  RecordStore::Claim claim, TraceContext trace)
        : session(parts, options, std::move(claim), std::move(trace)) {}

    WriteSession session;
    // The callers that wait, each with what wakes it.
    std::multimap<Deadline, std::stop_source> waiters;
    std::optional<WriteResult> result;
    bool is_released = false;
  };

  std::shared_ptr<InFlightWrite> Join(const RecordStore::Claim& claim, const CallContext& context);
  Task<void> RunSession(std::string request_id, std::shared_ptr<InFlightWrite> shared);
  Task<void> WaitFor(InFlightWrite& shared, SteadyTime until, Deadline deadline,
                     std::stop_token stop);
  Task<WriteResult> Detach(std::shared_ptr<InFlightWrite> shared, Deadline deadline);
  static void UpdateDeadline(InFlightWrite& shared);

  const SessionDependencies parts_;
  const AtMostOnceOptions options_;
  ApplicationWriter& plain_;
  std::map<std::string, std::shared_ptr<InFlightWrite>, std::less<>> sessions_;
  bool is_draining_ = false;
  std::stop_source drained_;
};

// The values of a draft, in a form in which equal intents are equal: ids in lower case.
std::string FingerprintOf(const ApplicationDraft& draft);

}  // namespace gateway

#endif  // SERVICE_IDEMPOTENCY_WRITE_COORDINATOR_H_
