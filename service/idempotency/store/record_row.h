#ifndef SERVICE_IDEMPOTENCY_STORE_RECORD_ROW_H_
#define SERVICE_IDEMPOTENCY_STORE_RECORD_ROW_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "service/idempotency/store/record.h"
#include "service/sql/sql_executor.h"

namespace gateway {

// The columns of a record, in the order in which ParseRecordRow reads and RecordParameters writes
// them. `store_now` is none of them: a statement gives it after them.
inline constexpr std::string_view kRecordColumns =
    "request_id, epoch, state, caller, fingerprint, operation, serialization_key, target, "
    "lease_until, baseline, baseline_at, conclusive_at, sent_at, was_ambiguous, candidate_ids, "
    "resource_id, result, result_origin, budget_account, budget_day, principal, settled_by, "
    "settled_at, expires_at";

// SQL about records. {columns} and {table} stand for the obvious, {budgets} for the table of
// budgets, {day} for the microseconds of a day; {claimed}, {sent}, {no_effect},
// {inconclusive} and {done} for the numbers of RecordState, {reconciled} for that of a
// ResultOrigin.
std::string RecordSql(std::string_view text);

inline constexpr int64_t kMicrosOfDay = int64_t{24} * 60 * 60 * 1'000'000;

// INTERNAL if the row is none that a gateway wrote.
absl::StatusOr<Record> ParseRecordRow(const SqlRow& row);

// `lease_until` and `expires_at` are written as they are.
std::vector<SqlValue> RecordParameters(const Record& record);

// The three values of every condition: request_id, epoch and state as they were read.
std::vector<SqlValue> ExpectedVersion(const Record& expected);

// What is bounded in number must be bounded in bytes as well. RESOURCE_EXHAUSTED names the column
// that is too long, not its value.
absl::Status CheckRecordSize(const Record& record);
absl::Status CheckBaselineSize(const Baseline& baseline);
absl::Status CheckCandidateSize(const std::vector<std::string>& candidate_ids);
absl::Status CheckResultSize(const StoredResult& result);

}  // namespace gateway

#endif  // SERVICE_IDEMPOTENCY_STORE_RECORD_ROW_H_
