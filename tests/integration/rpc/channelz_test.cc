// A program of its own: once a server of a process has channelz, all later ones have it.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/integration/rpc/rpc_fixture.h"
#include "tests/integration/rpc/stock_client.h"

namespace gateway {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

TEST(ChannelzTest, ShowsTheServerIfAskedFor) {
  auto options = SomeServerOptions();
  options.channelz = GrpcServer::Channelz::kOn;
  RpcFixture fixture(SomeOptions(), options);
  StockClient client(fixture.Connect());
  ASSERT_THAT(client.List(), Contains("grpc.channelz.v1.Channelz"));
  const auto* service = client.Describe("grpc.channelz.v1.Channelz");
  ASSERT_NE(service, nullptr);
  const auto result = client.Call(*service->FindMethodByName("GetServers"), "{}");
  EXPECT_TRUE(result.status.ok()) << result.status.error_message();
  EXPECT_THAT(result.json, HasSubstr("callsStarted"));
  EXPECT_EQ(fixture.Counter("grpc_server_handled_total",
                            {"grpc_service=\"grpc.channelz.v1.Channelz\"",
                             "grpc_method=\"GetServers\"", "grpc_code=\"OK\""}),
            1);
}

}  // namespace
}  // namespace gateway
