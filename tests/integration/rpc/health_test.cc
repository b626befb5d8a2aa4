#include <gtest/gtest.h>

#include <chrono>
#include <future>

#include "grpc/health/v1/health.grpc.pb.h"
#include "tests/integration/rpc/rpc_fixture.h"

namespace gateway {
namespace {

using namespace std::chrono_literals;
using grpc::health::v1::HealthCheckResponse;

// What a watcher of the whole process is told next.
HealthCheckResponse::ServingStatus Next(grpc::ClientReader<HealthCheckResponse>& watch) {
  HealthCheckResponse health;
  EXPECT_TRUE(watch.Read(&health));
  return health.status();
}

TEST(HealthTest, IsBadWhileTheLoopStandsStill) {
  auto options = SomeServerOptions();
  options.max_turn = 100ms;
  RpcFixture fixture(SomeOptions(), options);
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kTestBound);
  const auto stub = grpc::health::v1::Health::NewStub(fixture.Connect());
  const auto watch = stub->Watch(&context, {});
  ASSERT_EQ(Next(*watch), HealthCheckResponse::SERVING);

  std::promise<void> go_on;
  fixture.loop->Post([&] { go_on.get_future().wait(); });
  EXPECT_EQ(Next(*watch), HealthCheckResponse::NOT_SERVING);
  go_on.set_value();
  EXPECT_EQ(Next(*watch), HealthCheckResponse::SERVING);
  context.TryCancel();

  const auto text = fixture.metrics.Text();
  const std::string name = "\npassfort_gateway_loop_longest_turn_seconds ";
  const size_t found = text.find(name);
  ASSERT_NE(found, std::string::npos);
  EXPECT_GE(std::stod(text.substr(found + name.size())), 0.1);
}

}  // namespace
}  // namespace gateway
