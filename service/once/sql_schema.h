#ifndef SERVICE_ONCE_SQL_SCHEMA_H_
#define SERVICE_ONCE_SQL_SCHEMA_H_

#include <cstdint>
#include <string>
#include <vector>

namespace gateway {

// What makes version N of the tables out of version N - 1. Steps only add, and repeating one
// changes nothing: neighbouring versions of the gateway run side by side on one PostgreSQL, and two
// that start at once both run them.
struct SqlSchemaStep {
  std::vector<std::string> statements;
};

// The steps in order; the first one makes version 1 out of an empty database.
const std::vector<SqlSchemaStep>& SqlSchemaSteps();

// The version that this gateway works with.
inline int64_t SqlSchemaVersion() { return static_cast<int64_t>(SqlSchemaSteps().size()); }

}  // namespace gateway

#endif  // SERVICE_ONCE_SQL_SCHEMA_H_
