#ifndef SERVICE_SQL_POSTGRES_SCHEMA_H_
#define SERVICE_SQL_POSTGRES_SCHEMA_H_

#include "absl/status/status.h"
#include "service/base/deadline.h"
#include "service/base/task.h"
#include "service/sql/sql_schema.h"

namespace gateway {

class PostgresConnection;

// Makes the tables, or brings them to this gateway's version, if they are not there yet. Others may
// do the same at the same moment. A newer version is left as it is: it has only added.
Task<absl::Status> EnsurePostgresSchema(PostgresConnection& connection, const SqlSchema& schema,
                                        Deadline deadline);

}  // namespace gateway

#endif  // SERVICE_SQL_POSTGRES_SCHEMA_H_
