#ifndef SERVICE_IDEMPOTENCY_STORE_SQL_RECORD_STORE_H_
#define SERVICE_IDEMPOTENCY_STORE_SQL_RECORD_STORE_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "service/base/keyed_mutex.h"
#include "service/base/random.h"
#include "service/idempotency/store/record_store.h"
#include "service/sql/sql_executor.h"

namespace gateway {

// Records in one table of an SQL database, and what of budgets is used in another. A record is
// changed by a single statement with its conditions inside, so it needs no lock; reads only find
// out why a statement changed nothing. Where a budget is concerned, the record's statement and then
// the budget's are one transaction, in this order everywhere, so that none waits for each other.
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
  // The records that a statement returns.
  Task<absl::StatusOr<std::vector<Record>>> Records(std::string statement,
                                                    std::vector<SqlValue> parameters,
                                                    Deadline deadline);
  Task<absl::StatusOr<std::optional<Record>>> Single(std::string statement,
                                                     std::vector<SqlValue> parameters,
                                                     Deadline deadline);
  // Runs `statement`, one of the conditional updates, and says why if it changed nothing.
  Task<absl::StatusOr<UpdateResult>> UpdateIf(std::string statement, Record expected,
                                              RecordUpdate change, Deadline deadline);
  // The record of the key, other than `request_id`, that is claimed or sent.
  Task<absl::StatusOr<std::optional<Record>>> OpenRecord(std::string serialization_key,
                                                         std::string request_id, Deadline deadline);
  Task<absl::Status> CountRecords(Deadline deadline);

  // Whoever changes what is used of an account's budget waits for the others of this process here:
  // in the database they would wait for the row with a connection each, until nobody had one.
  // Empty: no account, no wait.
  Task<KeyedMutex::Guard> TurnFor(std::string account);

  int64_t WindowMicros() const;
  int64_t RandomEpoch();

  const std::unique_ptr<SqlExecutor> executor_;
  RandomSource& random_;
  const Options options_;
  // Not known before the first count.
  std::optional<int64_t> records_;
  OpenRecords open_;
  KeyedMutex budget_turns_;
  bool must_erase_ = false;  // what was deleted may still be in the database's files
};

}  // namespace gateway

#endif  // SERVICE_IDEMPOTENCY_STORE_SQL_RECORD_STORE_H_
