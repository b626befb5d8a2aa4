#ifndef SERVICE_IDEMPOTENCY_BUDGET_LEDGER_H_
#define SERVICE_IDEMPOTENCY_BUDGET_LEDGER_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "absl/status/statusor.h"
#include "service/base/call_context.h"
#include "service/base/clock.h"
#include "service/base/task.h"
#include "service/idempotency/store/record_store.h"
#include "service/observability/log.h"

namespace gateway {

// The daily budgets of writes that have no request_id, and so no record to be charged with. What it
// asks of the store has the store's time, whatever the caller's is: a statement that is given up
// half-way costs its connection. Loop thread only.
class BudgetLedger {
 public:
  // All outlive the ledger.
  BudgetLedger(RecordStore& store, Clock& clock, Log& log)
      : store_(store), clock_(clock), log_(log) {}

  using ChargeResult = absl::StatusOr<RecordStore::ChargeResult>;

  // Before the write is sent. An error: it may be charged all the same, but must not be sent.
  // Nothing: there is no time left to send it, or the context's stop was requested; it is given
  // back once it turns out to be charged. `context` outlives the task.
  Task<std::optional<ChargeResult>> Charge(WriteBudget budget,
                                           const CallContext& context [[clang::lifetimebound]]);
  // The write was surely not executed. Returns once it is given back, so that its caller may count
  // on that, or when the context ends. If the store is not there, the write stays charged, and a
  // line says so. `context` outlives the task.
  Task<void> GiveBack(BudgetCharge charge, const CallContext& context [[clang::lifetimebound]]);

  // Returns when nothing is charged or given back any more.
  Task<void> Drain();

 private:
  // Shared by a caller, who may leave, and the store's part of the work.
  struct Work {
    std::stop_source ended;
    std::optional<ChargeResult> result;
    bool is_abandoned = false;
    std::string trace_id;  // of the call, which may be over
  };

  std::shared_ptr<Work> Begin(const CallContext& context);
  Task<void> RunCharge(WriteBudget budget, std::shared_ptr<Work> work);
  Task<void> RunGiveBack(BudgetCharge charge, std::shared_ptr<Work> work);
  Task<void> GiveBackNow(BudgetCharge charge, const Work& work);
  Task<void> WaitFor(const Work& work, const CallContext& context [[clang::lifetimebound]]);
  void OnEnd(Work& work);

  RecordStore& store_;
  Clock& clock_;
  Log& log_;
  size_t running_ = 0;
  std::stop_source all_ended_;  // of one Drain
};

}  // namespace gateway

#endif  // SERVICE_IDEMPOTENCY_BUDGET_LEDGER_H_
