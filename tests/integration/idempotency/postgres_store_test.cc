#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <libpq-fe.h>

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "service/sql/postgres_executor.h"
#include "service/sql/postgres_target.h"
#include "tests/integration/idempotency/store_fixture.h"
#include "tests/support/connection_server.h"
#include "tests/support/postgres_server.h"
#include "tests/support/temporary_file.h"
#include "tests/support/test_certificates.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kProfile[] = "profile";

class PostgresStoreTest : public ::testing::Test {
 protected:
  // Until a condition comes true that only the server's own doing brings about.
  template <typename Condition>
  static void WaitUntil(const std::string& what, Condition condition) {
    const auto bound = std::chrono::steady_clock::now() + kTaskBound;
    while (!condition()) {
      ASSERT_LT(std::chrono::steady_clock::now(), bound) << "waited for " << what;
      std::this_thread::yield();
    }
  }

  PostgresServer& server_ = PostgresServer::OfThisProgram();
  const std::unique_ptr<EventLoop> loop_ = *EventLoop::Create();
  const std::string database_ = server_.CreateDatabase();
};

TEST_F(PostgresStoreTest, WorksByTlsAndScramToAHostsName) {
  StoreUnderTest store(*loop_, server_.TlsUrl(database_));
  store.Claimed(AClaim("request", kProfile));

  EXPECT_EQ(server_.Execute("postgres",
                            "SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity "
                            "USING (pid) WHERE datname = '" +
                                database_ + "'"),
            "t");
}

std::string WhyNot(EventLoop& loop, const std::string& url) {
  StoreUnderTest store(loop, url);
  return store.TryClaim(AClaim("request", kProfile)).status().ToString();
}

TEST_F(PostgresStoreTest, WorksBeyondThisMachineByVerifiedTls) {
  StoreUnderTest store(*loop_, server_.RemoteUrl(database_));
  store.Claimed(AClaim("request", kProfile));
}

TEST_F(PostgresStoreTest, RefusesACertificateOfAnotherNameOrAuthority) {
  EXPECT_THAT(WhyNot(*loop_, server_.RemoteUrl(database_, "another.example")),
              HasSubstr("does not match host name"));
  const TestAuthority another;
  const TemporaryFile trusted(another.certificate_pem());
  // The last of equal parameters counts.
  EXPECT_THAT(WhyNot(*loop_, server_.RemoteUrl(database_) + "&sslrootcert=" + trusted.path()),
              HasSubstr("certificate verify failed"));
}

// Answers as a server would, asks for the password in clear text, and keeps what it gets.
class PasswordThief {
 public:
  // Without an identity it says that it has no TLS.
  explicit PasswordThief(const std::optional<TlsIdentity>& identity = std::nullopt)
      : has_tls_(identity.has_value()),
        server_([this](ServerConnection& connection) { Serve(connection); }, identity, "postgresql",
                ConnectionServer::TlsStart::kByServe) {}

  std::string Url(const std::string& more) const {
    return absl::StrCat("postgresql://user-canary:password-canary@records.example:", server_.port(),
                        "/database-canary?hostaddr=127.0.0.1", more);
  }
  std::string taken() const {
    const std::lock_guard lock(mutex_);
    return taken_;
  }

 private:
  void Serve(ServerConnection& connection) {
    constexpr std::string_view kClearTextPassword("R\0\0\0\x08\0\0\0\x03", 9);
    if (!Take(connection)) return;  // the wish for TLS
    connection.Write(has_tls_ ? "S" : "N");
    if (has_tls_ && !connection.StartTls()) return;
    if (!Take(connection)) return;  // user and database
    connection.Write(kClearTextPassword);
    Take(connection);
  }
  bool Take(ServerConnection& connection) {
    char buffer[4096];
    const size_t size = connection.Read(buffer, sizeof(buffer));
    const std::lock_guard lock(mutex_);
    taken_.append(buffer, size);
    return size > 0;
  }

  const bool has_tls_;
  mutable std::mutex mutex_;
  std::string taken_;  // guarded by mutex_
  ConnectionServer server_;
};

TEST_F(PostgresStoreTest, AServerThatHasNoTlsGetsNothing) {
  const PasswordThief thief;
  WhyNot(*loop_, thief.Url("&sslmode=verify-full"));
  EXPECT_THAT(thief.taken(), testing::SizeIs(testing::Gt(0)));
  EXPECT_THAT(thief.taken(), Not(HasSubstr("canary")));
}

TEST_F(PostgresStoreTest, AServerThatHasNoTlsGetsThePasswordWhereThatIsAllowed) {
  const PasswordThief thief;
  StoreOptions options = AnOptions();
  options.allow_insecure = true;
  StoreUnderTest store(*loop_, thief.Url(""), std::move(options));
  EXPECT_FALSE(store.TryClaim(AClaim("request", kProfile)).ok());
  EXPECT_THAT(thief.taken(), HasSubstr("password-canary")) << "the thief is none";
}

// A certificate for the name does not prove that the server knows the password.
TEST_F(PostgresStoreTest, AServerWithACertificateGetsNoPasswordInClearText) {
  const TestAuthority authority;
  const TemporaryFile trusted(authority.certificate_pem());
  const std::string verified = "&sslmode=verify-full&sslrootcert=" + trusted.path();
  {
    const PasswordThief thief(authority.Issue({PostgresServer::kRemoteName}));
    EXPECT_THAT(WhyNot(*loop_, thief.Url(verified)), HasSubstr("channel binding"));
    EXPECT_THAT(thief.taken(),
                testing::AllOf(HasSubstr("user-canary"), Not(HasSubstr("password-canary"))));
  }
  const PasswordThief trusted_with_it(authority.Issue({PostgresServer::kRemoteName}));
  WhyNot(*loop_, trusted_with_it.Url(verified + "&channel_binding=prefer"));
  EXPECT_THAT(trusted_with_it.taken(), HasSubstr("password-canary")) << "the thief is none";
}

TEST_F(PostgresStoreTest, DemandsVerifiedTlsOfEveryServerBeyondThisMachine) {
  for (const char* const url : {
           "postgresql://u@db.example/d",
           "postgresql://u@db.example/d?sslmode=prefer",
           "postgresql://u@db.example/d?sslmode=require",
           "postgresql://u@db.example/d?sslmode=verify-ca",
           "postgresql://u@db.example/d?ssl=true",
           "postgresql://u@192.0.2.1/d",
           "postgresql://u@[2001:db8::1]/d",
           "postgresql://u@localhost,db.example/d",
           "postgresql://u@/d?host=/run/postgresql,db.example",
           "postgresql://u@localhost/d?hostaddr=192.0.2.1",
           "postgresql://u@/d?hostaddr=192.0.2.1",
           "postgresql://u@/d?host=/run/postgresql&hostaddr=192.0.2.1",
           "postgresql://u@db.example/d?hostaddr=127.0.0.1",
           "postgresql://u@localhost.example/d",
       }) {
    const auto target = ParsePostgresUrl(url);
    EXPECT_TRUE(absl::IsInvalidArgument(target.status())) << url << ": " << target.status();
    EXPECT_THAT(target.status().ToString(), HasSubstr("allow_insecure_store")) << url;
    EXPECT_TRUE(ParsePostgresUrl(url, InsecureStore::kAllowed).ok()) << url;
  }
  // No name to check the certificate against.
  EXPECT_FALSE(ParsePostgresUrl("postgresql://u@/d?hostaddr=192.0.2.1&sslmode=verify-full").ok());
}

TEST_F(PostgresStoreTest, LeavesTheWayToAServerOnThisMachineToTheUrl) {
  for (const char* const url : {
           "postgresql://u@/d",
           "postgresql://u@/d?host=/run/postgresql",
           "postgresql://u@/d?host=@abstract",
           "postgresql://u@localhost,127.0.0.1,127.1.2.3,[::1]/d",
           "postgresql://u@localhost/d?hostaddr=127.0.0.1",
           "postgresql://u@/d?hostaddr=::1",
       }) {
    EXPECT_TRUE(ParsePostgresUrl(url).ok()) << url << ": " << ParsePostgresUrl(url).status();
  }
}

TEST_F(PostgresStoreTest, AsksForChannelBindingWhereAPasswordGoesByVerifiedTls) {
  const auto binding = [](const std::string& url) {
    const auto target = ParsePostgresUrl(url);
    for (const auto& [name, value] : target->settings) {
      if (name == "channel_binding") return value;
    }
    return std::string();
  };
  const std::string url = "postgresql://u@db.example/d?sslmode=verify-full";
  EXPECT_EQ(binding(url), "require");
  EXPECT_EQ(binding(url + "&channel_binding=prefer"), "prefer");
  EXPECT_EQ(binding(url + "&sslcert=client.crt"), "");
  EXPECT_EQ(binding("postgresql://u@localhost/d"), "");
  EXPECT_EQ(binding("postgresql://u@/d?host=/run/postgresql,db.example&sslmode=verify-full"), "");
}

TEST_F(PostgresStoreTest, AWrongPasswordIsAnErrorThatDoesNotShowIt) {
  StoreUnderTest store(*loop_, server_.TlsUrl(database_, "canary-password"));

  const auto begun = store.TryClaim(AClaim("canary-request", kProfile));

  EXPECT_TRUE(absl::IsUnavailable(begun.status())) << begun.status();
  EXPECT_THAT(begun.status().ToString(), HasSubstr("wrong user or password"));
  EXPECT_THAT(begun.status().ToString(), Not(HasSubstr("canary")));
}

TEST_F(PostgresStoreTest, RefusesUrlsWithoutShowingThem) {
  for (const char* const url : {
           "postgresql://user:can@ary@host:5432/db",
           "postgresql://user:canary/x@host/db",
           "postgresql://user:canary@host:port/db",
           "postgresql://user:canary@host:70000/db",
           "postgresql://user:canary@[host/db",
           "postgresql://user:canary@host/db?nonsense=1",
           "postgresql://user:canary@host/db?service=canary",
           "postgresql://user:canary@h1,h2/db?port=1,2,3",
           "postgresqlx://canary",
       }) {
    const auto target = ParsePostgresUrl(url);
    EXPECT_TRUE(absl::IsInvalidArgument(target.status())) << url << ": " << target.status();
    EXPECT_THAT(target.status().ToString(), Not(HasSubstr("canary"))) << url;
    EXPECT_THAT(target.status().ToString(), Not(HasSubstr("ary@"))) << url;
  }
}

TEST_F(PostgresStoreTest, ReadsHostsAsLibpqDoes) {
  const auto target =
      ParsePostgresUrl("postgresql://u@db1.example,127.0.0.1:5433/d?sslmode=verify-full");
  ASSERT_TRUE(target.ok()) << target.status();
  ASSERT_EQ(target->hosts.size(), 2u);
  EXPECT_EQ(target->hosts[0].name, "db1.example");
  EXPECT_TRUE(target->hosts[0].NeedsLookup());
  EXPECT_EQ(target->hosts[1].address, "127.0.0.1");
  EXPECT_EQ(target->hosts[1].port, "5433");
  EXPECT_FALSE(target->hosts[1].NeedsLookup());
}

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

TEST_F(PostgresStoreTest, AServerThatWasNeverThereIsUnavailable) {
  StoreUnderTest store(*loop_, "postgresql://u@/db?host=/nonexistent");
  const auto begun = store.TryClaim(AClaim("request", kProfile));
  EXPECT_TRUE(absl::IsUnavailable(begun.status())) << begun.status();
}

TEST_F(PostgresStoreTest, AHostWithoutAnAddressIsUnavailable) {
  StoreUnderTest store(*loop_, "postgresql://u@no-such-host.invalid/db?sslmode=verify-full");
  const auto begun = store.TryClaim(AClaim("request", kProfile));
  EXPECT_TRUE(absl::IsUnavailable(begun.status()) || absl::IsDeadlineExceeded(begun.status()))
      << begun.status();
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

TEST_F(PostgresStoreTest, EndsWhileItConnects) {
  server_.Pause();
  {
    StoreUnderTest store(*loop_, server_.Url(database_));
    const auto begun = store.TryClaim(
        AClaim("request", kProfile), Deadline(std::chrono::steady_clock::now() + Milliseconds(50)));
    EXPECT_TRUE(absl::IsDeadlineExceeded(begun.status())) << begun.status();
  }
  server_.Resume();
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
