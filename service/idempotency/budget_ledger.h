#ifndef SERVICE_IDEMPOTENCY_BUDGET_LEDGER_H_
#define SERVICE_IDEMPOTENCY_BUDGET_LEDGER_H_

#include <cstddef>
#include <stop_token>

#include "absl/status/statusor.h"
#include "service/base/clock.h"
#include "service/base/task.h"
#include "service/idempotency/store/record_store.h"
#include "service/observability/log.h"

namespace gateway {

// The daily budgets of writes that have no request_id, and so no record to be charged with. Loop
// thread only.
class BudgetLedger {
 public:
  // All outlive the ledger.
  BudgetLedger(RecordStore& store, Clock& clock, Log& log)
      : store_(store), clock_(clock), log_(log) {}

  // Before the write is sent. An error: it may be charged all the same, but must not be sent.
  Task<absl::StatusOr<RecordStore::ChargeResult>> Charge(WriteBudget budget, Deadline deadline);
  // The write was surely not executed. Goes on without the caller, who need not wait for it. If the
  // store is not there, the write stays charged, and a line says so.
  void GiveBack(BudgetCharge charge);

  // Returns when nothing is being given back any more.
  Task<void> Drain();

 private:
  Task<void> GiveBackNow(BudgetCharge charge);

  RecordStore& store_;
  Clock& clock_;
  Log& log_;
  size_t giving_back_ = 0;
  std::stop_source all_given_back_;  // of one Drain
};

}  // namespace gateway

#endif  // SERVICE_IDEMPOTENCY_BUDGET_LEDGER_H_
