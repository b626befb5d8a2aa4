#ifndef SERVICE_IDEMPOTENCY_OPERATION_H_
#define SERVICE_IDEMPOTENCY_OPERATION_H_

#include <any>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "service/base/call_context.h"
#include "service/base/clock.h"
#include "service/base/task.h"
#include "service/idempotency/store/record.h"
#include "service/resilience/outcome.h"

namespace gateway {

// What the engine knows of a write, whatever it writes. An Operation is a kind of write; it makes
// an Observation of the state that the write changes, and evaluates into an Effect what a later
// observation says about a write whose response was lost. A WriteRequest is one write with its
// values: it executes one attempt, which comes to an OperationResult.

// What a write came to: as the record keeps it, and as it was received.
struct OperationResult {
  StoredResult stored;
  // What `WriteRequest::Execute` received, for the callers of this process. Empty if the result
  // comes from the store.
  std::any received;
};
// Shared, because the frames of waiting calls keep room for it.
using SharedResult = std::shared_ptr<const OperationResult>;

// One read of the state that a write changes.
class Observation {
 public:
  virtual ~Observation() = default;
  // What the record keeps of it, if it is the first: Baseline::state.
  virtual std::string ToBaseline() const = 0;
};

// A read is never Ambiguous. Without an observation it says nothing about any write; Refused is
// what a retry would not change.
using ObserveResult = Outcome<std::unique_ptr<const Observation>>;

// What an observation says about a write whose response was lost.
struct Effect {
  // Set if the write surely took effect: what it came to.
  SharedResult result;
  // What it may have created or changed, `result` included; in lower case.
  std::vector<std::string> candidate_ids;
  // False: there may be candidates that the observation does not show, so that showing none proves
  // nothing.
  bool is_complete = true;
};

// One kind of write that Passfort does not deduplicate: how to observe and evaluate it. The engine
// decides whether and when to send; of a record's target, baseline and result it reads nothing.
// Lives as long as the process. Loop thread only.
class Operation {
 public:
  virtual ~Operation() = default;

  // Stored with every record, so never reused for another meaning.
  virtual std::string_view name() const = 0;

  // False: nothing that can be read shows whether a write took effect, now or later. One whose
  // outcome is ambiguous stays so for good, and is never sent again.
  virtual bool is_observable() const { return true; }

  // Reads the state that a write with `target` changes. `context` outlives the task.
  virtual Task<ObserveResult> Observe(std::string target,
                                      const CallContext& context [[clang::lifetimebound]]) = 0;

  // What `now` says about a write with `target`, compared with the first observation.
  // `attributed_ids` are other records' resources. A pure function.
  virtual Effect Evaluate(const std::string& target, const std::string& baseline,
                          const Observation& now,
                          const std::vector<std::string>& attributed_ids) const = 0;

  // Whether the resource was there at the first observation.
  virtual bool IsInBaseline(const std::string& baseline, const std::string& resource_id) const = 0;

  // The baseline with `resource_ids` in it, and with all that `now` shows.
  virtual std::string ExtendBaseline(const std::string& baseline, const Observation& now,
                                     const std::vector<std::string>& resource_ids) const = 0;

  // Reads whether `resource_id` can be the result of a write with `target`. Where the operation is
  // observable that is what `Observe` reads. `context` outlives the task.
  virtual Task<ObserveResult> ObserveResource(std::string target, std::string resource_id,
                                              const CallContext& context
                                              [[clang::lifetimebound]]) = 0;

  // What a record keeps of a resource that `now` shows; nothing if it does not show it.
  virtual std::optional<StoredResult> ResultOf(const Observation& now,
                                               const std::string& resource_id) const = 0;

  // Whether a refusal may only mean that the write took effect before.
  virtual bool MayMeanAlreadyExecuted(const ResponseSummary& refusal) const = 0;
};

// A write as its caller asked for it. What only a sender needs stays in here, and in memory.
class WriteRequest {
 public:
  virtual ~WriteRequest() = default;

  virtual Operation& operation() const = 0;
  // As in the record. Two requests of one operation with the same fingerprint are the same.
  virtual std::string fingerprint() const = 0;
  virtual std::string serialization_key() const = 0;
  virtual std::string target() const = 0;

  // One attempt: at most one request, and no byte of its body leaves the gateway at or after
  // `send_before`. `context` outlives the task.
  virtual Task<Outcome<SharedResult>> Execute(BootTime send_before, const CallContext& context
                                              [[clang::lifetimebound]]) const = 0;
};

}  // namespace gateway

#endif  // SERVICE_IDEMPOTENCY_OPERATION_H_
