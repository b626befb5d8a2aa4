// Whatever fails at the store: nothing comes out. And what the store keeps.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "tests/integration/gateway/secrecy/bytes_in.h"
#include "tests/integration/gateway/secrecy/secrecy_fixture.h"
#include "tests/support/black_hole.h"
#include "tests/support/connection_server.h"
#include "tests/support/postgres_server.h"
#include "tests/support/temporary_folder.h"

namespace gateway {
namespace {

SecrecyFixture::Settings WithStore(const std::string& url, std::vector<std::string> flags = {}) {
  return {.flags = std::move(flags), .environment = {"PASSFORT_GATEWAY_STORE=" + url}};
}

// The application is created, and Passfort lists another one.
void LetPassfortMakeAll(SecrecyFixture& fixture) {
  fixture.passfort.Script(Lists(CanaryList("Listed")));
  Fault makes = Refuses(200, CanaryApplication("Made"), CanaryHeaders("Made"));
  makes.times = Fault::kAlways;
  fixture.passfort.Script(std::move(makes));
}

std::string ReasonOfAdd(SecrecyFixture& fixture, int number) {
  return ReasonOf(fixture.Add(ACanaryRequest(RequestId::kOwn, number)).status);
}

// A server in PostgreSQL's place, or a wrong way to a real one.
struct DatabaseTarget {
  std::string url;
  std::shared_ptr<ConnectionServer> server = nullptr;
  std::shared_ptr<void> kept = nullptr;
};

struct DatabasePath {
  std::string name;
  std::function<DatabaseTarget()> make;

  friend void PrintTo(const DatabasePath& shown, std::ostream* out) { *out << shown.name; }
};

std::string UrlTo(int port, const std::string& sslmode) {
  return std::string("postgresql://me:") + kPasswordCanary + "@127.0.0.1:" + std::to_string(port) +
         "/records?sslmode=" + sslmode;
}

DatabaseTarget NobodyListens() {
  auto port = std::make_shared<RefusingPort>();
  return {.url = UrlTo(port->port(), "prefer"), .kept = port};
}

// Says this to whatever comes.
DatabaseTarget Says(std::string words, const std::string& sslmode) {
  auto server =
      std::make_shared<ConnectionServer>([words = std::move(words)](ServerConnection& connection) {
        char buffer[1024];
        connection.Read(buffer, sizeof(buffer));
        connection.Write(words);
        connection.WaitUntilClosedByClient();
      });
  return {.url = UrlTo(server->port(), sslmode), .server = server};
}

DatabaseTarget RefusesTls() { return Says("N", "require"); }

// As servers and proxies word it that repeat what they were given.
DatabaseTarget RefusesWithThePassword() {
  const std::string fields = std::string("SFATAL") + '\0' + "C28P01" + '\0' + "M" +
                             kPasswordCanary + " is wrong for " + PassfortCanary("user") + '\0' +
                             "D" + kPasswordCanary + '\0' + '\0';
  std::string message = "E";
  for (int shift = 24; shift >= 0; shift -= 8) {
    message.push_back(static_cast<char>((fields.size() + 4) >> shift & 0xFF));
  }
  return Says(message + fields, "disable");
}

DatabaseTarget SaysWhatIsNoPostgres() {
  return Says(CanaryPage("Database") + kPasswordCanary, "disable");
}

DatabaseTarget WrongPassword() {
  PostgresServer& server = PostgresServer::OfThisProgram();
  return {.url = server.TlsUrl(server.CreateDatabase(), kPasswordCanary)};
}

DatabaseTarget NoSuchDatabase() {
  return {.url = PostgresServer::OfThisProgram().TlsUrl("no_such_database")};
}

class DatabasesTest : public testing::TestWithParam<DatabasePath> {};

TEST_P(DatabasesTest, ThatCannotBeUsedShowNothing) {
  const DatabaseTarget target = GetParam().make();
  SecrecyFixture fixture(WithStore(target.url));
  for (int i = 0; i < 2; ++i) {
    EXPECT_THAT(ReasonOfAdd(fixture, 1), testing::AnyOf("STORE_UNAVAILABLE", "STORE_BROKEN"));
  }
  if (target.server != nullptr) EXPECT_GT(target.server->accepted(), 0);
  fixture.ExpectNothingShownUntilItEnds();
}

INSTANTIATE_TEST_SUITE_P(Paths, DatabasesTest,
                         testing::Values(DatabasePath{"NobodyListens", NobodyListens},
                                         DatabasePath{"RefusesTls", RefusesTls},
                                         DatabasePath{"RefusesWithThePassword",
                                                      RefusesWithThePassword},
                                         DatabasePath{"SaysWhatIsNoPostgres", SaysWhatIsNoPostgres},
                                         DatabasePath{"WrongPassword", WrongPassword},
                                         DatabasePath{"NoSuchDatabase", NoSuchDatabase}),
                         [](const auto& info) { return info.param.name; });

TEST(StoreSecrecyTest, ADatabaseThatGoesAwayShowsNothing) {
  PostgresServer& server = PostgresServer::OfThisProgram();
  SecrecyFixture fixture(WithStore(server.TlsUrl(server.CreateDatabase())));
  LetPassfortMakeAll(fixture);
  EXPECT_EQ(ReasonOfAdd(fixture, 1), "");
  server.Stop();
  EXPECT_EQ(ReasonOfAdd(fixture, 2), "STORE_UNAVAILABLE");
  fixture.ExpectNothingShownUntilItEnds();
  server.Start();
}

TEST(StoreSecrecyTest, AFileThatIsMovedShowsNothing) {
  const TemporaryFolder folder;
  SecrecyFixture fixture(WithStore("sqlite:" + folder.File("records.db")));
  std::filesystem::rename(folder.File("records.db"), folder.File("moved.db"));
  EXPECT_EQ(ReasonOfAdd(fixture, 1), "STORE_UNAVAILABLE");
  fixture.ExpectNothingShownUntilItEnds();
}

// The largest size that the process may give to a file is reached as the disk's end is.
TEST(StoreSecrecyTest, ADiskThatIsFullShowsNothing) {
  const TemporaryFolder folder;
  SecrecyFixture fixture(WithStore("sqlite:" + folder.File("records.db")));
  const rlimit least = {.rlim_cur = 1, .rlim_max = 1};
  ASSERT_EQ(prlimit(fixture.gateway.pid(), RLIMIT_FSIZE, &least, nullptr), 0);
  fixture.passfort.Script(Lists("[]"));
  EXPECT_EQ(ReasonOfAdd(fixture, 1), "STORE_UNAVAILABLE");
  fixture.ExpectNothingShownUntilItEnds();
}

TEST(StoreSecrecyTest, AFullStoreShowsNothing) {
  SecrecyFixture fixture(WithStore("sqlite::memory:", {"--store_max_records=1"}));
  LetPassfortMakeAll(fixture);
  EXPECT_EQ(ReasonOfAdd(fixture, 1), "");
  EXPECT_EQ(ReasonOfAdd(fixture, 2), "STORE_FULL");
  fixture.ExpectNothingShownUntilItEnds();
}

// Passfort's response has to be there, to be given again; its other words, and what the calls do
// not depend on, have not.
TEST(StoreSecrecyTest, TheStoreKeepsWhatIdentifiesACallAndItsAnswerAndNothingElse) {
  const Words foreign = Secrets() + Words{"PassfortCanary", kMetadataCanary};
  const TemporaryFolder folder;
  SecrecyFixture fixture(
      WithStore("sqlite:" + folder.File("records.db"), {"--settle_window=10ms"}));
  fixture.passfort.Script(Lists(CanaryList("Listed")));
  using Then = Fault::Then;
  int number = 0;
  for (const Fault& fault : {Refuses(422, CanaryError("Refused", 201), CanaryHeaders("Refused")),
                             Refuses(502, CanaryPage("Page"), CanaryHeaders("Page")),
                             Refuses(200, CanaryError("Unknown", 401)), MakesAndThen(Then::kReset),
                             Refuses(200, CanaryApplication("Made"), CanaryHeaders("Made"))}) {
    fixture.passfort.Script(fault);
    fixture.Add(ACanaryRequest(RequestId::kOwn, ++number));
  }
  const std::string bytes = BytesIn(folder);
  EXPECT_THAT(Found(foreign, bytes), testing::IsEmpty());
  // It was looked for in the right place.
  for (const char* const kept :
       {"AnswerCanary", kRequestIdCanary, kAliasCanary, kProfileIdCanary}) {
    EXPECT_THAT(bytes, testing::HasSubstr(kept));
  }
  fixture.ExpectNothingShownUntilItEnds();
  EXPECT_THAT(Found(foreign, BytesIn(folder)), testing::IsEmpty());
}

}  // namespace
}  // namespace gateway
