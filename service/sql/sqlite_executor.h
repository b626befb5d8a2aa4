#ifndef SERVICE_SQL_SQLITE_EXECUTOR_H_
#define SERVICE_SQL_SQLITE_EXECUTOR_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "service/base/event_loop.h"
#include "service/observability/log.h"
#include "service/sql/sql_executor.h"
#include "service/sql/sql_schema.h"

namespace gateway {

// A SQLite database with a thread of its own, since SQLite waits for the disk. Calls that arrive
// while the thread is busy share SQLite's next transaction, and so the next wait for the disk; none
// has its result before that transaction is on the disk, in the file that the path names. Once the
// file was moved or deleted, every call is UNAVAILABLE until it is back. A deadline keeps a call
// from being begun; once begun it is waited for.
class SqliteExecutor final : public SqlExecutor {
 public:
  // Both are called on the executor's thread and on the loop's.
  struct Clocks {
    // The database's clock: {now}.
    absl::AnyInvocable<absl::Time() const> now;
    // The clock of the deadlines.
    absl::AnyInvocable<SteadyTime() const> steady_now;
  };
  static Clocks RealClocks();

  // `path` is a file's or ":memory:". What can be wrong with it: OpenSqliteFile. `loop` outlives
  // the executor, and so does `log`, if it is not null. Any thread.
  static absl::StatusOr<std::unique_ptr<SqliteExecutor>> Open(EventLoop& loop,
                                                              const std::string& path,
                                                              const SqlSchema& schema,
                                                              Clocks clocks, Log* log = nullptr);
  // Nothing is waited for any more.
  ~SqliteExecutor() override;

  Task<absl::StatusOr<std::vector<SqlRows>>> RunAll(std::vector<SqlStatement> statements,
                                                    Deadline deadline) override;
  // Empties the write-ahead log, which keeps what was written until it begins anew.
  Task<absl::Status> EraseDeleted(Deadline deadline) override;

 private:
  class Worker;

  explicit SqliteExecutor(std::unique_ptr<Worker> worker);

  const std::unique_ptr<Worker> worker_;
};

}  // namespace gateway

#endif  // SERVICE_SQL_SQLITE_EXECUTOR_H_
