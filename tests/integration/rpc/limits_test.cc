// What one caller can take from the others, and what it may do.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <future>
#include <string>
#include <utility>
#include <vector>

#include "tests/integration/rpc/raw_caller.h"
#include "tests/integration/rpc/rpc_fixture.h"

namespace gateway {
namespace {

using namespace std::chrono_literals;
using ::testing::IsEmpty;

constexpr char kPath[] = "/passfort.gateway.v1.ProductApplicationService/AddProductApplication";

grpc::Status AddOn(const std::shared_ptr<grpc::Channel>& channel) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kTestBound);
  pb::AddProductApplicationResponse response;
  return pb::ProductApplicationService::NewStub(channel)->AddProductApplication(
      &context, ARequest(), &response);
}

// About 25 kB of memory.
pb::ProductApplication ALargeApplication() {
  pb::ProductApplication application = AnApplication();
  (*application.mutable_unmapped()->mutable_fields())["new"].set_string_value(
      std::string(10'000, 'a'));
  return application;
}

// gRPC inflates a message before it looks at its size.
TEST(LimitsTest, TakesNoCompressedRequest) {
  RpcFixture fixture;
  for (const auto algorithm : {GRPC_COMPRESS_GZIP, GRPC_COMPRESS_DEFLATE}) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + kTestBound);
    context.set_compression_algorithm(algorithm);
    auto request = ARequest();
    request.set_request_id(std::string(60'000, 'a'));
    const Answered answered = fixture.AddWith(context, request);
    EXPECT_EQ(answered.status.error_code(), grpc::StatusCode::UNIMPLEMENTED)
        << answered.status.error_message();
  }
  EXPECT_THAT(fixture.writer.asked(), IsEmpty());
}

TEST(LimitsTest, Takes15KiBOfMetadata) {
  RpcFixture fixture;
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kTestBound);
  context.AddMetadata("baggage", std::string(15 * 1024, 'a'));
  const Answered answered = fixture.AddWith(context);
  EXPECT_TRUE(answered.status.ok()) << answered.status.error_message();
}

// gRPC would end the connection at the third, and the calls on it. Its own client asks once a
// second at most, which is as little to the server's liking, but needs seconds.
TEST(LimitsTest, LetsAClientAskOftenWhetherItsConnectionLives) {
  constexpr int kPings = 20;
  RpcFixture fixture;
  fixture.writer.Hold();
  const RawCaller caller(fixture.server->port());
  for (int i = 0; i < kPings; ++i) {
    caller.Ping();
    ASSERT_TRUE(caller.WaitForFrame(RawCaller::kPing)) << i << ", without a call";
  }
  caller.Call(kPath, ARequest().SerializeAsString());
  fixture.writer.WaitUntilAsked(1);
  for (int i = 0; i < kPings; ++i) {
    caller.Ping();
    ASSERT_TRUE(caller.WaitForFrame(RawCaller::kPing)) << i << ", with one";
  }
  fixture.writer.Release();
  EXPECT_TRUE(caller.WaitForFrame(RawCaller::kHeaders));
}

TEST(LimitsTest, OneConnectionLeavesPlacesToOthers) {
  constexpr int kMaxOfOne = 14;
  auto options = SomeOptions();
  options.max_in_flight = 16;
  RpcFixture fixture(options);
  fixture.writer.Hold();
  const auto greedy = fixture.Connect();
  std::vector<std::future<grpc::Status>> calls;
  for (int i = 0; i < kMaxOfOne + 1; ++i) {
    calls.push_back(std::async(std::launch::async, [&] { return AddOn(greedy); }));
  }
  fixture.writer.WaitUntilAsked(kMaxOfOne);
  auto other = fixture.StartAdd();
  fixture.writer.WaitUntilAsked(kMaxOfOne + 1);
  fixture.writer.Release();
  EXPECT_TRUE(other.get().status.ok());
  for (auto& call : calls) {
    const grpc::Status status = call.get();
    EXPECT_TRUE(status.ok()) << status.error_message();
  }
}

TEST(LimitsTest, GivesUpAnAnswerThatItsCallerDoesNotRead) {
  auto options = SomeOptions();
  options.reply_read_within = 50ms;
  RpcFixture fixture(options);
  const RawCaller caller(fixture.server->port());
  caller.Call(kPath, ARequest().SerializeAsString());
  EXPECT_TRUE(caller.WaitForFrame(RawCaller::kRstStream));
  EXPECT_THAT(fixture.metrics.Text(),
              testing::HasSubstr("passfort_gateway_unread_answers_total 1"));
}

TEST(LimitsTest, ShortensAnAnswerBesideTooManyResults) {
  RpcFixture fixture;
  ResponseMemory::Share others(fixture.memory, ResponseMemory::Use::kResult);
  others.Set(size_t{64} * 1024 * 1024);
  fixture.writer.Answer(DoneResult(ALargeApplication()));
  const Answered shortened = fixture.Add();
  ASSERT_TRUE(shortened.status.ok()) << shortened.status.error_message();
  EXPECT_TRUE(shortened.trailers.contains("gateway-answer-shortened"));
  EXPECT_EQ(shortened.response.product_application().id(), "a1");
  EXPECT_FALSE(shortened.response.product_application().has_unmapped());

  others.Set(0);
  const Answered whole = fixture.Add();
  EXPECT_FALSE(whole.trailers.contains("gateway-answer-shortened"));
  EXPECT_TRUE(whole.response.product_application().has_unmapped());
}

// The result takes its share until its reply is made to fit, also if it is the only one.
TEST(LimitsTest, ShortensAnAnswerThatIsTooMuchByItself) {
  struct Result {
    explicit Result(ResponseMemory& memory) : share(memory, ResponseMemory::Use::kResult) {}
    ResponseMemory::Share share;
    pb::ProductApplication application = ALargeApplication();
  };
  RpcFixture fixture;
  auto result = std::make_shared<Result>(fixture.memory);
  result->share.Set(size_t{64} * 1024 * 1024);
  pb::ProductApplication* const application = &result->application;
  ScriptedWriter::Script script;
  script.answer.outcome = Done{.application = {std::move(result), application}, .error_code = {}};
  script.gives_it_away = true;
  fixture.writer.Follow(std::move(script));

  EXPECT_TRUE(fixture.Add().trailers.contains("gateway-answer-shortened"));
  fixture.writer.Answer(DoneResult(ALargeApplication()));
  EXPECT_FALSE(fixture.Add().trailers.contains("gateway-answer-shortened")) << "it is given back";
}

// A result is estimated at first. Others may have what is left of the memory.
TEST(LimitsTest, ALargeAnswerIsMeasuredBeforeItIsShortened) {
  constexpr size_t kMiB = size_t{1024} * 1024;
  RpcFixture fixture;
  ResponseMemory::Share others(fixture.memory, ResponseMemory::Use::kResult);
  others.Set(40 * kMiB);
  ScriptedWriter::Script script;
  script.answer.outcome =
      Done{.application = std::static_pointer_cast<pb::ProductApplication>(
               CountResult(std::make_shared<pb::ProductApplication>(ALargeApplication()), 64 * kMiB,
                           fixture.memory)),
           .error_code = {}};
  script.gives_it_away = true;
  fixture.writer.Follow(std::move(script));

  const Answered whole = fixture.Add();
  EXPECT_TRUE(whole.status.ok()) << whole.status.error_message();
  EXPECT_FALSE(whole.trailers.contains("gateway-answer-shortened"));
  EXPECT_TRUE(whole.response.product_application().has_unmapped());
}

CallPipeline::Options RoomForOneLargeAnswer() {
  auto options = SomeOptions();
  options.max_unread_bytes = 20'000;
  return options;
}

TEST(LimitsTest, RefusesCallsOfAConnectionThatDoesNotReadAndServesOthers) {
  RpcFixture fixture(RoomForOneLargeAnswer());
  fixture.writer.Answer(DoneResult(ALargeApplication()));
  const RawCaller caller(fixture.server->port());
  caller.Call(kPath, ARequest().SerializeAsString(), 1);
  ASSERT_TRUE(caller.WaitForFrame(RawCaller::kHeaders));
  caller.Call(kPath, ARequest().SerializeAsString(), 3);
  ASSERT_TRUE(caller.WaitForFrame(RawCaller::kHeaders));
  EXPECT_EQ(fixture.Counter("grpc_server_handled_total", {"grpc_code=\"RESOURCE_EXHAUSTED\""}), 1);
  EXPECT_EQ(fixture.writer.asked().size(), 1U);

  fixture.writer.Answer(DoneResult(AnApplication()));
  const Answered answered = fixture.Add();
  EXPECT_TRUE(answered.status.ok()) << answered.status.error_message();
}

TEST(LimitsTest, ShortensTheFurtherAnswersOfAConnectionThatDoesNotRead) {
  RpcFixture fixture(RoomForOneLargeAnswer());
  ScriptedWriter::Script script;
  script.when = ScriptedWriter::When::kHeld;
  script.answer = DoneResult(ALargeApplication());
  fixture.writer.Follow(std::move(script));
  const RawCaller caller(fixture.server->port());
  caller.Call(kPath, ARequest().SerializeAsString(), 1);
  caller.Call(kPath, ARequest().SerializeAsString(), 3);
  fixture.writer.WaitUntilAsked(2);
  fixture.writer.Release();
  fixture.log.WaitForLine("response truncated");
  ASSERT_TRUE(caller.WaitForFrame(RawCaller::kHeaders));
  ASSERT_TRUE(caller.WaitForFrame(RawCaller::kHeaders));
  EXPECT_EQ(std::ranges::count_if(fixture.log.lines(),
                                  [](const std::string& line) {
                                    return line.find("response truncated") != std::string::npos;
                                  }),
            1);
}

}  // namespace
}  // namespace gateway
