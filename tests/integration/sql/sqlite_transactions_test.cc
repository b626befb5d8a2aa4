// Transactions of SQLite that share one commit.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "tests/integration/sql/executor_fixture.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Stops a thread that comes by while it is closed.
class Gate {
 public:
  void Close() {
    const std::lock_guard lock(mutex_);
    is_closed_ = true;
  }
  void Open() {
    const std::lock_guard lock(mutex_);
    is_closed_ = false;
    changed_.notify_all();
  }
  void Pass() {
    std::unique_lock lock(mutex_);
    has_arrived_ = is_closed_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return !is_closed_; });
  }
  void WaitForArrival() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return has_arrived_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool is_closed_ = false;
  bool has_arrived_ = false;
};

class SqliteTransactionsTest : public ::testing::Test {
 protected:
  // Runs all of them in one transaction of SQLite.
  std::vector<SqlResults> RunTogether(const std::vector<std::vector<SqlStatement>>& jobs) {
    gate_.Close();
    auto first = database_.Start({{.text = "SELECT 1"}});
    gate_.WaitForArrival();
    std::vector<RunningTask<SqlResults>> running;
    for (const auto& job : jobs) running.push_back(database_.Start(job));
    loop_->RunAndWait([] {});  // all of them wait for the database's thread by then
    gate_.Open();
    EXPECT_TRUE(first.Wait("the job at the gate").ok());
    std::vector<SqlResults> results;
    for (auto& each : running) results.push_back(each.Wait("a job of the group"));
    return results;
  }
  std::unique_ptr<SqlExecutor> Open() {
    SqliteExecutor::Clocks clocks = SqliteExecutor::RealClocks();
    clocks.steady_now = [this] {
      gate_.Pass();
      return std::chrono::steady_clock::now();
    };
    return *SqliteExecutor::Open(*loop_, ":memory:", TestSchema(), std::move(clocks));
  }

  const std::unique_ptr<EventLoop> loop_ = *EventLoop::Create();
  Gate gate_;
  ExecutorUnderTest database_{*loop_, Open()};
};

TEST_F(SqliteTransactionsTest, WhatIsTakenBackDoesNoHarmToOthersOfTheGroup) {
  const auto results = RunTogether({
      {Note("a")},
      {Note("b"), Count("missing"), Note("c")},
      {Note("d"), Note("a")},
      {Note("b"), Note("d")},
      {Note("e"), {.text = "no statement"}},
      {Note("f")},
  });

  EXPECT_TRUE(results[0].ok()) << results[0].status();
  ASSERT_TRUE(results[1].ok()) << results[1].status();
  EXPECT_THAT(*results[1], ElementsAre(IsEmpty(), IsEmpty()));
  EXPECT_TRUE(absl::IsAlreadyExists(results[2].status())) << results[2].status();
  EXPECT_TRUE(results[3].ok()) << results[3].status();
  EXPECT_EQ(results[4].status().code(), absl::StatusCode::kInternal) << results[4].status();
  EXPECT_TRUE(results[5].ok()) << results[5].status();
  EXPECT_EQ(database_.Notes(), (SqlRows{{"a"}, {"b"}, {"d"}, {"f"}}));
}

// Also those whose results are known by then, and those that were to come.
TEST_F(SqliteTransactionsTest, WhereSqliteGivesUpTheTransactionNothingCounts) {
  const auto results = RunTogether({
      {Note("a"), Note("b")},
      {Note("c"), Count("missing")},
      {Note("d"), {.text = "INSERT OR ROLLBACK INTO notes (id) VALUES ('d')"}},
      {Note("e"), Note("f")},
  });
  for (const auto& each : results) EXPECT_FALSE(each.ok());
  EXPECT_THAT(database_.Notes(), IsEmpty());
  EXPECT_TRUE(database_.RunAll({Note("a"), Note("b")}).ok()) << "the next group";
}

}  // namespace
}  // namespace gateway
