#include "service/idempotency/store/store_factory.h"

#include <utility>

#include "absl/strings/match.h"
#include "service/idempotency/store/record_schema.h"
#include "service/sql/postgres_target.h"

namespace gateway {
namespace {

constexpr char kSqlitePrefix[] = "sqlite:";
constexpr char kMemoryUrl[] = "sqlite::memory:";

absl::StatusOr<std::unique_ptr<SqlExecutor>> OpenDatabase(EventLoop& loop, RandomSource& random,
                                                          const std::string& url,
                                                          StoreOptions& options) {
  if (absl::StartsWith(url, kSqlitePrefix)) {
    return SqliteExecutor::Open(loop, url.substr(sizeof(kSqlitePrefix) - 1), RecordSchema(),
                                std::move(options.sqlite_clocks), options.log);
  }
  if (absl::StartsWith(url, "postgres")) {
    auto target = ParsePostgresUrl(
        url, options.allow_insecure ? InsecureStore::kAllowed : InsecureStore::kRefused);
    if (!target.ok()) return target.status();
    return std::make_unique<PostgresExecutor>(loop, random, *std::move(target), RecordSchema(),
                                              options.postgres);
  }
  return absl::InvalidArgumentError(
      "a store is sqlite:PATH, sqlite::memory: or a URL that starts with postgresql://");
}

}  // namespace

bool StoreIsVolatile(const std::string& url) { return url == kMemoryUrl; }

absl::StatusOr<std::unique_ptr<RecordStore>> OpenStore(EventLoop& loop, RandomSource& random,
                                                       const std::string& url,
                                                       StoreOptions options) {
  auto database = OpenDatabase(loop, random, url, options);
  if (!database.ok()) return database.status();
  return std::make_unique<SqlRecordStore>(*std::move(database), random, options.records);
}

}  // namespace gateway
