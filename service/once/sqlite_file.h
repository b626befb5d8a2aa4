#ifndef SERVICE_ONCE_SQLITE_FILE_H_
#define SERVICE_ONCE_SQLITE_FILE_H_

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

struct sqlite3;

namespace gateway {

struct CloseSqlite {
  void operator()(sqlite3* database) const;
};
using SqliteHandle = std::unique_ptr<sqlite3, CloseSqlite>;

inline constexpr std::string_view kSqliteMemory = ":memory:";

// Opens the gateway's SQLite database at `path` (or `:memory:`), makes it if there is none, and
// brings its tables to this version. Every commit to it is on the disk before it returns. The file
// belongs to one process, readers included, for as long as the handle lives, however the process
// ends. Claims of a former process are void: nothing was sent under them.
//
// FAILED_PRECONDITION, with the path and what to do, if others could change it (CheckSqlitePlace),
// if the file cannot be made, is read-only, in use by another process, damaged, no SQLite database,
// another program's or a newer gateway's.
absl::StatusOr<SqliteHandle> OpenSqliteFile(const std::string& path);

// What an operation on `database` came to, in SQLite's words. They hold no values.
absl::Status SqliteError(sqlite3* database, std::string_view operation);

}  // namespace gateway

#endif  // SERVICE_ONCE_SQLITE_FILE_H_
