#ifndef SERVICE_SQL_POSTGRES_CONNECTION_H_
#define SERVICE_SQL_POSTGRES_CONNECTION_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "service/base/event_loop.h"
#include "service/base/one_shot.h"
#include "service/base/task.h"
#include "service/sql/postgres_target.h"
#include "service/sql/postgres_transaction.h"
#include "service/sql/sql_executor.h"

struct pg_conn;

namespace gateway {

// One connection to PostgreSQL that runs one transaction at a time. Nothing in it waits but its
// coroutines. It leaves no state in the server's session, so a proxy may pool transactions.
// Loop thread only, destruction included.
class PostgresConnection {
 public:
  // `loop` outlives the connection.
  explicit PostgresConnection(EventLoop& loop);
  // Nothing is waited for any more.
  ~PostgresConnection();
  PostgresConnection(const PostgresConnection&) = delete;
  PostgresConnection& operator=(const PostgresConnection&) = delete;

  // `call` comes when the server closes the connection while nothing runs, and may destroy it.
  void OnLostIdle(absl::AnyInvocable<void()> call) { on_lost_idle_ = std::move(call); }

  // Connects to the first of `hosts`, which need no lookup, that takes it and can be written to.
  Task<absl::Status> Open(const std::vector<PostgresHost>& hosts, const PostgresTarget& target,
                          Deadline deadline);

  // Runs `statements` in a transaction that is on the disk, and on synchronous standbys, before the
  // rows are returned. As SqlExecutor::RunAll, but without {now}.
  Task<absl::StatusOr<std::vector<SqlRows>>> RunAll(std::vector<SqlStatement> statements,
                                                    Deadline deadline);

  // False before `Open`, and once a transaction's outcome is unclear or the server is gone.
  bool IsUsable() const { return usable_; }
  // Whoever waits in `Open` or `RunAll` is woken and gets an error.
  void Stop();

 private:
  enum class Wake { kReady, kTooLate, kStopped };
  struct Close {
    void operator()(pg_conn* connection) const;
  };
  using Result = PostgresResult;

  void StartWatch();
  void OnReady(unsigned events);
  // Until one of `events` comes.
  Task<Wake> WaitFor(unsigned events, Deadline deadline);

  Task<absl::StatusOr<std::vector<SqlRows>>> Transact(std::vector<SqlStatement> statements,
                                                      Deadline deadline);
  // Sends `statements` in one go and returns the result of each, be it an error. They outlive the
  // call.
  Task<absl::StatusOr<std::vector<Result>>> Exchange(const std::vector<SqlStatement>& statements,
                                                     Deadline deadline);
  bool Send(const SqlStatement& statement);
  Task<absl::Status> Flush(Deadline deadline);
  // Null at the end of each statement's results.
  Task<absl::StatusOr<Result>> NextResult(Deadline deadline);
  // The one result of the statement that is next in the pipeline.
  Task<absl::StatusOr<Result>> StatementResult(Deadline deadline);
  Task<absl::Status> EndOfPipeline(Deadline deadline);
  Task<absl::Status> RollBack(Deadline deadline);
  // A server that has become a standby, for one, answers, but not as we need it.
  absl::Status Refused(absl::Status error);
  absl::Status Lost();

  EventLoop& loop_;
  absl::AnyInvocable<void()> on_lost_idle_;
  std::unique_ptr<pg_conn, Close> connection_;
  // After connection_, since a watch ends before its descriptor is closed.
  std::unique_ptr<DescriptorWatch> watch_;
  OneShot<Wake>* waiter_ = nullptr;
  bool usable_ = false;
  bool is_busy_ = false;
  bool is_stopped_ = false;
  // Whether the server warned about the last statement.
  bool was_warned_ = false;
};

}  // namespace gateway

#endif  // SERVICE_SQL_POSTGRES_CONNECTION_H_
