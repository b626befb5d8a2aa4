#ifndef SERVICE_ONCE_ONCE_WRITER_H_
#define SERVICE_ONCE_ONCE_WRITER_H_

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "service/base/task.h"
#include "service/once/once_flow.h"
#include "service/passfort/application_writer.h"

namespace gateway {

// Adds an application at most once per request_id. Calls with the same request_id share one flow;
// a call leaves at its deadline, and the last to leave takes the intent back if nothing was sent.
// Calls without a request_id go to `plain`. Loop thread only.
class OnceWriter final : public ApplicationWriter {
 public:
  // All parts outlive the writer, and the writer outlives its flows: see `Drain`.
  OnceWriter(OnceParts parts, OnceOptions options, ApplicationWriter& plain)
      : parts_(std::move(parts)), options_(options), plain_(plain) {}

  Task<WriteResult> Add(ApplicationDraft draft, WriteIntent intent,
                        const CallContext& context) override;

  // Whether a flow of this process works on the record.
  bool IsActive(const std::string& request_id) const { return flows_.contains(request_id); }

  // Whether there is no flow at all.
  bool IsIdle() const { return flows_.empty(); }

  // Ends all flows where they stand: what was sent is in the store, for a later process to resolve.
  // Returns when none is left.
  Task<void> Drain();

 private:
  struct Shared {
    Shared(const OnceParts& parts, OnceOptions options, RecordStore::Claim claim,
           TraceContext trace)
        : flow(parts, options, std::move(claim), std::move(trace)) {}

    OnceFlow flow;
    // The callers that wait, each with what wakes it.
    std::multimap<Deadline, std::stop_source> waiters;
    std::optional<WriteResult> result;
    bool is_taken_back = false;
  };

  std::shared_ptr<Shared> Join(const RecordStore::Claim& claim, const CallContext& context);
  Task<void> RunFlow(std::string request_id, std::shared_ptr<Shared> shared);
  Task<void> WaitFor(Shared& shared, SteadyTime until, Deadline deadline, std::stop_token stop);
  Task<WriteResult> Leave(std::shared_ptr<Shared> shared, Deadline deadline);
  static void TellDeadline(Shared& shared);

  const OnceParts parts_;
  const OnceOptions options_;
  ApplicationWriter& plain_;
  std::map<std::string, std::shared_ptr<Shared>, std::less<>> flows_;
  bool is_draining_ = false;
  std::stop_source drained_;
};

// The values of a draft, in a form in which equal intents are equal: ids in lower case.
std::string FingerprintOf(const ApplicationDraft& draft);

}  // namespace gateway

#endif  // SERVICE_ONCE_ONCE_WRITER_H_
