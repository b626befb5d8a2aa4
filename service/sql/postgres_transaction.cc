#include "service/sql/postgres_transaction.h"

#include <libpq-fe.h>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "service/sql/postgres_values.h"

namespace gateway {
namespace {

// Whatever a database's administrator made the defaults.
constexpr const char* kBegin = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE";
// All settings end with the transaction.
constexpr const char* kSettings =
    "SELECT set_config('synchronous_commit', 'on', true), "
    "set_config('statement_timeout', $1, true), "
    "set_config('lock_timeout', '2s', true)";
// Between its two flights a transaction holds locks. Should this process stop there, the server
// ends it before those who wait for the locks give up. A process that lives takes microseconds.
constexpr const char* kIdleTimeout =
    "SELECT set_config('idle_in_transaction_session_timeout', '1s', true)";

}  // namespace

void ClearPostgresResult::operator()(pg_result* result) const { PQclear(result); }

PostgresTransaction::PostgresTransaction(std::vector<SqlStatement> statements,
                                         Milliseconds time_left)
    : statement_count_(statements.size()),
      needs_rows_(std::any_of(statements.begin(), statements.end(),
                              [](const SqlStatement& each) { return each.needs_row; })) {
  flight_.push_back({.text = kBegin});
  flight_.push_back({.text = kSettings, .parameters = {absl::StrCat(time_left.count())}});
  if (needs_rows_) flight_.push_back({.text = kIdleTimeout});
  first_statement_ = flight_.size();
  std::move(statements.begin(), statements.end(), std::back_inserter(flight_));
  if (!needs_rows_) flight_.push_back(Commit());
}

absl::StatusOr<std::vector<SqlRows>> PostgresTransaction::Rows(
    const std::vector<PostgresResult>& results) const {
  std::vector<SqlRows> all;
  for (size_t i = 0; i < results.size(); ++i) {
    if (auto status = PostgresResultStatus(results[i].get()); !status.ok()) return status;
    if (i < first_statement_ || all.size() == statement_count_) continue;
    auto rows = PostgresRows(results[i].get());
    if (!rows.ok()) return rows.status();
    all.push_back(*std::move(rows));
    // Whatever the later ones came to, they are rolled back.
    if (IsToBeRolledBack(all)) break;
  }
  return all;
}

bool PostgresTransaction::IsToBeRolledBack(const std::vector<SqlRows>& rows) const {
  return !rows.empty() && rows.back().empty() &&
         flight_[first_statement_ + rows.size() - 1].needs_row;
}

// COMMIT in a failed transaction answers ROLLBACK, and that is no error to the server.
bool PostgresTransaction::IsCommitted(const PostgresResult& result) {
  return std::string_view(PQcmdStatus(result.get())) == "COMMIT";
}

}  // namespace gateway
