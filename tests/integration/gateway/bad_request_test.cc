// Requests that are wrong by themselves: a clear answer, and nothing leaves for Passfort.

#include <gmock/gmock.h>
#include <grpcpp/generic/generic_stub.h>
#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "tests/integration/gateway/gateway_fixture.h"

namespace gateway {
namespace {

using grpc::StatusCode;
using ::testing::ElementsAreArray;
using ::testing::HasSubstr;

struct BadRequest {
  std::string name;
  pb::AddProductApplicationRequest request;
  std::vector<std::string> fields;

  friend void PrintTo(const BadRequest& shown, std::ostream* out) { *out << shown.name; }
};

pb::AddProductApplicationRequest WithProfileId(std::string profile_id) {
  auto request = ARequest();
  request.set_profile_id(std::move(profile_id));
  return request;
}

std::vector<BadRequest> BadRequests() {
  const std::string id = kProfileId;
  std::vector<BadRequest> bad = {
      {"NoProfileId", WithProfileId(""), {"profile_id"}},
      {"PathInProfileId", WithProfileId("../.."), {"profile_id"}},
      {"PathBehindProfileId", WithProfileId(id + "/../" + id), {"profile_id"}},
      {"QueryBehindProfileId", WithProfileId(id + "?apikey=x"), {"profile_id"}},
      {"EscapeInProfileId", WithProfileId("%2e%2e%2f" + id.substr(9)), {"profile_id"}},
      {"NewlineBehindProfileId", WithProfileId(id + "\n"), {"profile_id"}},
      {"HeaderBehindProfileId", WithProfileId(id + "\r\nx-header: 1"), {"profile_id"}},
      {"ZeroByteBehindProfileId", WithProfileId(id + std::string(1, '\0')), {"profile_id"}},
      {"SpaceBeforeProfileId", WithProfileId(" " + id), {"profile_id"}},
      {"BracesAroundProfileId", WithProfileId("{" + id + "}"), {"profile_id"}},
      {"ProfileIdOf10KiB", WithProfileId(std::string(10 * 1024, 'a')), {"profile_id"}}};

  auto no_product = ARequest();
  no_product.clear_product();
  bad.push_back({"NoProduct", no_product, {"product"}});
  auto long_alias = ARequest();
  long_alias.mutable_product()->set_alias(std::string(257, 'a'));
  bad.push_back({"LongAlias", long_alias, {"product.alias"}});
  auto product_id = ARequest();
  product_id.mutable_product()->set_id("7");
  bad.push_back({"ProductIdThatIsNone", product_id, {"product.id"}});
  auto role = ARequest();
  role.set_associated_role(static_cast<pb::AssociatedRole>(99));
  bad.push_back({"UnknownRole", role, {"associated_role"}});
  auto everything = pb::AddProductApplicationRequest();
  everything.set_associated_role(static_cast<pb::AssociatedRole>(-1));
  everything.set_request_id("with space");
  bad.push_back(
      {"EverythingAtOnce", everything, {"profile_id", "product", "associated_role", "request_id"}});
  return bad;
}

class BadRequestTest : public ::testing::TestWithParam<BadRequest> {};

TEST_P(BadRequestTest, IsRefusedByItsFieldAndNothingIsSent) {
  GatewayFixture fixture;
  const Answered answered = fixture.caller.Add(GetParam().request);

  EXPECT_EQ(answered.status.error_code(), StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(ReasonOf(answered.status), "INVALID_REQUEST");
  EXPECT_THAT(answered.error(), IsWellFormedError());
  std::vector<std::string> fields;
  const auto details = DetailOf<google::rpc::BadRequest>(answered.status);
  for (const auto& violation : details.field_violations()) fields.push_back(violation.field());
  EXPECT_THAT(fields, ElementsAreArray(GetParam().fields));
  EXPECT_EQ(fixture.passfort.counts().requests, 0);
}

INSTANTIATE_TEST_SUITE_P(Requests, BadRequestTest, ::testing::ValuesIn(BadRequests()),
                         [](const auto& info) { return info.param.name; });

TEST(BadRequestTest, ARequestIdWithoutAStoreIsRefusedAndNothingIsSent) {
  GatewayFixture fixture;
  auto request = ARequest();
  request.set_request_id("order-1");
  const Answered answered = fixture.caller.Add(request);

  EXPECT_EQ(answered.status.error_code(), StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(ReasonOf(answered.status), "REQUEST_ID_NEEDS_STORE");
  EXPECT_THAT(answered.error(), IsWellFormedError());
  EXPECT_EQ(fixture.passfort.counts().requests, 0);
}

pb::AddProductApplicationRequest OfBytes(size_t bytes) {
  auto request = ARequest();
  request.mutable_product()->set_alias(std::string(bytes, 'a'));
  return request;
}

TEST(BadRequestTest, AMessageOverTheLimitIsRefusedInOurWordsAndNothingIsSent) {
  GatewayFixture fixture;
  const Answered answered = fixture.caller.Add(OfBytes(65 * 1024));

  EXPECT_EQ(answered.status.error_code(), StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(ReasonOf(answered.status), "INVALID_REQUEST");
  EXPECT_THAT(answered.status.error_message(), HasSubstr("max_request_bytes (65536)"));
  EXPECT_THAT(answered.error(), IsWellFormedError());
  EXPECT_EQ(fixture.passfort.counts().requests, 0);
}

TEST(BadRequestTest, AMessageFarOverTheLimitIsRefusedByGrpcAndNothingIsSent) {
  GatewayFixture fixture;
  const Answered answered = fixture.caller.Add(OfBytes(1100 * 1024));

  EXPECT_EQ(answered.status.error_code(), StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(answered.status.error_message(), HasSubstr("larger than max"));
  EXPECT_EQ(fixture.passfort.counts().requests, 0);
  EXPECT_TRUE(fixture.caller.Add().status.ok());
}

// Not in our words: gRPC answers it before any handler of ours has it.
TEST(BadRequestTest, BytesThatAreNoMessageAreRefusedByGrpcAndNothingIsSent) {
  GatewayFixture fixture;
  grpc::GenericStub stub(fixture.caller.channel());
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kCallBound);
  const grpc::Slice no_message("\xFF\xFF\xFF");
  const grpc::ByteBuffer request(&no_message, 1);
  grpc::ByteBuffer response;
  std::promise<grpc::Status> done;
  stub.UnaryCall(&context, "/passfort.gateway.v1.ProductApplicationService/AddProductApplication",
                 grpc::StubOptions(), &request, &response,
                 [&done](grpc::Status status) { done.set_value(std::move(status)); });
  const grpc::Status status = done.get_future().get();

  EXPECT_EQ(status.error_code(), StatusCode::UNIMPLEMENTED);
  EXPECT_EQ(status.error_details(), "");
  EXPECT_EQ(fixture.passfort.counts().requests, 0);
  EXPECT_TRUE(fixture.caller.Add().status.ok());
}

}  // namespace
}  // namespace gateway
