#include "service/idempotency/store/record_schema.h"

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "service/idempotency/store/record_row.h"

namespace gateway {
namespace {

// `bytea` is PostgreSQL's word; SQLite keeps blobs as they are under any type name. The numbers of
// `state` and `result_origin` are RecordState's and ResultOrigin's, see RecordSql. `target`,
// `baseline` and `result` are the operation's own.
constexpr std::string_view kCreateRecords = R"sql(
CREATE TABLE IF NOT EXISTS passfort_gateway_records (
  request_id text PRIMARY KEY,
  epoch bigint NOT NULL,
  state bigint NOT NULL,
  caller bytea NOT NULL,
  fingerprint bytea NOT NULL,
  operation text NOT NULL,
  serialization_key text NOT NULL,
  target bytea NOT NULL,
  lease_until bigint NOT NULL,
  baseline bytea,
  baseline_at bigint,
  conclusive_at bigint,
  sent_at bigint,
  was_ambiguous bigint NOT NULL,
  candidate_ids bytea NOT NULL,
  resource_id bytea,
  replaced_id bytea,
  result bytea,
  result_origin bigint,
  budget_account text,
  budget_day bigint,
  principal bytea NOT NULL,
  settled_by bytea,
  settled_at bigint,
  expires_at bigint NOT NULL
))sql";

// What each account has used on each day.
constexpr std::string_view kCreateBudgets = R"sql(
CREATE TABLE IF NOT EXISTS passfort_gateway_budgets (
  account text NOT NULL,
  day bigint NOT NULL,
  used bigint NOT NULL,
  PRIMARY KEY (account, day)
))sql";

// At most one record of a key is claimed or sent.
constexpr std::string_view kCreateOpenIndex =
    "CREATE UNIQUE INDEX IF NOT EXISTS passfort_gateway_records_open "
    "ON passfort_gateway_records (serialization_key) WHERE state IN ({claimed}, {sent})";

// A resource that was found belongs to one record. One that was received is stored whatever others
// have, so it is not in this index.
constexpr std::string_view kCreateReconciledIndex =
    "CREATE UNIQUE INDEX IF NOT EXISTS passfort_gateway_records_reconciled "
    "ON passfort_gateway_records (resource_id) WHERE result_origin = {reconciled}";

// Where a resource has no key that all who may claim it share. Only records that no look is ever
// conclusive for have no conclusive moment, once they are done.
constexpr std::string_view kCreateUnkeyedIndex =
    "CREATE INDEX IF NOT EXISTS passfort_gateway_records_unkeyed "
    "ON passfort_gateway_records (resource_id) "
    "WHERE conclusive_at IS NULL AND resource_id IS NOT NULL";

constexpr std::string_view kCreateKeyIndex =
    "CREATE INDEX IF NOT EXISTS passfort_gateway_records_key "
    "ON passfort_gateway_records (serialization_key)";

constexpr std::string_view kCreateLeaseIndex =
    "CREATE INDEX IF NOT EXISTS passfort_gateway_records_lease "
    "ON passfort_gateway_records (lease_until) WHERE state = {sent}";

constexpr std::string_view kCreateExpiryIndex =
    "CREATE INDEX IF NOT EXISTS passfort_gateway_records_expiry "
    "ON passfort_gateway_records (expires_at)";

// For whoever has to look at them.
constexpr std::string_view kCreateInconclusiveIndex =
    "CREATE INDEX IF NOT EXISTS passfort_gateway_records_inconclusive "
    "ON passfort_gateway_records (lease_until, request_id) WHERE state = {inconclusive}";

// A former process sent nothing under its claims: those that follow an earlier attempt go back to
// `no_effect`, the others are as good as never made.
constexpr std::string_view kDeleteClaims =
    "DELETE FROM {table} WHERE state = {claimed} AND was_ambiguous = 0 AND baseline IS NULL";
constexpr std::string_view kReleaseClaims =
    "UPDATE {table} SET state = {no_effect}, epoch = epoch + 1 WHERE state = {claimed}";

std::vector<std::string> Statements(std::initializer_list<std::string_view> texts) {
  std::vector<std::string> statements;
  for (const auto text : texts) statements.push_back(RecordSql(text));
  return statements;
}

}  // namespace

const SqlSchema& RecordSchema() {
  static const auto* const schema = new SqlSchema{
      .migrations = {{Statements({kCreateRecords, kCreateOpenIndex, kCreateReconciledIndex,
                                  kCreateUnkeyedIndex, kCreateKeyIndex, kCreateLeaseIndex,
                                  kCreateExpiryIndex, kCreateInconclusiveIndex, kCreateBudgets})}},
      .on_sqlite_open = Statements({kDeleteClaims, kReleaseClaims}),
  };
  return *schema;
}

}  // namespace gateway
