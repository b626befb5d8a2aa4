#ifndef TESTS_INTEGRATION_SQL_EXECUTOR_FIXTURE_H_
#define TESTS_INTEGRATION_SQL_EXECUTOR_FIXTURE_H_

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "service/base/event_loop.h"
#include "service/base/random.h"
#include "service/sql/postgres_executor.h"
#include "service/sql/postgres_target.h"
#include "service/sql/sql_executor.h"
#include "service/sql/sqlite_executor.h"
#include "tests/fakes/run_task.h"

namespace gateway {

using SqlResults = absl::StatusOr<std::vector<SqlRows>>;

// Long enough for any transaction under test.
inline Deadline Soon() { return Deadline(std::chrono::steady_clock::now() + kTaskBound / 2); }
inline Deadline In(Milliseconds time) { return Deadline(std::chrono::steady_clock::now() + time); }

// Counters with limits, and notes: each id once.
inline const SqlSchema& TestSchema() {
  static const SqlSchema schema{
      .migrations = {{{"CREATE TABLE IF NOT EXISTS counters (name text PRIMARY KEY, "
                       "used bigint NOT NULL, max_used bigint NOT NULL)",
                       "CREATE TABLE IF NOT EXISTS notes (id text PRIMARY KEY)"}}}};
  return schema;
}

inline SqlStatement NewCounter(const std::string& name, int64_t max_used) {
  return {.text = "INSERT INTO counters (name, used, max_used) VALUES ($1, 0, $2)",
          .parameters = {name, max_used}};
}
// Gives the new count, and no row once the limit is reached or without the counter.
inline SqlStatement Count(const std::string& name) {
  return {.text =
              "UPDATE counters SET used = used + 1 WHERE name = $1 AND used < max_used "
              "RETURNING used",
          .parameters = {name},
          .needs_row = true};
}
inline SqlStatement Note(const std::string& id) {
  return {.text = "INSERT INTO notes (id) VALUES ($1)", .parameters = {id}};
}
inline SqlRows ARow(SqlValue value) { return {{std::move(value)}}; }

// An executor whose transactions are plain calls from the thread of a test.
class ExecutorUnderTest {
 public:
  ExecutorUnderTest(EventLoop& loop, std::unique_ptr<SqlExecutor> executor)
      : loop_(loop), executor_(std::move(executor)) {}
  ~ExecutorUnderTest() {
    loop_.RunAndWait([this] { executor_.reset(); });
  }

  SqlResults RunAll(std::vector<SqlStatement> statements, Deadline deadline = Soon()) {
    return Start(std::move(statements), deadline).Wait("a transaction");
  }
  // What a transaction that must succeed gives.
  std::vector<SqlRows> Results(std::vector<SqlStatement> statements) {
    auto results = RunAll(std::move(statements));
    if (results.ok()) return *std::move(results);
    ADD_FAILURE() << results.status();
    return {};
  }
  RunningTask<SqlResults> Start(std::vector<SqlStatement> statements, Deadline deadline = Soon()) {
    return StartTask(loop_, [this, statements = std::move(statements), deadline] {
      return executor_->RunAll(statements, deadline);
    });
  }
  absl::StatusOr<SqlRows> Run(const SqlStatement& statement) {
    return RunTask(loop_,
                   [&] { return executor_->Run(statement.text, statement.parameters, Soon()); });
  }
  // What a statement that must succeed gives.
  SqlRows Rows(const std::string& text) {
    auto rows = Run({.text = text});
    if (rows.ok()) return *std::move(rows);
    std::fprintf(stderr, "%s: %s\n", text.c_str(), rows.status().ToString().c_str());
    std::abort();
  }
  SqlRows Used() { return Rows("SELECT used FROM counters ORDER BY name"); }
  SqlRows Notes() { return Rows("SELECT id FROM notes ORDER BY id"); }

 private:
  EventLoop& loop_;
  std::unique_ptr<SqlExecutor> executor_;
};

inline std::unique_ptr<SqlExecutor> OpenSqlite(EventLoop& loop, const std::string& path) {
  auto opened = SqliteExecutor::Open(loop, path, TestSchema(), SqliteExecutor::RealClocks());
  if (opened.ok()) return *std::move(opened);
  std::fprintf(stderr, "%s\n", opened.status().ToString().c_str());
  std::abort();
}

inline std::unique_ptr<SqlExecutor> OpenPostgres(EventLoop& loop, RandomSource& random,
                                                 const std::string& url,
                                                 PostgresExecutor::Options options = {}) {
  auto target = ParsePostgresUrl(url);
  if (target.ok()) {
    return std::make_unique<PostgresExecutor>(loop, random, *std::move(target), TestSchema(),
                                              options);
  }
  std::fprintf(stderr, "%s\n", target.status().ToString().c_str());
  std::abort();
}

}  // namespace gateway

#endif  // TESTS_INTEGRATION_SQL_EXECUTOR_FIXTURE_H_
