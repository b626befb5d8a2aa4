#ifndef SERVICE_SQL_SQLITE_CONNECTION_H_
#define SERVICE_SQL_SQLITE_CONNECTION_H_

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "service/sql/sql_executor.h"
#include "service/sql/sqlite_file.h"

struct sqlite3_stmt;

namespace gateway {

// Runs statements on an open database, on whatever thread has it; one at a time.
class SqliteConnection {
 public:
  explicit SqliteConnection(SqliteHandle database) : database_(std::move(database)) {}

  // What a statement without values and rows came to, like BEGIN.
  absl::Status Execute(const char* sql);
  // `statement` and the errors are as for SqlExecutor; `now` stands for {now}. Outside a
  // transaction it is one of its own.
  absl::StatusOr<SqlRows> Run(const std::string& statement, const std::vector<SqlValue>& parameters,
                              absl::Time now);
  // All of `statements` or none, as for SqlExecutor; within a transaction, the others' statements
  // in it stay as they are, unless SQLite gives it up.
  absl::StatusOr<std::vector<SqlRows>> RunAll(const std::vector<SqlStatement>& statements,
                                              absl::Time now);
  // SQLite gives up a transaction by itself on some errors.
  bool IsInTransaction() const;

 private:
  struct FinalizeStatement {
    void operator()(sqlite3_stmt* statement) const;
  };
  // Up to the first that lacks a row it needs.
  absl::StatusOr<std::vector<SqlRows>> RunInOrder(const std::vector<SqlStatement>& statements,
                                                  absl::Time now);
  absl::StatusOr<sqlite3_stmt*> Prepared(const std::string& sql);

  const SqliteHandle database_;
  std::unordered_map<std::string, std::unique_ptr<sqlite3_stmt, FinalizeStatement>> prepared_;
};

}  // namespace gateway

#endif  // SERVICE_SQL_SQLITE_CONNECTION_H_
