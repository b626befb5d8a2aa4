#ifndef SERVICE_SQL_POSTGRES_EXECUTOR_H_
#define SERVICE_SQL_POSTGRES_EXECUTOR_H_

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "service/base/event_loop.h"
#include "service/base/one_shot.h"
#include "service/base/random.h"
#include "service/resilience/backoff.h"
#include "service/sql/postgres_connection.h"
#include "service/sql/postgres_name_lookup.h"
#include "service/sql/postgres_target.h"
#include "service/sql/sql_executor.h"
#include "service/sql/sql_schema.h"

namespace gateway {

// A PostgreSQL database that several processes may share, by a small pool of connections. They are
// made when they are first needed, and with each the tables if there are none. Deadlines are on the
// steady clock; what waits for a connection waits no longer than its deadline. While no connection
// can be made, statements fail at once; the next attempt comes with a statement after a short wait.
// Loop thread only, destruction included.
class PostgresExecutor final : public SqlExecutor {
 public:
  struct Options {
    size_t connections = 4;
    // For all steps of making a connection: names, TCP, TLS, log in; and once more for the tables.
    Milliseconds connect_timeout{3000};
    // Between attempts to connect that fail.
    Backoff::Options backoff{.initial = Milliseconds(50), .max = Milliseconds(1000)};
  };

  // `loop`, `random` and `schema` outlive the executor. Connects to nothing yet.
  PostgresExecutor(EventLoop& loop, RandomSource& random, PostgresTarget target,
                   const SqlSchema& schema, Options options);
  // Nothing is waited for any more.
  ~PostgresExecutor() override;

  Task<absl::StatusOr<std::vector<SqlRows>>> RunAll(std::vector<SqlStatement> statements,
                                                    Deadline deadline) override;

 private:
  using Borrowed = absl::StatusOr<PostgresConnection*>;

  Task<Borrowed> Borrow(Deadline deadline);
  void Return(PostgresConnection* connection);
  void Drop(PostgresConnection* connection);
  // Gives connections to those who wait, and makes more if there are too few.
  void ServeWaiting();
  Task<void> AddConnection();
  Task<absl::Status> Connect(PostgresConnection& connection);

  EventLoop& loop_;
  RandomSource& random_;
  const PostgresTarget target_;
  const SqlSchema& schema_;
  const Options options_;
  PostgresNameLookup lookup_;
  std::vector<std::unique_ptr<PostgresConnection>> connections_;
  // Of those: neither being made nor lent.
  std::vector<PostgresConnection*> idle_;
  size_t connecting_ = 0;
  std::deque<OneShot<Borrowed>*> waiting_;
  // Since the last attempt to connect that succeeded.
  std::optional<Backoff> backoff_;
  SteadyTime next_attempt_;
  absl::Status last_failure_;
  bool is_ending_ = false;
};

}  // namespace gateway

#endif  // SERVICE_SQL_POSTGRES_EXECUTOR_H_
