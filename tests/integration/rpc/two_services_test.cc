// A second service on the same server: what it gets by going through the pipeline, and what it
// shares with the first one.

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <string>

#include "grpc/health/v1/health.grpc.pb.h"
#include "tests/integration/rpc/two_services_fixture.h"

namespace gateway {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(TwoServicesTest, BothAnswer) {
  TwoServices fixture;
  fixture.echo.Release();
  EXPECT_TRUE(fixture.Add().status.ok());
  const Echoed echoed = fixture.Echo("hello");
  EXPECT_TRUE(echoed.status.ok()) << echoed.status.error_message();
  EXPECT_EQ(echoed.text, "hello");
}

TEST(TwoServicesTest, ACallOfOneTakesThePlaceOfACallOfTheOther) {
  TwoServices fixture(RoomForOneCall());
  fixture.writer.Hold();
  auto echo = fixture.StartEcho();
  fixture.echo.WaitUntilAsked();
  const Answered refused_add = fixture.Add();
  EXPECT_EQ(refused_add.status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(ReasonOf(refused_add.status), "OVERLOADED");
  fixture.echo.Release();
  EXPECT_TRUE(echo.get().status.ok());

  auto add = fixture.StartAdd();
  fixture.writer.WaitUntilAsked(1);
  const Echoed refused_echo = fixture.Echo();
  EXPECT_EQ(refused_echo.status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(ReasonOf(refused_echo.status), "OVERLOADED");
  EXPECT_THAT(refused_echo.error(), IsWellFormedError());
  fixture.writer.Release();
  EXPECT_TRUE(add.get().status.ok());
}

TEST(TwoServicesTest, TheDrainWaitsForTheCallsOfBoth) {
  TwoServices fixture;
  fixture.writer.Hold();
  auto add = fixture.StartAdd();
  auto echo = fixture.StartEcho();
  fixture.writer.WaitUntilAsked(1);
  fixture.echo.WaitUntilAsked();
  auto drained = std::async(std::launch::async, [&] { return fixture.server->Drain(60s); });

  fixture.writer.Release();
  EXPECT_TRUE(add.get().status.ok());
  EXPECT_FALSE(fixture.pipeline.IsIdle());
  fixture.echo.Release();
  EXPECT_TRUE(echo.get().status.ok());
  EXPECT_TRUE(drained.get().ok());
  EXPECT_TRUE(fixture.pipeline.IsIdle());
}

TEST(TwoServicesTest, TheDrainEndsTheCallsOfBothThatOutlastIt) {
  TwoServices fixture;
  fixture.writer.Hold();
  auto add = fixture.StartAdd();
  auto echo = fixture.StartEcho();
  fixture.writer.WaitUntilAsked(1);
  fixture.echo.WaitUntilAsked();

  EXPECT_TRUE(fixture.server->Drain(0ms).ok());
  EXPECT_EQ(ReasonOf(add.get().status), "DRAINING");
  const Echoed ended = echo.get();
  EXPECT_EQ(ReasonOf(ended.status), "DRAINING");
  EXPECT_THAT(ended.error(), IsWellFormedError());
}

TEST(TwoServicesTest, ACallIsCountedAndLoggedUnderItsOwnNames) {
  TwoServices fixture;
  fixture.echo.Release();
  ASSERT_TRUE(fixture.Echo().status.ok());

  const std::string names =
      "grpc_method=\"Echo\",grpc_service=\"passfort.gateway.test.v1.EchoService\"";
  const std::string text = fixture.metrics.Text();
  EXPECT_THAT(text, HasSubstr("grpc_server_started_total{" + names + "} 1"));
  EXPECT_THAT(text, HasSubstr("grpc_server_handled_total{grpc_code=\"OK\"," + names + "} 1"));
  EXPECT_THAT(text, Not(HasSubstr("grpc_method=\"unknown\"")));
  fixture.log.WaitForLine("call method=Echo code=OK outcome=done duration_seconds trace_id=" +
                          std::string(kTraceId));
}

TEST(TwoServicesTest, ARequestThatIsWrongIsRefusedWithErrorDetails) {
  TwoServices fixture;
  const Echoed refused = fixture.Echo("");
  EXPECT_EQ(refused.status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(ReasonOf(refused.status), "INVALID_REQUEST");
  EXPECT_THAT(refused.error(), IsWellFormedError());
  EXPECT_EQ(DetailOf<google::rpc::BadRequest>(refused.status).field_violations(0).field(), "text");
  fixture.log.WaitForLine(
      "call method=Echo code=INVALID_ARGUMENT outcome=refused reason=INVALID_REQUEST");
  EXPECT_THAT(fixture.metrics.Text(),
              HasSubstr("passfort_gateway_failed_calls_total{caller=\"local\",grpc_code="
                        "\"INVALID_ARGUMENT\",grpc_method=\"Echo\""));
}

TEST(TwoServicesTest, ACallThatReadsIsNoWrite) {
  TwoServices fixture;
  fixture.echo.Release();
  ASSERT_TRUE(fixture.Echo().status.ok());
  ASSERT_FALSE(fixture.Echo("").status.ok());
  ASSERT_TRUE(fixture.Add().status.ok());
  EXPECT_THAT(fixture.metrics.Text(),
              AllOf(HasSubstr("passfort_gateway_write_outcomes_total{caller=\"local\","
                              "grpc_method=\"AddProductApplication\",outcome=\"created\"} 1"),
                    Not(HasSubstr("passfort_gateway_write_outcomes_total{caller=\"local\","
                                  "grpc_method=\"Echo\""))));
}

TEST(TwoServicesTest, HealthAnswersForEach) {
  TwoServices fixture;
  for (const char* name : {ProductApplicationService::kName, EchoService::kName}) {
    grpc::ClientContext context;
    grpc::health::v1::HealthCheckRequest request;
    request.set_service(name);
    grpc::health::v1::HealthCheckResponse health;
    const auto stub = grpc::health::v1::Health::NewStub(fixture.Connect());
    EXPECT_TRUE(stub->Check(&context, request, &health).ok()) << name;
    EXPECT_EQ(health.status(), grpc::health::v1::HealthCheckResponse::SERVING) << name;
  }
}

}  // namespace
}  // namespace gateway
