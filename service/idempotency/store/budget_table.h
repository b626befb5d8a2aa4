#ifndef SERVICE_IDEMPOTENCY_STORE_BUDGET_TABLE_H_
#define SERVICE_IDEMPOTENCY_STORE_BUDGET_TABLE_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "service/base/deadline.h"
#include "service/base/keyed_mutex.h"
#include "service/base/task.h"
#include "service/idempotency/store/record.h"
#include "service/idempotency/store/record_store.h"
#include "service/sql/sql_executor.h"

namespace gateway {

// The table of what is used of daily budgets: a row for each account and day. A write without a
// record is charged to it alone. A record's charge changes in the transaction that changes the
// record, as a second statement.
class BudgetTable {
 public:
  // `executor` outlives it.
  explicit BudgetTable(SqlExecutor& executor) : executor_(executor) {}

  // As in RecordStore.
  Task<absl::StatusOr<RecordStore::ChargeResult>> Charge(WriteBudget budget, Deadline deadline);
  Task<absl::Status> GiveBack(BudgetCharge charge, Deadline deadline);
  Task<absl::StatusOr<std::optional<RecordStore::BudgetReached>>> LookAt(WriteBudget budget,
                                                                         Deadline deadline);

  // Whoever changes what is used of an account's budget waits for the others of this process here:
  // in the database they would wait for the row with a connection each, until nobody had one.
  // Empty: no account, no wait.
  Task<KeyedMutex::Guard> TurnFor(std::string account);

 private:
  SqlExecutor& executor_;
  KeyedMutex turns_;
};

// Follows the update of a record that is charged by it. No row: the budget is used up.
SqlStatement ChargeOf(const Record& record, const WriteBudget& budget);
// Follows the removal of a record that was charged.
SqlStatement GivingBack(const BudgetCharge& charge);

RecordStore::BudgetReached ReachedOn(int64_t day);

}  // namespace gateway

#endif  // SERVICE_IDEMPOTENCY_STORE_BUDGET_TABLE_H_
