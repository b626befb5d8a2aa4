#include "service/sql/postgres_executor.h"

#include <algorithm>
#include <cassert>
#include <chrono>
#include <utility>

#include "absl/strings/str_replace.h"
#include "service/sql/postgres_schema.h"

namespace gateway {
namespace {

// A sub-select, so that the clock is read once and an index can be used: clock_timestamp() by
// itself is looked at for every row.
constexpr const char* kNow = "(SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint)";

}  // namespace

PostgresExecutor::PostgresExecutor(EventLoop& loop, RandomSource& random, PostgresTarget target,
                                   const SqlSchema& schema, Options options)
    : loop_(loop),
      random_(random),
      target_(std::move(target)),
      schema_(schema),
      options_(options),
      lookup_(loop, target_.hosts) {}

PostgresExecutor::~PostgresExecutor() {
  assert(waiting_.empty() && "a statement outlives its database");
  // Connections on their way end here: their coroutines run to their ends inside these calls.
  is_ending_ = true;
  lookup_.Stop();
  for (const auto& connection : connections_) connection->Stop();
  assert(connecting_ == 0);
}

Task<absl::StatusOr<std::vector<SqlRows>>> PostgresExecutor::RunAll(
    std::vector<SqlStatement> statements, Deadline deadline) {
  auto connection = co_await Borrow(deadline);
  if (!connection.ok()) co_return connection.status();
  for (SqlStatement& statement : statements) {
    statement.text = absl::StrReplaceAll(statement.text, {{"{now}", kNow}});
  }
  auto results = co_await (*connection)->RunAll(std::move(statements), deadline);
  Return(*connection);
  co_return results;
}

Task<PostgresExecutor::Borrowed> PostgresExecutor::Borrow(Deadline deadline) {
  if (deadline.HasPassed(std::chrono::steady_clock::now())) {
    co_return absl::DeadlineExceededError("PostgreSQL: the time ran out before the statement");
  }
  OneShot<Borrowed> arrival;
  Timer timer(loop_, [&arrival] {
    arrival.Set(absl::DeadlineExceededError("PostgreSQL: no connection was free in time"));
  });
  timer.StartAt(deadline.at());
  waiting_.push_back(&arrival);
  ServeWaiting();
  Borrowed borrowed = co_await arrival;
  std::erase(waiting_, &arrival);
  co_return borrowed;
}

void PostgresExecutor::Return(PostgresConnection* connection) {
  if (connection->IsUsable()) {
    idle_.push_back(connection);
  } else {
    Drop(connection);
  }
  ServeWaiting();
}

void PostgresExecutor::Drop(PostgresConnection* connection) {
  std::erase(idle_, connection);
  std::erase_if(connections_, [connection](const auto& kept) { return kept.get() == connection; });
}

void PostgresExecutor::ServeWaiting() {
  while (!waiting_.empty() && !idle_.empty()) {
    // The one used last: the others stay idle and are no cost.
    PostgresConnection* const connection = idle_.back();
    idle_.pop_back();
    OneShot<Borrowed>* const waiter = waiting_.front();
    waiting_.pop_front();
    waiter->Set(connection);
  }
  while (waiting_.size() > connecting_ && connections_.size() < options_.connections &&
         std::chrono::steady_clock::now() >= next_attempt_) {
    Spawn(AddConnection());
  }
  if (!connections_.empty()) return;
  while (!waiting_.empty()) {
    OneShot<Borrowed>* const waiter = waiting_.front();
    waiting_.pop_front();
    waiter->Set(last_failure_);
  }
}

Task<void> PostgresExecutor::AddConnection() {
  PostgresConnection* const connection =
      connections_.emplace_back(std::make_unique<PostgresConnection>(loop_)).get();
  connection->OnLostIdle([this, connection] { Drop(connection); });
  ++connecting_;
  const absl::Status status = co_await Connect(*connection);
  --connecting_;
  if (is_ending_) co_return;
  if (status.ok()) {
    backoff_.reset();
    Return(connection);
    co_return;
  }
  last_failure_ = status;
  if (!backoff_.has_value()) backoff_.emplace(options_.backoff, random_);
  // Never none at all, or those who wait would be served by attempt after attempt in one turn.
  next_attempt_ = std::chrono::steady_clock::now() + Milliseconds(1) + backoff_->Next();
  Drop(connection);
  ServeWaiting();
}

Task<absl::Status> PostgresExecutor::Connect(PostgresConnection& connection) {
  const auto timeout = [this] {
    return Deadline(std::chrono::steady_clock::now() + options_.connect_timeout);
  };
  const Deadline deadline = timeout();
  auto hosts = co_await lookup_.Resolve(deadline);
  absl::Status status = hosts.status();
  if (status.ok()) status = co_await connection.Open(*hosts, target_, deadline);
  if (status.ok()) status = co_await EnsurePostgresSchema(connection, schema_, timeout());
  // A server that does not answer in our time is away; the caller's time is another matter.
  if (absl::IsDeadlineExceeded(status)) co_return absl::UnavailableError(status.message());
  co_return status;
}

}  // namespace gateway
