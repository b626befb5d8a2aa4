#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <deque>
#include <future>
#include <memory>
#include <vector>

#include "grpc/health/v1/health.grpc.pb.h"
#include "service/rpc/health_service.h"
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

TEST(HealthTest, OfAServiceThatIsNotThereAWatchSaysSoAndACheckFindsNone) {
  RpcFixture fixture;
  const auto stub = grpc::health::v1::Health::NewStub(fixture.Connect());
  grpc::health::v1::HealthCheckRequest request;
  request.set_service("no.such.Service");
  grpc::ClientContext watching;
  watching.set_deadline(std::chrono::system_clock::now() + kTestBound);
  const auto watch = stub->Watch(&watching, request);
  EXPECT_EQ(Next(*watch), HealthCheckResponse::SERVICE_UNKNOWN);
  watching.TryCancel();
  EXPECT_EQ(watch->Finish().error_code(), grpc::StatusCode::CANCELLED);

  grpc::ClientContext checking;
  HealthCheckResponse response;
  EXPECT_EQ(stub->Check(&checking, request, &response).error_code(), grpc::StatusCode::NOT_FOUND);
}

// Each is told what is true now, not each change on the way there.
TEST(HealthTest, ManyWatchesComeAndGo) {
  RpcFixture fixture;
  const auto stub = grpc::health::v1::Health::NewStub(fixture.Connect());
  for (int round = 0; round < 20; ++round) {
    std::vector<std::unique_ptr<grpc::ClientContext>> contexts;
    std::vector<std::unique_ptr<grpc::ClientReader<HealthCheckResponse>>> watches;
    for (int i = 0; i < 20; ++i) {
      contexts.push_back(std::make_unique<grpc::ClientContext>());
      contexts.back()->set_deadline(std::chrono::system_clock::now() + kTestBound);
      watches.push_back(stub->Watch(contexts.back().get(), {}));
    }
    for (const auto& watch : watches) EXPECT_EQ(Next(*watch), HealthCheckResponse::SERVING);
    for (const auto& context : contexts) context->TryCancel();
    for (const auto& watch : watches) {
      EXPECT_EQ(watch->Finish().error_code(), grpc::StatusCode::CANCELLED);
    }
  }
}

TEST(HealthTest, RefusesTooManyWatches) {
  auto options = SomeOptions();
  options.max_in_flight = 2 * HealthService::kMaxWatches;  // so many fit on one connection
  RpcFixture fixture(options);
  const auto stub = grpc::health::v1::Health::NewStub(fixture.Connect());
  std::deque<grpc::ClientContext> contexts;
  std::vector<std::unique_ptr<grpc::ClientReader<HealthCheckResponse>>> watches;
  for (size_t i = 0; i < HealthService::kMaxWatches; ++i) {
    contexts.emplace_back().set_deadline(std::chrono::system_clock::now() + kTestBound);
    watches.push_back(stub->Watch(&contexts.back(), {}));
    ASSERT_EQ(Next(*watches.back()), HealthCheckResponse::SERVING) << i;
  }
  grpc::ClientContext one_more;
  one_more.set_deadline(std::chrono::system_clock::now() + kTestBound);
  EXPECT_EQ(stub->Watch(&one_more, {})->Finish().error_code(),
            grpc::StatusCode::RESOURCE_EXHAUSTED);
  for (auto& context : contexts) context.TryCancel();
}

}  // namespace
}  // namespace gateway
