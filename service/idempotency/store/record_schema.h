#ifndef SERVICE_IDEMPOTENCY_STORE_RECORD_SCHEMA_H_
#define SERVICE_IDEMPOTENCY_STORE_RECORD_SCHEMA_H_

#include "service/sql/sql_schema.h"

namespace gateway {

// The tables that records live in. Lives as long as the process.
const SqlSchema& RecordSchema();

}  // namespace gateway

#endif  // SERVICE_IDEMPOTENCY_STORE_RECORD_SCHEMA_H_
