#ifndef SERVICE_SQL_SQLITE_FILE_H_
#define SERVICE_SQL_SQLITE_FILE_H_

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "service/sql/sql_schema.h"

struct sqlite3;

namespace gateway {

struct CloseSqlite {
  void operator()(sqlite3* database) const;
};
using SqliteHandle = std::unique_ptr<sqlite3, CloseSqlite>;

inline constexpr std::string_view kSqliteMemory = ":memory:";

// Opens the gateway's SQLite database at `path` (or `:memory:`), creates it and its folder if there
// are none, and migrates its tables to `schema`. Every commit to it is on the disk before it
// returns. The file belongs to one process, readers included, for as long as the handle lives,
// however the process ends.
//
// FAILED_PRECONDITION, with the path and what to do, if others could change it (CheckSqlitePlace),
// if the file cannot be made, is read-only, in use by another process, damaged, no SQLite database,
// another program's or a newer gateway's.
absl::StatusOr<SqliteHandle> OpenSqliteFile(const std::string& path, const SqlSchema& schema);

// What an operation on `database` came to, in SQLite's words. They hold no values.
absl::Status SqliteError(sqlite3* database, std::string_view operation);

}  // namespace gateway

#endif  // SERVICE_SQL_SQLITE_FILE_H_
