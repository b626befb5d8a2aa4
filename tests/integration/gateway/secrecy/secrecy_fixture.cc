#include "tests/integration/gateway/secrecy/secrecy_fixture.h"

#include <gmock/gmock.h>
#include <grpcpp/generic/generic_stub.h>
#include <gtest/gtest.h>

#include <csignal>
#include <fstream>
#include <future>
#include <iterator>
#include <tuple>
#include <utility>

namespace gateway {
namespace {

using std::chrono::seconds;

// Far enough for every machine, and nearer than the pauses that Passfort is scripted to ask for.
constexpr seconds kDeadline{30};

constexpr char kCallLine[] = "\"message\":\"call\"";

std::string ReadProcFile(pid_t pid, const std::string& name) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/" + name);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

GatewayProcess::Settings ProcessSettings(const SecrecyFixture::Settings& settings,
                                         const FakePassfort& passfort) {
  GatewayProcess::Settings process = {
      .api_url = settings.api_url.empty() ? passfort.url() : settings.api_url,
      .api_key = kKeyCanary,
      .flags = {"--log_level=debug"},
      .environment = settings.environment};
  process.flags.insert(process.flags.end(), settings.flags.begin(), settings.flags.end());
  return process;
}

// {"name": "PassfortCanary-ROW-name", ...}
std::string Person(const std::string& canary) {
  return R"({"id": ")" + canary + R"(-id", "name": ")" + canary + R"(-name", "email": ")" + canary +
         R"(-email@example.com"})";
}

std::string Application(const std::string& canary, const std::string& id) {
  return R"({"id": ")" + id + R"(", "status": "APPROVED", "flag": ")" + canary +
         R"(-flag", "product": {"id": "11111111-eb6a-9d89-bb79-5b8925b33224", "alias": ")" +
         canary + R"(-alias", "name": ")" + canary +
         R"(-product"}, "history": [{"status": "APPROVED", "date": ")" + canary +
         R"(-date", "comment": ")" + canary + R"(-comment", "decisioner": )" + Person(canary) +
         R"(}], "assignments": [{"user": )" + Person(canary) + R"(, ")" + canary +
         R"(-member": ")" + canary + R"(-value"}], ")" + canary + R"(-unknown": )" +
         Person(canary) + "}";
}

}  // namespace

pb::AddProductApplicationRequest ACanaryRequest(RequestId id, int number) {
  pb::AddProductApplicationRequest request;
  request.set_profile_id(kProfileIdCanary);
  request.mutable_product()->set_alias(kAliasCanary);
  request.mutable_product()->set_id(kProductIdCanary);
  if (id == RequestId::kOwn) {
    request.set_request_id(std::string(kRequestIdCanary) + std::to_string(number));
  }
  return request;
}

void AddCanaryMetadata(grpc::ClientContext& context) {
  const std::string canary = kMetadataCanary;
  context.AddMetadata("authorization", "Bearer " + canary);
  context.AddMetadata("x-user", canary);
  context.AddMetadata("x-user-bin", canary);
  context.AddMetadata("traceparent", "00-" + canary);
}

void ExpectNothingTold(const Answered& answered) {
  std::string text = answered.status.error_message();
  for (const auto& [name, value] : answered.trailers) {
    if (name != "grpc-status-details-bin") text += "\n" + name + ": " + value;
  }
  EXPECT_THAT(Found(AllCanaries(), text), testing::IsEmpty());
  EXPECT_THAT(Found(Secrets() + OfPassfort(), answered.status.error_details()), testing::IsEmpty());
  EXPECT_THAT(Found(Words{kAliasCanary, kMetadataCanary, kProfileIdCanary},
                    answered.status.error_details()),
              testing::IsEmpty());
  EXPECT_THAT(Found(Secrets() + Words{"PassfortCanary", "CallerCanary"},
                    answered.response.SerializeAsString()),
              testing::IsEmpty());
}

SecrecyFixture::SecrecyFixture(const Settings& settings)
    : gateway(ProcessSettings(settings, passfort)) {}

Answered SecrecyFixture::Add(const pb::AddProductApplicationRequest& request) {
  Answered answered;
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kDeadline);
  AddCanaryMetadata(context);
  answered.status = caller->stub().AddProductApplication(&context, request, &answered.response);
  answered.trailers = Received(answered.status, context).trailers;
  ++calls_;
  ExpectNothingTold(answered);
  return answered;
}

Answered SecrecyFixture::CallPath(const std::string& path, const std::string& message) {
  Answered answered;
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kDeadline);
  AddCanaryMetadata(context);
  const grpc::Slice slice(message);
  const grpc::ByteBuffer request(&slice, 1);
  grpc::ByteBuffer response;
  std::promise<grpc::Status> done;
  grpc::GenericStub(caller->channel())
      .UnaryCall(&context, path, grpc::StubOptions(), &request, &response,
                 [&done](grpc::Status status) { done.set_value(std::move(status)); });
  answered.status = done.get_future().get();
  answered.trailers = Received(answered.status, context).trailers;
  ExpectNothingTold(answered);
  std::vector<grpc::Slice> slices;
  if (response.Valid()) std::ignore = response.Dump(&slices);
  std::string bytes;
  for (const grpc::Slice& one : slices) bytes.append(one.begin(), one.end());
  EXPECT_THAT(Found(Secrets() + OfPassfort() + Words{kMetadataCanary}, bytes), testing::IsEmpty());
  return answered;
}

void SecrecyFixture::WaitForCalls(size_t calls) {
  calls_ += calls;
  gateway.WaitForLogLines(kCallLine, calls_);
}

void SecrecyFixture::ExpectNothingShown() {
  WaitForCalls(0);
  calls_ = 0;
  std::string lines;
  for (const std::string& line : gateway.TakeLogLines()) {
    EXPECT_TRUE(line.starts_with(R"({"time":")")) << "not a line of the gateway's own: " << line;
    lines += line + "\n";
  }
  EXPECT_THAT(Found(AllCanaries(), lines), testing::IsEmpty());
  EXPECT_THAT(Found(AllCanaries(), gateway.Metrics()), testing::IsEmpty());
  for (const char* page : {"/", "/statusz.json"}) {
    EXPECT_THAT(Found(AllCanaries(), gateway.Page(page)), testing::IsEmpty());
  }
  // Empty where a user who is not root may not look at it, which is as good.
  EXPECT_THAT(Found(AllCanaries(), ReadProcFile(gateway.pid(), "environ")), testing::IsEmpty());
  EXPECT_THAT(Found(AllCanaries(), ReadProcFile(gateway.pid(), "cmdline")), testing::IsEmpty());
}

void SecrecyFixture::ExpectNothingShownUntilItEnds() {
  // With all of the last failures in it.
  EXPECT_THAT(Found(AllCanaries(), gateway.FreshStatus()), testing::IsEmpty());
  ExpectNothingShown();
  caller.reset();  // it would be given time to leave by itself
  gateway.Signal(SIGTERM);
  EXPECT_EQ(gateway.WaitForExit(), 0);
  EXPECT_THAT(Found(AllCanaries(), gateway.LogText()), testing::IsEmpty());
}

std::string CanaryError(const std::string& row, int code) {
  const std::string canary = PassfortCanary(row);
  return R"({"errors": [{"code": )" + std::to_string(code) + R"(, "source": ")" + canary +
         R"(-source", "message": ")" + canary + R"(-message", "info": )" + Person(canary) +
         R"(}], "user": )" + Person(canary) + "}";
}

std::string CanaryPage(const std::string& row) {
  const std::string canary = PassfortCanary(row);
  return "<html><head><title>" + canary + "-title</title></head><body>" + canary +
         "-page</body></html>";
}

std::string CanaryList(const std::string& row) {
  return "[" + Application(PassfortCanary(row), "33333333-eb6a-9d89-bb79-5b8925b33224") + "]";
}

std::string CanaryApplication(const std::string& row) {
  return Application(AnswerCanary(row), "22222222-eb6a-9d89-bb79-5b8925b33224");
}

Headers CanaryHeaders(const std::string& row) {
  const std::string canary = PassfortCanary(row);
  return {{"Server", canary + "-server"},
          {"X-Request-Id", canary + "-request"},
          {"Set-Cookie", "session=" + canary + "-cookie"},
          {"WWW-Authenticate", "Basic realm=\"" + canary + "-realm\""},
          {"Age", canary + "-age"},
          {"Location", "http://127.0.0.1:1/" + canary + "-location"}};
}

Fault Lists(std::string body, int status) {
  return {.endpoint = Endpoint::kList,
          .times = Fault::kAlways,
          .carry_out = Fault::CarryOut::kNever,
          .answer = {.status = status, .body = std::move(body)}};
}

}  // namespace gateway
