#ifndef SERVICE_IDEMPOTENCY_SETTLER_H_
#define SERVICE_IDEMPOTENCY_SETTLER_H_

#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "service/base/clock.h"
#include "service/base/task.h"
#include "service/idempotency/failpoints.h"
#include "service/idempotency/operation.h"
#include "service/idempotency/reconciler.h"
#include "service/idempotency/store/record.h"
#include "service/idempotency/store/record_store.h"
#include "service/idempotency/unsettled_traces.h"
#include "service/idempotency/write_observer.h"

namespace gateway {

// An operator settles a write that the gateway cannot: a PersonsWord says what it came to, and the
// Settler stores that in the write's record, if the record allows it. A SettlementResult is the
// SettledRecord, or why there is none.

// What a person found out about a write whose outcome nobody else can.
struct PersonsWord {
  // It came to this resource, in lower case. Empty: it was not executed.
  std::string resource_id;
  // Not executed: what was looked at and is not its result, in lower case.
  std::vector<std::string> not_ours;
  // Not executed: the attempt that was looked at, by Record::sent_at.
  std::optional<absl::Time> sent_at;
  // Who says so.
  std::string name;

  bool is_executed() const { return !resource_id.empty(); }
};

// What a settlement came to.
struct SettledRecord {
  // As the store has it now; of one that was deleted, as it would say kNoEffect.
  Record record;
};
struct UnknownRequest {};
// The record's outcome is known, or it is too early for a person to say.
struct NotSettleable {
  Record record;
  // Set if it is too early.
  std::optional<absl::Time> known_by;
};
// What Passfort shows, or the store has, speaks against it.
struct SettlementContradicted {
  enum class Why {
    kOtherOperation,   // the write cannot have come to such a thing
    kNotShown,         // Passfort shows no such resource, or none that the write can have come to
    kWasThere,         // it was there before the write
    kAttributed,       // it is another request_id's
    kCandidates,       // there are candidates that were not looked at
    kMayBeIncomplete,  // what Passfort shows may not be all there is
  };
  Why why = Why::kNotShown;
  // What may be the result, as seen now.
  std::vector<std::string> candidate_ids;
};
// Somebody else changed the record after it was read, or it was sent again after it was looked at.
struct SettledMeanwhile {
  // As it is now; unset if it is known no more.
  std::optional<Record> record;
};
// Another write with the record's key is in flight, whose result it may be.
struct KeyInUse {};
// What the store said; it may have changed the record all the same.
struct StoreFailed {
  absl::Status why;
};
using SettlementResult =
    std::variant<SettledRecord, UnknownRequest, NotSettleable, SettlementContradicted,
                 SettledMeanwhile, KeyInUse, StoreFailed, NotExecuted, Refused>;

// From when on what is looked at shows the truth about a record, by the store's clock. Nothing if
// nothing was sent.
std::optional<absl::Time> KnownBy(const Record& record, Milliseconds settle_window);

// Settles what the gateway cannot: a person says what became of a write, and that is checked with
// what can be read. It reads Passfort and never sends, so it needs no lease; it changes the record
// by compare-and-swap, as everybody does. Loop thread only.
class Settler {
 public:
  struct Options {
    Milliseconds observe_timeout{10000};
    Milliseconds store_timeout{5000};
    // After the end of an attempt, Passfort may still execute it for this long.
    Milliseconds settle_window{65000};
  };

  // All outlive the settler.
  Settler(Options options, RecordStore& store, Reconciler& reconciler,
          std::vector<Operation*> operations, Clock& clock, WriteObserver& observer,
          UnsettledTraces& unsettled_traces, FailPoints fail_point)
      : options_(options),
        store_(store),
        reconciler_(reconciler),
        operations_(std::move(operations)),
        clock_(clock),
        observer_(observer),
        unsettled_traces_(unsettled_traces),
        fail_point_(std::move(fail_point)) {}

  // `operation` is whose outcome `word` can be; empty: any. NotExecuted and Refused say why
  // Passfort could not be read. Nothing is changed but with a SettledRecord, or perhaps with
  // StoreFailed. `context` outlives the task.
  Task<SettlementResult> Settle(std::string request_id, std::string operation, PersonsWord word,
                                const CallContext& context [[clang::lifetimebound]]);

 private:
  Task<SettlementResult> SettleExecuted(Record record, const Operation& operation,
                                        const Observation& now, PersonsWord word,
                                        const CallContext& context);
  Task<SettlementResult> SettleNotExecuted(Record record, const Operation& operation,
                                           const Observation* now, PersonsWord word,
                                           const CallContext& context);
  Task<SettlementResult> Remove(Record record, const PersonsWord& word, const CallContext& context);
  Task<SettlementResult> Store(Record record, RecordStore::Settlement settlement,
                               FinishedWrite::End end, const CallContext& context);
  Task<SettlementResult> Lost(std::string request_id, const CallContext& context);
  void OnSettled(const Record& record, FinishedWrite::End end, const CallContext& context);
  Operation* FindOperation(const std::string& name) const;
  Deadline StoreDeadline(const CallContext& context) const {
    return Earlier(context.deadline, Deadline(clock_.Now() + options_.store_timeout));
  }

  const Options options_;
  RecordStore& store_;
  Reconciler& reconciler_;
  const std::vector<Operation*> operations_;
  Clock& clock_;
  WriteObserver& observer_;
  UnsettledTraces& unsettled_traces_;
  const FailPoints fail_point_;
};

}  // namespace gateway

#endif  // SERVICE_IDEMPOTENCY_SETTLER_H_
