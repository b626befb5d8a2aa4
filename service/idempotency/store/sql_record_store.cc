#include "service/idempotency/store/sql_record_store.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "service/base/netstring_list.h"
#include "service/idempotency/store/record_row.h"
#include "service/idempotency/store/record_statements.h"

namespace gateway {
namespace {

// A statement that changed nothing and the read that asks why can miss each other. Each round needs
// another session to get the record, or to end it, in between, so this many say that something is
// wrong. The deadline holds as well.
constexpr int kMaxRounds = 100;

// Rows that one Sweep ends at most: no statement holds the database up for long.
constexpr int kSweepRows = 500;

SqlValue MicrosOrNull(const std::optional<Milliseconds>& duration) {
  if (!duration.has_value()) return SqlNull();
  return int64_t{std::chrono::microseconds(*duration).count()};
}

SqlValue ListOrNull(const std::optional<std::vector<std::string>>& list) {
  if (!list.has_value()) return SqlNull();
  return SqlBytes{EncodeNetstrings(*list)};
}

// The three values of every condition: request_id, epoch and state as they were read.
std::vector<SqlValue> ExpectedVersion(const Record& expected) {
  return {expected.request_id, expected.epoch, static_cast<int64_t>(expected.state)};
}

bool IsVersion(const std::optional<Record>& now, const Record& expected) {
  return now.has_value() && now->epoch == expected.epoch && now->state == expected.state;
}

absl::Status TooManyConflicts(const char* operation) {
  return absl::UnavailableError(
      absl::StrCat(operation, ": others kept changing it, given up after ", kMaxRounds, " rounds"));
}

// What follows the update of a record that is charged by it.
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

absl::Status NotWhatWasAskedFor() {
  return absl::InternalError("the database's rows are not those that the statement asks for");
}

// Of either statement.
std::vector<SqlValue> SettlementParameters(const Record& expected,
                                           const RecordStore::Settlement& settlement,
                                           int64_t window) {
  std::vector<SqlValue> parameters = ExpectedVersion(expected);
  parameters.emplace_back(SqlBytes{EncodeNetstrings({})});
  if (settlement.result) {
    parameters.emplace_back(SqlBytes{settlement.result->resource_id});
    parameters.emplace_back(SqlBytes{settlement.result->contents});
  } else {
    parameters.emplace_back(SqlBytes{settlement.baseline});
  }
  parameters.emplace_back(SqlBytes{settlement.settled_by});
  parameters.emplace_back(window);
  return parameters;
}

// Of the statements of UpdateIf.
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
    : executor_(std::move(executor)), random_(random), options_(options) {}

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
    if (auto status = co_await CountRecords(deadline); !status.ok()) co_return status;
  }
  for (int round = 0; round < kMaxRounds; ++round) {
    const bool is_full = *records_ >= options_.max_records;
    if (!is_full) {
      auto claimed = co_await Single(InsertClaim(), RecordParameters(record), deadline);
      if (!claimed.ok()) co_return claimed.status();
      if (claimed->has_value()) {
        ++*records_;
        co_return Claimed{**std::move(claimed)};
      }
    }
    std::vector<SqlValue> ids = {record.request_id, record.serialization_key};
    auto in_the_way = co_await Records(SelectKeyHolder(), std::move(ids), deadline);
    if (!in_the_way.ok()) co_return in_the_way.status();
    for (Record& other : *in_the_way) {
      if (other.request_id == record.request_id) co_return Exists{std::move(other)};
    }
    if (is_full) co_return Full{};
    if (!in_the_way->empty()) co_return KeyHeld{std::move(in_the_way->front())};
  }
  co_return TooManyConflicts("begin a record");
}

Task<absl::StatusOr<std::optional<Record>>> SqlRecordStore::Find(std::string request_id,
                                                                 Deadline deadline) {
  std::vector<SqlValue> parameters = {std::move(request_id)};
  co_return co_await Single(SelectRecord(), std::move(parameters), deadline);
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
  parameters.emplace_back(WindowMicros() * (stays_unknown ? kUnknownForGoodFactor : 1));
  parameters.push_back(baseline ? SqlValue(absl::ToUnixMicros(baseline->read_at))
                                : SqlValue(SqlNull()));
  const bool is_charged = change.budget && !expected.charge;
  parameters.push_back(is_charged ? SqlValue(change.budget->account) : SqlValue(SqlNull()));
  parameters.push_back(is_charged ? SqlValue(kMicrosOfDay) : SqlValue(SqlNull()));
  std::vector<SqlStatement> statements;
  statements.push_back({.text = std::move(statement), .parameters = std::move(parameters)});
  if (is_charged) {
    statements.front().needs_row = true;
    statements.push_back(ChargeOf(expected, *change.budget));
  }
  for (int round = 0; round < kMaxRounds; ++round) {
    const auto turn = co_await TurnFor(is_charged ? change.budget->account : "");
    auto changed = co_await executor_->RunAll(statements, deadline);
    if (changed.ok()) co_return UpdateResultOf(*changed, is_charged);
    if (!absl::IsAlreadyExists(changed.status())) co_return changed.status();
    // The record was as expected, but another one of the key is open; unless it has just ended.
    auto holder = co_await OpenRecord(expected.serialization_key, expected.request_id, deadline);
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
  const auto turn = co_await TurnFor(expected.charge ? expected.charge->account : "");
  auto rows = co_await executor_->RunAll(std::move(statements), deadline);
  if (!rows.ok()) co_return rows.status();
  const bool is_removed = !rows->front().empty();
  if (is_removed && records_.has_value()) --*records_;
  co_return is_removed;
}

Task<absl::StatusOr<bool>> SqlRecordStore::StoreResponse(Record expected, StoredResult result,
                                                         Deadline deadline) {
  // Attributed to nobody, it is a candidate of whoever sees it.
  if (result.resource_id.size() > kMaxResourceIdBytes) result.resource_id.clear();
  if (auto status = CheckResultSize(result); !status.ok()) co_return status;
  if (auto status = CheckRecordSize(expected); !status.ok()) co_return status;
  expected.epoch += 1;
  expected.state = RecordState::kDone;
  expected.candidate_ids.clear();
  expected.result = std::move(result);
  expected.result_origin = ResultOrigin::kReceived;
  expected.settled.reset();
  // A duration: the statement adds it to its own clock.
  expected.expires_at = absl::FromUnixMicros(WindowMicros());
  const auto rows = co_await executor_->Run(UpsertResponse(), RecordParameters(expected), deadline);
  if (!rows.ok()) co_return rows.status();
  co_return !rows->empty();
}

Task<absl::StatusOr<RecordStore::FoundResult>> SqlRecordStore::StoreReconciled(Record expected,
                                                                               StoredResult result,
                                                                               Deadline deadline) {
  if (auto status = CheckResultSize(result); !status.ok()) co_return status;
  std::vector<SqlValue> parameters = ExpectedVersion(expected);
  parameters.emplace_back(SqlBytes{EncodeNetstrings({})});
  parameters.emplace_back(SqlBytes{result.resource_id});
  parameters.emplace_back(SqlBytes{std::move(result.contents)});
  parameters.emplace_back(WindowMicros());
  const int64_t settle_window = std::chrono::microseconds(options_.settle_window).count();
  parameters.emplace_back(settle_window);
  const absl::Time baseline_at = expected.baseline ? expected.baseline->read_at : absl::UnixEpoch();
  for (int round = 0; round < kMaxRounds; ++round) {
    auto found = co_await Single(UpdateReconciled(), parameters, deadline);
    // Another record found the same resource: one of the key at the same moment, or one of another
    // key at any time.
    const bool is_found_already = absl::IsAlreadyExists(found.status());
    if (!is_found_already && !found.ok()) co_return found.status();
    if (!is_found_already && found->has_value()) co_return **std::move(found);

    auto now = co_await Find(expected.request_id, deadline);
    if (!now.ok()) co_return now.status();
    if (!IsVersion(*now, expected)) co_return VersionConflict{};
    auto holder = co_await OpenRecord(expected.serialization_key, expected.request_id, deadline);
    if (!holder.ok()) co_return holder.status();
    if (holder->has_value()) co_return KeyHeld{**std::move(holder)};
    auto held = co_await AttributedIds(expected.serialization_key, expected.request_id, deadline);
    if (!held.ok()) co_return held.status();
    if (std::find(held->begin(), held->end(), result.resource_id) != held->end())
      co_return VersionConflict{};
    std::vector<SqlValue> contest = {expected.serialization_key, expected.request_id,
                                     absl::ToUnixMicros(baseline_at), settle_window};
    auto contender = co_await Single(SelectContender(), std::move(contest), deadline);
    if (!contender.ok()) co_return contender.status();
    if (contender->has_value() || is_found_already) co_return Contested{};
  }
  co_return TooManyConflicts("store a reconciled result");
}

Task<absl::StatusOr<std::vector<std::string>>> SqlRecordStore::AttributedIds(
    std::string serialization_key, std::string request_id, Deadline deadline) {
  std::vector<SqlValue> parameters = {std::move(serialization_key), std::move(request_id)};
  auto rows = co_await executor_->Run(SelectAttributedIds(), std::move(parameters), deadline);
  if (!rows.ok()) co_return rows.status();
  std::vector<std::string> ids;
  for (SqlRow& row : *rows) {
    auto* const id = row.empty() ? nullptr : std::get_if<SqlBytes>(&row.front());
    if (id == nullptr) co_return NotWhatWasAskedFor();
    ids.push_back(std::move(id->bytes));
  }
  co_return ids;
}

Task<absl::StatusOr<std::vector<Record>>> SqlRecordStore::ListSent(Cursor after, int limit,
                                                                   Deadline deadline) {
  std::vector<SqlValue> parameters = {absl::ToUnixMicros(after.lease_until),
                                      std::move(after.request_id), int64_t{limit}};
  co_return co_await Records(SelectSent(), std::move(parameters), deadline);
}

Task<absl::StatusOr<std::vector<Record>>> SqlRecordStore::ListUnresolved(UnresolvedQuery query,
                                                                         Deadline deadline) {
  std::vector<SqlValue> parameters = {absl::ToUnixMicros(query.after.lease_until),
                                      std::move(query.after.request_id), int64_t{query.limit}};
  co_return co_await Records(SelectUnresolved(query.state), std::move(parameters), deadline);
}

Task<absl::StatusOr<RecordStore::SettleResult>> SqlRecordStore::Settle(Record expected,
                                                                       Settlement settlement,
                                                                       Deadline deadline) {
  if (settlement.result) {
    if (auto status = CheckResultSize(*settlement.result); !status.ok()) co_return status;
  }
  if (auto status = CheckBaselineSize({.state = settlement.baseline}); !status.ok()) {
    co_return status;
  }
  const std::vector<SqlValue> parameters =
      SettlementParameters(expected, settlement, WindowMicros());
  for (int round = 0; round < kMaxRounds; ++round) {
    auto settled = co_await Single(settlement.result ? SettleAsExecuted() : SettleAsNotExecuted(),
                                   parameters, deadline);
    // A record of another key found the resource.
    if (absl::IsAlreadyExists(settled.status())) co_return Attributed{};
    if (!settled.ok()) co_return settled.status();
    if (settled->has_value()) co_return **std::move(settled);

    auto now = co_await Find(expected.request_id, deadline);
    if (!now.ok()) co_return now.status();
    if (!IsVersion(*now, expected)) co_return VersionConflict{};
    if (!settlement.result) continue;
    auto holder = co_await OpenRecord(expected.serialization_key, expected.request_id, deadline);
    if (!holder.ok()) co_return holder.status();
    if (holder->has_value()) co_return KeyHeld{**std::move(holder)};
    std::vector<SqlValue> owner = {SqlBytes{settlement.result->resource_id}, expected.request_id,
                                   expected.serialization_key};
    const auto attributed = co_await executor_->Run(SelectOwner(), std::move(owner), deadline);
    if (!attributed.ok()) co_return attributed.status();
    if (!attributed->empty()) co_return Attributed{};
  }
  co_return TooManyConflicts("settle a record");
}

Task<absl::StatusOr<RecordStore::ChargeResult>> SqlRecordStore::Charge(WriteBudget budget,
                                                                       Deadline deadline) {
  const std::vector<SqlValue> parameters = {budget.account, budget.writes_per_day};
  const auto turn = co_await TurnFor(budget.account);
  for (int round = 0; round < kMaxRounds; ++round) {
    const auto rows = co_await executor_->Run(ChargeAccount(), parameters, deadline);
    if (!rows.ok()) co_return rows.status();
    if (!rows->empty()) {
      const auto* const day = std::get_if<int64_t>(&rows->front().front());
      if (day == nullptr) co_return NotWhatWasAskedFor();
      co_return BudgetCharge{.account = std::move(budget.account), .day = *day};
    }
    const auto reached = co_await LookAtBudget(budget, deadline);
    if (!reached.ok()) co_return reached.status();
    if (reached->has_value()) co_return **reached;
  }
  co_return TooManyConflicts("charge a write");
}

Task<absl::Status> SqlRecordStore::GiveBack(BudgetCharge charge, Deadline deadline) {
  const auto turn = co_await TurnFor(charge.account);
  std::vector<SqlStatement> statements = {GivingBack(charge)};
  const auto rows = co_await executor_->RunAll(std::move(statements), deadline);
  co_return rows.status();
}

Task<absl::StatusOr<std::optional<RecordStore::BudgetReached>>> SqlRecordStore::LookAtBudget(
    WriteBudget budget, Deadline deadline) {
  std::vector<SqlValue> parameters = {std::move(budget.account)};
  const auto rows = co_await executor_->Run(SelectBudget(), std::move(parameters), deadline);
  if (!rows.ok()) co_return rows.status();
  if (rows->size() != 1 || rows->front().size() != 2) co_return NotWhatWasAskedFor();
  const auto* const day = std::get_if<int64_t>(&rows->front()[0]);
  const auto* const used = std::get_if<int64_t>(&rows->front()[1]);
  if (day == nullptr || used == nullptr) co_return NotWhatWasAskedFor();
  if (*used < budget.writes_per_day) co_return std::optional<BudgetReached>();
  co_return std::optional<BudgetReached>(ReachedOn(*day));
}

Task<absl::StatusOr<RecordStore::SweepResult>> SqlRecordStore::Sweep(Deadline deadline) {
  SweepResult swept;
  std::vector<SqlValue> window_and_limit = {WindowMicros(), int64_t{kSweepRows}};
  auto inconclusive = co_await executor_->Run(ExpireSent(), std::move(window_and_limit), deadline);
  if (!inconclusive.ok()) co_return inconclusive.status();
  swept.inconclusive = static_cast<int>(inconclusive->size());

  std::vector<SqlValue> limit = {int64_t{kSweepRows}};
  auto expired = co_await executor_->Run(DeleteExpired(), std::move(limit), deadline);
  if (!expired.ok()) co_return expired.status();
  swept.expired = static_cast<int>(expired->size());
  swept.has_more = std::max(swept.inconclusive, swept.expired) == kSweepRows;
  if (swept.expired > 0) must_erase_ = true;
  // What fails is tried again with the next sweep.
  if (must_erase_ && !swept.has_more) {
    must_erase_ = !(co_await executor_->EraseDeleted(deadline)).ok();
  }

  const auto forgotten = co_await executor_->Run(DeleteOldBudgets(), {}, deadline);
  if (!forgotten.ok()) co_return forgotten.status();

  if (auto status = co_await CountRecords(deadline); !status.ok()) co_return status;
  swept.records = *records_;
  swept.open = open_;
  co_return swept;
}

Task<absl::Status> SqlRecordStore::CountRecords(Deadline deadline) {
  auto rows = co_await executor_->Run(CountAll(), {}, deadline);
  if (!rows.ok()) co_return rows.status();
  int64_t counts[4];
  if (rows->size() != 1 || rows->front().size() != std::size(counts)) {
    co_return NotWhatWasAskedFor();
  }
  for (size_t i = 0; i < std::size(counts); ++i) {
    const auto* const count = std::get_if<int64_t>(&rows->front()[i]);
    if (count == nullptr) co_return NotWhatWasAskedFor();
    counts[i] = *count;
  }
  records_ = counts[0];
  open_ = {.in_flight = counts[1], .unresolved = counts[2], .inconclusive = counts[3]};
  co_return absl::OkStatus();
}

Task<absl::StatusOr<std::vector<Record>>> SqlRecordStore::Records(std::string statement,
                                                                  std::vector<SqlValue> parameters,
                                                                  Deadline deadline) {
  auto rows = co_await executor_->Run(std::move(statement), std::move(parameters), deadline);
  if (!rows.ok()) co_return rows.status();
  std::vector<Record> records;
  for (const SqlRow& row : *rows) {
    auto record = ParseRecordRow(row);
    if (!record.ok()) co_return record.status();
    records.push_back(*std::move(record));
  }
  co_return records;
}

Task<absl::StatusOr<std::optional<Record>>> SqlRecordStore::Single(std::string statement,
                                                                   std::vector<SqlValue> parameters,
                                                                   Deadline deadline) {
  auto records = co_await Records(std::move(statement), std::move(parameters), deadline);
  if (!records.ok()) co_return records.status();
  if (records->empty()) co_return std::optional<Record>();
  co_return std::optional<Record>(std::move(records->front()));
}

Task<absl::StatusOr<std::optional<Record>>> SqlRecordStore::OpenRecord(
    std::string serialization_key, std::string request_id, Deadline deadline) {
  std::vector<SqlValue> parameters = {std::move(serialization_key), std::move(request_id)};
  co_return co_await Single(SelectOpenRecord(), std::move(parameters), deadline);
}

Task<KeyedMutex::Guard> SqlRecordStore::TurnFor(std::string account) {
  if (account.empty()) co_return KeyedMutex::Guard();
  co_return co_await budget_turns_.Lock(std::move(account), {});
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
