#include "service/sql/postgres_schema.h"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "service/sql/postgres_connection.h"

namespace gateway {
namespace {

// IF NOT EXISTS looks first and makes then, so two that start at once can still collide. The one
// that loses waits for the other's commit by itself and has less left to do the next time.
constexpr int kMaxRounds = 20;

constexpr const char* kHasVersionTable =
    "SELECT count(*) FROM pg_catalog.pg_class "
    "WHERE oid = to_regclass('passfort_gateway_schema')";
constexpr const char* kVersion = "SELECT COALESCE(max(version), 0) FROM passfort_gateway_schema";
constexpr const char* kCreateVersionTable =
    "CREATE TABLE IF NOT EXISTS passfort_gateway_schema (version bigint PRIMARY KEY)";
constexpr const char* kInsertVersion =
    "INSERT INTO passfort_gateway_schema (version) VALUES ($1) ON CONFLICT DO NOTHING";

Task<absl::StatusOr<SqlRows>> Run(PostgresConnection& connection, std::string text,
                                  std::vector<SqlValue> parameters, Deadline deadline) {
  std::vector<SqlStatement> statements(1);
  statements.front() = {.text = std::move(text), .parameters = std::move(parameters)};
  auto results = co_await connection.RunAll(std::move(statements), deadline);
  if (!results.ok()) co_return results.status();
  co_return std::move(results->front());
}

Task<absl::StatusOr<int64_t>> Number(PostgresConnection& connection, std::string statement,
                                     Deadline deadline) {
  auto rows = co_await Run(connection, std::move(statement), {}, deadline);
  if (!rows.ok()) co_return rows.status();
  if (rows->size() != 1 || rows->front().size() != 1 ||
      !std::holds_alternative<int64_t>(rows->front().front())) {
    co_return absl::InternalError("PostgreSQL: the version of the tables is no number");
  }
  co_return std::get<int64_t>(rows->front().front());
}

// 0 if there is none. Looked at before anything is made, so that a user without the right to make
// tables can use those that an administrator made.
Task<absl::StatusOr<int64_t>> Version(PostgresConnection& connection, Deadline deadline) {
  auto tables = co_await Number(connection, kHasVersionTable, deadline);
  if (!tables.ok() || *tables == 0) co_return tables;
  co_return co_await Number(connection, kVersion, deadline);
}

Task<absl::Status> MigrateSchema(PostgresConnection& connection, const SqlSchema& schema,
                                 Deadline deadline) {
  const auto version = co_await Version(connection, deadline);
  if (!version.ok()) co_return version.status();
  if (*version >= schema.version()) co_return absl::OkStatus();
  auto made = co_await Run(connection, kCreateVersionTable, {}, deadline);
  if (!made.ok()) co_return made.status();
  for (int64_t step = *version; step < schema.version(); ++step) {
    for (const auto& statement : schema.migrations[static_cast<size_t>(step)].statements) {
      auto changed = co_await Run(connection, statement, {}, deadline);
      if (!changed.ok()) co_return changed.status();
    }
    std::vector<SqlValue> made_version = {step + 1};
    auto noted = co_await Run(connection, kInsertVersion, std::move(made_version), deadline);
    if (!noted.ok()) co_return noted.status();
  }
  co_return absl::OkStatus();
}

}  // namespace

Task<absl::Status> EnsurePostgresSchema(PostgresConnection& connection, const SqlSchema& schema,
                                        Deadline deadline) {
  absl::Status status = absl::OkStatus();
  for (int round = 0; round < kMaxRounds; ++round) {
    status = co_await MigrateSchema(connection, schema, deadline);
    if (!absl::IsAlreadyExists(status) || !connection.IsUsable()) break;
  }
  if (status.ok()) co_return status;
  co_return absl::Status(
      absl::IsAlreadyExists(status) ? absl::StatusCode::kUnavailable : status.code(),
      absl::StrCat("make the tables: ", status.message()));
}

}  // namespace gateway
