// A store that cannot be used: one line says why, and one that it is over.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <ostream>
#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "tests/integration/gateway/at_most_once_fixture.h"
#include "tests/support/postgres_server.h"
#include "tests/support/temporary_folder.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kBegins[] = "the store fails: what needs it is refused, and nothing is sent";
constexpr char kEnds[] = "the store is available again";

size_t CountOf(const GatewayProcess& gateway, std::string_view message) {
  size_t count = 0;
  for (const std::string& line : gateway.LogLines()) {
    if (line.find(message) != std::string::npos) ++count;
  }
  return count;
}

struct WrongStore {
  std::string name;
  // Makes it wrong, and returns its URL.
  std::function<std::string(PostgresServer&)> make;
  std::string cause;
  std::function<void(PostgresServer&)> repair;

  friend void PrintTo(const WrongStore& shown, std::ostream* out) { *out << shown.name; }
};

class WrongStoreTest : public ::testing::TestWithParam<WrongStore> {};

TEST_P(WrongStoreTest, IsNamedOnceAndItsEndIsToo) {
  PostgresServer& server = PostgresServer::OfThisProgram();
  FakePassfort passfort;
  const GatewayWithStore gateway(passfort, GetParam().make(server));
  for (int i = 0; i < 3; ++i) {
    const Answered answered = gateway.caller.Add(ARequestWithId());
    // None of them heals, so none of them says that it is safe to retry.
    EXPECT_EQ(ReasonOf(answered.status), "STORE_BROKEN");
    EXPECT_EQ(answered.status.error_code(), grpc::StatusCode::INTERNAL);
    EXPECT_THAT(answered.error(), IsWellFormedError());
    EXPECT_THAT(answered.status.error_message(), HasSubstr("Contact the operator of the gateway"));
  }
  EXPECT_THAT(gateway.process.WaitForLogLine(kBegins), HasSubstr(GetParam().cause));
  EXPECT_EQ(CountOf(gateway.process, kBegins), 1u);
  EXPECT_EQ(passfort.counts().requests, 0);

  GetParam().repair(server);
  gateway.process.WaitForLogLine(kEnds);
  const Answered answered = gateway.caller.Add(ARequestWithId());
  EXPECT_TRUE(answered.status.ok()) << answered.status.error_message();
  EXPECT_EQ(CountOf(gateway.process, kEnds), 1u);
  EXPECT_THAT(gateway.process.LogText(), Not(HasSubstr(PostgresServer::kPassword)));
}

std::string WithUser(const std::string& url, const std::string& user) {
  return absl::StrReplaceAll(url,
                             {{"postgresql://gateway:", absl::StrCat("postgresql://", user, ":")}});
}

std::string MakeUser(const std::string& name) {
  return absl::StrCat("CREATE USER ", name, " PASSWORD '", PostgresServer::kPassword, "'");
}

INSTANTIATE_TEST_SUITE_P(
    Postgres, WrongStoreTest,
    ::testing::Values(WrongStore{
                          "NoSuchDatabase",
                          [](PostgresServer& server) { return server.TlsUrl("records_of_nobody"); },
                          "SQLSTATE 3D000, no such database",
                          [](PostgresServer& server) {
                            server.Execute("postgres", "CREATE DATABASE records_of_nobody");
                          }},
                      WrongStore{"NoSuchUser",
                                 [](PostgresServer& server) {
                                   const std::string database = server.CreateDatabase();
                                   server.Execute(database, "GRANT ALL ON SCHEMA public TO public");
                                   return WithUser(server.TlsUrl(database), "nobody_yet");
                                 },
                                 "SQLSTATE 28P01, wrong user or password",
                                 [](PostgresServer& server) {
                                   server.Execute("postgres", MakeUser("nobody_yet"));
                                 }},
                      // As PostgreSQL 15 has it for everybody but the database's owner.
                      WrongStore{"NoRightToMakeTables",
                                 [](PostgresServer& server) {
                                   server.Execute("postgres", "CREATE DATABASE of_the_owner");
                                   server.Execute("postgres", MakeUser("reader"));
                                   return WithUser(server.TlsUrl("of_the_owner"), "reader");
                                 },
                                 "SQLSTATE 42501, the user has no right to do this",
                                 [](PostgresServer& server) {
                                   server.Execute("of_the_owner",
                                                  "GRANT CREATE ON SCHEMA public TO reader");
                                 }},
                      WrongStore{"NotUtf8",
                                 [](PostgresServer& server) {
                                   server.Execute("postgres",
                                                  "CREATE DATABASE latin ENCODING 'LATIN1' LOCALE "
                                                  "'C' TEMPLATE template0");
                                   return server.TlsUrl("latin");
                                 },
                                 "the database's encoding is not UTF8",
                                 [](PostgresServer& server) {
                                   server.Execute("postgres", "DROP DATABASE latin WITH (FORCE)");
                                   server.Execute("postgres", "CREATE DATABASE latin");
                                 }}),
    [](const auto& info) { return info.param.name; });

// A file system of half a megabyte that this thread and its children see, and nobody else.
bool MountSmallFolder(const std::string& path) {
  return unshare(CLONE_NEWNS) == 0 &&
         mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
         mount("none", path.c_str(), "tmpfs", 0, "size=600k,mode=0700") == 0;
}

TEST(FullDiskTest, IsNamedOnceAndItsEndIsToo) {
  const TemporaryFolder folder;
  if (!MountSmallFolder(folder.path())) GTEST_SKIP() << "no right to mount a file system here";
  FakePassfort passfort;
  {
    const GatewayWithStore gateway(passfort, "sqlite:" + folder.File("records.db"), {});
    const std::string ballast = folder.File("ballast");
    std::ofstream(ballast) << std::string(1024UL * 1024, 'x');
    for (int i = 0; i < 3; ++i) {
      EXPECT_EQ(ReasonOf(gateway.caller.Add(ARequestWithId()).status), "STORE_UNAVAILABLE");
    }
    EXPECT_THAT(gateway.process.WaitForLogLine(kBegins), HasSubstr("disk is full"));
    EXPECT_EQ(CountOf(gateway.process, kBegins), 1u);
    EXPECT_EQ(passfort.counts().posts_begun, 0);

    std::filesystem::remove(ballast);
    EXPECT_TRUE(gateway.caller.Add(ARequestWithId()).status.ok());
    gateway.process.WaitForLogLine(kEnds);
    EXPECT_EQ(CountOf(gateway.process, kEnds), 1u);
  }
  umount2(folder.path().c_str(), MNT_DETACH);
}

}  // namespace
}  // namespace gateway
