#ifndef SERVICE_IDEMPOTENCY_STORE_STORE_FACTORY_H_
#define SERVICE_IDEMPOTENCY_STORE_STORE_FACTORY_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "service/base/event_loop.h"
#include "service/base/random.h"
#include "service/idempotency/store/record_store.h"
#include "service/idempotency/store/sql_record_store.h"
#include "service/sql/postgres_executor.h"
#include "service/sql/sqlite_executor.h"

namespace gateway {

struct StoreOptions {
  SqlRecordStore::Options records;
  // SQLite only: PostgreSQL has the server's clock, and its deadlines are on the steady clock.
  SqliteExecutor::Clocks sqlite_clocks = SqliteExecutor::RealClocks();
  PostgresExecutor::Options postgres;
  // PostgreSQL only: InsecureStore::kAllowed.
  bool allow_insecure = false;
  // Outlives the store; null: nowhere.
  Log* log = nullptr;
};

// True if `url` names a store that forgets when the process ends: a promise made with it is not
// kept over a restart.
bool StoreIsVolatile(const std::string& url);

// The store that the setting `store` names: `sqlite:PATH`, `sqlite::memory:` or `postgresql://...`.
// A SQLite file is opened here, and must be usable; PostgreSQL is connected to when it is first
// needed, and may be away. `loop` and `random` outlive the store, which is used and destroyed on
// the loop's thread. May be called on any thread, best before serving, since SQLite reads its file.
//
// INVALID_ARGUMENT for a URL that is none of these, FAILED_PRECONDITION as OpenSqliteFile says.
absl::StatusOr<std::unique_ptr<RecordStore>> OpenStore(EventLoop& loop, RandomSource& random,
                                                       const std::string& url,
                                                       StoreOptions options);

}  // namespace gateway

#endif  // SERVICE_IDEMPOTENCY_STORE_STORE_FACTORY_H_
