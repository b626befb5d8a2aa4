#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <string>

#include "grpc/health/v1/health.grpc.pb.h"
#include "tests/integration/rpc/rpc_fixture.h"
#include "tests/integration/rpc/stock_client.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

constexpr char kHealthService[] = "grpc.health.v1.Health";

grpc::Status CheckHealth(const RpcFixture& fixture, const std::string& service,
                         grpc::health::v1::HealthCheckResponse& health) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kTestBound);
  grpc::health::v1::HealthCheckRequest request;
  request.set_service(service);
  return grpc::health::v1::Health::NewStub(fixture.Connect())->Check(&context, request, &health);
}

TEST(HealthTest, ServesTheWholeAndTheServiceByName) {
  RpcFixture fixture;
  for (const std::string service : {"", kServiceName, kProfileServiceName}) {
    grpc::health::v1::HealthCheckResponse health;
    EXPECT_TRUE(CheckHealth(fixture, service, health).ok()) << service;
    EXPECT_EQ(health.status(), grpc::health::v1::HealthCheckResponse::SERVING) << service;
  }
}

TEST(HealthTest, KnowsNoOtherService) {
  RpcFixture fixture;
  grpc::health::v1::HealthCheckResponse health;
  EXPECT_EQ(CheckHealth(fixture, "passfort.gateway.v1.SearchService", health).error_code(),
            grpc::StatusCode::NOT_FOUND);
}

TEST(HealthTest, IsCountedAsEveryMethodIs) {
  RpcFixture fixture;
  grpc::health::v1::HealthCheckResponse health;
  CheckHealth(fixture, "", health);
  CheckHealth(fixture, "nobody", health);
  const std::string service = "grpc_service=\"grpc.health.v1.Health\"";
  const std::string method = "grpc_method=\"Check\"";
  EXPECT_EQ(fixture.Counter("grpc_server_started_total", {service, method}), 2);
  EXPECT_EQ(fixture.Counter("grpc_server_handled_total", {service, method, "grpc_code=\"OK\""}), 1);
  EXPECT_EQ(
      fixture.Counter("grpc_server_handled_total", {service, method, "grpc_code=\"NOT_FOUND\""}),
      1);
}

TEST(ReflectionTest, ListsTheServices) {
  RpcFixture fixture;
  StockClient client(fixture.Connect());
  EXPECT_THAT(client.List(), UnorderedElementsAre(kServiceName, kProfileServiceName, kHealthService,
                                                  "grpc.reflection.v1alpha.ServerReflection"));
}

TEST(ReflectionTest, LetsAStockClientDescribeAndCallEveryMethod) {
  struct Method {
    const char* service;
    const char* name;
    const char* request;
    const char* response;
  };
  constexpr Method kMethods[] = {
      {kServiceName, "AddProductApplication",
       R"({"profileId": "a2c4393a-e219-67a4-5ab4-2186952e9038",
           "product": {"alias": "forexo_basic"}})",
       R"({"productApplication":{"id":"a1"}})"},
      {kServiceName, "GetProductApplication",
       R"({"profileId": "a2c4393a-e219-67a4-5ab4-2186952e9038",
           "productApplicationId": "edc23993-eb6a-9d89-bb79-5b8925b33224"})",
       R"({"productApplication":{"id":"edc23993-eb6a-9d89-bb79-5b8925b33224"}})"},
      {kServiceName, "ListProductApplications",
       R"({"profileId": "a2c4393a-e219-67a4-5ab4-2186952e9038"})",
       R"({"productApplications":[{"id":"a1"}]})"},
      {kProfileServiceName, "CreateProfile",
       R"({"role": "PROFILE_ROLE_INDIVIDUAL_CUSTOMER",
           "collectedData": {"entity_type": "INDIVIDUAL",
                             "personal_details": {"name": {"family_name": "Okafor"}}},
           "productApplications": [{"product": {"alias": "forexo_basic"}}]})",
       R"({"profile":{"id":"p1"}})"},
      {kProfileServiceName, "GetProfile",
       R"({"profileId": "a2c4393a-e219-67a4-5ab4-2186952e9038"})",
       R"({"profile":{"id":"a2c4393a-e219-67a4-5ab4-2186952e9038"}})"}};
  RpcFixture fixture;
  StockClient client(fixture.Connect());
  for (const Method& method : kMethods) {
    const auto* service = client.Describe(method.service);
    ASSERT_NE(service, nullptr) << method.service;
    const auto* descriptor = service->FindMethodByName(method.name);
    ASSERT_NE(descriptor, nullptr) << method.name;
    const auto result = client.Call(*descriptor, method.request);
    EXPECT_TRUE(result.status.ok()) << method.name << ": " << result.status.error_message();
    EXPECT_EQ(result.json, method.response) << method.name;
  }
}

// From a static library the linker drops health.proto: the service is listed, but not described.
TEST(ReflectionTest, LetsAStockClientDescribeAndCallTheHealthService) {
  RpcFixture fixture;
  StockClient client(fixture.Connect());
  const auto* service = client.Describe(kHealthService);
  ASSERT_NE(service, nullptr);
  const auto result = client.Call(*service->FindMethodByName("Check"), "{}");
  EXPECT_TRUE(result.status.ok()) << result.status.error_message();
  EXPECT_EQ(result.json, R"({"status":"SERVING"})");
}

class UnknownMethodTest : public testing::TestWithParam<const char*> {};

TEST_P(UnknownMethodTest, IsUnimplementedAndSharesOneLabel) {
  RpcFixture fixture;
  StockClient client(fixture.Connect());
  const grpc::Slice nothing;
  grpc::ByteBuffer answer;
  const auto result = client.CallPath(GetParam(), grpc::ByteBuffer(&nothing, 1), &answer);
  EXPECT_EQ(result.status.error_code(), grpc::StatusCode::UNIMPLEMENTED);
  EXPECT_EQ(ReasonOf(result.status), "UNKNOWN_METHOD");
  EXPECT_THAT((ReceivedError{result.status, result.trailers}), IsWellFormedError());

  const std::string service = "grpc_service=\"unknown\"";
  const std::string method = "grpc_method=\"unknown\"";
  EXPECT_EQ(fixture.Counter("grpc_server_started_total", {service, method}), 1);
  EXPECT_EQ(fixture.Counter("grpc_server_handled_total",
                            {service, method, "grpc_code=\"UNIMPLEMENTED\""}),
            1);
  EXPECT_EQ(fixture.Counter("passfort_gateway_failed_calls_total",
                            {method, "grpc_code=\"UNIMPLEMENTED\"", "reason=\"UNKNOWN_METHOD\""}),
            1);
}

INSTANTIATE_TEST_SUITE_P(OfNoService, UnknownMethodTest,
                         testing::Values("/nobody.v1.Service/Method"));
INSTANTIATE_TEST_SUITE_P(OfOurService, UnknownMethodTest,
                         testing::Values("/passfort.gateway.v1.ProductApplicationService/Nothing"));
INSTANTIATE_TEST_SUITE_P(OfTheHealthService, UnknownMethodTest,
                         testing::Values("/grpc.health.v1.Health/Nothing"));

TEST(ListenTest, TwoGatewaysOnOnePortAreAnError) {
  RpcFixture fixture;
  auto options = SomeServerOptions();
  options.listen = fixture.address();
  const auto second = fixture.StartServer(options);
  EXPECT_EQ(second.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(second.status().message()),
              HasSubstr("listen on " + fixture.address() + ": bind: Address already in use"));
}

}  // namespace
}  // namespace gateway
