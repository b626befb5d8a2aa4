#include "service/idempotency/store/sql_record_store.h"

#include <utility>

#include "absl/time/time.h"
#include "service/base/netstring_list.h"
#include "service/idempotency/store/record_row.h"
#include "service/idempotency/store/record_statements.h"

namespace gateway {
namespace {

SqlValue MicrosOrNull(const std::optional<Milliseconds>& duration) {
  if (!duration.has_value()) return SqlNull();
  return int64_t{std::chrono::microseconds(*duration).count()};
}

SqlValue ListOrNull(const std::optional<std::vector<std::string>>& list) {
  if (!list.has_value()) return SqlNull();
  return SqlBytes{EncodeNetstrings(*list)};
}

// The parameters of UpdateIf's first statement.
std::vector<SqlValue> UpdateParameters(const Record& expected,
                                       const RecordStore::RecordUpdate& change, bool is_charged,
                                       int64_t window) {
  std::vector<SqlValue> parameters = ExpectedVersion(expected);
  parameters.emplace_back(static_cast<int64_t>(change.state));
  parameters.push_back(MicrosOrNull(change.lease));
  const std::optional<Baseline>& baseline = change.first_baseline;
  parameters.push_back(baseline ? SqlValue(SqlBytes{baseline->state}) : SqlValue(SqlNull()));
  parameters.push_back(MicrosOrNull(change.conclusive_after));
  parameters.push_back(change.sent_at.has_value() ? SqlValue(absl::ToUnixMicros(*change.sent_at))
                                                  : SqlValue(SqlNull()));
  parameters.push_back(change.was_ambiguous.has_value()
                           ? SqlValue(static_cast<int64_t>(*change.was_ambiguous))
                           : SqlValue(SqlNull()));
  parameters.push_back(ListOrNull(change.candidate_ids));
  const bool stays_unknown = change.state == RecordState::kInconclusive &&
                             !expected.conclusive_at && !change.conclusive_after;
  parameters.emplace_back(window * (stays_unknown ? kUnknownForGoodFactor : 1));
  parameters.push_back(baseline ? SqlValue(absl::ToUnixMicros(baseline->read_at))
                                : SqlValue(SqlNull()));
  parameters.push_back(is_charged ? SqlValue(change.budget->account) : SqlValue(SqlNull()));
  parameters.push_back(is_charged ? SqlValue(kMicrosOfDay) : SqlValue(SqlNull()));
  return parameters;
}

// What UpdateIf's statements came to.
absl::StatusOr<RecordStore::UpdateResult> UpdateResultOf(const std::vector<SqlRows>& results,
                                                         bool is_charged) {
  if (results.front().empty()) return RecordStore::VersionConflict{};
  auto record = ParseRecordRow(results.front().front());
  if (!record.ok()) return record.status();
  if (!is_charged || !results.back().empty()) return *std::move(record);
  // It was taken back, but it says which day it was to be charged to.
  if (!record->charge) return NotWhatWasAskedFor();
  return ReachedOn(record->charge->day);
}

}  // namespace

SqlRecordStore::SqlRecordStore(std::unique_ptr<SqlExecutor> executor, RandomSource& random,
                               Options options)
    : executor_(std::move(executor)),
      random_(random),
      options_(options),
      table_(*executor_),
      results_(*executor_, table_,
               {.replay_window = options.replay_window, .settle_window = options.settle_window}),
      budgets_(*executor_),
      sweeper_(*executor_, options.replay_window) {}

Task<absl::StatusOr<RecordStore::ClaimResult>> SqlRecordStore::TryClaim(Claim claim,
                                                                        Deadline deadline) {
  Record record;
  record.request_id = claim.request_id;
  record.epoch = RandomEpoch();
  record.state = RecordState::kClaimed;
  record.caller = std::move(claim.caller);
  record.principal = std::move(claim.principal);
  record.fingerprint = std::move(claim.fingerprint);
  record.operation = std::move(claim.operation);
  record.serialization_key = std::move(claim.serialization_key);
  record.target = std::move(claim.target);
  // Durations: the statement adds them to its own clock.
  record.lease_until = absl::FromUnixMicros(std::chrono::microseconds(claim.lease).count());
  record.expires_at = absl::FromUnixMicros(WindowMicros());
  if (auto status = CheckRecordSize(record); !status.ok()) co_return status;
  if (!records_.has_value()) {
    const auto counts = co_await sweeper_.Count(deadline);
    if (!counts.ok()) co_return counts.status();
    records_ = counts->records;
  }
  for (int round = 0; round < kMaxRounds; ++round) {
    const bool is_full = *records_ >= options_.max_records;
    if (!is_full) {
      auto claimed = co_await table_.RunForOne(InsertClaim(), RecordParameters(record), deadline);
      if (!claimed.ok()) co_return claimed.status();
      if (claimed->has_value()) {
        ++*records_;
        co_return Claimed{**std::move(claimed)};
      }
    }
    std::vector<SqlValue> ids = {record.request_id, record.serialization_key};
    auto in_the_way = co_await table_.Run(SelectKeyHolder(), std::move(ids), deadline);
    if (!in_the_way.ok()) co_return in_the_way.status();
    for (Record& other : *in_the_way) {
      if (other.request_id == record.request_id) co_return Exists{std::move(other)};
    }
    if (is_full) co_return Full{};
    if (!in_the_way->empty()) co_return KeyHeld{std::move(in_the_way->front())};
  }
  co_return TooManyConflicts("begin a record");
}

Task<absl::StatusOr<RecordStore::UpdateResult>> SqlRecordStore::Update(Record expected,
                                                                       RecordUpdate change,
                                                                       Deadline deadline) {
  return UpdateIf(UpdateRecord(), std::move(expected), std::move(change), deadline);
}

Task<absl::StatusOr<RecordStore::UpdateResult>> SqlRecordStore::UpdateIfLeaseExpired(
    Record expected, RecordUpdate change, Deadline deadline) {
  return UpdateIf(UpdateExpiredRecord(), std::move(expected), std::move(change), deadline);
}

Task<absl::StatusOr<RecordStore::UpdateResult>> SqlRecordStore::UpdateIf(std::string statement,
                                                                         Record expected,
                                                                         RecordUpdate change,
                                                                         Deadline deadline) {
  if (change.first_baseline.has_value()) {
    auto status = CheckBaselineSize(*change.first_baseline);
    if (!status.ok()) co_return status;
  }
  if (change.candidate_ids.has_value()) {
    if (auto status = CheckCandidateSize(*change.candidate_ids); !status.ok()) co_return status;
  }
  const bool is_charged = change.budget && !expected.charge;
  std::vector<SqlStatement> statements;
  statements.push_back(
      {.text = std::move(statement),
       .parameters = UpdateParameters(expected, change, is_charged, WindowMicros())});
  if (is_charged) {
    statements.front().needs_row = true;
    statements.push_back(ChargeOf(expected, *change.budget));
  }
  for (int round = 0; round < kMaxRounds; ++round) {
    const auto turn = co_await budgets_.TurnFor(is_charged ? change.budget->account : "");
    auto changed = co_await executor_->RunAll(statements, deadline);
    if (changed.ok()) co_return UpdateResultOf(*changed, is_charged);
    if (!absl::IsAlreadyExists(changed.status())) co_return changed.status();
    // The record was as expected, but another one of the key is open; unless it has just ended.
    auto holder =
        co_await table_.FindOpen(expected.serialization_key, expected.request_id, deadline);
    if (!holder.ok()) co_return holder.status();
    if (holder->has_value()) co_return KeyHeld{**std::move(holder)};
  }
  co_return TooManyConflicts("change a record");
}

Task<absl::StatusOr<bool>> SqlRecordStore::Remove(Record expected, Deadline deadline) {
  std::vector<SqlStatement> statements;
  statements.push_back({.text = DeleteRecord(), .parameters = ExpectedVersion(expected)});
  if (expected.charge) {
    statements.front().needs_row = true;
    statements.push_back(GivingBack(*expected.charge));
  }
  const auto turn = co_await budgets_.TurnFor(expected.charge ? expected.charge->account : "");
  auto rows = co_await executor_->RunAll(std::move(statements), deadline);
  if (!rows.ok()) co_return rows.status();
  const bool is_removed = !rows->front().empty();
  if (is_removed && records_.has_value()) --*records_;
  co_return is_removed;
}

Task<absl::StatusOr<RecordStore::SweepResult>> SqlRecordStore::Sweep(Deadline deadline) {
  auto swept = co_await sweeper_.Sweep(deadline);
  if (swept.ok()) records_ = swept->records;
  co_return swept;
}

Task<absl::StatusOr<std::optional<Record>>> SqlRecordStore::Find(std::string request_id,
                                                                 Deadline deadline) {
  return table_.Find(std::move(request_id), deadline);
}

Task<absl::StatusOr<std::vector<std::string>>> SqlRecordStore::AttributedIds(
    std::string serialization_key, std::string request_id, Deadline deadline) {
  return table_.AttributedIds(std::move(serialization_key), std::move(request_id), deadline);
}

Task<absl::StatusOr<std::vector<Record>>> SqlRecordStore::ListSent(Cursor after, int limit,
                                                                   Deadline deadline) {
  return table_.ListSent(std::move(after), limit, deadline);
}

Task<absl::StatusOr<std::vector<Record>>> SqlRecordStore::ListUnresolved(UnresolvedQuery query,
                                                                         Deadline deadline) {
  return table_.ListUnresolved(std::move(query), deadline);
}

Task<absl::StatusOr<bool>> SqlRecordStore::StoreResponse(Record expected, StoredResult result,
                                                         Deadline deadline) {
  return results_.StoreResponse(std::move(expected), std::move(result), deadline);
}

Task<absl::StatusOr<RecordStore::FoundResult>> SqlRecordStore::StoreReconciled(Record expected,
                                                                               StoredResult result,
                                                                               Deadline deadline) {
  return results_.StoreReconciled(std::move(expected), std::move(result), deadline);
}

Task<absl::StatusOr<RecordStore::SettleResult>> SqlRecordStore::Settle(Record expected,
                                                                       Settlement settlement,
                                                                       Deadline deadline) {
  return results_.Settle(std::move(expected), std::move(settlement), deadline);
}

Task<absl::StatusOr<RecordStore::ChargeResult>> SqlRecordStore::Charge(WriteBudget budget,
                                                                       Deadline deadline) {
  return budgets_.Charge(std::move(budget), deadline);
}

Task<absl::Status> SqlRecordStore::GiveBack(BudgetCharge charge, Deadline deadline) {
  return budgets_.GiveBack(std::move(charge), deadline);
}

Task<absl::StatusOr<std::optional<RecordStore::BudgetReached>>> SqlRecordStore::LookAtBudget(
    WriteBudget budget, Deadline deadline) {
  return budgets_.LookAt(std::move(budget), deadline);
}

int64_t SqlRecordStore::WindowMicros() const {
  return std::chrono::microseconds(options_.replay_window).count();
}

int64_t SqlRecordStore::RandomEpoch() {
  // As many as a Fraction tells apart, and far from the largest int64_t: it is counted up from
  // here.
  constexpr double kEpochs = int64_t{1} << 53;
  return 1 + static_cast<int64_t>(random_.Fraction() * kEpochs);
}

}  // namespace gateway
