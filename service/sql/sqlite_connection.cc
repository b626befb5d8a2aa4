#include "service/sql/sqlite_connection.h"

#include <sqlite3.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

namespace gateway {
namespace {

void Bind(sqlite3_stmt* statement, int index, const SqlValue& value) {
  // SQLITE_STATIC: the parameters live until the statement has been reset.
  if (const auto* const number = std::get_if<int64_t>(&value)) {
    sqlite3_bind_int64(statement, index, *number);
  } else if (const auto* const text = std::get_if<std::string>(&value)) {
    sqlite3_bind_text64(statement, index, text->data(), text->size(), SQLITE_STATIC, SQLITE_UTF8);
  } else if (const auto* const blob = std::get_if<SqlBytes>(&value)) {
    // A null pointer would bind NULL, so an empty blob gets one of its own.
    sqlite3_bind_blob64(statement, index, blob->bytes.empty() ? "" : blob->bytes.data(),
                        blob->bytes.size(), SQLITE_STATIC);
  } else {
    sqlite3_bind_null(statement, index);
  }
}

SqlValue Column(sqlite3_stmt* statement, int index) {
  const auto size = static_cast<size_t>(sqlite3_column_bytes(statement, index));
  switch (sqlite3_column_type(statement, index)) {
    case SQLITE_INTEGER:
      return int64_t{sqlite3_column_int64(statement, index)};
    case SQLITE_TEXT:
      return std::string(reinterpret_cast<const char*>(sqlite3_column_text(statement, index)),
                         size);
    case SQLITE_BLOB: {
      const void* const blob = sqlite3_column_blob(statement, index);
      return SqlBytes{size == 0 ? std::string()
                                : std::string(static_cast<const char*>(blob), size)};
    }
    default:
      return SqlNull();
  }
}

// Whether the last of `results` is empty although its statement needs a row.
bool LacksRow(const std::vector<SqlStatement>& statements, const std::vector<SqlRows>& results) {
  return results.back().empty() && statements[results.size() - 1].needs_row;
}

}  // namespace

void SqliteConnection::FinalizeStatement::operator()(sqlite3_stmt* statement) const {
  sqlite3_finalize(statement);
}

bool SqliteConnection::IsInTransaction() const {
  return sqlite3_get_autocommit(database_.get()) == 0;
}

absl::Status SqliteConnection::Execute(const char* sql) {
  if (sqlite3_exec(database_.get(), sql, nullptr, nullptr, nullptr) == SQLITE_OK) {
    return absl::OkStatus();
  }
  const absl::Status error = SqliteError(database_.get(), sql);
  // What a unique index means to a statement with rows it cannot mean here.
  return absl::IsAlreadyExists(error) ? absl::InternalError(error.message()) : error;
}

absl::StatusOr<SqlRows> SqliteConnection::Run(const std::string& statement,
                                              const std::vector<SqlValue>& parameters,
                                              absl::Time now) {
  auto prepared = Prepared(statement);
  if (!prepared.ok()) return prepared.status();
  for (size_t i = 0; i < parameters.size(); ++i) {
    const std::string name = absl::StrCat("$", i + 1);
    Bind(*prepared, sqlite3_bind_parameter_index(*prepared, name.c_str()), parameters[i]);
  }
  if (const int index = sqlite3_bind_parameter_index(*prepared, "$now"); index != 0) {
    sqlite3_bind_int64(*prepared, index, absl::ToUnixMicros(now));
  }
  SqlRows rows;
  int code = sqlite3_step(*prepared);
  for (; code == SQLITE_ROW; code = sqlite3_step(*prepared)) {
    SqlRow& row = rows.emplace_back();
    for (int i = 0; i < sqlite3_column_count(*prepared); ++i) row.push_back(Column(*prepared, i));
  }
  const absl::Status error =
      code == SQLITE_DONE ? absl::OkStatus() : SqliteError(database_.get(), "SQLite: statement");
  sqlite3_reset(*prepared);
  sqlite3_clear_bindings(*prepared);
  if (!error.ok()) return error;
  return rows;
}

absl::StatusOr<std::vector<SqlRows>> SqliteConnection::RunAll(
    const std::vector<SqlStatement>& statements, absl::Time now) {
  // A single statement that fails takes back its own changes: SQLite's way with constraints.
  const bool is_single = statements.size() == 1 && !statements.front().needs_row;
  if (is_single || statements.empty()) return RunInOrder(statements, now);
  // Outside a transaction it is one of its own.
  if (auto status = Execute("SAVEPOINT several"); !status.ok()) return status;
  auto results = RunInOrder(statements, now);
  if (!IsInTransaction()) return results;
  absl::Status ended = absl::OkStatus();
  if (!results.ok() || LacksRow(statements, *results)) ended = Execute("ROLLBACK TO several");
  if (ended.ok()) ended = Execute("RELEASE several");
  if (ended.ok()) return results;
  // Half of the statements may be in the transaction, so none of it may be committed.
  if (IsInTransaction()) (void)Execute("ROLLBACK");
  return ended;
}

absl::StatusOr<std::vector<SqlRows>> SqliteConnection::RunInOrder(
    const std::vector<SqlStatement>& statements, absl::Time now) {
  std::vector<SqlRows> results;
  for (const SqlStatement& statement : statements) {
    auto rows = Run(statement.text, statement.parameters, now);
    if (!rows.ok()) return rows.status();
    results.push_back(*std::move(rows));
    if (LacksRow(statements, results)) break;
  }
  return results;
}

// The statements are few and fixed, so each is prepared once and kept.
absl::StatusOr<sqlite3_stmt*> SqliteConnection::Prepared(const std::string& sql) {
  auto& kept = prepared_[sql];
  if (kept != nullptr) return kept.get();
  const std::string text = absl::StrReplaceAll(sql, {{"{now}", "$now"}});
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v3(database_.get(), text.c_str(), -1, SQLITE_PREPARE_PERSISTENT, &statement,
                         nullptr) != SQLITE_OK) {
    return SqliteError(database_.get(), "SQLite: prepare a statement");
  }
  kept.reset(statement);
  return statement;
}

}  // namespace gateway
