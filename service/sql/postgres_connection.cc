#include "service/sql/postgres_connection.h"

#include <libpq-fe.h>

#include <algorithm>
#include <chrono>
#include <string_view>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "service/sql/postgres_values.h"

namespace gateway {
namespace {

// Whatever a database's administrator made the defaults.
constexpr const char* kBegin = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE";
// Both end with the transaction. The server stops working on what nobody waits for any more.
constexpr const char* kSettings =
    "SELECT set_config('synchronous_commit', 'on', true), "
    "set_config('statement_timeout', $1, true)";
constexpr const char* kCommit = "COMMIT";
constexpr const char* kRollBack = "ROLLBACK";

constexpr int kBinaryFormat = 1;

constexpr unsigned kReadable = DescriptorWatch::kReadable;
constexpr unsigned kWritable = DescriptorWatch::kWritable;

// libpq's words about a connection that did not come about, on one line. Host, port and user are in
// them, the password is not.
absl::Status ConnectError(const PGconn* connection) {
  const std::string words(absl::StripAsciiWhitespace(PQerrorMessage(connection)));
  return absl::UnavailableError(
      absl::StrCat("connect to PostgreSQL: ", absl::StrReplaceAll(words, {{"\n", "; "}})));
}

absl::Status TooLate(const char* operation) {
  return absl::DeadlineExceededError(absl::StrCat(operation, ": no answer in time"));
}

}  // namespace

void PostgresConnection::Close::operator()(pg_conn* connection) const { PQfinish(connection); }

void PostgresConnection::Clear::operator()(pg_result* result) const { PQclear(result); }

PostgresConnection::PostgresConnection(EventLoop& loop) : loop_(loop) {}

PostgresConnection::~PostgresConnection() = default;

Task<absl::Status> PostgresConnection::Open(const std::vector<PostgresHost>& hosts,
                                            const PostgresTarget& target, Deadline deadline) {
  std::vector<std::string> names, addresses, ports;
  for (const PostgresHost& host : hosts) {
    names.push_back(host.name);
    addresses.push_back(host.address);
    ports.push_back(host.port);
  }
  const std::string name_list = absl::StrJoin(names, ",");
  const std::string address_list = absl::StrJoin(addresses, ",");
  const std::string port_list = absl::StrJoin(ports, ",");
  std::vector<const char*> keywords = {"host", "hostaddr", "port"};
  std::vector<const char*> values = {name_list.c_str(), address_list.c_str(), port_list.c_str()};
  for (const auto& [keyword, value] : target.settings) {
    keywords.push_back(keyword.c_str());
    values.push_back(value.c_str());
  }
  keywords.push_back(nullptr);
  values.push_back(nullptr);

  connection_.reset(PQconnectStartParams(keywords.data(), values.data(), /*expand_dbname=*/0));
  if (connection_ == nullptr) co_return absl::UnavailableError("connect to PostgreSQL: no memory");
  PQsetNoticeReceiver(
      connection_.get(),
      [](void* connection, const PGresult* notice) {
        const char* const severity = PQresultErrorField(notice, PG_DIAG_SEVERITY_NONLOCALIZED);
        if (severity != nullptr && std::string_view(severity) == "WARNING") {
          static_cast<PostgresConnection*>(connection)->was_warned_ = true;
        }
      },
      this);

  PostgresPollingStatusType state =
      PQstatus(connection_.get()) == CONNECTION_BAD ? PGRES_POLLING_FAILED : PGRES_POLLING_WRITING;
  while (state != PGRES_POLLING_OK) {
    if (state == PGRES_POLLING_FAILED) co_return ConnectError(connection_.get());
    StartWatch();
    const Wake wake =
        co_await WaitFor(state == PGRES_POLLING_READING ? kReadable : kWritable, deadline);
    if (wake == Wake::kStopped) co_return absl::CancelledError("connect to PostgreSQL: stopped");
    if (wake == Wake::kTooLate) co_return TooLate("connect to PostgreSQL");
    // libpq may close the descriptor and go on with the next address on another one.
    watch_.reset();
    state = PQconnectPoll(connection_.get());
  }
  if (PQsetnonblocking(connection_.get(), 1) != 0 || PQenterPipelineMode(connection_.get()) != 1) {
    co_return ConnectError(connection_.get());
  }
  StartWatch();
  watch_->SetInterest(kReadable);
  usable_ = true;
  co_return absl::OkStatus();
}

Task<absl::StatusOr<SqlRows>> PostgresConnection::Run(std::string statement,
                                                      std::vector<SqlValue> parameters,
                                                      Deadline deadline) {
  is_busy_ = true;
  auto rows = co_await Transact(std::move(statement), std::move(parameters), deadline);
  // Not left in a transaction, whatever happened. If the response is still to come, it may be any.
  if (usable_ && PQtransactionStatus(connection_.get()) != PQTRANS_IDLE) {
    const absl::Status rolled_back = co_await RollBack(deadline);
    if (!rolled_back.ok()) usable_ = false;
  }
  is_busy_ = false;
  if (usable_) watch_->SetInterest(kReadable);
  co_return rows;
}

Task<absl::StatusOr<SqlRows>> PostgresConnection::Transact(std::string statement,
                                                           std::vector<SqlValue> parameters,
                                                           Deadline deadline) {
  const auto left =
      std::chrono::duration_cast<Milliseconds>(deadline.TimeLeft(std::chrono::steady_clock::now()));
  if (left < Milliseconds(1)) {
    co_return absl::DeadlineExceededError("PostgreSQL: the time ran out before the statement");
  }
  const std::vector<SqlValue> settings = {absl::StrCat(left.count())};
  if (!Send(kBegin, {}) || !Send(kSettings, settings) || !Send(statement, parameters) ||
      !Send(kCommit, {}) || PQpipelineSync(connection_.get()) != 1) {
    co_return Lost();
  }
  if (auto status = co_await Flush(deadline); !status.ok()) co_return status;

  absl::Status first_error = absl::OkStatus();
  auto begun = co_await StatementResult(deadline);
  if (!begun.ok()) co_return begun.status();
  first_error.Update(PostgresResultStatus(begun->get()));
  auto set = co_await StatementResult(deadline);
  if (!set.ok()) co_return set.status();
  first_error.Update(PostgresResultStatus(set->get()));
  auto done = co_await StatementResult(deadline);
  if (!done.ok()) co_return done.status();
  first_error.Update(PostgresResultStatus(done->get()));
  // The server's only word about a standby that was not waited for is a warning: the commit is on
  // this server's disk alone, and a fail-over forgets it.
  was_warned_ = false;
  auto committed = co_await StatementResult(deadline);
  if (!committed.ok()) co_return committed.status();
  first_error.Update(PostgresResultStatus(committed->get()));
  if (auto status = co_await EndOfPipeline(deadline); !status.ok()) co_return status;

  if (!first_error.ok()) {
    // A server that has become a standby answers, but not as we need it.
    if (absl::IsUnavailable(first_error)) usable_ = false;
    co_return first_error;
  }
  // COMMIT in a failed transaction answers ROLLBACK, and that is no error to the server.
  if (was_warned_ || std::string_view(PQcmdStatus(committed->get())) != kCommit) {
    usable_ = false;
    co_return absl::UnavailableError("PostgreSQL: the commit is not certain");
  }
  co_return PostgresRows(done->get());
}

Task<absl::Status> PostgresConnection::RollBack(Deadline deadline) {
  if (!Send(kRollBack, {}) || PQpipelineSync(connection_.get()) != 1) co_return Lost();
  if (auto status = co_await Flush(deadline); !status.ok()) co_return status;
  auto result = co_await StatementResult(deadline);
  if (!result.ok()) co_return result.status();
  if (auto status = PostgresResultStatus(result->get()); !status.ok()) co_return status;
  co_return co_await EndOfPipeline(deadline);
}

void PostgresConnection::Stop() {
  is_stopped_ = true;
  if (waiter_ != nullptr) waiter_->Set(Wake::kStopped);
}

void PostgresConnection::StartWatch() {
  watch_ = std::make_unique<DescriptorWatch>(loop_, PQsocket(connection_.get()),
                                             [this](unsigned events) { OnReady(events); });
}

void PostgresConnection::OnReady(unsigned) {
  if (waiter_ != nullptr) {
    waiter_->Set(Wake::kReady);  // `this` may be gone
    return;
  }
  if (is_busy_ || !usable_) {
    watch_->SetInterest(DescriptorWatch::kNone);
    return;
  }
  // Nothing was asked for: a notice, a changed parameter, or the end of the connection.
  if (PQconsumeInput(connection_.get()) == 1) {
    PQisBusy(connection_.get());  // reads what came
    return;
  }
  usable_ = false;
  watch_->SetInterest(DescriptorWatch::kNone);
  if (on_lost_idle_) std::exchange(on_lost_idle_, nullptr)();  // `this` may be gone
}

Task<PostgresConnection::Wake> PostgresConnection::WaitFor(unsigned events, Deadline deadline) {
  if (is_stopped_) co_return Wake::kStopped;
  OneShot<Wake> arrival;
  Timer timer(loop_, [&arrival] { arrival.Set(Wake::kTooLate); });
  timer.StartAt(deadline.at());
  waiter_ = &arrival;
  watch_->SetInterest(events);
  const Wake wake = co_await arrival;
  waiter_ = nullptr;
  co_return wake;
}

bool PostgresConnection::Send(const std::string& statement,
                              const std::vector<SqlValue>& parameters) {
  const PostgresParameters forms(parameters);
  return PQsendQueryParams(connection_.get(), statement.c_str(), forms.count(), forms.types(),
                           forms.texts(), forms.lengths(), forms.formats(), kBinaryFormat) == 1;
}

Task<absl::Status> PostgresConnection::Flush(Deadline deadline) {
  while (true) {
    const int left = PQflush(connection_.get());
    if (left == 0) co_return absl::OkStatus();
    if (left < 0) co_return Lost();
    const Wake wake = co_await WaitFor(kReadable | kWritable, deadline);
    if (wake != Wake::kReady) {
      usable_ = false;
      co_return TooLate("PostgreSQL");
    }
    // The server stops reading while nobody reads what it answers.
    if (PQconsumeInput(connection_.get()) != 1) co_return Lost();
  }
}

Task<absl::StatusOr<PostgresConnection::Result>> PostgresConnection::NextResult(Deadline deadline) {
  while (PQisBusy(connection_.get()) == 1) {
    const Wake wake = co_await WaitFor(kReadable, deadline);
    if (wake != Wake::kReady) {
      // What the server makes of the transaction will never be known here.
      usable_ = false;
      co_return TooLate("PostgreSQL");
    }
    if (PQconsumeInput(connection_.get()) != 1) co_return Lost();
  }
  co_return Result(PQgetResult(connection_.get()));
}

Task<absl::StatusOr<PostgresConnection::Result>> PostgresConnection::StatementResult(
    Deadline deadline) {
  auto first = co_await NextResult(deadline);
  if (!first.ok()) co_return first.status();
  if (*first == nullptr) co_return Lost();
  while (true) {
    if (PQstatus(connection_.get()) == CONNECTION_BAD) co_return Lost();
    auto more = co_await NextResult(deadline);
    if (!more.ok()) co_return more.status();
    if (*more == nullptr) co_return std::move(*first);
  }
}

Task<absl::Status> PostgresConnection::EndOfPipeline(Deadline deadline) {
  auto sync = co_await NextResult(deadline);
  if (!sync.ok()) co_return sync.status();
  if (PQresultStatus(sync->get()) != PGRES_PIPELINE_SYNC) co_return Lost();
  co_return absl::OkStatus();
}

absl::Status PostgresConnection::Lost() {
  usable_ = false;
  return absl::UnavailableError("PostgreSQL: the connection was lost");
}

}  // namespace gateway
