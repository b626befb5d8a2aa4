// What can go wrong around the two flights of a transaction that needs a row.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/integration/sql/executor_fixture.h"
#include "tests/integration/sql/postgres_proxy.h"
#include "tests/support/postgres_server.h"
#include "tests/support/wait_until.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using AtCommit = PostgresProxy::AtCommit;

class PostgresTransactionsTest : public ::testing::Test {
 protected:
  std::unique_ptr<SqlExecutor> Open(const std::string& url) {
    return OpenPostgres(*loop_, *random_, url, {.connections = 1});
  }
  static SqlRows Backend(ExecutorUnderTest& database) {
    return database.Rows("SELECT pg_backend_pid()::bigint");
  }
  static SqlStatement Setting(const std::string& name) {
    return {.text = "SELECT current_setting($1)", .parameters = {name}, .needs_row = true};
  }

  PostgresServer& server_ = PostgresServer::OfThisProgram();
  const std::unique_ptr<EventLoop> loop_ = *EventLoop::Create();
  const std::unique_ptr<RandomSource> random_ = MakeSystemRandom();
  const std::string name_ = server_.CreateDatabase();
  PostgresProxy proxy_{server_};
  // Past the proxy, and through it.
  ExecutorUnderTest database_{*loop_, Open(server_.Url(name_))};
  ExecutorUnderTest client_{*loop_, Open(proxy_.Url(name_))};
};

TEST_F(PostgresTransactionsTest, AConnectionThatEndsBeforeCommitLeavesNothing) {
  ASSERT_TRUE(client_.Run(NewCounter("c", 5)).ok());
  proxy_.Do(AtCommit::kCut);
  const auto results = client_.RunAll({Count("c"), Note("n")});
  EXPECT_TRUE(absl::IsUnavailable(results.status())) << results.status();
  // Once the server has noticed; a count of it waits for the row meanwhile.
  EXPECT_THAT(database_.Results({Count("c")}), ElementsAre(ARow(1)));
  EXPECT_THAT(database_.Notes(), IsEmpty());

  proxy_.Do(AtCommit::kForward);
  EXPECT_THAT(client_.Results({Count("c")}), ElementsAre(ARow(2))) << "by a new connection";
}

TEST_F(PostgresTransactionsTest, ACommitWhoseAnswerIsLostIsAnError) {
  ASSERT_TRUE(client_.Run(NewCounter("c", 5)).ok());
  proxy_.Do(AtCommit::kLoseAnswer);
  const auto results = client_.RunAll({Count("c")});
  EXPECT_TRUE(absl::IsUnavailable(results.status())) << results.status();
  EXPECT_EQ(database_.Used(), ARow(1)) << "the proxy has cut too early";
}

TEST_F(PostgresTransactionsTest, ACommitThatAnswersRollbackIsAnError) {
  ASSERT_TRUE(client_.Run(NewCounter("c", 5)).ok());
  proxy_.Do(AtCommit::kAbort);
  const auto results = client_.RunAll({Count("c")});
  EXPECT_TRUE(absl::IsUnavailable(results.status())) << results.status();
  EXPECT_THAT(results.status().ToString(), HasSubstr("commit is not certain"));
  EXPECT_EQ(database_.Used(), ARow(0));
}

TEST_F(PostgresTransactionsTest, AnErrorOfCommitItselfIsReportedAndTheConnectionGoesOn) {
  database_.Rows("CREATE TABLE late (id text, UNIQUE (id) DEFERRABLE INITIALLY DEFERRED)");
  ASSERT_TRUE(database_.Run(NewCounter("c", 5)).ok());
  const SqlRows backend = Backend(database_);
  const auto results =
      database_.RunAll({Count("c"), {.text = "INSERT INTO late VALUES ('twice'), ('twice')"}});
  EXPECT_TRUE(absl::IsAlreadyExists(results.status())) << results.status();
  EXPECT_EQ(database_.Used(), ARow(0));
  EXPECT_EQ(Backend(database_), backend);
}

TEST_F(PostgresTransactionsTest, AConnectionIsUsedAgainAfterWhatWasTakenBack) {
  ASSERT_TRUE(database_.Run(NewCounter("c", 0)).ok());
  const SqlRows backend = Backend(database_);
  EXPECT_THAT(database_.Results({Note("n"), Count("c")}), ElementsAre(IsEmpty(), IsEmpty()));
  EXPECT_FALSE(database_.RunAll({Note("n"), Note("n"), Count("c")}).ok());
  EXPECT_EQ(Backend(database_), backend);
  EXPECT_EQ(server_.Execute("postgres",
                            "SELECT bool_and(state = 'idle') FROM pg_stat_activity WHERE datname "
                            "= '" +
                                name_ + "'"),
            "t");
}

// A process that stops between its flights would keep the others from the row for ever.
TEST_F(PostgresTransactionsTest, TheServerEndsATransactionThatIsLeftOpenAndOthersGetTheRow) {
  ASSERT_TRUE(client_.Run(NewCounter("c", 5)).ok());
  ASSERT_TRUE(database_.Run({.text = "SELECT 1::bigint"}).ok());
  proxy_.Do(AtCommit::kAwaitServer);
  // The proxy keeps the server's connection after the client has given up.
  const auto results = client_.RunAll({Count("c")}, In(Milliseconds(500)));
  EXPECT_TRUE(absl::IsDeadlineExceeded(results.status())) << results.status();
  EXPECT_THAT(database_.Results({Count("c")}), ElementsAre(ARow(1)));
}

TEST_F(PostgresTransactionsTest, ACommitThatComesTooLateIsUnavailable) {
  ASSERT_TRUE(client_.Run(NewCounter("c", 5)).ok());
  proxy_.Do(AtCommit::kAwaitServer);
  const auto results = client_.RunAll(
      {Count("c"),
       {.text = "SELECT set_config('idle_in_transaction_session_timeout', '10', true)"}});
  EXPECT_TRUE(absl::IsUnavailable(results.status())) << results.status();
  EXPECT_EQ(database_.Used(), ARow(0));
}

// Others wait for its locks no longer than for the server to end it.
TEST_F(PostgresTransactionsTest, MayStandOpenForLessThanOthersWaitForItsLocks) {
  const std::string setting = "idle_in_transaction_session_timeout";
  EXPECT_THAT(database_.Results({Setting(setting), Setting("lock_timeout")}),
              ElementsAre(ARow("1s"), ARow("2s")));
  EXPECT_EQ(*database_.Run(Setting(setting)), ARow("0")) << "left in the session";
}

// They say nothing about the commit.
TEST_F(PostgresTransactionsTest, AWarningOfAStatementIsNoneOfCommit) {
  ASSERT_TRUE(database_.Run(NewCounter("c", 5)).ok());
  const SqlStatement warns{.text = "DO $$ BEGIN RAISE WARNING 'of a statement'; END $$"};
  const auto results = database_.RunAll({Count("c"), warns});
  ASSERT_TRUE(results.ok()) << results.status();
  EXPECT_TRUE(database_.RunAll({warns, Note("n")}).ok());
}

TEST_F(PostgresTransactionsTest, ACommitThatNoStandbyHasIsAnError) {
  ASSERT_TRUE(database_.Run(NewCounter("c", 5)).ok());
  server_.Execute("postgres", "ALTER SYSTEM SET synchronous_standby_names = 'nobody'");
  server_.Execute("postgres", "SELECT pg_reload_conf()");
  WaitUntil("the setting", [&] {
    return server_.Execute("postgres", "SHOW synchronous_standby_names") == "nobody";
  });

  auto running = database_.Start({Count("c")});
  // An administrator who cancels the wait makes the commit succeed, with no more than a warning.
  WaitUntil("the commit to be cancelled", [&] {
    return running.HasEnded() ||
           server_.Execute("postgres",
                           "SET synchronous_commit = off; SELECT count(pg_cancel_backend(pid)) "
                           "FROM pg_stat_activity WHERE wait_event = 'SyncRep'") != "0";
  });
  const auto results = running.Wait("the commit without a standby");
  server_.Execute("postgres", "ALTER SYSTEM RESET synchronous_standby_names");
  server_.Execute("postgres", "SELECT pg_reload_conf()");

  EXPECT_TRUE(absl::IsUnavailable(results.status())) << results.status();
  EXPECT_THAT(results.status().ToString(), HasSubstr("commit is not certain"));
}

TEST_F(PostgresTransactionsTest, ARowThatIsLockedByOthersIsBoundedByTheDeadline) {
  ASSERT_TRUE(client_.Run(NewCounter("c", 5)).ok());
  ASSERT_TRUE(database_.Run({.text = "SELECT 1::bigint"}).ok());
  proxy_.Do(AtCommit::kAwaitServer);
  auto holder = client_.Start({Count("c")});
  WaitUntil("the lock", [&] {
    return server_.Execute("postgres",
                           "SELECT count(*) FROM pg_stat_activity WHERE state = 'idle in "
                           "transaction' AND datname = '" +
                               name_ + "'") == "1";
  });

  const auto blocked = database_.RunAll({Note("n"), Count("c")}, In(Milliseconds(200)));

  EXPECT_TRUE(absl::IsDeadlineExceeded(blocked.status())) << blocked.status();
  EXPECT_THAT(database_.Notes(), IsEmpty());
  server_.Execute("postgres",
                  "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE state = 'idle in "
                  "transaction' AND datname = '" +
                      name_ + "'");
  const auto ended = holder.Wait("the transaction that held the lock");
  EXPECT_TRUE(absl::IsUnavailable(ended.status())) << ended.status();
}

}  // namespace
}  // namespace gateway
