// What a further RPC takes: an endpoint of Passfort, a handler, and a row for each error of its
// own. All the rest comes with the transport and the pipeline.

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "service/http/curl_http_client.h"
#include "service/passfort/api_key_source.h"
#include "service/passfort/http_status.h"
#include "service/passfort/rest_transport.h"
#include "service/rpc/call_error.h"
#include "tests/integration/rpc/echo_service.grpc.pb.h"
#include "tests/integration/rpc/rpc_fixture.h"
#include "tests/support/raw_http_server.h"

namespace gateway {
namespace {

namespace test_pb = ::passfort::gateway::test::v1;
using ::testing::Contains;
using ::testing::HasSubstr;

// The endpoint: what is asked for, and how a whole response is read.

class ToysReading final : public ResponseReading {
 public:
  explicit ToysReading(const HttpResponse& response) : response_(response) {}

  bool ReadPiece() override { return true; }
  ReadResponse TakeOutcome(absl::Time now, const MessageFilter* messages) override {
    if (!IsSuccess(response_.status)) {
      return {ToReadOutcome(OutcomeOfResponse(response_, std::nullopt, now, messages))};
    }
    const auto json = nlohmann::json::parse(response_.body);
    return {ApiResponse{std::make_shared<std::string>(json.at("favourite").get<std::string>())}};
  }
  size_t BytesOf(const ApiResponse& /*response*/) const override { return 0; }

 private:
  const HttpResponse& response_;
};

std::unique_ptr<ResponseReading> ReadToys(const HttpResponse& response,
                                          std::string_view /*profile_id*/) {
  return std::make_unique<ToysReading>(response);
}

constexpr ApiEndpoint kGetToys{.name = "GET /profiles/{profile_id}/toys", .read = ReadToys};

// The row of its error.

constexpr ErrorEntry kNoToys{.reason = ErrorReason::kPassfortNotFound,
                             .name = "NO_TOYS",
                             .code = grpc::StatusCode::NOT_FOUND,
                             .scope = ErrorScope::kCall,
                             .phase = CallPhase::kAnswered,
                             .what = "this profile has no toys",
                             .effect = "nothing was changed",
                             .next_step = "Give it some."};

// The handler.

std::variant<std::string, std::vector<FieldViolation>> Validate(
    const test_pb::EchoRequest& request) {
  if (!request.text().empty()) return request.text();
  return std::vector<FieldViolation>{{.field = "text", .description = "is required"}};
}

constexpr UnaryMethod<test_pb::EchoRequest, test_pb::EchoResponse, std::string> kMethod = {
    .rpc = {.service = test_pb::EchoService::service_full_name(),
            .name = "Echo",
            .effect = RpcMethod::Effect::kRead},
    .validate = Validate};

class ToyService final : public test_pb::EchoService::CallbackService {
 public:
  ToyService(CallPipeline& pipeline, ApiTransport& transport)
      : pipeline_(pipeline), transport_(transport) {}

  grpc::ServerUnaryReactor* Echo(grpc::CallbackServerContext* context,
                                 const test_pb::EchoRequest* request,
                                 test_pb::EchoResponse* response) override {
    return pipeline_.Start(kMethod, *context, *request, *response,
                           [this](auto& call) { return GetToys(call); });
  }

 private:
  Task<CallResult> GetToys(
      UnaryCall<test_pb::EchoRequest, test_pb::EchoResponse, std::string>& call) {
    const std::string profile_id = call.TakeInput();
    ApiResult result =
        co_await transport_.Call(kGetToys, {.profile_id = profile_id}, call.context());
    if (const auto* const refused = std::get_if<Refused>(&result.outcome)) {
      co_return std::make_unique<CallError>(
          BuildError(kNoToys, {.reason = kNoToys.reason, .response = refused->response}));
    }
    call.response().set_text(
        *static_cast<std::string*>(std::get<ApiResponse>(result.outcome).value.get()));
    co_return Reply{};
  }

  CallPipeline& pipeline_;
  ApiTransport& transport_;
};

class FurtherRpc : public RpcFixture {
 public:
  explicit FurtherRpc(RawHttpServer::Script script)
      : RpcFixture(SomeOptions(), AccessControl::ForLocalCallers()), passfort(std::move(script)) {
    server =
        *GrpcServer::Start(SomeServerOptions(), {{test_pb::EchoService::service_full_name(), toys}},
                           pipeline, *loop, metrics);
  }
  ~FurtherRpc() { server.reset(); }

  grpc::Status Call(const std::string& text, test_pb::EchoResponse& response) {
    test_pb::EchoRequest request;
    request.set_text(text);
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + kTestBound);
    const auto status =
        test_pb::EchoService::NewStub(Connect())->Echo(&context, request, &response);
    trailers = Received(status, context).trailers;
    return status;
  }

  RawHttpServer passfort;
  std::multimap<std::string, std::string> trailers;

 private:
  const std::unique_ptr<ApiKeySource> key_ = *ApiKeySource::FromValue("test-key");
  const std::unique_ptr<CurlHttpClient> http_ = *CurlHttpClient::Create(
      *loop, memory, metrics, {.kept_response_headers = RestTransport::ResponseHeaderNames()});
  RestTransport transport_{
      {.api_url = passfort.Url()}, *http_, memory, *key_, clock, trace_ids, metrics, log};

 public:
  ToyService toys{pipeline, transport_};
};

TEST(FurtherRpcTest, AnswersWhatPassfortSays) {
  FurtherRpc fixture(AnswerAll(R"({"favourite":"a red ball"})"));
  test_pb::EchoResponse response;
  const auto status = fixture.Call(kProfileId, response);
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(response.text(), "a red ball");
  ASSERT_EQ(fixture.passfort.requests().size(), 1);
  EXPECT_EQ(fixture.passfort.requests()[0].target,
            std::string("/profiles/") + kProfileId + "/toys");
  EXPECT_EQ(fixture.passfort.requests()[0].Header("apikey"), "test-key");
  EXPECT_EQ(fixture.Counter("passfort_requests_total",
                            {R"(endpoint="GET /profiles/{profile_id}/toys")", R"(outcome="done")"}),
            1);
}

TEST(FurtherRpcTest, HasErrorsOfItsOwn) {
  FurtherRpc fixture([](RawConnection& connection) {
    while (connection.ReadRequest()) connection.Answer(404, R"({"errors":[]})");
  });
  test_pb::EchoResponse response;
  const auto status = fixture.Call(kProfileId, response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_THAT(status.error_message(), HasSubstr("this profile has no toys"));
  EXPECT_EQ(ReasonOf(status), "NO_TOYS");
  EXPECT_THAT((ReceivedError{.status = status, .trailers = fixture.trailers}), IsWellFormedError());
  fixture.log.WaitForLine("NO_TOYS");
  EXPECT_EQ(fixture.Counter("passfort_gateway_failed_calls_total", {R"(reason="NO_TOYS")"}), 1);
}

TEST(FurtherRpcTest, IsNotAskedForWhatIsWrong) {
  FurtherRpc fixture(AnswerAll("{}"));
  test_pb::EchoResponse response;
  EXPECT_EQ(ReasonOf(fixture.Call("", response)), "INVALID_REQUEST");
  EXPECT_TRUE(fixture.passfort.requests().empty());
}

}  // namespace
}  // namespace gateway
