// Whatever callers send: nothing of it comes out elsewhere.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "tests/attack/hostile_client.h"
#include "tests/integration/gateway/secrecy/secrecy_fixture.h"
#include "tests/support/wait_until.h"

namespace gateway {
namespace {

constexpr char kMethod[] = "/passfort.gateway.v1.ProductApplicationService/AddProductApplication";

struct CallerPath {
  std::string name;
  // Walks it, and looks whether it was walked.
  std::function<void(SecrecyFixture&)> walk;

  friend void PrintTo(const CallerPath& shown, std::ostream* out) { *out << shown.name; }
};

// A string of a protobuf message; shorter than 128 bytes.
std::string StringField(int number, const std::string& text) {
  return std::string{static_cast<char>(number << 3 | 2), static_cast<char>(text.size())} + text;
}

std::string ReasonOfAdd(SecrecyFixture& fixture, const pb::AddProductApplicationRequest& request) {
  return ReasonOf(fixture.Add(request).status);
}

void InvalidFields(SecrecyFixture& fixture) {
  auto request = ACanaryRequest();
  request.set_profile_id(std::string(kProfileIdCanary) + kAliasCanary);
  request.mutable_product()->set_alias(std::string(kAliasCanary) + "\n");
  request.mutable_product()->set_id(kAliasCanary);
  request.set_request_id(std::string(kAliasCanary) + " with space");
  EXPECT_EQ(ReasonOfAdd(fixture, request), "INVALID_REQUEST");
}

void TooLarge(SecrecyFixture& fixture) {
  auto request = ACanaryRequest();
  request.mutable_product()->set_alias(kAliasCanary + std::string(65 * 1024, 'x'));
  EXPECT_EQ(ReasonOfAdd(fixture, request), "INVALID_REQUEST");
}

void TooLargeForGrpc(SecrecyFixture& fixture) {
  const Answered answered = fixture.CallPath(kMethod, kAliasCanary + std::string(1024 * 1024, 'x'));
  EXPECT_EQ(answered.status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
}

void NoMessage(SecrecyFixture& fixture) {
  const Answered answered = fixture.CallPath(kMethod, std::string("\xFF\xFF\xFF") + kAliasCanary);
  EXPECT_FALSE(answered.status.ok());
}

// Protocol Buffers writes a line of its own.
void NoUtf8(SecrecyFixture& fixture) {
  fixture.CallPath(kMethod, StringField(1, std::string(kAliasCanary) + "\xFF"));
  fixture.gateway.WaitForLogLine("wire_format_lite.cc");
}

void NoSuchMethod(SecrecyFixture& fixture) {
  for (const char* const path :
       {"/passfort.gateway.v1.ProductApplicationService/CallerCanary", "/CallerCanary.Some/Any"}) {
    EXPECT_EQ(ReasonOf(fixture.CallPath(path, kAliasCanary).status), "UNKNOWN_METHOD");
  }
}

void RequestIdReused(SecrecyFixture& fixture) {
  fixture.passfort.Script(Lists("[]"));
  fixture.passfort.Script(Refuses(200, CanaryApplication("RequestIdReused")));
  auto request = ACanaryRequest(RequestId::kOwn);
  EXPECT_EQ(ReasonOfAdd(fixture, request), "");
  request.mutable_product()->set_alias(std::string(kAliasCanary) + "2");
  EXPECT_EQ(ReasonOfAdd(fixture, request), "REQUEST_ID_REUSED");
}

void Health(SecrecyFixture& fixture) {
  const Answered answered =
      fixture.CallPath("/grpc.health.v1.Health/Check", StringField(1, kAliasCanary));
  EXPECT_EQ(answered.status.error_code(), grpc::StatusCode::NOT_FOUND);
}

void Reflection(SecrecyFixture& fixture) {
  const Answered answered =
      fixture.CallPath("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
                       StringField(4, kAliasCanary));  // file_containing_symbol
  EXPECT_TRUE(answered.status.ok()) << answered.status.error_message();
}

void Channelz(SecrecyFixture& fixture) {
  const std::string service = "/grpc.channelz.v1.Channelz/";
  EXPECT_TRUE(fixture.CallPath(service + "GetServers", "").status.ok());
  int sockets = 0;
  for (char id = 1; id < 20; ++id) {
    const std::string message = {'\x08', id};
    fixture.CallPath(service + "GetServerSockets", message);
    if (fixture.CallPath(service + "GetSocket", message).status.ok()) ++sockets;
  }
  EXPECT_GT(sockets, 0);
}

void TooMuchMetadata(SecrecyFixture& fixture) {
  grpc::ClientContext context;
  for (int i = 0; i < 20; ++i) {
    context.AddMetadata("x-user" + std::to_string(i), kMetadataCanary + std::string(2000, 'x'));
  }
  Answered answered;
  answered.status =
      fixture.caller->stub().AddProductApplication(&context, ACanaryRequest(), &answered.response);
  answered.trailers = Received(answered.status, context).trailers;
  EXPECT_EQ(answered.status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  ExpectNothingTold(answered);
}

// gRPC writes a message of its own about metadata that it cannot read; not each is a line.
void MetadataThatIsWrong(SecrecyFixture& fixture) {
  const auto messages = [&] {
    return fixture.gateway.Counter("passfort_gateway_library_messages_total",
                                   {R"(library="gRPC")"});
  };
  for (const char* const name :
       {"grpc-timeout", "grpc-encoding", "te", "grpc-previous-rpc-attempts",
        "grpc-retry-pushback-ms", "grpc-status", "content-type", ":method", ":scheme", ":status"}) {
    HostileClient client(fixture.gateway.target());
    const std::string value = std::string(kMetadataCanary) + "\n{\"forged\":\"line\"}";
    const std::string block = RequestHeaders(kMethod) + Field(name, value);
    const double before = messages();
    client.Send(Frame(FrameType::kHeaders, kEndHeaders, 1, block) +
                Frame(FrameType::kData, kEndStream, 1, std::string(5, '\0')));
    WaitUntil(std::string("a message about ") + name, [&] { return messages() > before; });
  }
  fixture.gateway.WaitForLogLines("hpack_parser.cc", 1);
  EXPECT_THAT(fixture.gateway.LogText(), testing::Not(testing::HasSubstr("forged")));
}

class CallersTest : public testing::TestWithParam<CallerPath> {
 protected:
  static void SetUpTestSuite() {
    fixture = std::make_unique<SecrecyFixture>(
        SecrecyFixture::Settings{.flags = {"--channelz", "--reflection=on"},
                                 .environment = {"PASSFORT_GATEWAY_STORE=sqlite::memory:"}});
  }
  static void TearDownTestSuite() {
    fixture->ExpectNothingShownUntilItEnds();
    fixture.reset();
  }

  static inline std::unique_ptr<SecrecyFixture> fixture;
};

TEST_P(CallersTest, WordsAreNowhereElse) {
  GetParam().walk(*fixture);
  fixture->ExpectNothingShown();
}

INSTANTIATE_TEST_SUITE_P(
    Paths, CallersTest,
    testing::Values(CallerPath{"InvalidFields", InvalidFields}, CallerPath{"TooLarge", TooLarge},
                    CallerPath{"TooLargeForGrpc", TooLargeForGrpc},
                    CallerPath{"NoMessage", NoMessage}, CallerPath{"NoUtf8", NoUtf8},
                    CallerPath{"NoSuchMethod", NoSuchMethod},
                    CallerPath{"RequestIdReused", RequestIdReused}, CallerPath{"Health", Health},
                    CallerPath{"Reflection", Reflection}, CallerPath{"Channelz", Channelz},
                    CallerPath{"TooMuchMetadata", TooMuchMetadata},
                    CallerPath{"MetadataThatIsWrong", MetadataThatIsWrong}),
    [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace gateway
