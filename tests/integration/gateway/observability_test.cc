// What an operator sees of the gateway from outside: metrics, log, channelz, reflection.

#include <gmock/gmock.h>
#include <grpcpp/generic/generic_stub.h>
#include <gtest/gtest.h>

#include <future>
#include <nlohmann/json.hpp>
#include <string>

#include "tests/integration/gateway/faults.h"
#include "tests/integration/gateway/gateway_fixture.h"
#include "tests/support/call_path.h"

namespace gateway {
namespace {

using grpc::StatusCode;
using nlohmann::json;
using ::testing::AnyOf;
using ::testing::HasSubstr;

// Calls a unary method by its path with an empty message.
constexpr char kService[] = "grpc_service=\"passfort.gateway.v1.ProductApplicationService\"";
constexpr char kMethod[] = "grpc_method=\"AddProductApplication\"";

TEST(ObservationTest, MetricsCountCallsByMethodAndCode) {
  GatewayFixture fixture;
  ASSERT_TRUE(fixture.caller.Add().status.ok());
  ASSERT_TRUE(fixture.caller.Add().status.ok());
  fixture.passfort.Script(Refuses(404, kErrorWithoutCode));
  fixture.caller.Add();

  const auto handled = [&](const std::string& code) {
    return fixture.gateway.Counter("grpc_server_handled_total",
                                   {kService, kMethod, "grpc_code=\"" + code + "\""});
  };
  EXPECT_EQ(handled("OK"), 2);
  EXPECT_EQ(handled("NOT_FOUND"), 1);
  EXPECT_EQ(fixture.gateway.Counter("grpc_server_started_total", {kService, kMethod}), 3);
  EXPECT_EQ(fixture.gateway.Counter("grpc_server_handling_seconds_count", {kService, kMethod}), 3);
}

TEST(ObservationTest, MetricsCountRequestsToPassfortByTemplateAndOutcome) {
  GatewayFixture fixture;
  ASSERT_TRUE(fixture.caller.Add().status.ok());
  fixture.passfort.Script(MakesAndThen(Fault::Then::kReset));
  fixture.caller.Add();

  const auto requests = [&](const std::string& outcome) {
    return fixture.gateway.Counter(
        "passfort_requests_total",
        {"endpoint=\"POST /profiles/{profile_id}/applications\"", "outcome=\"" + outcome + "\""});
  };
  EXPECT_EQ(requests("done"), 1);
  EXPECT_EQ(requests("ambiguous"), 1);
}

TEST(ObservationTest, UnknownMethodsAreRefusedAndShareOneLabel) {
  GatewayFixture fixture;
  for (const char* path : {"/passfort.gateway.v1.ProductApplicationService/NoSuchMethod",
                           "/no.such.Service/Method-4711"}) {
    const Answered answered = CallPath(fixture.caller, path);
    EXPECT_EQ(answered.status.error_code(), StatusCode::UNIMPLEMENTED);
    EXPECT_EQ(ReasonOf(answered.status), "UNKNOWN_METHOD");
    EXPECT_THAT(answered.error(), IsWellFormedError());
  }
  EXPECT_EQ(fixture.gateway.Counter("grpc_server_handled_total",
                                    {"grpc_service=\"unknown\"", "grpc_method=\"unknown\"",
                                     "grpc_code=\"UNIMPLEMENTED\""}),
            2);
}

TEST(ObservationTest, EachCallIsOneJsonLine) {
  GatewayFixture fixture;
  fixture.passfort.Script(Refuses(422, ErrorBody(201)));
  fixture.caller.Add();

  const auto line = json::parse(fixture.gateway.WaitForLogLine("\"message\":\"call\""));
  EXPECT_EQ(line.at("method"), "AddProductApplication");
  EXPECT_EQ(line.at("code"), "INVALID_ARGUMENT");
  EXPECT_EQ(line.at("reason"), "PASSFORT_REJECTED_INPUT");
  EXPECT_EQ(line.at("http_status"), 422);
  for (const auto& any : fixture.gateway.LogLines()) EXPECT_TRUE(json::accept(any)) << any;
}

TEST(ObservationTest, HealthIsServedForTheProcess) {
  const GatewayFixture fixture;
  EXPECT_TRUE(CallPath(fixture.caller, "/grpc.health.v1.Health/Check").status.ok());
}

TEST(ObservationTest, SaysThatPassfortNamedAnErrorBesideTheApplication) {
  GatewayFixture fixture;
  fixture.passfort.Script(
      {.endpoint = Endpoint::kAdd,
       .answer = {.body = R"({"id": "a1", "errors": [{"code": 101, "message": "m"}]})"}});
  EXPECT_TRUE(fixture.caller.Add().status.ok());
  const std::string line =
      fixture.gateway.WaitForLogLine("Passfort created the application but also reported an error");
  EXPECT_THAT(line, testing::HasSubstr("\"passfort_code\":101"));
}

TEST(ObservationTest, SaysThatAListIsOfAnotherProfile) {
  GatewayFixture fixture({"--store=sqlite::memory:"});
  fixture.passfort.Script({.endpoint = Endpoint::kList,
                           .answer = {.body = R"([{"id": "a1", "profile_id": "another"}])"}});
  auto request = ARequest();
  request.set_request_id("order-1");
  fixture.caller.Add(request);
  fixture.gateway.WaitForLogLine(
      "Passfort listed applications of another profile; the list is not used");
}

constexpr char kChannelz[] = "/grpc.channelz.v1.Channelz/GetServers";

TEST(ObservationTest, ChannelzIsOffByDefault) {
  const GatewayFixture fixture;
  EXPECT_EQ(CallPath(fixture.caller, kChannelz).status.error_code(), StatusCode::UNIMPLEMENTED);
}

TEST(ObservationTest, ChannelzAnswersIfItIsAskedFor) {
  const GatewayFixture fixture({"--channelz"});
  const Answered answered = CallPath(fixture.caller, kChannelz);
  EXPECT_TRUE(answered.status.ok()) << answered.status.error_message();
}

}  // namespace
}  // namespace gateway
