// The gateway before an HTTP server that somebody else wrote.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>
#include <string>

#include "tests/integration/gateway/nginx.h"
#include "tests/integration/gateway/sample.h"
#include "tests/support/gateway_caller.h"
#include "tests/support/gateway_process.h"

namespace gateway {
namespace {

struct ServerForm {
  std::string name;
  std::string location;

  friend void PrintTo(const ServerForm& shown, std::ostream* out) { *out << shown.name; }
};

class OtherServerTest : public ::testing::TestWithParam<ServerForm> {};

TEST_P(OtherServerTest, EveryCallIsAnswered) {
  constexpr int kCalls = 10;  // enough to use connections again
  const Nginx nginx(GetParam().location);
  const GatewayProcess gateway({.api_url = nginx.url()});
  const GatewayCaller caller(gateway.target());
  for (int i = 0; i < kCalls; ++i) {
    const Answered answered = caller.Add();
    ASSERT_TRUE(answered.status.ok()) << answered.status.error_message();
    EXPECT_THAT(answered.response, EqualsText(GuideResponse()));
  }
}

std::string Returns(int status) {
  return "return " + std::to_string(status) + " '" + GuideJson() + "';";
}

INSTANTIATE_TEST_SUITE_P(
    Servers, OtherServerTest,
    ::testing::Values(ServerForm{"KeepsConnections", Returns(200)},
                      ServerForm{"ClosesConnections", "keepalive_timeout 0;\n" + Returns(200)},
                      ServerForm{"Created", Returns(201)},
                      // A filter makes the length unknown, hence chunks.
                      ServerForm{"Chunked", "ssi on;\nssi_types *;\n" + Returns(200)}),
    [](const auto& info) { return info.param.name; });

TEST(OtherServerTest, ItSeesTheDocumentedRequest) {
  const Nginx nginx(Returns(200));
  const GatewayProcess gateway({.api_url = nginx.url()});
  ASSERT_TRUE(GatewayCaller(gateway.target()).Add().status.ok());
  EXPECT_EQ(nginx.FirstRequest(), std::string("\"POST /4.0/profiles/") + kProfileId +
                                      "/applications HTTP/1.1\" \"test-key\" \"application/json\"");
}

}  // namespace
}  // namespace gateway
