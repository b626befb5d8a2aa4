#include "service/sql/postgres_target.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace gateway {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(PostgresTargetTest, DemandsVerifiedTlsOfEveryServerBeyondThisMachine) {
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

TEST(PostgresTargetTest, LeavesTheWayToAServerOnThisMachineToTheUrl) {
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

TEST(PostgresTargetTest, AsksForChannelBindingWhereAPasswordGoesByVerifiedTls) {
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

TEST(PostgresTargetTest, RefusesUrlsWithoutShowingThem) {
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

TEST(PostgresTargetTest, ReadsHostsAsLibpqDoes) {
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

}  // namespace
}  // namespace gateway
