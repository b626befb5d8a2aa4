// What the process does for the secrets that it holds, and what signals do to calls in flight.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include "tests/integration/gateway/gateway_fixture.h"
#include "tests/support/connection_server.h"
#include "tests/support/sanitizer.h"
#include "tests/support/temporary_file.h"
#include "tests/support/temporary_folder.h"

namespace gateway {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr int kFailed = 1;
constexpr char kNowhere[] = "http://127.0.0.1:1/4.0";

std::string NameOf(const testing::TestParamInfo<int>& info) {
  return std::string("Sig") + sigabbrev_np(info.param);
}

// A call whose POST has come to Passfort and is not answered before `Answer`.
class CallInFlight {
 public:
  explicit CallInFlight(GatewayFixture& fixture) : passfort_(fixture.passfort) {
    passfort_.Script({.endpoint = Endpoint::kAdd, .hold = Fault::Hold::kBeforeAnswer});
    call_ = fixture.caller.StartAdd(ARequest());
    EXPECT_TRUE(passfort_.WaitUntil([this] { return passfort_.counts().created == 1; }));
  }
  Answered Answer() {
    passfort_.Release();
    return call_.get();
  }

 private:
  FakePassfort& passfort_;
  std::future<Answered> call_;
};

class EndingSignalTest : public testing::TestWithParam<int> {};

// SIGHUP and SIGQUIT ended the process at once, with the POST on its way.
TEST_P(EndingSignalTest, DrainsAndAnswersTheCallInFlight) {
  GatewayFixture fixture;
  CallInFlight call(fixture);
  fixture.gateway.Signal(GetParam());
  fixture.gateway.WaitForLogLine("\"signal\":\"SIG" + std::string(sigabbrev_np(GetParam())));

  const Answered answered = call.Answer();
  EXPECT_TRUE(answered.status.ok()) << answered.status.error_message();
  EXPECT_EQ(fixture.gateway.WaitForExit(), 0);
}

INSTANTIATE_TEST_SUITE_P(Signals, EndingSignalTest,
                         testing::Values(SIGTERM, SIGINT, SIGHUP, SIGQUIT), NameOf);

class IgnoredSignalTest : public testing::TestWithParam<int> {};

TEST_P(IgnoredSignalTest, LeavesTheCallInFlightAlone) {
  GatewayFixture fixture;
  CallInFlight call(fixture);
  fixture.gateway.Signal(GetParam());

  const Answered answered = call.Answer();
  EXPECT_TRUE(answered.status.ok()) << answered.status.error_message();
  EXPECT_TRUE(fixture.caller.Add().status.ok());
}

INSTANTIATE_TEST_SUITE_P(Signals, IgnoredSignalTest,
                         testing::Values(SIGPIPE, SIGUSR1, SIGUSR2, SIGXFSZ), NameOf);

std::vector<std::string> EnvironmentWithKey(const std::string& key) {
  std::vector<std::string> environment = EnvironmentWithoutSettings();
  environment.push_back("PASSFORT_GATEWAY_API_KEY=" + key);
  return environment;
}

std::vector<std::string> ArgumentsOnFreePorts() {
  return {"--listen=127.0.0.1:0", "--metrics_listen=127.0.0.1:0",
          std::string("--api_url=") + kNowhere};
}

// As the program nohup starts it.
TEST(ProcessTest, AHangupThatIsIgnoredAtTheStartEndsNothing) {
  std::vector<std::string> arguments = {"-c", "trap '' HUP; exec \"$0\" \"$@\"", GatewayProgram()};
  for (const std::string& argument : ArgumentsOnFreePorts()) arguments.push_back(argument);
  ChildProcess process({.program = "/bin/sh",
                        .arguments = arguments,
                        .environment = EnvironmentWithKey("test-key")});
  ASSERT_TRUE(process.WaitForLine("\"message\":\"serving\"").has_value());
  // Of signals that wait, the one with the lowest number is the first to be taken.
  process.Signal(SIGHUP);
  process.Signal(SIGTERM);
  EXPECT_EQ(process.WaitForExit(), 0);
  EXPECT_TRUE(process.WaitForLine("\"signal\":\"SIGTERM\"").has_value());
}

std::string ReadProcFile(pid_t pid, const char* name) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/" + name);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// The files in /proc/PID of a process that is not dumpable belong to root and root's group. To see
// that as root, the process gets another group.
// The thread of a process that has this name; 0 if there is none.
pid_t ThreadOf(pid_t process, const std::string& name) {
  const std::string tasks = "/proc/" + std::to_string(process) + "/task";
  for (const auto& task : std::filesystem::directory_iterator(tasks)) {
    std::string found;
    std::getline(std::ifstream(task.path() / "comm"), found);
    if (found == name) return std::stoi(task.path().filename());
  }
  return 0;
}

// A thread of another process that goes on no more, until that process ends it.
class StoppedThread {
 public:
  explicit StoppedThread(pid_t thread)
      : thread_(thread), is_stopped_(ptrace(PTRACE_SEIZE, thread, 0, 0) == 0) {
    if (!is_stopped_) return;
    EXPECT_EQ(ptrace(PTRACE_INTERRUPT, thread_, 0, 0), 0);
    EXPECT_EQ(waitpid(thread_, nullptr, __WALL), thread_);
  }

  bool is_stopped() const { return is_stopped_; }
  // The process has not ended for its parent before this is seen.
  bool WaitForEnd() const {
    const auto end = std::chrono::steady_clock::now() + kProcessBound;
    while (std::chrono::steady_clock::now() < end) {
      if (waitpid(thread_, nullptr, __WALL | WNOHANG) == thread_) return true;
      std::this_thread::yield();
    }
    return false;
  }

 private:
  const pid_t thread_;
  const bool is_stopped_;
};

// With thousands of open streams of reflection gRPC's shutdown never came to its end.
TEST(ProcessTest, EndsOnceItHasStoppedWhateverThreadsOfGrpcDo) {
  GatewayFixture fixture;
  const StoppedThread thread(ThreadOf(fixture.gateway.pid(), "grpcpp_sync_ser"));
  if (!thread.is_stopped()) GTEST_SKIP() << "this needs the right to trace a process";
  EXPECT_TRUE(fixture.caller.Add().status.ok());
  fixture.gateway.Signal(SIGTERM);
  fixture.gateway.WaitForLogLine("\"message\":\"stopped\"");
  EXPECT_TRUE(thread.WaitForEnd());
  EXPECT_EQ(fixture.gateway.WaitForExit(), 0);
}

TEST(ProcessTest, NoOtherProcessOfTheUserSeesItsMemory) {
  if (kHasSanitizer) GTEST_SKIP() << "LeakSanitizer needs a process that is dumpable";
  ChildProcess::Command command = {.program = GatewayProgram(),
                                   .arguments = ArgumentsOnFreePorts(),
                                   .environment = EnvironmentWithKey("test-key")};
  if (geteuid() == 0) {
    command.arguments.insert(command.arguments.begin(),
                             {"--regid=65534", "--clear-groups", GatewayProgram()});
    command.program = "/usr/bin/setpriv";
  }
  const ChildProcess process(command);
  ASSERT_TRUE(process.WaitForLine("\"message\":\"serving\"").has_value());
  struct stat memory = {};
  ASSERT_EQ(stat(("/proc/" + std::to_string(process.pid()) + "/mem").c_str(), &memory), 0);
  EXPECT_EQ(memory.st_uid, 0u);
  EXPECT_EQ(memory.st_gid, 0u);
}

TEST(ProcessTest, LeavesNoCoreFileAndOpensItsFilesToNobody) {
  const GatewayProcess gateway({.api_url = kNowhere});
  const std::string limits = ReadProcFile(gateway.pid(), "limits");
  const size_t core = limits.find("Max core file size");
  ASSERT_NE(core, std::string::npos);
  const std::string line = limits.substr(core, limits.find('\n', core) - core);
  EXPECT_THAT(line, testing::ContainsRegex("size +0 +0 "));
  EXPECT_THAT(ReadProcFile(gateway.pid(), "status"), HasSubstr("Umask:\t0077\n"));
}

TEST(ProcessTest, SecretsDoNotStayInTheEnvironment) {
  const GatewayProcess gateway(
      {.api_url = kNowhere,
       .api_key = "key-canary-5f0c93",
       .environment = {"PASSFORT_GATEWAY_STORE=postgresql://me:password-canary@127.0.0.1:1/records",
                       "PASSFORT_GATEWAY_KEY_OF_API=unknown-canary", "PGPASSWORD=libpq-canary"}});
  // Empty where a user who is not root may not look at it, which is as good.
  EXPECT_THAT(ReadProcFile(gateway.pid(), "environ"), Not(HasSubstr("-canary")));
}

TEST(ProcessTest, VariablesForLibrariesAreUnsetWithOneWarningThatShowsNoValue) {
  const GatewayProcess gateway(
      {.api_url = kNowhere,
       .environment = {"GRPC_TRACE=canary", "SSL_CERT_FILE=/canary", "OPENSSL_CONF=/canary",
                       "PGSSLMODE=canary", "PGPASSFILE=/canary", "MALLOCSTATS=1"}});
  const std::string line = gateway.WaitForLogLine("GRPC_TRACE");
  EXPECT_THAT(line,
              AllOf(HasSubstr("\"warn\""), HasSubstr("SSL_CERT_FILE"), HasSubstr("OPENSSL_CONF"),
                    HasSubstr("PGSSLMODE"), HasSubstr("MALLOCSTATS")));
  EXPECT_THAT(gateway.LogText(), AllOf(Not(HasSubstr("PGPASSFILE")), Not(HasSubstr("canary"))));
}

TEST(ProcessTest, KeysOfTlsSessionsAreWrittenNowhere) {
  const TestAuthority authority;
  const TemporaryFile trusted(authority.certificate_pem());
  const TemporaryFolder folder;
  std::atomic<bool> was_reached = false;
  const ConnectionServer server(
      [&](ServerConnection& connection) {
        char buffer[4096];
        if (connection.Read(buffer, sizeof(buffer)) > 0) was_reached = true;
      },
      authority.Issue({"127.0.0.1"}));
  const GatewayProcess gateway({.api_url = server.Url(),
                                .flags = {"--api_ca_file=" + trusted.path()},
                                .environment = {"SSLKEYLOGFILE=" + folder.File("keys")}});
  GatewayCaller(gateway.target()).Add();
  EXPECT_TRUE(was_reached);
  EXPECT_FALSE(std::filesystem::exists(folder.File("keys")));
}

TEST(ProcessTest, AKeyFileThatEverybodyReadsIsAWarning) {
  const TemporaryFile key("test-key\n");
  ASSERT_EQ(chmod(key.path().c_str(), 0644), 0);
  const GatewayProcess gateway(
      {.api_url = kNowhere, .api_key = "", .flags = {"--api_key_file=" + key.path()}});
  EXPECT_THAT(gateway.WaitForLogLine("api_key_file"), HasSubstr("\"warn\""));
}

TEST(ProcessTest, AKeyFileThatOthersCanWriteStopsTheStart) {
  const TemporaryFile key("test-key\n");
  for (const mode_t mode : {0620, 0602}) {
    ASSERT_EQ(chmod(key.path().c_str(), mode), 0);
    const GatewayRun run = RunGateway({"--api_key_file=" + key.path()}, {});
    EXPECT_EQ(run.exit_code, kFailed);
    EXPECT_THAT(run.output, AllOf(HasSubstr("cannot start: the API key"), HasSubstr(key.path()),
                                  HasSubstr("chmod go-w")));
  }
}

}  // namespace
}  // namespace gateway
