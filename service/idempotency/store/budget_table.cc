#include "service/idempotency/store/budget_table.h"

#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "service/idempotency/store/record_row.h"
#include "service/idempotency/store/record_statements.h"

namespace gateway {

SqlStatement ChargeOf(const Record& record, const WriteBudget& budget) {
  return {.text = ChargeRecord(),
          .parameters = {record.request_id, budget.writes_per_day},
          .needs_row = true};
}

SqlStatement GivingBack(const BudgetCharge& charge) {
  return {.text = GiveBackCharge(), .parameters = {charge.account, charge.day}};
}

RecordStore::BudgetReached ReachedOn(int64_t day) {
  return {.resets_at = absl::FromUnixMicros((day + 1) * kMicrosOfDay)};
}

Task<absl::StatusOr<RecordStore::ChargeResult>> BudgetTable::Charge(WriteBudget budget,
                                                                    Deadline deadline) {
  const std::vector<SqlValue> parameters = {budget.account, budget.writes_per_day};
  const auto turn = co_await TurnFor(budget.account);
  for (int round = 0; round < kMaxRounds; ++round) {
    const auto rows = co_await executor_.Run(ChargeAccount(), parameters, deadline);
    if (!rows.ok()) co_return rows.status();
    if (!rows->empty()) {
      const auto* const day = std::get_if<int64_t>(&rows->front().front());
      if (day == nullptr) co_return NotWhatWasAskedFor();
      co_return BudgetCharge{.account = std::move(budget.account), .day = *day};
    }
    const auto reached = co_await LookAt(budget, deadline);
    if (!reached.ok()) co_return reached.status();
    if (reached->has_value()) co_return **reached;
  }
  co_return TooManyConflicts("charge a write");
}

Task<absl::Status> BudgetTable::GiveBack(BudgetCharge charge, Deadline deadline) {
  const auto turn = co_await TurnFor(charge.account);
  std::vector<SqlStatement> statements = {GivingBack(charge)};
  const auto rows = co_await executor_.RunAll(std::move(statements), deadline);
  co_return rows.status();
}

Task<absl::StatusOr<std::optional<RecordStore::BudgetReached>>> BudgetTable::LookAt(
    WriteBudget budget, Deadline deadline) {
  std::vector<SqlValue> parameters = {std::move(budget.account)};
  const auto rows = co_await executor_.Run(SelectBudget(), std::move(parameters), deadline);
  if (!rows.ok()) co_return rows.status();
  if (rows->size() != 1 || rows->front().size() != 2) co_return NotWhatWasAskedFor();
  const auto* const day = std::get_if<int64_t>(&rows->front()[0]);
  const auto* const used = std::get_if<int64_t>(&rows->front()[1]);
  if (day == nullptr || used == nullptr) co_return NotWhatWasAskedFor();
  if (*used < budget.writes_per_day) co_return std::optional<RecordStore::BudgetReached>();
  co_return std::optional<RecordStore::BudgetReached>(ReachedOn(*day));
}

Task<KeyedMutex::Guard> BudgetTable::TurnFor(std::string account) {
  if (account.empty()) co_return KeyedMutex::Guard();
  co_return co_await turns_.Lock(std::move(account), {});
}

}  // namespace gateway
