// Who may see and settle writes.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/integration/gateway/access/access_fixture.h"
#include "tests/integration/gateway/operations_caller.h"

namespace gateway {
namespace {

using grpc::StatusCode;
using nlohmann::json;
using ::testing::HasSubstr;

constexpr char kOnCall[] = "spiffe://bank.example/ns/operations/sa/on-call";
constexpr char kSupport[] = "spiffe://bank.example/ns/support/sa/app";

json Rule(const std::string& name, const std::vector<std::string>& principals,
          const std::vector<std::string>& paths) {
  return {
      {"name", name}, {"source", {{"principals", principals}}}, {"request", {{"paths", paths}}}};
}

// Callers may ask for their own, and those on call may do everything here.
std::string Policy() {
  const std::string service = "/passfort.gateway.operations.v1.OperationsService/";
  return json{{"name", "test"},
              {"allow_rules",
               {Rule("callers", {kOnboarding, kSupport},
                     {"/passfort.gateway.v1.ProductApplicationService/*", service + "GetRequest"}),
                Rule("on call", {kOnCall}, {service + "*"})}}}
      .dump();
}

// In no order on the wire.
std::map<std::string, std::string> MetadataOf(const grpc::Status& status) {
  const auto metadata = DetailOf<google::rpc::ErrorInfo>(status).metadata();
  return {metadata.begin(), metadata.end()};
}

class OperationsAccessTest : public testing::Test {
 protected:
  GatewayCaller CallerOf(const std::string& principal) const {
    return tls_.CallerWith(CallerContent({Uri(principal)}));
  }
  OperationsCaller OperationsOf(const std::string& principal) const {
    return OperationsCaller(CallerOf(principal));
  }

  const TemporaryFolder folder_;
  const MountedFiles files_{{{"policy.json", Policy()}}};
  MutualTlsFixture tls_{{"--authorization_policy_file=" + files_.File("policy.json"),
                         "--store=sqlite:" + folder_.File("records.db"), "--operations_service"}};
};

TEST_F(OperationsAccessTest, ACallerSeesItsOwnAndWhoMayListSeesAll) {
  auto request = ARequest();
  request.set_request_id("order-1");
  ASSERT_TRUE(CallerOf(kOnboarding).Add(request).status.ok());

  const auto own = OperationsOf(kOnboarding).Get("order-1");
  ASSERT_TRUE(own.status.ok()) << own.status.error_message();
  EXPECT_EQ(own.response.request().principal(), kOnboarding);
  EXPECT_EQ(own.response.request().result_source(), operations_pb::RESULT_SOURCE_RECEIVED);
  EXPECT_TRUE(OperationsOf(kOnCall).Get("order-1").status.ok());

  // Exactly as if it did not exist.
  const auto anothers = OperationsOf(kSupport).Get("order-1");
  const auto none = OperationsOf(kSupport).Get("order-2");
  EXPECT_EQ(ReasonOf(anothers.status), "REQUEST_NOT_FOUND");
  EXPECT_EQ(anothers.status.error_code(), none.status.error_code());
  EXPECT_EQ(anothers.status.error_message(), none.status.error_message());
  EXPECT_EQ(MetadataOf(anothers.status), MetadataOf(none.status));
  EXPECT_EQ(anothers.status.error_details().size(), none.status.error_details().size());
  EXPECT_EQ(anothers.trailers.size(), none.trailers.size());
}

TEST_F(OperationsAccessTest, WhoMayNotListOrSettleIsRefusedBeforeTheRequestIsLookedAt) {
  EXPECT_EQ(OperationsOf(kOnboarding).List().status.error_code(), StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(OperationsOf(kOnboarding).Settle({}).status.error_code(),
            StatusCode::PERMISSION_DENIED);
  EXPECT_TRUE(OperationsOf(kOnCall).List().status.ok());
}

TEST(OperationsStartTest, BeyondLoopbackItNeedsAPolicy) {
  const GatewayRun run = RunGateway({"--listen=0.0.0.0:0", "--allow_insecure_listen",
                                     "--store=sqlite::memory:", "--operations_service"});
  EXPECT_EQ(run.exit_code, 2);
  EXPECT_THAT(run.error, HasSubstr("operations_service: listen"));
  EXPECT_THAT(run.error, HasSubstr("authorization_policy_file"));
}

TEST(OperationsStartTest, ItNeedsAStore) {
  const GatewayRun run = RunGateway({"--operations_service"});
  EXPECT_EQ(run.exit_code, 2);
  EXPECT_THAT(run.error, HasSubstr("operations_service: without a store"));
}

}  // namespace
}  // namespace gateway
