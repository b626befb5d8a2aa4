// More connections than the gateway can have: whoever comes afterwards, or from elsewhere, is
// served.

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/fake_passfort/fake_passfort.h"
#include "tests/support/gateway_caller.h"
#include "tests/support/gateway_process.h"

namespace gateway {
namespace {

constexpr char kRefused[] = "passfort_gateway_connections_refused_total";

// Connections that say nothing, from an address of their own.
class SilentConnections {
 public:
  static constexpr in_addr_t kFrom = INADDR_LOOPBACK + 1;

  // `target`: a port on loopback.
  explicit SilentConnections(const std::string& target) {
    to_.sin_family = AF_INET;
    to_.sin_port = htons(static_cast<uint16_t>(std::stoi(target.substr(target.rfind(':') + 1))));
    to_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  }
  ~SilentConnections() { Close(); }
  SilentConnections(const SilentConnections&) = delete;
  SilentConnections& operator=(const SilentConnections&) = delete;

  void Open(int connections) {
    for (int i = 0; i < connections; ++i) {
      const int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
      ASSERT_GE(descriptor, 0);
      descriptors_.push_back(descriptor);
      sockaddr_in from = {};
      from.sin_family = AF_INET;
      from.sin_addr.s_addr = htonl(kFrom);
      ASSERT_EQ(bind(descriptor, reinterpret_cast<sockaddr*>(&from), sizeof(from)), 0);
      connect(descriptor, reinterpret_cast<sockaddr*>(&to_), sizeof(to_));
    }
  }
  void Close() {
    for (const int descriptor : descriptors_) close(descriptor);
    descriptors_.clear();
  }

 private:
  sockaddr_in to_ = {};
  std::vector<int> descriptors_;
};

void WaitForRefusals(const GatewayProcess& gateway, const std::vector<std::string>& labels,
                     int refused, const std::string& counter = kRefused) {
  const auto bound = std::chrono::steady_clock::now() + kProcessBound;
  while (gateway.Counter(counter, labels) < refused) {
    ASSERT_LT(std::chrono::steady_clock::now(), bound) << gateway.Counter(counter, labels);
  }
}

void ExpectServesNewCallers(const GatewayProcess& gateway) {
  for (int i = 0; i < 5; ++i) {
    const Answered answered = GatewayCaller(gateway.target()).Add();
    EXPECT_TRUE(answered.status.ok()) << answered.status.error_message();
  }
}

// The limit of the gateway, which is asked for whenever a connection comes.
void LimitDescriptors(const GatewayProcess& gateway, rlim_t descriptors) {
  const rlimit limit = {.rlim_cur = descriptors, .rlim_max = descriptors};
  ASSERT_EQ(prlimit(gateway.pid(), RLIMIT_NOFILE, &limit, nullptr), 0);
}

TEST(ConnectionsTest, NewCallersAreServedAfterAllDescriptorsWereInUse) {
  const FakePassfort passfort;
  const GatewayProcess gateway({.api_url = passfort.url()});
  LimitDescriptors(gateway, 256);
  SilentConnections silent(gateway.target());
  silent.Open(600);
  WaitForRefusals(gateway, {}, 400);
  silent.Close();
  ExpectServesNewCallers(gateway);
}

TEST(ConnectionsTest, OneAddressCannotKeepTheOthersOut) {
  const FakePassfort passfort;
  // 8 of the 64 are kept for other addresses: the callers below may overlap, because a channel
  // closes its connection some time after it is gone.
  const GatewayProcess gateway({.api_url = passfort.url(), .flags = {"--max_connections=64"}});
  SilentConnections silent(gateway.target());
  silent.Open(80);
  WaitForRefusals(gateway, {"address_share"}, 24);
  ExpectServesNewCallers(gateway);
  EXPECT_EQ(gateway.Counter(kRefused, {"max_connections"}), 0);
  EXPECT_GE(gateway.Counter("passfort_gateway_connections", {}), 56);
}

TEST(ConnectionsTest, ThoseToThePortForProbesAreBoundedAndCountedApart) {
  const FakePassfort passfort;
  const GatewayProcess gateway(
      {.api_url = passfort.url(), .flags = {"--health_listen=127.0.0.1:0"}});
  const auto serving = nlohmann::json::parse(gateway.WaitForLogLine("\"message\":\"serving\""));
  SilentConnections silent(serving.at("health_listen").get<std::string>());
  silent.Open(40);
  WaitForRefusals(gateway, {"address_share"}, 40 - 28,
                  "passfort_gateway_health_connections_refused_total");
  EXPECT_EQ(gateway.Counter("passfort_gateway_health_connections", {}), 28);
  EXPECT_EQ(gateway.Counter(kRefused, {}), 0);
  ExpectServesNewCallers(gateway);
}

}  // namespace
}  // namespace gateway
