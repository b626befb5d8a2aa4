#ifndef SERVICE_IDEMPOTENCY_STORE_RECORD_TABLE_H_
#define SERVICE_IDEMPOTENCY_STORE_RECORD_TABLE_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "service/base/deadline.h"
#include "service/base/task.h"
#include "service/idempotency/store/record.h"
#include "service/idempotency/store/record_store.h"
#include "service/sql/sql_executor.h"

namespace gateway {

// The table of records. Runs a statement on it and reads the rows that come back.
class RecordTable {
 public:
  // `executor` outlives it.
  explicit RecordTable(SqlExecutor& executor) : executor_(executor) {}

  // As in RecordStore.
  Task<absl::StatusOr<std::optional<Record>>> Find(std::string request_id, Deadline deadline);
  Task<absl::StatusOr<std::vector<std::string>>> AttributedIds(std::string serialization_key,
                                                               std::string request_id,
                                                               Deadline deadline);
  Task<absl::StatusOr<std::vector<Record>>> ListSent(RecordStore::Cursor after, int limit,
                                                     Deadline deadline);
  Task<absl::StatusOr<std::vector<Record>>> ListUnresolved(RecordStore::UnresolvedQuery query,
                                                           Deadline deadline);

  // The record of the key, other than `request_id`, that is claimed or sent.
  Task<absl::StatusOr<std::optional<Record>>> FindOpen(std::string serialization_key,
                                                       std::string request_id, Deadline deadline);

  // Runs `statement`, which reads or changes records. The records that it returns: all, or the
  // first one.
  Task<absl::StatusOr<std::vector<Record>>> Run(std::string statement,
                                                std::vector<SqlValue> parameters,
                                                Deadline deadline);
  Task<absl::StatusOr<std::optional<Record>>> RunForOne(std::string statement,
                                                        std::vector<SqlValue> parameters,
                                                        Deadline deadline);

 private:
  SqlExecutor& executor_;
};

}  // namespace gateway

#endif  // SERVICE_IDEMPOTENCY_STORE_RECORD_TABLE_H_
