#ifndef SERVICE_IDEMPOTENCY_STORE_RECORD_RESULTS_H_
#define SERVICE_IDEMPOTENCY_STORE_RECORD_RESULTS_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "service/base/deadline.h"
#include "service/base/task.h"
#include "service/idempotency/store/record.h"
#include "service/idempotency/store/record_store.h"
#include "service/idempotency/store/record_table.h"
#include "service/sql/sql_executor.h"

namespace gateway {

// Writes down what became of a write. Three sources say so, and each has conditions of its own:
// Passfort's response is true whatever became of the record meanwhile; a look at Passfort and a
// person's word hold for the version that they were about, and give no resource to two records.
class RecordResults {
 public:
  struct Options {
    Milliseconds replay_window;
    Milliseconds settle_window;
  };

  // `executor` and `records` outlive it.
  RecordResults(SqlExecutor& executor, RecordTable& records, Options options);

  // As in RecordStore.
  Task<absl::StatusOr<bool>> StoreResponse(Record expected, StoredResult result, Deadline deadline);
  Task<absl::StatusOr<RecordStore::FoundResult>> StoreReconciled(Record expected,
                                                                 StoredResult result,
                                                                 Deadline deadline);
  Task<absl::StatusOr<RecordStore::SettleResult>> Settle(Record expected,
                                                         RecordStore::Settlement settlement,
                                                         Deadline deadline);

 private:
  SqlExecutor& executor_;
  RecordTable& records_;
  // In microseconds.
  const int64_t replay_window_;
  const int64_t settle_window_;
};

}  // namespace gateway

#endif  // SERVICE_IDEMPOTENCY_STORE_RECORD_RESULTS_H_
