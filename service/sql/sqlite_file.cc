#include "service/sql/sqlite_file.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "service/sql/sqlite_place.h"

namespace gateway {
namespace {

// In the file's header; tells our file from any other SQLite database ("PFGW").
constexpr int64_t kApplicationId = 0x50464757;

// Reading a whole file through takes about a second per 200 MB. A larger one is checked as far as
// it is used; damage further on is an error of the operation that meets it.
constexpr int64_t kWholeCheckBytes = 64 * 1024 * 1024;

absl::string_view View(std::string_view text) { return {text.data(), text.size()}; }

absl::Status Refusal(const std::string& path, std::string_view reason) {
  return absl::FailedPreconditionError(absl::StrCat("open the store ", path, ": ", View(reason)));
}

absl::Status OpenError(const std::string& path, sqlite3* database) {
  const int code = sqlite3_errcode(database);
  switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return Refusal(path,
                     "another process uses the file; each gateway needs a file of its own, or "
                     "all of them one PostgreSQL");
    case SQLITE_NOTADB:
      return Refusal(path, "the file is not an SQLite database, or its start is damaged");
    case SQLITE_CORRUPT:
      return Refusal(path,
                     "the file is damaged; restore it, or move it away if no call made with it "
                     "is ever repeated");
    case SQLITE_READONLY:
    case SQLITE_PERM:
      return Refusal(path, "the file or its folder is read-only");
    case SQLITE_CANTOPEN:
      return Refusal(path,
                     "the file cannot be opened or made; does its folder exist, and may this "
                     "user write there?");
    default:
      return Refusal(path, absl::StrCat(sqlite3_errmsg(database), " (SQLite error ",
                                        sqlite3_extended_errcode(database), ")"));
  }
}

bool Execute(sqlite3* database, const std::string& sql) {
  return sqlite3_exec(database, sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK;
}

// The first column of the first row as text.
absl::StatusOr<std::string> ReadText(sqlite3* database, const std::string& path,
                                     const std::string& sql) {
  sqlite3_stmt* statement = nullptr;
  std::string text;
  int code = sqlite3_prepare_v2(database, sql.c_str(), -1, &statement, nullptr);
  if (code == SQLITE_OK) code = sqlite3_step(statement);
  if (code == SQLITE_ROW) {
    const auto* const value = reinterpret_cast<const char*>(sqlite3_column_text(statement, 0));
    if (value != nullptr) text = value;
  }
  const absl::Status error = code == SQLITE_ROW ? absl::OkStatus() : OpenError(path, database);
  sqlite3_finalize(statement);
  if (!error.ok()) return error;
  return text;
}

absl::StatusOr<int64_t> ReadNumber(sqlite3* database, const std::string& path,
                                   const std::string& sql) {
  const auto text = ReadText(database, path, sql);
  if (!text.ok()) return text.status();
  return std::strtoll(text->c_str(), nullptr, 10);
}

// SQLite would make the file readable for everybody. Opened here only if it is new: closing any
// descriptor of a file drops all of the process's locks on it.
absl::Status MakePrivateFile(const std::string& path) {
  const int file = open(path.c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (file < 0 && errno != EEXIST) {
    return Refusal(path, absl::StrCat("the file cannot be made: ", std::strerror(errno)));
  }
  if (file >= 0) close(file);
  return absl::OkStatus();
}

// A trigger that somebody put into the file would run with our statements: one that deletes records
// makes a second application possible. The gateway has neither triggers nor views.
bool TakesOrdersOnlyFromUs(sqlite3* database) {
  constexpr int kOff = 0;
  constexpr int kOn = 1;
  for (const auto& [option, value] :
       {std::pair(SQLITE_DBCONFIG_DEFENSIVE, kOn), std::pair(SQLITE_DBCONFIG_ENABLE_TRIGGER, kOff),
        std::pair(SQLITE_DBCONFIG_ENABLE_VIEW, kOff),
        std::pair(SQLITE_DBCONFIG_TRUSTED_SCHEMA, kOff)}) {
    int now = -1;
    if (sqlite3_db_config(database, option, value, &now) != SQLITE_OK || now != value) return false;
  }
  return true;
}

// Whose file is it? `version` is 0 for an empty one.
absl::Status CheckOwner(sqlite3* database, const std::string& path, int64_t version,
                        int64_t known_version) {
  const auto application = ReadNumber(database, path, "PRAGMA application_id");
  if (!application.ok()) return application.status();
  const auto tables = ReadNumber(database, path, "SELECT count(*) FROM sqlite_schema");
  if (!tables.ok()) return tables.status();
  const bool is_empty = *tables == 0 && *application == 0 && version == 0;
  if (!is_empty && *application != kApplicationId) {
    return Refusal(path, "the file is another program's SQLite database");
  }
  if (version > known_version) {
    return Refusal(path, absl::StrCat("the file was written by a newer gateway (version ", version,
                                      " of its tables; this one knows ", known_version, ")"));
  }
  return absl::OkStatus();
}

absl::Status CheckContent(sqlite3* database, const std::string& path) {
  const auto bytes = ReadNumber(
      database, path, "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()");
  if (!bytes.ok()) return bytes.status();
  if (*bytes > kWholeCheckBytes) return absl::OkStatus();
  const auto finding = ReadText(database, path, "PRAGMA quick_check(1)");
  if (!finding.ok()) return finding.status();
  if (*finding == "ok") return absl::OkStatus();
  return Refusal(path,
                 "the file is damaged; restore it, or move it away if no call made with it is "
                 "ever repeated");
}

// One transaction: the file is of one version or of the other, whenever the process ends.
absl::Status MigrateSchema(sqlite3* database, const std::string& path, const SqlSchema& schema,
                           int64_t version) {
  bool done = Execute(database, "BEGIN IMMEDIATE");
  for (auto step = version; done && step < schema.version(); ++step) {
    for (const auto& statement : schema.migrations[static_cast<size_t>(step)].statements) {
      // SQLite knows no IF NOT EXISTS for columns, and needs none in this transaction.
      const std::string sql =
          absl::StrReplaceAll(View(statement), {{"ADD COLUMN IF NOT EXISTS", "ADD COLUMN"}});
      done = done && Execute(database, sql);
    }
  }
  if (version == 0) {
    done = done && Execute(database, absl::StrCat("PRAGMA application_id = ", kApplicationId));
  }
  if (version < schema.version()) {
    done = done && Execute(database, absl::StrCat("PRAGMA user_version = ", schema.version()));
  }
  for (const auto& statement : schema.on_sqlite_open) done = done && Execute(database, statement);
  done = done && Execute(database, "COMMIT");
  return done ? absl::OkStatus() : OpenError(path, database);
}

}  // namespace

void CloseSqlite::operator()(sqlite3* database) const { sqlite3_close(database); }

absl::Status SqliteError(sqlite3* database, std::string_view operation) {
  const int code = sqlite3_extended_errcode(database);
  const std::string message =
      absl::StrCat(View(operation), ": ", sqlite3_errmsg(database), " (SQLite error ", code, ")");
  switch (code & 0xff) {
    case SQLITE_CONSTRAINT:
      return code == SQLITE_CONSTRAINT_UNIQUE || code == SQLITE_CONSTRAINT_PRIMARYKEY
                 ? absl::AlreadyExistsError(message)
                 : absl::InternalError(message);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_CANTOPEN:  // of its journal, without a descriptor left
    case SQLITE_FULL:
    case SQLITE_IOERR:
    case SQLITE_NOMEM:
    case SQLITE_READONLY:
      return absl::UnavailableError(message);
    default:
      return absl::InternalError(message);
  }
}

absl::StatusOr<SqliteHandle> OpenSqliteFile(const std::string& path, const SqlSchema& schema) {
  const bool in_memory = path == kSqliteMemory;
  if (path.empty()) return Refusal(path, "the path is empty");
  if (!in_memory) {
    if (auto status = MakeSqliteFolder(path); !status.ok()) return status;
    if (auto status = CheckSqlitePlace(path); !status.ok()) return status;
    if (auto status = MakePrivateFile(path); !status.ok()) return status;
  }
  sqlite3* opened = nullptr;
  // One thread at a time uses the handle, so SQLite needs no mutexes of its own.
  const int code =
      sqlite3_open_v2(path.c_str(), &opened,
                      SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
  SqliteHandle database(opened);
  if (code != SQLITE_OK) return OpenError(path, database.get());
  if (!TakesOrdersOnlyFromUs(database.get())) {
    return Refusal(path, "this SQLite cannot switch triggers and views off");
  }
  // SQLite falls back to reading where it may not write.
  if (sqlite3_db_readonly(database.get(), "main") == 1) {
    return Refusal(path, "the file or its folder is read-only");
  }
  // Set before the first access: the lock is then taken with it and kept until the end.
  if (!Execute(database.get(), "PRAGMA locking_mode = EXCLUSIVE")) {
    return OpenError(path, database.get());
  }
  // Whose file it is comes before anything is written to it, and WAL is written to its header.
  const auto version = ReadNumber(database.get(), path, "PRAGMA user_version");
  if (!version.ok()) return version.status();
  if (auto status = CheckOwner(database.get(), path, *version, schema.version()); !status.ok())
    return status;
  const auto mode = ReadText(database.get(), path, "PRAGMA journal_mode = WAL");
  if (!mode.ok()) return mode.status();
  if (*mode != (in_memory ? "memory" : "wal")) {
    return Refusal(path, "SQLite cannot keep a write-ahead log there");
  }
  // What expires is gone from the file too, not only from its tables.
  for (const char* const pragma : {"PRAGMA synchronous = FULL", "PRAGMA secure_delete = ON"}) {
    if (!Execute(database.get(), pragma)) return OpenError(path, database.get());
  }
  if (auto status = CheckContent(database.get(), path); !status.ok()) return status;
  if (auto status = MigrateSchema(database.get(), path, schema, *version); !status.ok())
    return status;
  return database;
}

}  // namespace gateway
