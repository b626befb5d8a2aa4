#ifndef SERVICE_SQL_POSTGRES_TRANSACTION_H_
#define SERVICE_SQL_POSTGRES_TRANSACTION_H_

#include <cstddef>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "service/base/deadline.h"
#include "service/sql/sql_executor.h"

struct pg_result;

namespace gateway {

struct ClearPostgresResult {
  void operator()(pg_result* result) const;
};
using PostgresResult = std::unique_ptr<pg_result, ClearPostgresResult>;

// What goes to the server for a transaction, and what its results mean. BEGIN, settings, statements
// and COMMIT leave in one flight, which takes one round trip. Only if a statement needs a row does
// COMMIT leave in a second one, after the results of the first were looked at.
class PostgresTransaction {
 public:
  // `time_left` is at least 1 ms: the server stops working on what nobody waits for any more.
  PostgresTransaction(std::vector<SqlStatement> statements, Milliseconds time_left);

  const std::vector<SqlStatement>& first_flight() const { return flight_; }
  bool CommitsInFirstFlight() const { return !needs_rows_; }

  // The rows of the statements by the results of the first flight, as SqlExecutor::RunAll returns
  // them, or what failed.
  absl::StatusOr<std::vector<SqlRows>> Rows(const std::vector<PostgresResult>& results) const;
  // Whether `rows` end with a statement that lacks a row, so there must be no COMMIT.
  bool IsToBeRolledBack(const std::vector<SqlRows>& rows) const;

  static SqlStatement Commit() { return {.text = "COMMIT"}; }
  static SqlStatement RollBack() { return {.text = "ROLLBACK"}; }
  // Whether COMMIT did commit.
  static bool IsCommitted(const PostgresResult& result);

 private:
  std::vector<SqlStatement> flight_;
  // Of flight_: the caller's.
  size_t first_statement_;
  size_t statement_count_;
  bool needs_rows_;
};

}  // namespace gateway

#endif  // SERVICE_SQL_POSTGRES_TRANSACTION_H_
