#include "service/idempotency/store/record_statements.h"

#include <string_view>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "service/idempotency/store/record_row.h"

namespace gateway {

absl::Status TooManyConflicts(const char* operation) {
  return absl::UnavailableError(
      absl::StrCat(operation, ": others kept changing it, given up after ", kMaxRounds, " rounds"));
}

absl::Status NotWhatWasAskedFor() {
  return absl::InternalError("the database's rows are not those that the statement asks for");
}

const std::string& InsertClaim() {
  static const auto* const sql = new std::string(
      RecordSql("INSERT INTO {table} ({columns}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, "
                "{now} + $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, "
                "{now} + $24) ON CONFLICT DO NOTHING RETURNING {columns}, {now}"));
  return *sql;
}

const std::string& SelectRecord() {
  static const auto* const sql =
      new std::string(RecordSql("SELECT {columns}, {now} FROM {table} WHERE request_id = $1"));
  return *sql;
}

const std::string& SelectOpenRecord() {
  static const auto* const sql = new std::string(RecordSql(
      "SELECT {columns}, {now} FROM {table} "
      "WHERE serialization_key = $1 AND state IN ({claimed}, {sent}) AND request_id <> $2"));
  return *sql;
}

// What an InsertClaim may have met: its id, its key's open record, or one that is both. In one
// statement, so that what moves from one to the other is not missed.
const std::string& SelectKeyHolder() {
  static const auto* const sql = new std::string(RecordSql(
      "SELECT {columns}, {now} FROM {table} WHERE request_id = $1 "
      "UNION ALL SELECT {columns}, {now} FROM {table} "
      "WHERE serialization_key = $2 AND state IN ({claimed}, {sent}) AND request_id <> $1"));
  return *sql;
}

// $14: a day's length, or null where nothing is charged.
const std::string& UpdateRecord() {
  static const auto* const sql =
      new std::string(RecordSql("UPDATE {table} SET epoch = epoch + 1, state = $4, "
                                "lease_until = COALESCE({now} + $5, lease_until), "
                                "baseline = COALESCE(baseline, $6), "
                                "baseline_at = "
                                "CASE WHEN baseline IS NULL THEN $12 ELSE baseline_at END, "
                                "conclusive_at = COALESCE({now} + $7, conclusive_at), "
                                "sent_at = COALESCE($8, sent_at), "
                                "was_ambiguous = COALESCE($9, was_ambiguous), "
                                "candidate_ids = COALESCE($10, candidate_ids), "
                                "budget_account = COALESCE(budget_account, $13), "
                                "budget_day = COALESCE(budget_day, {now} / $14), "
                                "settled_by = NULL, settled_at = NULL, "
                                "expires_at = {now} + $11 "
                                "WHERE request_id = $1 AND epoch = $2 AND state = $3 "
                                "RETURNING {columns}, {now}"));
  return *sql;
}

const std::string& UpdateExpiredRecord() {
  static const auto* const sql = new std::string(absl::StrReplaceAll(
      UpdateRecord(), {{"state = $3 ", "state = $3 AND lease_until <= {now} "}}));
  return *sql;
}

const std::string& DeleteRecord() {
  static const auto* const sql = new std::string(
      RecordSql("DELETE FROM {table} WHERE request_id = $1 AND epoch = $2 AND state = $3 "
                "RETURNING epoch"));
  return *sql;
}

// What was found and is replaced stays attributed: a caller was given it. A create that nobody
// could know of was to be remembered for longer, and its caller may come as late as that.
const std::string& UpsertResponse() {
  static const auto* const sql = new std::string(RecordSql(
      "INSERT INTO {table} AS kept ({columns}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, "
      "$11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, {now} + $24) "
      "ON CONFLICT (request_id) DO UPDATE SET epoch = kept.epoch + 1, state = excluded.state, "
      "candidate_ids = excluded.candidate_ids, resource_id = excluded.resource_id, "
      "result = excluded.result, result_origin = excluded.result_origin, settled_by = NULL, "
      "settled_at = NULL, expires_at = CASE WHEN kept.conclusive_at IS NULL AND kept.expires_at > "
      "excluded.expires_at "
      "THEN kept.expires_at ELSE excluded.expires_at END, replaced_id = "
      "COALESCE(NULLIF(kept.resource_id, excluded.resource_id), kept.replaced_id) "
      "WHERE (kept.state <> {done} OR kept.result_origin = {reconciled}) AND kept.caller = "
      "excluded.caller "
      "AND kept.fingerprint = excluded.fingerprint "
      "RETURNING epoch"));
  return *sql;
}

// A resource belongs to one key, so only the key's own records can have it. It may be
// that of an inconclusive record whose attempt could be executed after the baseline; or of one that
// was found while its attempt went on, with what may be a stranger's: Passfort's response may yet
// come, perhaps from a frozen process. $8: the settle window, from an attempt's end to its quiet.
const std::string& UpdateReconciled() {
  static const auto* const sql = new std::string(RecordSql(
      "UPDATE {table} AS mine SET epoch = epoch + 1, state = {done}, candidate_ids = $4, "
      "resource_id = $5, result = $6, result_origin = {reconciled}, settled_by = NULL, "
      "settled_at = NULL, expires_at = {now} + $7 WHERE request_id = $1 AND epoch = $2 AND state = "
      "$3 "
      "AND NOT EXISTS (SELECT 1 FROM {table} AS other "
      "WHERE other.serialization_key = mine.serialization_key "
      "AND other.request_id <> mine.request_id "
      "AND (other.state IN ({claimed}, {sent}) "
      "OR other.resource_id = $5 OR other.replaced_id = $5 "
      "OR (other.state = {inconclusive} AND other.conclusive_at > COALESCE(mine.baseline_at, 0)) "
      "OR (other.state = {done} AND other.result_origin = {reconciled} "
      "AND other.conclusive_at - $8 > COALESCE(mine.baseline_at, 0)))) "
      "RETURNING {columns}, {now}"));
  return *sql;
}

const std::string& SelectContender() {
  static const auto* const sql = new std::string(RecordSql(
      "SELECT {columns}, {now} FROM {table} "
      "WHERE serialization_key = $1 AND request_id <> $2 AND ((state = {inconclusive} AND "
      "conclusive_at > $3) "
      "OR (state = {done} AND result_origin = {reconciled} AND conclusive_at - $4 > $3)) LIMIT 1"));
  return *sql;
}

const std::string& SelectAttributedIds() {
  static const auto* const sql = new std::string(
      RecordSql("SELECT resource_id FROM {table} "
                "WHERE serialization_key = $1 AND request_id <> $2 AND resource_id IS NOT NULL "
                "UNION SELECT replaced_id FROM {table} "
                "WHERE serialization_key = $1 AND request_id <> $2 AND replaced_id IS NOT NULL"));
  return *sql;
}

const std::string& SelectSent() {
  static const auto* const sql = new std::string(RecordSql(
      "SELECT {columns}, {now} FROM {table} WHERE state = {sent} "
      "AND (lease_until, request_id) > ($1, $2) ORDER BY lease_until, request_id LIMIT $3"));
  return *sql;
}

std::string SelectUnresolved(std::optional<RecordState> state) {
  // Each half from an index of its own, in its order. The baselines may be long, and are not shown.
  const std::string columns =
      absl::StrReplaceAll(absl::string_view(kRecordColumns.data(), kRecordColumns.size()),
                          {{"baseline, baseline_at", "NULL AS baseline, NULL AS baseline_at"}});
  const auto half = [&](const char* condition) {
    return absl::StrCat("SELECT * FROM (SELECT ", columns, ", {now} FROM {table} WHERE ", condition,
                        " AND (lease_until, request_id) > ($1, $2) "
                        "ORDER BY lease_until, request_id LIMIT $3) AS half");
  };
  const std::string sent = half("state = {sent} AND lease_until <= {now}");
  const std::string inconclusive = half("state = {inconclusive}");
  if (state == RecordState::kSent) return RecordSql(sent);
  if (state == RecordState::kInconclusive) return RecordSql(inconclusive);
  return RecordSql(absl::StrCat(sent, " UNION ALL ", inconclusive,
                                " ORDER BY lease_until, request_id LIMIT $3"));
}

// As UpdateReconciled, but a person's word decides between two records that may both have it. A
// resource of another key may be the same one where no look is ever conclusive.
const std::string& SettleAsExecuted() {
  static const auto* const sql = new std::string(
      RecordSql("UPDATE {table} AS mine SET epoch = epoch + 1, state = {done}, candidate_ids = $4, "
                "resource_id = $5, result = $6, result_origin = {reconciled}, settled_by = $7, "
                "settled_at = {now}, expires_at = CASE WHEN expires_at > {now} + $8 "
                "THEN expires_at ELSE {now} + $8 END "
                "WHERE request_id = $1 AND epoch = $2 AND state = $3 "
                "AND NOT EXISTS (SELECT 1 FROM {table} AS other "
                "WHERE other.serialization_key = mine.serialization_key "
                "AND other.request_id <> mine.request_id "
                "AND (other.state IN ({claimed}, {sent}) "
                "OR other.resource_id = $5 OR other.replaced_id = $5)) "
                "AND (conclusive_at IS NOT NULL OR NOT EXISTS (SELECT 1 FROM {table} AS elsewhere "
                "WHERE elsewhere.conclusive_at IS NULL AND elsewhere.resource_id = $5 "
                "AND elsewhere.request_id <> mine.request_id)) "
                "RETURNING {columns}, {now}"));
  return *sql;
}

// Which other record stands in the way of SettleAsExecuted by its resource.
const std::string& SelectOwner() {
  static const auto* const sql = new std::string(RecordSql(
      "SELECT epoch FROM {table} WHERE conclusive_at IS NULL AND resource_id = $1 "
      "AND request_id <> $2 UNION ALL SELECT epoch FROM {table} WHERE serialization_key = $3 "
      "AND request_id <> $2 AND (resource_id = $1 OR replaced_id = $1) LIMIT 1"));
  return *sql;
}

const std::string& SettleAsNotExecuted() {
  static const auto* const sql = new std::string(
      RecordSql("UPDATE {table} SET epoch = epoch + 1, state = {no_effect}, candidate_ids = $4, "
                "baseline = $5, was_ambiguous = 1, settled_by = $6, settled_at = {now}, "
                "expires_at = {now} + $7 "
                "WHERE request_id = $1 AND epoch = $2 AND state = $3 "
                "RETURNING {columns}, {now}"));
  return *sql;
}

// The outer conditions stand again for PostgreSQL: they are looked at once more if a row changed
// while the statement waited for it.
const std::string& ExpireSent() {
  static const auto* const sql = new std::string(RecordSql(
      "UPDATE {table} SET epoch = epoch + 1, state = {inconclusive}, expires_at = {now} + "
      "CASE WHEN conclusive_at IS NULL THEN CAST($1 AS bigint) * {unknown_factor} "
      "ELSE CAST($1 AS bigint) END "
      "WHERE state = {sent} AND expires_at <= {now} AND request_id IN "
      "(SELECT request_id FROM {table} WHERE state = {sent} AND expires_at <= {now} "
      "ORDER BY expires_at LIMIT $2) RETURNING epoch"));
  return *sql;
}

// What a done record holds must not look new to a record that still compares with an older
// baseline.
const std::string& DeleteExpired() {
  static const auto* const sql = new std::string(RecordSql(
      "DELETE FROM {table} WHERE state <> {sent} AND expires_at <= {now} AND request_id IN "
      "(SELECT request_id FROM {table} AS expired WHERE state <> {sent} AND expires_at <= {now} "
      "AND (state <> {done} OR NOT EXISTS (SELECT 1 FROM {table} AS older "
      "WHERE older.serialization_key = expired.serialization_key AND older.state <> {done} "
      "AND older.baseline IS NOT NULL "
      "AND COALESCE(older.baseline_at, 0) < expired.expires_at)) "
      "ORDER BY expires_at LIMIT $1) RETURNING epoch"));
  return *sql;
}

// After the record's update in the same transaction, for the account and the day that it names: so
// an intent is charged to the day that its record says, also at midnight.
const std::string& ChargeRecord() {
  static const auto* const sql = new std::string(RecordSql(
      "INSERT INTO {budgets} AS budget (account, day, used) "
      "SELECT budget_account, budget_day, 1 FROM {table} WHERE request_id = $1 "
      "ON CONFLICT (account, day) DO UPDATE SET used = budget.used + 1 WHERE budget.used < $2 "
      "RETURNING used"));
  return *sql;
}

const std::string& ChargeAccount() {
  static const auto* const sql = new std::string(RecordSql(
      "INSERT INTO {budgets} AS budget (account, day, used) VALUES ($1, {now} / {day}, 1) "
      "ON CONFLICT (account, day) DO UPDATE SET used = budget.used + 1 WHERE budget.used < $2 "
      "RETURNING day"));
  return *sql;
}

const std::string& GiveBackCharge() {
  static const auto* const sql = new std::string(RecordSql(
      "UPDATE {budgets} SET used = used - 1 WHERE account = $1 AND day = $2 AND used > 0"));
  return *sql;
}

const std::string& SelectBudget() {
  static const auto* const sql =
      new std::string(RecordSql("SELECT {now} / {day}, COALESCE((SELECT used FROM {budgets} "
                                "WHERE account = $1 AND day = {now} / {day}), 0)"));
  return *sql;
}

// Kept for longer than a month, for whoever asks how much was used.
const std::string& DeleteOldBudgets() {
  static const auto* const sql =
      new std::string(RecordSql("DELETE FROM {budgets} WHERE day < {now} / {day} - 40"));
  return *sql;
}

// Plain counts, each from an index of its own: of all, in flight, unresolved and inconclusive.
const std::string& CountAll() {
  static const auto* const sql = new std::string(RecordSql(
      "SELECT (SELECT count(*) FROM {table}), "
      "(SELECT count(*) FROM {table} WHERE state IN ({claimed}, {sent}) AND lease_until > {now}), "
      "(SELECT count(*) FROM {table} WHERE state = {sent} AND lease_until <= {now}), "
      "(SELECT count(*) FROM {table} WHERE state = {inconclusive})"));
  return *sql;
}

}  // namespace gateway
