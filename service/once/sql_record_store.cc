#include "service/once/sql_record_store.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "service/once/sql_record_row.h"
#include "service/once/sql_string_list.h"

namespace gateway {
namespace {

// A statement that changed nothing and the read that asks why can miss each other. Each round needs
// another flow to get the record, or to end it, in between, so this many say that something is
// wrong. The deadline holds as well.
constexpr int kMaxRounds = 100;

// Rows that one Sweep ends at most: no statement holds the database up for long.
constexpr int kSweepRows = 500;

// {columns} and {table} stand for the obvious.
std::string Sql(std::string_view text) {
  return absl::StrReplaceAll(
      absl::string_view(text.data(), text.size()),
      {{"{columns}", absl::string_view(kRecordColumns.data(), kRecordColumns.size())},
       {"{table}", "passfort_gateway_records"}});
}

const std::string& InsertClaim() {
  static const auto* const sql =
      new std::string(Sql("INSERT INTO {table} ({columns}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, "
                          "$9, $10, {now} + $11, "
                          "$12, $13, $14, $15, $16, $17, $18, $19, {now} + $20) "
                          "ON CONFLICT DO NOTHING RETURNING {columns}, {now}"));
  return *sql;
}

const std::string& SelectRecord() {
  static const auto* const sql =
      new std::string(Sql("SELECT {columns}, {now} FROM {table} WHERE request_id = $1"));
  return *sql;
}

const std::string& SelectOpenRecord() {
  static const auto* const sql =
      new std::string(Sql("SELECT {columns}, {now} FROM {table} "
                          "WHERE profile_key = $1 AND state IN (1, 2) AND request_id <> $2"));
  return *sql;
}

// What an InsertClaim may have met: its id, its profile's open record, or one that is both. In one
// statement, so that what moves from one to the other is not missed.
const std::string& SelectInTheWay() {
  static const auto* const sql =
      new std::string(Sql("SELECT {columns}, {now} FROM {table} WHERE request_id = $1 "
                          "UNION ALL SELECT {columns}, {now} FROM {table} "
                          "WHERE profile_key = $2 AND state IN (1, 2) AND request_id <> $1"));
  return *sql;
}

const std::string& UpdateRecord() {
  static const auto* const sql =
      new std::string(Sql("UPDATE {table} SET epoch = epoch + 1, state = $4, "
                          "lease_until = COALESCE({now} + $5, lease_until), "
                          "snapshot = COALESCE(snapshot, $6), "
                          "quiet_at = COALESCE({now} + $7, quiet_at), "
                          "sent_at = COALESCE($8, sent_at), "
                          "was_ambiguous = COALESCE($9, was_ambiguous), "
                          "candidate_ids = COALESCE($10, candidate_ids), "
                          "expires_at = {now} + $11 "
                          "WHERE request_id = $1 AND epoch = $2 AND state = $3 "
                          "RETURNING {columns}, {now}"));
  return *sql;
}

const std::string& UpdateOverdueRecord() {
  static const auto* const sql = new std::string(absl::StrReplaceAll(
      UpdateRecord(), {{"state = $3 ", "state = $3 AND lease_until <= {now} "}}));
  return *sql;
}

const std::string& DeleteRecord() {
  static const auto* const sql =
      new std::string(Sql("DELETE FROM {table} WHERE request_id = $1 AND epoch = $2 AND state = $3 "
                          "RETURNING epoch"));
  return *sql;
}

const std::string& UpsertReceived() {
  static const auto* const sql = new std::string(Sql(
      "INSERT INTO {table} AS kept ({columns}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, "
      "$11, $12, $13, $14, $15, $16, $17, $18, $19, {now} + $20) "
      "ON CONFLICT (request_id) DO UPDATE SET epoch = kept.epoch + 1, state = excluded.state, "
      "candidate_ids = excluded.candidate_ids, application_id = excluded.application_id, "
      "answer = excluded.answer, origin = excluded.origin, expires_at = excluded.expires_at "
      "WHERE (kept.state <> 5 OR kept.origin = 2) AND kept.caller = excluded.caller "
      "AND kept.fingerprint = excluded.fingerprint "
      "RETURNING epoch"));
  return *sql;
}

// An application belongs to one profile, so only the profile's own records can hold it.
const std::string& UpdateFound() {
  static const auto* const sql = new std::string(
      Sql("UPDATE {table} AS mine SET epoch = epoch + 1, state = 5, candidate_ids = $4, "
          "application_id = $5, answer = $6, origin = 2, expires_at = {now} + $7 "
          "WHERE request_id = $1 AND epoch = $2 AND state = $3 "
          "AND NOT EXISTS (SELECT 1 FROM {table} AS other "
          "WHERE other.profile_key = mine.profile_key AND other.request_id <> mine.request_id "
          "AND (other.state IN (1, 2) OR other.application_id = $5)) "
          "RETURNING {columns}, {now}"));
  return *sql;
}

const std::string& SelectHeldIds() {
  static const auto* const sql = new std::string(
      Sql("SELECT DISTINCT application_id FROM {table} "
          "WHERE profile_key = $1 AND request_id <> $2 AND application_id IS NOT NULL"));
  return *sql;
}

const std::string& SelectSent() {
  static const auto* const sql = new std::string(
      Sql("SELECT {columns}, {now} FROM {table} WHERE state = 2 "
          "AND (lease_until, request_id) > ($1, $2) ORDER BY lease_until, request_id LIMIT $3"));
  return *sql;
}

// The outer conditions stand again for PostgreSQL: they are looked at once more if a row changed
// while the statement waited for it.
const std::string& ExpireSent() {
  static const auto* const sql = new std::string(
      Sql("UPDATE {table} SET epoch = epoch + 1, state = 4, expires_at = {now} + $1 "
          "WHERE state = 2 AND expires_at <= {now} AND request_id IN "
          "(SELECT request_id FROM {table} WHERE state = 2 AND expires_at <= {now} "
          "ORDER BY expires_at LIMIT $2) RETURNING epoch"));
  return *sql;
}

const std::string& DeleteExpired() {
  static const auto* const sql = new std::string(
      Sql("DELETE FROM {table} WHERE state <> 2 AND expires_at <= {now} AND request_id IN "
          "(SELECT request_id FROM {table} WHERE state <> 2 AND expires_at <= {now} "
          "ORDER BY expires_at LIMIT $1) RETURNING epoch"));
  return *sql;
}

// Two plain counts, each from an index of its own.
const std::string& CountAll() {
  static const auto* const sql =
      new std::string(Sql("SELECT (SELECT count(*) FROM {table}), "
                          "(SELECT count(*) FROM {table} WHERE state IN (2, 4))"));
  return *sql;
}

// Identifiers are compared in lower case.
std::string ProfileKey(const std::string& profile_id) { return absl::AsciiStrToLower(profile_id); }

SqlValue MicrosOrNull(const std::optional<Milliseconds>& duration) {
  if (!duration.has_value()) return SqlNull();
  return int64_t{std::chrono::microseconds(*duration).count()};
}

SqlValue ListOrNull(const std::optional<std::vector<std::string>>& list) {
  if (!list.has_value()) return SqlNull();
  return SqlBytes{EncodeStringList(*list)};
}

// The three values of every condition: request_id, epoch and state as they were read.
std::vector<SqlValue> AsSeen(const Record& seen) {
  return {seen.request_id, seen.epoch, static_cast<int64_t>(seen.state)};
}

bool IsAsSeen(const std::optional<Record>& now, const Record& seen) {
  return now.has_value() && now->epoch == seen.epoch && now->state == seen.state;
}

absl::Status KeepsChanging(const char* operation) {
  return absl::UnavailableError(absl::StrCat(
      operation, ": others kept changing the record, given up after ", kMaxRounds, " rounds"));
}

absl::Status NotWhatWasAskedFor() {
  return absl::InternalError("the database's rows are not those that the statement asks for");
}

}  // namespace

SqlRecordStore::SqlRecordStore(std::unique_ptr<SqlExecutor> executor, RandomSource& random,
                               Options options)
    : executor_(std::move(executor)), random_(random), options_(options) {}

Task<absl::StatusOr<RecordStore::BeginResult>> SqlRecordStore::Begin(Claim claim,
                                                                     Deadline deadline) {
  Record record;
  record.request_id = claim.request_id;
  record.epoch = RandomEpoch();
  record.state = RecordState::kClaimed;
  record.caller = std::move(claim.caller);
  record.fingerprint = std::move(claim.fingerprint);
  record.draft = std::move(claim.draft);
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
    std::vector<SqlValue> ids = {record.request_id, ProfileKey(record.draft.profile_id)};
    auto in_the_way = co_await Records(SelectInTheWay(), std::move(ids), deadline);
    if (!in_the_way.ok()) co_return in_the_way.status();
    for (Record& other : *in_the_way) {
      if (other.request_id == record.request_id) co_return Known{std::move(other)};
    }
    if (is_full) co_return Full{};
    if (!in_the_way->empty()) co_return ProfileBusy{std::move(in_the_way->front())};
  }
  co_return KeepsChanging("begin a record");
}

Task<absl::StatusOr<std::optional<Record>>> SqlRecordStore::Find(std::string request_id,
                                                                 Deadline deadline) {
  std::vector<SqlValue> parameters = {std::move(request_id)};
  co_return co_await Single(SelectRecord(), std::move(parameters), deadline);
}

Task<absl::StatusOr<RecordStore::ChangeResult>> SqlRecordStore::Apply(Record seen, Change change,
                                                                      Deadline deadline) {
  return ChangeIf(UpdateRecord(), std::move(seen), std::move(change), deadline);
}

Task<absl::StatusOr<RecordStore::ChangeResult>> SqlRecordStore::TakeOver(Record seen, Change change,
                                                                         Deadline deadline) {
  return ChangeIf(UpdateOverdueRecord(), std::move(seen), std::move(change), deadline);
}

Task<absl::StatusOr<RecordStore::ChangeResult>> SqlRecordStore::ChangeIf(std::string statement,
                                                                         Record seen, Change change,
                                                                         Deadline deadline) {
  if (change.first_snapshot.has_value()) {
    if (auto status = CheckSnapshotSize(*change.first_snapshot); !status.ok()) co_return status;
  }
  if (change.candidate_ids.has_value()) {
    if (auto status = CheckCandidateSize(*change.candidate_ids); !status.ok()) co_return status;
  }
  std::vector<SqlValue> parameters = AsSeen(seen);
  parameters.emplace_back(static_cast<int64_t>(change.state));
  parameters.push_back(MicrosOrNull(change.lease));
  parameters.push_back(ListOrNull(change.first_snapshot));
  parameters.push_back(MicrosOrNull(change.quiet_in));
  parameters.push_back(change.sent_at.has_value() ? SqlValue(absl::ToUnixMicros(*change.sent_at))
                                                  : SqlValue(SqlNull()));
  parameters.push_back(change.was_ambiguous.has_value()
                           ? SqlValue(static_cast<int64_t>(*change.was_ambiguous))
                           : SqlValue(SqlNull()));
  parameters.push_back(ListOrNull(change.candidate_ids));
  parameters.emplace_back(WindowMicros());
  for (int round = 0; round < kMaxRounds; ++round) {
    auto changed = co_await Single(statement, parameters, deadline);
    if (changed.ok() && changed->has_value()) co_return **std::move(changed);
    if (changed.ok()) co_return Lost{};
    if (!absl::IsAlreadyExists(changed.status())) co_return changed.status();
    // The record was as seen, but another one of the profile is open; unless it has just ended.
    auto holder = co_await OpenRecord(seen.draft.profile_id, seen.request_id, deadline);
    if (!holder.ok()) co_return holder.status();
    if (holder->has_value()) co_return ProfileBusy{**std::move(holder)};
  }
  co_return KeepsChanging("change a record");
}

Task<absl::StatusOr<bool>> SqlRecordStore::Remove(Record seen, Deadline deadline) {
  auto rows = co_await executor_->Run(DeleteRecord(), AsSeen(seen), deadline);
  if (!rows.ok()) co_return rows.status();
  if (!rows->empty() && records_.has_value()) --*records_;
  co_return !rows->empty();
}

Task<absl::Status> SqlRecordStore::StoreReceived(Record seen, Answer answer, Deadline deadline) {
  if (auto status = CheckAnswerSize(answer.application_id, answer.application); !status.ok()) {
    co_return status;
  }
  if (auto status = CheckRecordSize(seen); !status.ok()) co_return status;
  seen.epoch += 1;
  seen.state = RecordState::kDone;
  seen.candidate_ids.clear();
  seen.application_id = absl::AsciiStrToLower(answer.application_id);
  seen.answer = std::move(answer.application);
  seen.origin = AnswerOrigin::kReceived;
  // A duration: the statement adds it to its own clock.
  seen.expires_at = absl::FromUnixMicros(WindowMicros());
  const auto rows = co_await executor_->Run(UpsertReceived(), RecordParameters(seen), deadline);
  co_return rows.status();
}

Task<absl::StatusOr<RecordStore::ChangeResult>> SqlRecordStore::StoreFound(Record seen,
                                                                           Answer answer,
                                                                           Deadline deadline) {
  if (auto status = CheckAnswerSize(answer.application_id, answer.application); !status.ok()) {
    co_return status;
  }
  const std::string application_id = absl::AsciiStrToLower(answer.application_id);
  std::vector<SqlValue> parameters = AsSeen(seen);
  parameters.emplace_back(SqlBytes{EncodeStringList({})});
  parameters.emplace_back(SqlBytes{application_id});
  parameters.emplace_back(SqlBytes{std::move(answer.application)});
  parameters.emplace_back(WindowMicros());
  for (int round = 0; round < kMaxRounds; ++round) {
    auto found = co_await Single(UpdateFound(), parameters, deadline);
    // Another record found the same application at the same moment.
    if (absl::IsAlreadyExists(found.status())) co_return Lost{};
    if (!found.ok()) co_return found.status();
    if (found->has_value()) co_return **std::move(found);

    auto now = co_await Find(seen.request_id, deadline);
    if (!now.ok()) co_return now.status();
    if (!IsAsSeen(*now, seen)) co_return Lost{};
    auto holder = co_await OpenRecord(seen.draft.profile_id, seen.request_id, deadline);
    if (!holder.ok()) co_return holder.status();
    if (holder->has_value()) co_return ProfileBusy{**std::move(holder)};
    auto held = co_await HeldIds(seen.draft.profile_id, seen.request_id, deadline);
    if (!held.ok()) co_return held.status();
    if (std::find(held->begin(), held->end(), application_id) != held->end()) co_return Lost{};
  }
  co_return KeepsChanging("store a found application");
}

Task<absl::StatusOr<std::vector<std::string>>> SqlRecordStore::HeldIds(std::string profile_id,
                                                                       std::string request_id,
                                                                       Deadline deadline) {
  std::vector<SqlValue> parameters = {ProfileKey(profile_id), std::move(request_id)};
  auto rows = co_await executor_->Run(SelectHeldIds(), std::move(parameters), deadline);
  if (!rows.ok()) co_return rows.status();
  std::vector<std::string> ids;
  for (SqlRow& row : *rows) {
    auto* const id = row.empty() ? nullptr : std::get_if<SqlBytes>(&row.front());
    if (id == nullptr) co_return NotWhatWasAskedFor();
    ids.push_back(std::move(id->bytes));
  }
  co_return ids;
}

Task<absl::StatusOr<std::vector<Record>>> SqlRecordStore::Sent(Place after, int limit,
                                                               Deadline deadline) {
  std::vector<SqlValue> parameters = {absl::ToUnixMicros(after.lease_until),
                                      std::move(after.request_id), int64_t{limit}};
  co_return co_await Records(SelectSent(), std::move(parameters), deadline);
}

Task<absl::StatusOr<RecordStore::Swept>> SqlRecordStore::Sweep(Deadline deadline) {
  Swept swept;
  std::vector<SqlValue> window_and_limit = {WindowMicros(), int64_t{kSweepRows}};
  auto undecided = co_await executor_->Run(ExpireSent(), std::move(window_and_limit), deadline);
  if (!undecided.ok()) co_return undecided.status();
  swept.undecided = static_cast<int>(undecided->size());

  std::vector<SqlValue> limit = {int64_t{kSweepRows}};
  auto expired = co_await executor_->Run(DeleteExpired(), std::move(limit), deadline);
  if (!expired.ok()) co_return expired.status();
  swept.expired = static_cast<int>(expired->size());
  swept.has_more = std::max(swept.undecided, swept.expired) == kSweepRows;

  if (auto status = co_await CountRecords(deadline); !status.ok()) co_return status;
  swept.records = *records_;
  swept.unresolved = unresolved_;
  co_return swept;
}

Task<absl::Status> SqlRecordStore::CountRecords(Deadline deadline) {
  auto rows = co_await executor_->Run(CountAll(), {}, deadline);
  if (!rows.ok()) co_return rows.status();
  if (rows->size() != 1 || rows->front().size() != 2) co_return NotWhatWasAskedFor();
  const auto* const all = std::get_if<int64_t>(&rows->front()[0]);
  const auto* const unresolved = std::get_if<int64_t>(&rows->front()[1]);
  if (all == nullptr || unresolved == nullptr) co_return NotWhatWasAskedFor();
  records_ = *all;
  unresolved_ = *unresolved;
  co_return absl::OkStatus();
}

Task<absl::StatusOr<std::vector<Record>>> SqlRecordStore::Records(std::string statement,
                                                                  std::vector<SqlValue> parameters,
                                                                  Deadline deadline) {
  auto rows = co_await executor_->Run(std::move(statement), std::move(parameters), deadline);
  if (!rows.ok()) co_return rows.status();
  std::vector<Record> records;
  for (const SqlRow& row : *rows) {
    auto record = RecordOfRow(row);
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

Task<absl::StatusOr<std::optional<Record>>> SqlRecordStore::OpenRecord(std::string profile_id,
                                                                       std::string request_id,
                                                                       Deadline deadline) {
  std::vector<SqlValue> parameters = {ProfileKey(profile_id), std::move(request_id)};
  co_return co_await Single(SelectOpenRecord(), std::move(parameters), deadline);
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
