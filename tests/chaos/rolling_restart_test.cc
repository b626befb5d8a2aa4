// Two gateways are restarted one after the other under load, each with a call of 12 s in flight.
// Clients have no retryPolicy, and no call fails.

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <atomic>
#include <csignal>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "passfort/gateway/v1/service_config.h"
#include "tests/fake_passfort/fake_passfort.h"
#include "tests/support/gateway_caller.h"
#include "tests/support/gateway_process.h"
#include "tests/support/reserved_port.h"

namespace gateway {
namespace {

using namespace std::chrono_literals;
using ::testing::IsEmpty;

// The client service config that is published with the contract.
constexpr char kPublished[] = "published";

// One stock client of both gateways that calls for one fresh profile after another: about 200
// calls a second.
class PacedClient {
 public:
  static constexpr int kCallers = 4;
  static constexpr auto kAnswerAfter = 20ms;

  PacedClient(const std::string& target, const std::string& policy) {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
    // As if the next gateway were restarted a few seconds later. GRPC_ARG_MIN_RECONNECT_BACKOFF_MS
    // stays as it is: it is the time to connect in as well.
    arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
    arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 100);
    arguments.SetServiceConfigJSON(
        policy == kPublished ? std::string(pb::kServiceConfig)
                             : absl::StrCat(R"({"loadBalancingConfig":[{")", policy, R"(":{}}]})"));
    channel_ = grpc::CreateCustomChannel(target, grpc::InsecureChannelCredentials(), arguments);
    for (int i = 0; i < kCallers; ++i) threads_.emplace_back([this] { CallUntilStopped(); });
  }
  ~PacedClient() {
    if (!is_stopped_) Stop();
  }
  PacedClient(const PacedClient&) = delete;
  PacedClient& operator=(const PacedClient&) = delete;

  void Stop() {
    is_stopped_ = true;
    for (auto& thread : threads_) thread.join();
  }

  int calls() const { return calls_; }
  std::vector<std::string> failed() const {
    const std::lock_guard lock(mutex_);
    return failed_;
  }

 private:
  void CallUntilStopped() {
    const auto stub = pb::ProductApplicationService::NewStub(channel_);
    while (!is_stopped_) {
      auto request = ARequest();
      request.set_profile_id(absl::StrFormat("a2c4393a-e219-67a4-5ab4-%012x", ++calls_));
      grpc::ClientContext context;
      context.set_deadline(std::chrono::system_clock::now() + kCallBound);
      pb::AddProductApplicationResponse response;
      const auto status = stub->AddProductApplication(&context, request, &response);
      if (status.ok()) continue;
      const std::lock_guard lock(mutex_);
      failed_.push_back(absl::StrCat(status.error_code(), ": ", status.error_message()));
      return;  // calls that fail at once would keep the machine from anything else
    }
  }

  std::shared_ptr<grpc::Channel> channel_;
  std::atomic<bool> is_stopped_ = false;
  std::atomic<int> calls_ = 0;
  mutable std::mutex mutex_;
  std::vector<std::string> failed_;  // guarded by mutex_
  std::vector<std::thread> threads_;
};

class RollingRestartTest : public testing::TestWithParam<const char*> {
 protected:
  std::unique_ptr<GatewayProcess> StartOn(const ReservedPort& port) const {
    return std::make_unique<GatewayProcess>(GatewayProcess::Settings{
        .api_url = passfort_.url(), .flags = {absl::StrCat("--listen=127.0.0.1:", port.port())}});
  }

  bool WaitForCalls(int more) const {
    const int before = passfort_.counts().created;
    return passfort_.WaitUntil([&] { return passfort_.counts().created >= before + more; });
  }

  // A client that spreads its calls has noticed that the gateway is there.
  void WaitUntilCalled(const GatewayProcess& gateway) const {
    while (gateway.Counter("grpc_server_started_total", {"AddProductApplication"}) == 0) {
      ASSERT_TRUE(WaitForCalls(20));
    }
  }

  FakePassfort passfort_{PacedClient::kAnswerAfter};
};

TEST_P(RollingRestartTest, FailsNoCallAndCreatesNoneTwice) {
  constexpr char kSlowProfile[] = "b2c4393a-e219-67a4-5ab4-2186952e9038";
  constexpr auto kSlowAnswer = 12s;
  const std::string policy = GetParam();
  const ReservedPort ports[2];
  std::unique_ptr<GatewayProcess> gateways[2] = {StartOn(ports[0]), StartOn(ports[1])};
  PacedClient client(absl::StrCat("ipv4:", gateways[0]->target(), ",", gateways[1]->target()),
                     policy);
  ASSERT_TRUE(WaitForCalls(20)) << testing::PrintToString(client.failed());

  int slow_calls = 0;
  for (const int i : {0, 1}) {
    if (policy != "pick_first") WaitUntilCalled(*gateways[i]);
    passfort_.Script(
        {.endpoint = Endpoint::kAdd, .profile_id = kSlowProfile, .answer_after = kSlowAnswer});
    const GatewayCaller slow_caller(gateways[i]->target());
    auto request = ARequest();
    request.set_profile_id(kSlowProfile);
    auto slow = slow_caller.StartAdd(request);
    ++slow_calls;
    ASSERT_TRUE(
        passfort_.WaitUntil([&] { return passfort_.counts(kSlowProfile).created == slow_calls; }));

    gateways[i]->Signal(SIGTERM);
    EXPECT_TRUE(WaitForCalls(60));
    EXPECT_TRUE(slow.get().status.ok());
    EXPECT_EQ(gateways[i]->WaitForExit(), 0);
    EXPECT_TRUE(WaitForCalls(20));
    gateways[i] = StartOn(ports[i]);
    if (policy != "pick_first") WaitUntilCalled(*gateways[i]);
  }
  client.Stop();

  EXPECT_THAT(client.failed(), IsEmpty());
  EXPECT_EQ(passfort_.counts().created, client.calls() + slow_calls);
  EXPECT_EQ(passfort_.counts().posts_begun, client.calls() + slow_calls);
}

INSTANTIATE_TEST_SUITE_P(Policies, RollingRestartTest,
                         testing::Values("pick_first", "round_robin", kPublished),
                         [](const auto& policy) { return std::string(policy.param); });

}  // namespace
}  // namespace gateway
