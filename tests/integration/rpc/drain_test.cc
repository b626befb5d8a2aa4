#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <future>
#include <optional>

#include "grpc/health/v1/health.grpc.pb.h"
#include "tests/integration/rpc/raw_caller.h"
#include "tests/integration/rpc/rpc_fixture.h"

namespace gateway {
namespace {

using namespace std::chrono_literals;
using ::testing::SizeIs;

TEST(DrainTest, RefusesNewCallsAndLetsTheOthersEnd) {
  RpcFixture fixture;
  fixture.writer.Hold();
  auto in_flight = fixture.StartAdd();
  fixture.writer.WaitUntilAsked(1);
  fixture.pipeline.BeginDrain();

  const Answered refused = fixture.Add();
  EXPECT_EQ(refused.status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(ReasonOf(refused.status), "DRAINING");
  EXPECT_THAT(refused.error(), IsWellFormedError());

  auto drained = std::async(std::launch::async, [&] { return fixture.server->Drain(60s); });
  fixture.writer.Release();
  EXPECT_TRUE(in_flight.get().status.ok());
  EXPECT_TRUE(drained.get().ok());
  EXPECT_THAT(fixture.writer.asked(), SizeIs(1));
}

TEST(DrainTest, AnswersCallsThatOutlastItWhenNothingWasSent) {
  RpcFixture fixture;
  fixture.writer.Hold();
  auto call = fixture.StartAdd();
  fixture.writer.WaitUntilAsked(1);
  EXPECT_TRUE(fixture.server->Drain(0ms).ok());

  const Answered answered = call.get();
  EXPECT_EQ(answered.status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(ReasonOf(answered.status), "DRAINING");
  EXPECT_THAT(answered.error(), IsWellFormedError());
}

TEST(DrainTest, AnswersCallsThatOutlastItWhenTheyWereSent) {
  RpcFixture fixture;
  fixture.writer.HoldUntilStopped(SentResult(Ambiguous::Cause::kStopped));
  auto call = fixture.StartAdd();
  fixture.writer.WaitUntilAsked(1);
  EXPECT_TRUE(fixture.server->Drain(0ms).ok());

  const Answered answered = call.get();
  EXPECT_EQ(answered.status.error_code(), grpc::StatusCode::UNKNOWN);
  EXPECT_EQ(ReasonOf(answered.status), "OUTCOME_UNKNOWN");
  EXPECT_THAT(answered.error(), IsWellFormedError());
}

TEST(DrainTest, AnswersEveryCallInFlight) {
  constexpr int kCalls = 30;
  RpcFixture fixture;
  fixture.writer.Hold();
  std::vector<std::future<Answered>> calls;
  for (int i = 0; i < kCalls; ++i) calls.push_back(fixture.StartAdd());
  fixture.writer.WaitUntilAsked(kCalls);
  EXPECT_TRUE(fixture.server->Drain(0ms).ok());
  for (auto& call : calls) EXPECT_EQ(ReasonOf(call.get().status), "DRAINING");
}

// A watch never ends by itself, so a drain that waited for it would not either.
TEST(DrainTest, TellsHealthWatchersFirstAndDoesNotWaitForThem) {
  RpcFixture fixture;
  fixture.writer.Hold();
  auto call = fixture.StartAdd();
  fixture.writer.WaitUntilAsked(1);
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kTestBound);
  grpc::health::v1::HealthCheckRequest request;
  request.set_service(kServiceName);
  auto watch = grpc::health::v1::Health::NewStub(fixture.Connect())->Watch(&context, request);
  grpc::health::v1::HealthCheckResponse health;
  ASSERT_TRUE(watch->Read(&health));
  EXPECT_EQ(health.status(), grpc::health::v1::HealthCheckResponse::SERVING);

  auto drained = std::async(std::launch::async, [&] { return fixture.server->Drain(60s); });
  ASSERT_TRUE(watch->Read(&health));
  EXPECT_EQ(health.status(), grpc::health::v1::HealthCheckResponse::NOT_SERVING);
  fixture.writer.Release();
  EXPECT_TRUE(call.get().status.ok());
  EXPECT_TRUE(drained.get().ok());
  EXPECT_FALSE(watch->Read(&health));
  EXPECT_FALSE(watch->Finish().ok());
}

// A client that watches health calls another gateway before its connection here is about to end.
TEST(DrainTest, IsUnhealthyBeforeItSendsAGoAway) {
  constexpr int kRoundTrips = 20;
  std::optional<RawCaller> caller;
  auto options = SomeServerOptions();
  options.on_health = [&](bool is_serving) {
    if (is_serving || !caller.has_value()) return;
    for (int i = 0; i < kRoundTrips; ++i) {
      caller->Ping();
      ASSERT_TRUE(caller->WaitForFrame(RawCaller::kPing, RawCaller::kGoAway)) << i;
    }
  };
  RpcFixture fixture(SomeOptions(), options);
  caller.emplace(fixture.server->port());
  caller->Ping();
  ASSERT_TRUE(caller->WaitForFrame(RawCaller::kPing));
  EXPECT_TRUE(fixture.server->Drain(0ms).ok());
  EXPECT_TRUE(caller->WaitForFrame(RawCaller::kGoAway));
}

TEST(DrainTest, FreesThePort) {
  RpcFixture fixture;
  const std::string address = fixture.address();
  EXPECT_TRUE(fixture.server->Drain(0ms).ok());
  auto options = SomeServerOptions();
  options.listen = address;
  EXPECT_TRUE(fixture.StartServer(options).ok());
}

TEST(DrainTest, IsPartOfTheServersEnd) {
  RpcFixture fixture;
  fixture.writer.Hold();
  auto call = fixture.StartAdd();
  fixture.writer.WaitUntilAsked(1);
  fixture.server.reset();
  EXPECT_EQ(ReasonOf(call.get().status), "DRAINING");
}

}  // namespace
}  // namespace gateway
