#include "service/idempotency/store/record_table.h"

#include <utility>

#include "service/idempotency/store/record_row.h"
#include "service/idempotency/store/record_statements.h"

namespace gateway {

Task<absl::StatusOr<std::optional<Record>>> RecordTable::Find(std::string request_id,
                                                              Deadline deadline) {
  std::vector<SqlValue> parameters = {std::move(request_id)};
  co_return co_await RunForOne(SelectRecord(), std::move(parameters), deadline);
}

Task<absl::StatusOr<std::optional<Record>>> RecordTable::FindOpen(std::string serialization_key,
                                                                  std::string request_id,
                                                                  Deadline deadline) {
  std::vector<SqlValue> parameters = {std::move(serialization_key), std::move(request_id)};
  co_return co_await RunForOne(SelectOpenRecord(), std::move(parameters), deadline);
}

Task<absl::StatusOr<std::vector<std::string>>> RecordTable::AttributedIds(
    std::string serialization_key, std::string request_id, Deadline deadline) {
  std::vector<SqlValue> parameters = {std::move(serialization_key), std::move(request_id)};
  auto rows = co_await executor_.Run(SelectAttributedIds(), std::move(parameters), deadline);
  if (!rows.ok()) co_return rows.status();
  std::vector<std::string> ids;
  for (SqlRow& row : *rows) {
    auto* const id = row.empty() ? nullptr : std::get_if<SqlBytes>(&row.front());
    if (id == nullptr) co_return NotWhatWasAskedFor();
    ids.push_back(std::move(id->bytes));
  }
  co_return ids;
}

Task<absl::StatusOr<std::vector<Record>>> RecordTable::ListSent(RecordStore::Cursor after,
                                                                int limit, Deadline deadline) {
  std::vector<SqlValue> parameters = {absl::ToUnixMicros(after.lease_until),
                                      std::move(after.request_id), int64_t{limit}};
  co_return co_await Run(SelectSent(), std::move(parameters), deadline);
}

Task<absl::StatusOr<std::vector<Record>>> RecordTable::ListUnresolved(
    RecordStore::UnresolvedQuery query, Deadline deadline) {
  std::vector<SqlValue> parameters = {absl::ToUnixMicros(query.after.lease_until),
                                      std::move(query.after.request_id), int64_t{query.limit}};
  co_return co_await Run(SelectUnresolved(query.state), std::move(parameters), deadline);
}

Task<absl::StatusOr<std::vector<Record>>> RecordTable::Run(std::string statement,
                                                           std::vector<SqlValue> parameters,
                                                           Deadline deadline) {
  auto rows = co_await executor_.Run(std::move(statement), std::move(parameters), deadline);
  if (!rows.ok()) co_return rows.status();
  std::vector<Record> records;
  for (const SqlRow& row : *rows) {
    auto record = ParseRecordRow(row);
    if (!record.ok()) co_return record.status();
    records.push_back(*std::move(record));
  }
  co_return records;
}

Task<absl::StatusOr<std::optional<Record>>> RecordTable::RunForOne(std::string statement,
                                                                   std::vector<SqlValue> parameters,
                                                                   Deadline deadline) {
  auto records = co_await Run(std::move(statement), std::move(parameters), deadline);
  if (!records.ok()) co_return records.status();
  if (records->empty()) co_return std::optional<Record>();
  co_return std::optional<Record>(std::move(records->front()));
}

}  // namespace gateway
