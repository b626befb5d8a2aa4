// The way to the server: by which TLS, with which proof, and what becomes of the password.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "service/sql/postgres_values.h"
#include "tests/integration/idempotency/postgres_store_fixture.h"
#include "tests/support/connection_server.h"
#include "tests/support/temporary_file.h"
#include "tests/support/test_certificates.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

using PostgresConnectionTest = PostgresStoreTest;

constexpr char kProfile[] = "profile";

TEST_F(PostgresConnectionTest, WorksByTlsAndScramToAHostsName) {
  StoreUnderTest store(*loop_, server_.TlsUrl(database_));
  store.Claimed(AClaim("request", kProfile));

  EXPECT_EQ(server_.Execute("postgres",
                            "SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity "
                            "USING (pid) WHERE datname = '" +
                                database_ + "'"),
            "t");
}

TEST(SqlStateTest, IsLastingOnlyWhereSomebodyHasToChangeSomething) {
  // 0A000 and 25006: what a standby says, so behind a pooler it passes with the fail-over.
  for (const char* passing :
       {"08006", "0A000", "25006", "25P03", "40001", "53300", "57P03", "58030", "XX000", "?"}) {
    EXPECT_EQ(CodeOfSqlState(passing), absl::StatusCode::kUnavailable) << passing;
  }
  for (const char* lasting : {"22P05", "23514", "28000", "28P01", "3D000", "42501", "42P01"}) {
    EXPECT_EQ(CodeOfSqlState(lasting), absl::StatusCode::kInternal) << lasting;
  }
}

std::string WhyNot(EventLoop& loop, const std::string& url) {
  StoreUnderTest store(loop, url);
  return store.TryClaim(AClaim("request", kProfile)).status().ToString();
}

TEST_F(PostgresConnectionTest, WorksBeyondThisMachineByVerifiedTls) {
  StoreUnderTest store(*loop_, server_.RemoteUrl(database_));
  store.Claimed(AClaim("request", kProfile));
}

TEST_F(PostgresConnectionTest, RefusesACertificateOfAnotherNameOrAuthority) {
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

TEST_F(PostgresConnectionTest, AServerThatHasNoTlsGetsNothing) {
  const PasswordThief thief;
  WhyNot(*loop_, thief.Url("&sslmode=verify-full"));
  EXPECT_THAT(thief.taken(), testing::SizeIs(testing::Gt(0)));
  EXPECT_THAT(thief.taken(), Not(HasSubstr("canary")));
}

TEST_F(PostgresConnectionTest, AServerThatHasNoTlsGetsThePasswordWhereThatIsAllowed) {
  const PasswordThief thief;
  StoreOptions options = AnOptions();
  options.allow_insecure = true;
  StoreUnderTest store(*loop_, thief.Url(""), std::move(options));
  EXPECT_FALSE(store.TryClaim(AClaim("request", kProfile)).ok());
  EXPECT_THAT(thief.taken(), HasSubstr("password-canary")) << "the thief is none";
}

// A certificate for the name does not prove that the server knows the password.
TEST_F(PostgresConnectionTest, AServerWithACertificateGetsNoPasswordInClearText) {
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

TEST_F(PostgresConnectionTest, AWrongPasswordIsAnErrorThatDoesNotShowIt) {
  StoreUnderTest store(*loop_, server_.TlsUrl(database_, "canary-password"));

  const auto begun = store.TryClaim(AClaim("canary-request", kProfile));

  EXPECT_TRUE(absl::IsInternal(begun.status())) << begun.status();
  EXPECT_THAT(begun.status().ToString(), HasSubstr("wrong user or password"));
  EXPECT_THAT(begun.status().ToString(), Not(HasSubstr("canary")));
}

TEST_F(PostgresConnectionTest, AServerThatWasNeverThereIsUnavailable) {
  StoreUnderTest store(*loop_, "postgresql://u@/db?host=/nonexistent");
  const auto begun = store.TryClaim(AClaim("request", kProfile));
  EXPECT_TRUE(absl::IsUnavailable(begun.status())) << begun.status();
}

TEST_F(PostgresConnectionTest, AHostWithoutAnAddressIsUnavailable) {
  StoreUnderTest store(*loop_, "postgresql://u@no-such-host.invalid/db?sslmode=verify-full");
  const auto begun = store.TryClaim(AClaim("request", kProfile));
  EXPECT_TRUE(absl::IsUnavailable(begun.status()) || absl::IsDeadlineExceeded(begun.status()))
      << begun.status();
}

TEST_F(PostgresConnectionTest, EndsWhileItConnects) {
  server_.Pause();
  {
    StoreUnderTest store(*loop_, server_.Url(database_));
    const auto begun = store.TryClaim(
        AClaim("request", kProfile), Deadline(std::chrono::steady_clock::now() + Milliseconds(50)));
    EXPECT_TRUE(absl::IsDeadlineExceeded(begun.status())) << begun.status();
  }
  server_.Resume();
}

}  // namespace
}  // namespace gateway
