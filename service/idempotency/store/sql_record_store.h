#ifndef SERVICE_IDEMPOTENCY_STORE_SQL_RECORD_STORE_H_
#define SERVICE_IDEMPOTENCY_STORE_SQL_RECORD_STORE_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "service/base/random.h"
#include "service/idempotency/store/budget_table.h"
#include "service/idempotency/store/record_results.h"
#include "service/idempotency/store/record_store.h"
#include "service/idempotency/store/record_sweeper.h"
#include "service/idempotency/store/record_table.h"
#include "service/sql/sql_executor.h"

namespace gateway {

// Records in one table of an SQL database, and what of budgets is used in another. A record is
// changed by a single statement with its conditions inside, so it needs no lock; reads only find
// out why a statement changed nothing. Where a budget is concerned, the record's statement and then
// the budget's are one transaction, in this order everywhere, so that none waits for each other.
//
//   SqlRecordStore   a record's way until it is sent: claimed, handed on, changed, given up
//   RecordResults    what became of the write: received, found, or said by a person
//   RecordTable      runs a statement and reads the records that it returns; finds and lists them
//   BudgetTable      what is used of the daily budgets
//   RecordSweeper    ends what has expired, and counts the rest
class SqlRecordStore final : public RecordStore {
 public:
  struct Options {
    // How long after its last change a record is kept.
    Milliseconds replay_window;
    // Above this, new ids are refused. The count is the database's at the last `Sweep`, corrected
    // by what this process did since: processes that share a database may together exceed it by
    // what the others begin between two sweeps.
    int64_t max_records = 0;
    // How long after the end of an attempt Passfort may still execute it.
    Milliseconds settle_window;
  };

  // `random` outlives the store.
  SqlRecordStore(std::unique_ptr<SqlExecutor> executor, RandomSource& random, Options options);

  Task<absl::StatusOr<ClaimResult>> TryClaim(Claim claim, Deadline deadline) override;
  Task<absl::StatusOr<std::optional<Record>>> Find(std::string request_id,
                                                   Deadline deadline) override;
  Task<absl::StatusOr<UpdateResult>> Update(Record expected, RecordUpdate change,
                                            Deadline deadline) override;
  Task<absl::StatusOr<UpdateResult>> UpdateIfLeaseExpired(Record expected, RecordUpdate change,
                                                          Deadline deadline) override;
  Task<absl::StatusOr<bool>> Remove(Record expected, Deadline deadline) override;
  Task<absl::StatusOr<bool>> StoreResponse(Record expected, StoredResult result,
                                           Deadline deadline) override;
  Task<absl::StatusOr<FoundResult>> StoreReconciled(Record expected, StoredResult result,
                                                    Deadline deadline) override;
  Task<absl::StatusOr<std::vector<std::string>>> AttributedIds(std::string serialization_key,
                                                               std::string request_id,
                                                               Deadline deadline) override;
  Task<absl::StatusOr<std::vector<Record>>> ListSent(Cursor after, int limit,
                                                     Deadline deadline) override;
  Task<absl::StatusOr<std::vector<Record>>> ListUnresolved(UnresolvedQuery query,
                                                           Deadline deadline) override;
  Task<absl::StatusOr<SettleResult>> Settle(Record expected, Settlement settlement,
                                            Deadline deadline) override;
  Task<absl::StatusOr<ChargeResult>> Charge(WriteBudget budget, Deadline deadline) override;
  Task<absl::Status> GiveBack(BudgetCharge charge, Deadline deadline) override;
  Task<absl::StatusOr<std::optional<BudgetReached>>> LookAtBudget(WriteBudget budget,
                                                                  Deadline deadline) override;
  Task<absl::StatusOr<SweepResult>> Sweep(Deadline deadline) override;

 private:
  // Runs `statement`, one of the conditional updates, and says why if it changed nothing.
  Task<absl::StatusOr<UpdateResult>> UpdateIf(std::string statement, Record expected,
                                              RecordUpdate change, Deadline deadline);

  int64_t WindowMicros() const;
  int64_t RandomEpoch();

  const std::unique_ptr<SqlExecutor> executor_;
  RandomSource& random_;
  const Options options_;
  RecordTable table_;
  RecordResults results_;
  BudgetTable budgets_;
  RecordSweeper sweeper_;
  std::optional<int64_t> records_;  // not known before the first count
};

}  // namespace gateway

#endif  // SERVICE_IDEMPOTENCY_STORE_SQL_RECORD_STORE_H_
