#include "service/sql/postgres_connection.h"

#include <libpq-fe.h>

#include <algorithm>
#include <chrono>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "service/sql/postgres_values.h"

namespace gateway {
namespace {

constexpr int kBinaryFormat = 1;

constexpr unsigned kReadable = DescriptorWatch::kReadable;
constexpr unsigned kWritable = DescriptorWatch::kWritable;

// Of what libpq and the system say when a connection does not come about: what passes by itself ...
constexpr std::string_view kPassing[] = {
    "Connection refused",   "Connection reset",
    "Connection timed out", "Network is unreachable",
    "No route to host",     "No such file or directory",
    "Permission denied",    "server closed the connection unexpectedly",
};
// ... and what does not.
constexpr std::string_view kLasting[] = {
    "certificate verify failed",
    "channel binding",
    "does not match host name",
    "does not support SSL",
};

// Only what is known word by word: libpq's text has the server's in it, and a server that is not
// the one that it should be may say the password that it was given.
absl::Status ConnectError(const PGconn* connection) {
  const std::string_view text = PQerrorMessage(connection);
  std::string message = "connect to PostgreSQL: ";
  const auto is_said = [text](std::string_view reason) {
    return text.find(reason) != std::string_view::npos;
  };
  // One host has several addresses, and libpq tells of all that it tried: what a server said says
  // more than that another address was out of reach.
  constexpr std::string_view kBeforeState = "FATAL:  ";
  if (const size_t at = text.find(kBeforeState); at != std::string_view::npos) {
    const std::string_view state = text.substr(at + kBeforeState.size(), 5);
    const std::string_view meaning = MeaningOfSqlState(state);
    if (!meaning.empty()) {
      message.append("SQLSTATE ").append(state).append(", ").append(meaning);
      return absl::Status(CodeOfSqlState(state), message);
    }
  }
  if (const auto* const found = std::ranges::find_if(kLasting, is_said);
      found != std::end(kLasting)) {
    return absl::InternalError(message.append(*found));
  }
  if (const auto* const found = std::ranges::find_if(kPassing, is_said);
      found != std::end(kPassing)) {
    return absl::UnavailableError(message.append(*found));
  }
  return absl::UnavailableError(message.append("the server's log says why not"));
}

// Else it works for a long time, and then not for the first text that the encoding cannot hold.
absl::Status CheckEncoding(const PGconn* connection) {
  const char* const found = PQparameterStatus(connection, "server_encoding");
  const std::string_view encoding = found == nullptr ? "UTF8" : found;
  // SQL_ASCII: the server takes all bytes as they are.
  if (encoding == "UTF8" || encoding == "SQL_ASCII") return absl::OkStatus();
  return absl::InternalError("connect to PostgreSQL: the database's encoding is not UTF8");
}

absl::Status TooLate(const char* operation) {
  return absl::DeadlineExceededError(absl::StrCat(operation, ": no answer in time"));
}

}  // namespace

void PostgresConnection::Close::operator()(pg_conn* connection) const { PQfinish(connection); }

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
  PQsetErrorVerbosity(connection_.get(), PQERRORS_SQLSTATE);
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
  if (auto status = CheckEncoding(connection_.get()); !status.ok()) co_return status;
  if (PQsetnonblocking(connection_.get(), 1) != 0 || PQenterPipelineMode(connection_.get()) != 1) {
    co_return ConnectError(connection_.get());
  }
  StartWatch();
  watch_->SetInterest(kReadable);
  usable_ = true;
  co_return absl::OkStatus();
}

Task<absl::StatusOr<std::vector<SqlRows>>> PostgresConnection::RunAll(
    std::vector<SqlStatement> statements, Deadline deadline) {
  is_busy_ = true;
  auto rows = co_await Transact(std::move(statements), deadline);
  // Not left in a transaction, whatever happened. If the response is still to come, it may be any.
  if (usable_ && PQtransactionStatus(connection_.get()) != PQTRANS_IDLE) {
    const absl::Status rolled_back = co_await RollBack(deadline);
    if (!rolled_back.ok()) usable_ = false;
  }
  is_busy_ = false;
  if (usable_) watch_->SetInterest(kReadable);
  co_return rows;
}

Task<absl::StatusOr<std::vector<SqlRows>>> PostgresConnection::Transact(
    std::vector<SqlStatement> statements, Deadline deadline) {
  const auto left =
      std::chrono::duration_cast<Milliseconds>(deadline.TimeLeft(std::chrono::steady_clock::now()));
  if (left < Milliseconds(1)) {
    co_return absl::DeadlineExceededError("PostgreSQL: the time ran out before the statement");
  }
  const PostgresTransaction transaction(std::move(statements), left);
  auto results = co_await Exchange(transaction.first_flight(), deadline);
  if (!results.ok()) co_return results.status();
  auto rows = transaction.Rows(*results);
  if (!rows.ok()) co_return Refused(rows.status());
  if (transaction.IsToBeRolledBack(*rows)) co_return rows;  // which RunAll does

  if (!transaction.CommitsInFirstFlight()) {
    const std::vector<SqlStatement> commit(1, PostgresTransaction::Commit());
    results = co_await Exchange(commit, deadline);
    if (!results.ok()) co_return results.status();
    auto status = PostgresResultStatus(results->back().get());
    if (!status.ok()) co_return Refused(std::move(status));
  }
  // The server's only word about a standby that was not waited for is a warning: the commit is on
  // this server's disk alone, and a fail-over forgets it.
  if (was_warned_ || !PostgresTransaction::IsCommitted(results->back())) {
    usable_ = false;
    co_return absl::UnavailableError("PostgreSQL: the commit is not certain");
  }
  co_return rows;
}

Task<absl::StatusOr<std::vector<PostgresConnection::Result>>> PostgresConnection::Exchange(
    const std::vector<SqlStatement>& statements, Deadline deadline) {
  for (const SqlStatement& statement : statements) {
    if (!Send(statement)) co_return Lost();
  }
  if (PQpipelineSync(connection_.get()) != 1) co_return Lost();
  if (auto status = co_await Flush(deadline); !status.ok()) co_return status;
  std::vector<Result> results;
  while (results.size() < statements.size()) {
    was_warned_ = false;
    auto result = co_await StatementResult(deadline);
    if (!result.ok()) co_return result.status();
    results.push_back(*std::move(result));
  }
  if (auto status = co_await EndOfPipeline(deadline); !status.ok()) co_return status;
  co_return results;
}

Task<absl::Status> PostgresConnection::RollBack(Deadline deadline) {
  const std::vector<SqlStatement> roll_back(1, PostgresTransaction::RollBack());
  auto results = co_await Exchange(roll_back, deadline);
  if (!results.ok()) co_return results.status();
  co_return PostgresResultStatus(results->front().get());
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

bool PostgresConnection::Send(const SqlStatement& statement) {
  const PostgresParameters forms(statement.parameters);
  return PQsendQueryParams(connection_.get(), statement.text.c_str(), forms.count(), forms.types(),
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

absl::Status PostgresConnection::Refused(absl::Status error) {
  if (absl::IsUnavailable(error)) usable_ = false;
  return error;
}

absl::Status PostgresConnection::Lost() {
  usable_ = false;
  return absl::UnavailableError("PostgreSQL: the connection was lost");
}

}  // namespace gateway
