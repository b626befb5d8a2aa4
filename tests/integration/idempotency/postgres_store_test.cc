#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <libpq-fe.h>

#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "service/sql/postgres_executor.h"
#include "service/sql/postgres_target.h"
#include "tests/integration/idempotency/postgres_store_fixture.h"

namespace gateway {
namespace {

constexpr char kProfile[] = "profile";

TEST_F(PostgresStoreTest, AServerThatIsAwayIsUnavailableAndWorksWhenItIsBack) {
  StoreUnderTest store(*loop_, server_.Url(database_));
  store.Claimed(AClaim("before", kProfile));

  server_.Stop();
  const auto away = store.TryClaim(AClaim("unavailable", "other"));
  EXPECT_TRUE(absl::IsUnavailable(away.status())) << away.status();

  server_.Start();
  WaitUntil("the store to come back", [&] {
    const auto back = store.TryClaim(AClaim("back", "another"));
    if (!back.ok()) EXPECT_TRUE(absl::IsUnavailable(back.status())) << back.status();
    return back.ok();
  });
  EXPECT_TRUE(store.Find("before").has_value());
  EXPECT_FALSE(store.Find("unavailable").has_value());
}

TEST_F(PostgresStoreTest, AServerThatStandsStillIsBoundedByTheDeadline) {
  StoreUnderTest store(*loop_, server_.Url(database_));
  const Record claimed = store.Claimed(AClaim("request", kProfile));

  server_.Pause();
  const auto slow = RunTask(*loop_, [&] {
    return store->Update(claimed, {.state = RecordState::kSent},
                         Deadline(std::chrono::steady_clock::now() + Milliseconds(100)));
  });
  // Nor is anybody waited for by whoever needs a new connection.
  const auto connecting = RunTask(*loop_, [&] {
    return store->Find("request", Deadline(std::chrono::steady_clock::now() + Milliseconds(100)));
  });
  server_.Resume();

  EXPECT_TRUE(absl::IsDeadlineExceeded(slow.status())) << slow.status();
  EXPECT_TRUE(absl::IsDeadlineExceeded(connecting.status())) << connecting.status();
  WaitUntil("the store to work again", [&] {
    const auto found = RunTask(*loop_, [&] { return store->Find("request", Soon()); });
    return found.ok() && found->has_value();
  });
}

TEST_F(PostgresStoreTest, ALockHeldByOthersIsBoundedByTheDeadline) {
  StoreUnderTest store(*loop_, server_.Url(database_));
  store.Claimed(AClaim("request", kProfile));
  // Holds the lock for as long as the sleep lasts, unless it is ended before.
  std::thread holder([&] {
    server_.Execute(database_,
                    "DO $$ BEGIN LOCK TABLE passfort_gateway_records; "
                    "PERFORM pg_sleep(60); EXCEPTION WHEN query_canceled THEN NULL; END $$");
  });
  WaitUntil("the lock", [&] {
    return server_.Execute(database_,
                           "SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' "
                           "AND granted AND relation = 'passfort_gateway_records'::regclass") !=
           "0";
  });

  const auto blocked = store.TryClaim(
      AClaim("blocked", "other"), Deadline(std::chrono::steady_clock::now() + Milliseconds(200)));

  EXPECT_TRUE(absl::IsDeadlineExceeded(blocked.status())) << blocked.status();
  server_.Execute("postgres",
                  "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE query LIKE 'DO $$%'");
  holder.join();
  EXPECT_FALSE(store.Find("blocked").has_value());
}

TEST_F(PostgresStoreTest, StoresThatStartAtOnceOnAnEmptyDatabaseAllComeUp) {
  constexpr int kStores = 6;
  constexpr int kRounds = 5;
  for (int round = 0; round < kRounds; ++round) {
    const std::string empty = server_.CreateDatabase();
    std::vector<std::unique_ptr<StoreUnderTest>> stores;
    stores.reserve(kStores);
    for (int i = 0; i < kStores; ++i) {
      stores.push_back(std::make_unique<StoreUnderTest>(*loop_, server_.Url(empty)));
    }
    const auto results = AllAtOnce(*loop_, kStores, [&](int i) {
      return (**stores[static_cast<size_t>(i)]).TryClaim(AClaim("request", kProfile), Soon());
    });
    int claims = 0;
    for (const auto& result : results) {
      ASSERT_TRUE(result.ok()) << result.status();
      if (std::holds_alternative<RecordStore::Claimed>(*result)) ++claims;
    }
    EXPECT_EQ(claims, 1);
  }
}

TEST_F(PostgresStoreTest, SeveralStoresShareRecordsAndLetOneWin) {
  constexpr int kCalls = 40;
  StoreUnderTest first(*loop_, server_.Url(database_));
  StoreUnderTest second(*loop_, server_.Url(database_));
  const Record absent = first.InState(RecordState::kNoEffect, AClaim("request", kProfile));

  const auto results = AllAtOnce(*loop_, kCalls, [&](int i) {
    return (i % 2 == 0 ? *first : *second)
        .Update(absent, {.state = RecordState::kClaimed, .lease = kAnHour}, Soon());
  });

  int winners = 0;
  for (const auto& result : results) {
    ASSERT_TRUE(result.ok()) << result.status();
    if (std::holds_alternative<Record>(*result)) ++winners;
  }
  EXPECT_EQ(winners, 1);
  EXPECT_EQ(second.Find("request")->state, RecordState::kClaimed);
}

// What a later version of the records' tables will need.
TEST_F(PostgresStoreTest, MigratesTheTablesOfAnOlderVersionAndKeepsWhatTheyHold) {
  const auto random = MakeSystemRandom();
  const auto run_with = [&](const SqlSchema& schema, const std::string& statement) {
    auto target = ParsePostgresUrl(server_.Url(database_), InsecureStore::kRefused);
    ASSERT_TRUE(target.ok()) << target.status();
    auto executor = std::make_unique<PostgresExecutor>(*loop_, *random, *std::move(target), schema,
                                                       PostgresExecutor::Options());
    const auto rows = RunTask(*loop_, [&] { return executor->Run(statement, {}, Soon()); });
    EXPECT_TRUE(rows.ok()) << rows.status();
    loop_->RunAndWait([&] { executor.reset(); });
  };
  SqlSchema schema{.migrations = {{{"CREATE TABLE IF NOT EXISTS things (id text)"}}}};
  run_with(schema, "INSERT INTO things VALUES ('kept')");
  const SqlSchema older = schema;
  schema.migrations.push_back({{"ALTER TABLE things ADD COLUMN IF NOT EXISTS size bigint"}});
  run_with(schema, "UPDATE things SET size = 7");
  // A gateway of the older version goes on beside it.
  run_with(older, "INSERT INTO things (id) VALUES ('later')");
  EXPECT_EQ(server_.Execute(database_, "SELECT count(*) FROM things WHERE size = 7"), "1");
}

TEST_F(PostgresStoreTest, AUserWithoutTheRightToMakeTablesUsesThoseThatAreThere) {
  {
    StoreUnderTest(*loop_, server_.Url(database_)).Sweep();
  }
  server_.Execute(database_,
                  "DROP ROLE IF EXISTS plain_user; CREATE ROLE plain_user LOGIN; "
                  "GRANT SELECT, INSERT, UPDATE, DELETE ON passfort_gateway_records TO plain_user; "
                  "GRANT SELECT ON passfort_gateway_schema TO plain_user");
  std::string url = server_.Url(database_);
  url.replace(url.find("gateway@"), std::string("gateway@").size(), "plain_user@");
  {
    StoreUnderTest store(*loop_, url);
    store.Claimed(AClaim("request", kProfile));
  }
  server_.Execute(database_, "DROP OWNED BY plain_user; DROP ROLE plain_user");
}

TEST_F(PostgresStoreTest, LeavesNothingInTheSession) {
  // What a transaction-pooling proxy would hand to the next client.
  StoreUnderTest store(*loop_, server_.Url(database_));
  store.Claimed(AClaim("request", kProfile));

  EXPECT_EQ(server_.Execute(database_, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"),
            "0");
  EXPECT_EQ(server_.Execute("postgres",
                            "SELECT bool_and(state = 'idle') FROM pg_stat_activity "
                            "WHERE datname = '" +
                                database_ + "'"),
            "t");
}

TEST_F(PostgresStoreTest, MoreCallsThanConnectionsAllComeThrough) {
  constexpr int kCalls = 300;
  StoreUnderTest store(*loop_, server_.Url(database_));
  const auto results = AllAtOnce(*loop_, kCalls, [&](int i) {
    return store->TryClaim(AClaim(absl::StrCat("request ", i), absl::StrCat("profile ", i)),
                           Soon());
  });
  for (const auto& result : results) ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(server_.Execute("postgres",
                            "SELECT count(*) <= 4 FROM pg_stat_activity WHERE "
                            "datname = '" +
                                database_ + "'"),
            "t");
}

// A session of another process, which stops while it holds what an account has used.
class FrozenProcess {
 public:
  FrozenProcess(const std::string& url, const std::string& sql)
      : session_(PQconnectdb(url.c_str())) {
    for (const std::string& statement : {std::string("BEGIN"), sql}) {
      PQclear(PQexec(session_, statement.c_str()));
    }
    EXPECT_EQ(PQtransactionStatus(session_), PQTRANS_INTRANS) << PQerrorMessage(session_);
  }
  ~FrozenProcess() { PQfinish(session_); }
  FrozenProcess(const FrozenProcess&) = delete;
  FrozenProcess& operator=(const FrozenProcess&) = delete;

 private:
  PGconn* const session_;
};

TEST_F(PostgresStoreTest, WhoWaitsForABudgetKeepsNobodyElseOut) {
  constexpr size_t kWaiting = 12;  // more than there are connections
  const WriteBudget budget{.account = "onboarding", .writes_per_day = 100};
  StoreUnderTest store(*loop_, server_.Url(database_));
  std::vector<Record> claims;
  for (size_t i = 0; i < kWaiting; ++i) {
    const std::string id = absl::StrCat("waits-", i);
    claims.push_back(store.Claimed(AClaim(id, id)));
  }
  ASSERT_TRUE(store.Charge(budget).ok());
  const FrozenProcess frozen(server_.Url(database_),
                             "UPDATE passfort_gateway_budgets SET used = used");
  using Updated = absl::StatusOr<RecordStore::UpdateResult>;
  std::vector<RunningTask<Updated>> waiting;
  for (const Record& claimed : claims) {
    waiting.push_back(StartTask(*loop_, [&store, &claimed, &budget] {
      return store->Update(claimed, {.state = RecordState::kSent, .budget = budget}, Soon());
    }));
  }
  WaitUntil("a session that waits for the row", [this] {
    return server_.Execute(database_, "SELECT count(*) FROM pg_locks WHERE NOT granted") == "1";
  });

  store.Claimed(AClaim("another caller's", "its key"));
  EXPECT_FALSE(waiting.front().HasEnded()) << "it went first, and it still waits";
  // Each waits for its turn and then for the row, until the server has it give up.
  const Updated first = waiting.front().Wait("the first that waits for the row");
  EXPECT_TRUE(absl::IsDeadlineExceeded(first.status())) << first.status();
  server_.Execute(database_,
                  "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                  "WHERE state = 'idle in transaction'");
  for (size_t i = 1; i < kWaiting; ++i) {
    const Updated updated = waiting[i].Wait("one that waits for its turn");
    EXPECT_TRUE(updated.ok() || absl::IsDeadlineExceeded(updated.status())) << updated.status();
  }
}

}  // namespace
}  // namespace gateway
