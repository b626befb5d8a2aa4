#ifndef SERVICE_IDEMPOTENCY_STORE_RECORD_SWEEPER_H_
#define SERVICE_IDEMPOTENCY_STORE_RECORD_SWEEPER_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "service/base/deadline.h"
#include "service/base/task.h"
#include "service/idempotency/store/record_store.h"
#include "service/sql/sql_executor.h"

namespace gateway {

// How many records the database has.
struct RecordCounts {
  int64_t records = 0;  // of those:
  RecordStore::OpenRecords open;
};

// Keeps the database small: ends the records that have expired, forgets the budgets of long ago,
// has what was deleted erased from the files, and counts what is left.
class RecordSweeper {
 public:
  // `executor` outlives it.
  RecordSweeper(SqlExecutor& executor, Milliseconds replay_window);

  // As in RecordStore.
  Task<absl::StatusOr<RecordStore::SweepResult>> Sweep(Deadline deadline);

  Task<absl::StatusOr<RecordCounts>> Count(Deadline deadline);

 private:
  SqlExecutor& executor_;
  const int64_t replay_window_;  // in microseconds
  bool must_erase_ = false;      // what was deleted may still be in the database's files
};

}  // namespace gateway

#endif  // SERVICE_IDEMPOTENCY_STORE_RECORD_SWEEPER_H_
