#ifndef SERVICE_SQL_SQL_SCHEMA_H_
#define SERVICE_SQL_SQL_SCHEMA_H_

#include <cstdint>
#include <string>
#include <vector>

namespace gateway {

// What makes version N of the tables out of version N - 1. Migrations only add, and repeating one
// changes nothing: neighbouring versions of the gateway run side by side on one PostgreSQL, and two
// that start at once both run them.
struct SchemaMigration {
  std::vector<std::string> statements;
};

// The tables that a driver creates or migrates before anything else runs.
struct SqlSchema {
  // In order; the first one makes version 1 out of an empty database.
  std::vector<SchemaMigration> migrations;
  // Run whenever SQLite opens a file, in the transaction of the migrations: the file is this
  // process's alone, so what a former one left half-done can be cleared away.
  std::vector<std::string> on_sqlite_open;

  int64_t version() const { return static_cast<int64_t>(migrations.size()); }
};

}  // namespace gateway

#endif  // SERVICE_SQL_SQL_SCHEMA_H_
