// Starting: what is printed, what is refused and with which exit code.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "nlohmann/json.hpp"
#include "service/base/version.h"
#include "tests/fake_passfort/fake_passfort.h"
#include "tests/support/child_process.h"
#include "tests/support/gateway_caller.h"
#include "tests/support/gateway_process.h"
#include "tests/support/temporary_file.h"

namespace gateway {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr int kFailed = 1;
constexpr int kWrongSettings = 2;

TEST(StartTest, HelpNamesSettingsOnStandardOutputAndIsNoError) {
  const GatewayRun run = RunGateway({"--help"}, {});
  EXPECT_EQ(run.exit_code, 0);
  EXPECT_THAT(run.output, AllOf(HasSubstr("--listen"), HasSubstr("127.0.0.1:50051"),
                                HasSubstr("--max_in_flight"), HasSubstr("100000"),
                                HasSubstr("PASSFORT_GATEWAY_API_KEY")));
  EXPECT_THAT(run.error, IsEmpty());
}

TEST(StartTest, VersionIsPrinted) {
  const GatewayRun run = RunGateway({"--version"}, {});
  EXPECT_EQ(run.exit_code, 0);
  EXPECT_THAT(run.output, HasSubstr(kVersion));
}

struct WrongSetting {
  std::string name;
  std::vector<std::string> flags;
  std::vector<std::string> parts;  // of the message: setting, value, range

  friend void PrintTo(const WrongSetting& shown, std::ostream* out) { *out << shown.name; }
};

class WrongSettingTest : public ::testing::TestWithParam<WrongSetting> {};

TEST_P(WrongSettingTest, StopsTheStartWithSettingValueAndRange) {
  const GatewayRun run = RunGateway(GetParam().flags);
  EXPECT_EQ(run.exit_code, kWrongSettings);
  EXPECT_THAT(run.output, IsEmpty());
  const auto line = nlohmann::json::parse(run.error, nullptr, false);
  ASSERT_TRUE(line.is_object()) << "one JSON line, and nothing else: " << run.error;
  EXPECT_EQ(line["level"], "error");
  EXPECT_EQ(line["message"], "cannot start: the settings");
  for (const auto& part : GetParam().parts) {
    EXPECT_THAT(line["detail"].get<std::string>(), HasSubstr(part));
  }
}

INSTANTIATE_TEST_SUITE_P(
    Settings, WrongSettingTest,
    ::testing::Values(
        WrongSetting{"NoUnit", {"--attempt_timeout=65"}, {"attempt_timeout", "65", "10ms to 10m"}},
        WrongSetting{"TooMany", {"--max_in_flight=0"}, {"max_in_flight", "0", "1 to 100000"}},
        WrongSetting{"UnknownFlag", {"--max_inflight=5"}, {"max_inflight", "max_in_flight"}},
        WrongSetting{"OpenToOthers",
                     {"--listen=0.0.0.0:50051"},
                     {"listen", "0.0.0.0:50051", "loopback", "allow_insecure_listen"}},
        WrongSetting{"PlainApiUrl",
                     {"--api_url=http://api.example.com/4.0"},
                     {"api_url", "http://api.example.com/4.0", "https"}},
        WrongSetting{"KeyOnTheCommandLine",
                     {"--api_key=key-canary-5f0c93"},
                     {"api_key", "PASSFORT_GATEWAY_API_KEY"}},
        WrongSetting{"NoSuchCaFile",
                     {"--api_ca_file=/no/such/file.pem"},
                     {"api_ca_file", "/no/such/file.pem"}}),
    [](const auto& info) { return info.param.name; });

TEST(StartTest, AKeyOnTheCommandLineIsNotRepeatedInTheMessage) {
  const GatewayRun run = RunGateway({"--api_key=key-canary-5f0c93"});
  EXPECT_THAT(run.error, Not(HasSubstr("key-canary-5f0c93")));
}

TEST(StartTest, WithoutAKeyItDoesNotStart) {
  const GatewayRun run = RunGateway({}, {});
  EXPECT_EQ(run.exit_code, kWrongSettings);
  EXPECT_THAT(run.error, HasSubstr("PASSFORT_GATEWAY_API_KEY"));
}

TEST(StartTest, FaultsOfGrpcAreNamedWhereOtherMachinesReachIt) {
  for (const auto& [flags, others_reach_it] :
       {std::pair<std::vector<std::string>, bool>({}, false),
        {{"--listen=0.0.0.0:0", "--allow_insecure_listen"}, true},
        {{"--health_listen=0.0.0.0:0"}, true},
        {{"--health_listen=127.0.0.1:0"}, false}}) {
    const GatewayProcess gateway({.api_url = "http://127.0.0.1:9", .flags = flags});
    const bool is_faulty = !absl::StrContains(gateway.WaitForLogLine("\"serving\""), " hardened");
    EXPECT_EQ(absl::StrContains(gateway.LogText(), "CVE-2023-44487"), others_reach_it && is_faulty)
        << testing::PrintToString(flags);
  }
}

// It is too late to unset it.
TEST(StartTest, AVariableOfTheAllocatorStopsTheStart) {
  const GatewayRun run =
      RunGateway({}, {"PASSFORT_GATEWAY_API_KEY=test-key", "TCMALLOC_HEAP_LIMIT_MB=canary"});
  EXPECT_EQ(run.exit_code, kWrongSettings);
  EXPECT_THAT(run.error, AllOf(HasSubstr("TCMALLOC_HEAP_LIMIT_MB"), Not(HasSubstr("canary"))));
}

TEST(StartTest, AKeyFileThatIsNotThereStopsTheStart) {
  const GatewayRun run = RunGateway({"--api_key_file=/no/such/key"}, {});
  EXPECT_NE(run.exit_code, 0);
  EXPECT_THAT(run.output + run.error, HasSubstr("/no/such/key"));
}

TEST(StartTest, ASettingOfTheEnvironmentCountsAndTheFlagWins) {
  const GatewayRun run = RunGateway({"--max_in_flight=0"}, {"PASSFORT_GATEWAY_API_KEY=test-key",
                                                            "PASSFORT_GATEWAY_MAX_IN_FLIGHT=7"});
  EXPECT_EQ(run.exit_code, kWrongSettings);
  const GatewayRun by_environment =
      RunGateway({}, {"PASSFORT_GATEWAY_API_KEY=test-key", "PASSFORT_GATEWAY_MAX_IN_FLIGHT=0"});
  EXPECT_EQ(by_environment.exit_code, kWrongSettings);
  EXPECT_THAT(by_environment.error, HasSubstr("PASSFORT_GATEWAY_MAX_IN_FLIGHT"));
}

// A listening socket of somebody else.
class TakenPort {
 public:
  TakenPort() : descriptor_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(bind(descriptor_, generic, size), 0);
    EXPECT_EQ(listen(descriptor_, 1), 0);
    EXPECT_EQ(getsockname(descriptor_, generic, &size), 0);
    address_ = "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
  }
  ~TakenPort() { close(descriptor_); }
  TakenPort(const TakenPort&) = delete;
  TakenPort& operator=(const TakenPort&) = delete;

  const std::string& address() const { return address_; }

 private:
  const int descriptor_;
  std::string address_;
};

TEST(StartTest, ATakenPortIsALogLineAndAnExitCode) {
  const TakenPort taken;
  const GatewayRun run =
      RunGateway({"--listen=" + taken.address(), "--metrics_listen=127.0.0.1:0"});
  EXPECT_EQ(run.exit_code, kFailed);
  EXPECT_THAT(run.output, AllOf(HasSubstr("cannot start: listen"), HasSubstr(taken.address())));
}

TEST(StartTest, ATakenMetricsPortIsALogLineAndAnExitCode) {
  const TakenPort taken;
  const GatewayRun run =
      RunGateway({"--listen=127.0.0.1:0", "--metrics_listen=" + taken.address()});
  EXPECT_EQ(run.exit_code, kFailed);
  EXPECT_THAT(run.output,
              AllOf(HasSubstr("cannot start: metrics_listen"), HasSubstr(taken.address())));
}

// It said nothing at all with the log off.
TEST(StartTest, AFailedStartIsToldAlsoWithoutALog) {
  const GatewayRun run = RunGateway({"--api_key_file=/no/such/key", "--log_level=off"}, {});
  EXPECT_EQ(run.exit_code, kFailed);
  EXPECT_THAT(run.error, AllOf(HasSubstr("cannot start"), HasSubstr("/no/such/key")));
}

// The text was lost and the exit code said that it was not.
TEST(StartTest, HelpThatCannotBeWrittenIsAnError) {
  ChildProcess process({.program = "/bin/sh",
                        .arguments = {"-c", "exec \"$0\" --help >/dev/full", GatewayProgram()}});
  EXPECT_EQ(process.WaitForExit(), kFailed);
}

// The next files to be opened took the numbers of the standard streams: log lines went into the
// event loop's descriptors, and libuv, which refuses to close such numbers, ended the process.
TEST(StartTest, ClosedStandardStreamsDoNoHarm) {
  FakePassfort passfort;
  const TemporaryFile name("");
  const std::string target = "unix:" + name.path() + ".socket";
  std::vector<std::string> environment = EnvironmentWithoutSettings();
  environment.emplace_back("PASSFORT_GATEWAY_API_KEY=test-key");
  ChildProcess process({.program = "/bin/sh",
                        .arguments = {"-c", "exec \"$0\" \"$@\" <&- >&- 2>&-", GatewayProgram(),
                                      "--listen=" + target, "--metrics_listen=127.0.0.1:0",
                                      "--api_url=" + passfort.url()},
                        .environment = environment});
  const GatewayCaller caller(target);
  ASSERT_TRUE(caller.channel()->WaitForConnected(std::chrono::system_clock::now() + kProcessBound))
      << "the gateway does not serve on " << target;
  EXPECT_TRUE(caller.Add().status.ok());
  process.Signal(SIGTERM);
  EXPECT_EQ(process.WaitForExit(), 0);
}

TEST(StartTest, ARiskySettingIsAWarning) {
  const GatewayProcess gateway(
      {.api_url = "http://127.0.0.1:1/4.0", .flags = {"--attempt_timeout=5s"}});
  EXPECT_THAT(gateway.LogText(), AllOf(HasSubstr("attempt_timeout: 5s"), HasSubstr("warn")));
}

TEST(StartTest, TooFewDescriptorsForTheSettingsAreAWarning) {
  std::vector<std::string> environment = EnvironmentWithoutSettings();
  environment.emplace_back("PASSFORT_GATEWAY_API_KEY=test-key");
  const ChildProcess process(
      {.program = "/bin/sh",
       .arguments = {"-c", "ulimit -n 500 && exec \"$0\" \"$@\"", GatewayProgram(),
                     "--listen=127.0.0.1:0", "--metrics_listen=127.0.0.1:0",
                     "--api_url=http://127.0.0.1:1/4.0"},
       .environment = environment});
  const auto line = process.WaitForLine("max_in_flight: 5000 calls");
  ASSERT_TRUE(line.has_value());
  EXPECT_THAT(*line, AllOf(HasSubstr("6128 descriptors"), HasSubstr("only 500")));
}

TEST(StartTest, CtrlCEndsItInPeace) {
  GatewayProcess gateway({.api_url = "http://127.0.0.1:1/4.0"});
  gateway.Signal(SIGINT);
  EXPECT_EQ(gateway.WaitForExit(), 0);
  EXPECT_THAT(gateway.LogText(), HasSubstr("SIGINT"));
}

}  // namespace
}  // namespace gateway
