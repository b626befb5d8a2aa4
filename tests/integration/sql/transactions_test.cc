// Transactions of several statements, on each database.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/integration/sql/executor_fixture.h"
#include "tests/support/postgres_server.h"
#include "tests/support/temporary_folder.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

enum class Database { kSqlite, kPostgres };

class TransactionsTest : public ::testing::TestWithParam<Database> {
 protected:
  std::unique_ptr<SqlExecutor> Open() {
    if (GetParam() == Database::kSqlite) return OpenSqlite(*loop_, folder_.File("database"));
    PostgresServer& server = PostgresServer::OfThisProgram();
    return OpenPostgres(*loop_, *random_, server.Url(server.CreateDatabase()));
  }

  const std::unique_ptr<EventLoop> loop_ = *EventLoop::Create();
  const std::unique_ptr<RandomSource> random_ = MakeSystemRandom();
  const TemporaryFolder folder_;
  ExecutorUnderTest database_{*loop_, Open()};
};

INSTANTIATE_TEST_SUITE_P(, TransactionsTest,
                         ::testing::Values(Database::kSqlite, Database::kPostgres),
                         [](const auto& row) {
                           return row.param == Database::kSqlite ? "Sqlite" : "Postgres";
                         });

TEST_P(TransactionsTest, CommitsAllStatementsAndReturnsTheRowsOfEach) {
  EXPECT_THAT(database_.Results({NewCounter("c", 5), Count("c"), Note("n"), Count("c")}),
              ElementsAre(IsEmpty(), ARow(1), IsEmpty(), ARow(2)));
  EXPECT_EQ(database_.Used(), ARow(2));
  EXPECT_EQ(database_.Notes(), ARow("n"));
}

TEST_P(TransactionsTest, AMissingRowTakesBackWhatWasBeforeAndEndsTheResults) {
  EXPECT_THAT(
      database_.Results({NewCounter("c", 1), Count("c"), Count("c"), Note("n"), Count("c")}),
      ElementsAre(IsEmpty(), ARow(1), IsEmpty()));
  EXPECT_THAT(database_.Used(), IsEmpty());
  EXPECT_THAT(database_.Notes(), IsEmpty());
}

TEST_P(TransactionsTest, AnErrorTakesBackWhatWasBefore) {
  ASSERT_TRUE(database_.Run(Note("n")).ok());
  const auto twice = database_.RunAll({NewCounter("c", 5), Note("n"), Note("later")});
  EXPECT_TRUE(absl::IsAlreadyExists(twice.status())) << twice.status();
  const auto wrong = database_.RunAll({Note("before"), {.text = "no statement"}});
  EXPECT_EQ(wrong.status().code(), absl::StatusCode::kInternal) << wrong.status();
  // Where rows are needed, COMMIT takes another way.
  const auto needed = database_.RunAll({NewCounter("c", 5), Count("c"), Note("n"), Note("later")});
  EXPECT_TRUE(absl::IsAlreadyExists(needed.status())) << needed.status();

  EXPECT_THAT(database_.Used(), IsEmpty());
  EXPECT_EQ(database_.Notes(), ARow("n"));
}

TEST_P(TransactionsTest, WhatComesFirstCountsAMissingRowOrAnError) {
  ASSERT_TRUE(database_.Run(Note("n")).ok());
  EXPECT_THAT(database_.Results({Count("missing"), Note("n")}), ElementsAre(IsEmpty()));
  const auto error = database_.RunAll({Note("n"), Count("missing")});
  EXPECT_TRUE(absl::IsAlreadyExists(error.status())) << error.status();
}

// A change may give no row all the same.
TEST_P(TransactionsTest, ASingleStatementWithoutTheRowItNeedsChangesNothing) {
  SqlStatement note = Note("n");
  note.needs_row = true;
  EXPECT_THAT(database_.Results({note}), ElementsAre(IsEmpty()));
  EXPECT_THAT(database_.Notes(), IsEmpty());
}

TEST_P(TransactionsTest, EveryStatementHasTheDatabasesTime) {
  const SqlStatement time{.text = "SELECT {now}", .needs_row = true};
  const auto results = database_.RunAll({time, time});
  ASSERT_TRUE(results.ok()) << results.status();
  EXPECT_LE(std::get<int64_t>((*results)[0][0][0]), std::get<int64_t>((*results)[1][0][0]));
}

TEST_P(TransactionsTest, IsNotBegunAfterItsDeadline) {
  ASSERT_TRUE(database_.Run(NewCounter("c", 5)).ok());
  const auto results = database_.RunAll({Count("c"), Note("n")}, In(Milliseconds(-1)));
  EXPECT_TRUE(absl::IsDeadlineExceeded(results.status())) << results.status();
  EXPECT_EQ(database_.Used(), ARow(0));
}

TEST_P(TransactionsTest, NoneOfManyAtOnceGoesBeyondALimit) {
  constexpr int kCalls = 60;
  constexpr int kLimit = 20;
  ASSERT_TRUE(database_.Run(NewCounter("c", kLimit)).ok());
  std::vector<RunningTask<SqlResults>> running;
  running.reserve(kCalls);
  for (int i = 0; i < kCalls; ++i) {
    running.push_back(database_.Start({Note(absl::StrCat(i)), Count("c")}));
  }
  int counted = 0;
  for (auto& each : running) {
    const auto results = each.Wait("one of many");
    ASSERT_TRUE(results.ok()) << results.status();
    ASSERT_EQ(results->size(), 2u);
    if (!results->back().empty()) ++counted;
  }
  EXPECT_EQ(counted, kLimit);
  EXPECT_EQ(database_.Used(), ARow(kLimit));
  EXPECT_EQ(database_.Notes().size(), static_cast<size_t>(kLimit));
}

}  // namespace
}  // namespace gateway
