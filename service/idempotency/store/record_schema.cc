#include "service/idempotency/store/record_schema.h"

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "service/idempotency/store/record_row.h"

namespace gateway {
namespace {

// `bytea` is PostgreSQL's word; SQLite keeps blobs as they are under any type name. The numbers of
// `state` and `origin` are RecordState's and ResultOrigin's, see RecordSql. All ids of applications
// and `profile_key` are in lower case; the other columns are as the caller gave them.
constexpr std::string_view kCreateRecords = R"sql(
CREATE TABLE IF NOT EXISTS passfort_gateway_records (
  request_id text PRIMARY KEY,
  epoch bigint NOT NULL,
  state bigint NOT NULL,
  caller bytea NOT NULL,
  fingerprint bytea NOT NULL,
  profile_key text NOT NULL,
  profile_id text NOT NULL,
  product_alias text NOT NULL,
  product_id text NOT NULL,
  associated_role bigint NOT NULL,
  lease_until bigint NOT NULL,
  baseline bytea,
  conclusive_at bigint,
  sent_at bigint,
  was_ambiguous bigint NOT NULL,
  candidate_ids bytea NOT NULL,
  application_id bytea,
  answer bytea,
  origin bigint,
  expires_at bigint NOT NULL
))sql";

// At most one record per profile is claimed or sent.
constexpr std::string_view kCreateOpenIndex =
    "CREATE UNIQUE INDEX IF NOT EXISTS passfort_gateway_records_open "
    "ON passfort_gateway_records (profile_key) WHERE state IN ({claimed}, {sent})";

// An application that was found belongs to one record. One that was received is stored whatever
// others hold, so it is not in this index.
constexpr std::string_view kCreateFoundIndex =
    "CREATE UNIQUE INDEX IF NOT EXISTS passfort_gateway_records_found "
    "ON passfort_gateway_records (application_id) WHERE origin = {found}";

constexpr std::string_view kCreateProfileIndex =
    "CREATE INDEX IF NOT EXISTS passfort_gateway_records_profile "
    "ON passfort_gateway_records (profile_key)";

constexpr std::string_view kCreateLeaseIndex =
    "CREATE INDEX IF NOT EXISTS passfort_gateway_records_lease "
    "ON passfort_gateway_records (lease_until) WHERE state = {sent}";

constexpr std::string_view kCreateExpiryIndex =
    "CREATE INDEX IF NOT EXISTS passfort_gateway_records_expiry "
    "ON passfort_gateway_records (expires_at)";

// For the gauge of unresolved records.
constexpr std::string_view kCreateUnresolvedIndex =
    "CREATE INDEX IF NOT EXISTS passfort_gateway_records_unresolved "
    "ON passfort_gateway_records (state) WHERE state IN ({sent}, {inconclusive})";

// Version 2. NULL in a row that version 1 wrote: a baseline of unknown age that was complete, no
// replaced application, a response that is whole.
constexpr std::string_view kAddBaselineAt =
    "ALTER TABLE passfort_gateway_records ADD COLUMN IF NOT EXISTS baseline_at bigint";
constexpr std::string_view kAddBaselineComplete =
    "ALTER TABLE passfort_gateway_records ADD COLUMN IF NOT EXISTS baseline_complete bigint";
constexpr std::string_view kAddAnswerShortened =
    "ALTER TABLE passfort_gateway_records ADD COLUMN IF NOT EXISTS answer_shortened bigint";
// The application that was found before Passfort's own answer named another one.
constexpr std::string_view kAddReplacedId =
    "ALTER TABLE passfort_gateway_records ADD COLUMN IF NOT EXISTS replaced_id bytea";

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
      .migrations = {{Statements({kCreateRecords, kCreateOpenIndex, kCreateFoundIndex,
                                  kCreateProfileIndex, kCreateLeaseIndex, kCreateExpiryIndex,
                                  kCreateUnresolvedIndex})},
                     {Statements({kAddBaselineAt, kAddBaselineComplete, kAddAnswerShortened,
                                  kAddReplacedId})}},
      .on_sqlite_open = Statements({kDeleteClaims, kReleaseClaims}),
  };
  return *schema;
}

}  // namespace gateway
