// Transactions of several statements, on each database.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

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
  const auto results = database_.RunAll({NewCounter("c", 5), Count("c"), Note("n"), Count("c")});

  ASSERT_TRUE(results.ok()) << results.status();
  EXPECT_THAT(*results, ElementsAre(IsEmpty(), ARow(1), IsEmpty(), ARow(2)));
  EXPECT_EQ(database_.Used(), ARow(2));
  EXPECT_EQ(database_.Notes(), ARow("n"));
}

TEST_P(TransactionsTest, AMissingRowTakesBackWhatWasBeforeAndEndsTheResults) {
  const auto results =
      database_.RunAll({NewCounter("c", 1), Count("c"), Count("c"), Note("n"), Count("c")});

  ASSERT_TRUE(results.ok()) << results.status();
  EXPECT_THAT(*results, ElementsAre(IsEmpty(), ARow(1), IsEmpty()));
  EXPECT_THAT(database_.Used(), IsEmpty());
  EXPECT_THAT(database_.Notes(), IsEmpty());
}

}  // namespace
}  // namespace gateway
