#ifndef SERVICE_ONCE_POSTGRES_SCHEMA_H_
#define SERVICE_ONCE_POSTGRES_SCHEMA_H_

#include "absl/status/status.h"
#include "service/base/deadline.h"
#include "service/base/task.h"

namespace gateway {

class PostgresConnection;

// Makes the tables, or brings them to this gateway's version, if they are not there yet. Others may
// do the same at the same moment. A newer version is left as it is: it has only added.
Task<absl::Status> EnsurePostgresSchema(PostgresConnection& connection, Deadline deadline);

}  // namespace gateway

#endif  // SERVICE_ONCE_POSTGRES_SCHEMA_H_
