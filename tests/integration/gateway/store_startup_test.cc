// What a store can do to the start, and to calls when it is away.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "tests/integration/gateway/at_most_once_fixture.h"
#include "tests/support/temporary_folder.h"

namespace gateway {
namespace {

using namespace std::chrono_literals;
using grpc::StatusCode;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr int kFailed = 1;
constexpr int kWrongSettings = 2;

GatewayRun RunWithStore(const std::string& url) {
  return RunGateway({"--listen=127.0.0.1:0", "--metrics_listen=127.0.0.1:0"},
                    {"PASSFORT_GATEWAY_API_KEY=test-key", "PASSFORT_GATEWAY_STORE=" + url});
}

TEST(StoreStartTest, ADamagedFileStopsTheStartAndIsNamed) {
  const TemporaryFolder folder;
  std::ofstream(folder.File("records.db")) << std::string(8192, 'x');
  const GatewayRun run = RunWithStore("sqlite:" + folder.File("records.db"));
  EXPECT_EQ(run.exit_code, kFailed);
  EXPECT_THAT(run.output, AllOf(HasSubstr("cannot start: store"), HasSubstr("records.db"),
                                HasSubstr("damaged")));
}

TEST(StoreStartTest, AFolderWhoseOwnFolderIsNotThereStopsTheStart) {
  const TemporaryFolder folder;
  const GatewayRun run = RunWithStore("sqlite:" + folder.File("missing/store/records.db"));
  EXPECT_EQ(run.exit_code, kFailed);
  EXPECT_THAT(run.output,
              AllOf(HasSubstr("cannot start: store"), HasSubstr("missing/store/records.db")));
}

TEST(StoreStartTest, TwoGatewaysCannotShareAFile) {
  const TemporaryFolder folder;
  const std::string url = "sqlite:" + folder.File("records.db");
  const FakePassfort passfort;
  const GatewayWithStore first(passfort, url);
  const GatewayRun second = RunWithStore(url);
  EXPECT_EQ(second.exit_code, kFailed);
  EXPECT_THAT(second.output, HasSubstr("another process uses the file"));
}

TEST(StoreStartTest, AStoreOfAnUnknownKindIsAWrongSetting) {
  const GatewayRun run = RunWithStore("redis://user:canary@store:6379");
  EXPECT_EQ(run.exit_code, kWrongSettings);
  EXPECT_THAT(run.error, AllOf(HasSubstr("PASSFORT_GATEWAY_STORE"), HasSubstr("sqlite:PATH"),
                               Not(HasSubstr("canary"))));
}

TEST(StoreStartTest, AUrlThatLibpqCannotReadIsNotRepeated) {
  const GatewayRun run = RunWithStore("postgresql://user:canary/with/slash@store/records");
  EXPECT_EQ(run.exit_code, kFailed);
  EXPECT_THAT(run.output, AllOf(HasSubstr("cannot start: store"), Not(HasSubstr("canary"))));
}

// libpq's default gives the password to whoever answers in the server's place.
TEST(StoreStartTest, ADatabaseBeyondThisMachineNeedsVerifiedTls) {
  for (const char* const url : {"postgresql://me:canary@db.example/records",
                                "postgresql://me:canary@192.0.2.1/records?sslmode=require"}) {
    const GatewayRun run = RunWithStore(url);
    EXPECT_EQ(run.exit_code, kFailed);
    EXPECT_THAT(run.output,
                AllOf(HasSubstr("cannot start: store"), HasSubstr("sslmode=verify-full"),
                      HasSubstr("allow_insecure_store"), Not(HasSubstr("canary"))));
  }
  const FakePassfort passfort;
  const GatewayWithStore allowed(passfort,
                                 "postgresql://me:canary@db.example:1/records?hostaddr=127.0.0.1",
                                 {"--allow_insecure_store"});
  EXPECT_THAT(allowed.process.LogText(), HasSubstr("allow_insecure_store: without"));
}

TEST(StoreStartTest, AStoreInMemoryWarns) {
  const FakePassfort passfort;
  const GatewayWithStore gateway(passfort, "sqlite::memory:", {});
  EXPECT_THAT(gateway.process.LogText(), HasSubstr("request_ids are lost on exit"));
  EXPECT_TRUE(gateway.caller.Add(ARequestWithId()).status.ok());
}

TEST(StoreStartTest, AFileThatIsDeletedUnderTheGatewayIsUnavailableAndNothingIsSent) {
  const TemporaryFolder folder;
  FakePassfort passfort;
  const GatewayWithStore gateway(passfort, "sqlite:" + folder.File("records.db"));
  ASSERT_TRUE(gateway.caller.Add(ARequestWithId("before")).status.ok());
  std::filesystem::remove(folder.File("records.db"));

  for (const char* const request_id : {"after", "before", "after"}) {
    const Answered answered = gateway.caller.Add(ARequestWithId(request_id));
    EXPECT_EQ(ReasonOf(answered.status), "STORE_UNAVAILABLE") << answered.status.error_message();
  }
  EXPECT_EQ(passfort.counts().posts_begun, 1);
  EXPECT_THAT(gateway.process.WaitForLogLine("was moved, deleted or replaced"),
              HasSubstr("\"error\""));
}

TEST(StoreStartTest, AFileThatOthersCanWriteStopsTheStart) {
  const TemporaryFolder folder;
  std::ofstream(folder.File("records.db")) << "";
  std::filesystem::permissions(folder.File("records.db"), std::filesystem::perms::all);
  const GatewayRun run = RunWithStore("sqlite:" + folder.File("records.db"));
  EXPECT_EQ(run.exit_code, kFailed);
  EXPECT_THAT(run.output, AllOf(HasSubstr("cannot start: store"), HasSubstr("can write")));
}

TEST(StoreStartTest, AnAbsentDatabaseIsUnavailableAndNothingIsSent) {
  FakePassfort passfort;
  const GatewayWithStore gateway(passfort, "postgresql://me:password-canary@127.0.0.1:1/records",
                                 {});
  const Answered answered = gateway.caller.Add(ARequestWithId());

  EXPECT_EQ(answered.status.error_code(), StatusCode::UNAVAILABLE);
  EXPECT_EQ(ReasonOf(answered.status), "STORE_UNAVAILABLE");
  EXPECT_THAT(answered.error(), IsWellFormedError());
  EXPECT_EQ(passfort.counts().requests, 0);
  EXPECT_TRUE(gateway.caller.Add().status.ok()) << "calls without a request_id need no store";
  EXPECT_THAT(gateway.process.WaitForLogLine("the store fails"),
              AllOf(HasSubstr("\"error\""), HasSubstr("Connection refused")));
  EXPECT_THAT(gateway.process.LogText(), Not(HasSubstr("password-canary")));
}

}  // namespace
}  // namespace gateway
