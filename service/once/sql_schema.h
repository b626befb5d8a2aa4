#ifndef SERVICE_ONCE_SQL_SCHEMA_H_
#define SERVICE_ONCE_SQL_SCHEMA_H_

#include <cstdint>
#include <string>
#include <vector>

namespace gateway {

// What makes version N of the tables out of version N - 1. Steps only add, and repeating one
// changes nothing: neighbouring versions of the gateway run side by side on one PostgreSQL, and two
// that start at once both run them.
struct SchemaMigration {
  std::vector<std::string> statements;
};

// The steps in order; the first one makes version 1 out of an empty database.
const std::vector<SchemaMigration>& RecordMigrations();

// The version that this gateway works with.
inline int64_t RecordSchemaVersion() { return static_cast<int64_t>(RecordMigrations().size()); }

}  // namespace gateway

#endif  // SERVICE_ONCE_SQL_SCHEMA_H_
