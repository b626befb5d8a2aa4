// What joins the gateway's log with its callers' and with Passfort's: the trace of a call.

#include <gmock/gmock.h>
#include <grpcpp/generic/generic_stub.h>
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <future>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/integration/gateway/at_most_once_fixture.h"
#include "tests/integration/gateway/faults.h"
#include "tests/integration/gateway/gateway_fixture.h"
#include "tests/support/temporary_folder.h"

namespace gateway {
namespace {

using namespace std::chrono_literals;
using grpc::StatusCode;
using nlohmann::json;
using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::IsSupersetOf;
using ::testing::MatchesRegex;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

constexpr char kTraceId[] = "4bf92f3577b34da6a3ce929d0e0e4736";
constexpr char kTraceparent[] = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
constexpr char kOtherTraceId[] = "11111111111111111111111111111111";
constexpr char kOtherTraceparent[] = "00-11111111111111111111111111111111-00f067aa0ba902b7-01";

std::vector<std::string> HeadersNamed(const LoggedRequest& request, const std::string& wanted) {
  std::vector<std::string> values;
  for (const auto& [name, value] : request.headers) {
    if (name == wanted) values.push_back(value);
  }
  return values;
}

// Of a request's one header "version-trace-span-flags". Empty if it has none, or none of that form.
struct SentTrace {
  std::string trace_id;
  std::string span_id;
  std::string flags;
};
SentTrace TraceOf(const LoggedRequest& request) {
  const auto headers = HeadersNamed(request, "traceparent");
  EXPECT_EQ(headers.size(), 1u) << request.method << ' ' << request.target;
  if (headers.size() != 1) return {};
  EXPECT_THAT(headers[0], MatchesRegex("00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]"));
  return {headers[0].substr(3, 32), headers[0].substr(36, 16), headers[0].substr(53)};
}

std::vector<std::string> TraceIdsAt(const FakePassfort& passfort) {
  std::vector<std::string> ids;
  for (const auto& request : passfort.requests()) ids.push_back(TraceOf(request).trace_id);
  return ids;
}

// Of the gateway's state, whichever call notices it first.
bool IsOfAState(const std::string& message) {
  return message.starts_with("Passfort cannot be reached") ||
         message == "Passfort can be reached again";
}

// The lines since the gateway serves, without those of its state.
struct CallLines {
  std::vector<std::string> messages;
  std::vector<std::string> trace_ids;
};
CallLines LinesOfCalls(const GatewayProcess& gateway) {
  CallLines lines;
  bool is_serving = false;
  for (const auto& text : gateway.LogLines()) {
    const auto line = json::parse(text);
    if (is_serving && !IsOfAState(line.at("message"))) {
      lines.messages.push_back(line.at("message"));
      lines.trace_ids.push_back(line.value("trace_id", "none"));
    }
    is_serving = is_serving || line.at("message") == "serving";
  }
  return lines;
}

using Metadata = std::vector<std::pair<std::string, std::string>>;

grpc::Status AddWith(const GatewayCaller& caller, const Metadata& metadata,
                     const pb::AddProductApplicationRequest& request = ARequest(),
                     std::chrono::milliseconds timeout = kCallBound) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + timeout);
  for (const auto& [name, value] : metadata) context.AddMetadata(name, value);
  pb::AddProductApplicationResponse response;
  return caller.stub().AddProductApplication(&context, request, &response);
}

grpc::Status AddTraced(const GatewayCaller& caller,
                       const pb::AddProductApplicationRequest& request = ARequest(),
                       std::chrono::milliseconds timeout = kCallBound) {
  return AddWith(
      caller,
      {{"traceparent", kTraceparent}, {"tracestate", "rojo=00f067aa0ba902b7, congo=t61rcWkgMzE"}},
      request, timeout);
}

TEST(TraceTest, TheCallersTraceReachesPassfortAndTheLineOfTheCall) {
  const GatewayFixture fixture;
  ASSERT_TRUE(AddTraced(fixture.caller).ok());

  const auto requests = fixture.passfort.requests();
  ASSERT_EQ(requests.size(), 1u);
  const SentTrace sent = TraceOf(requests[0]);
  EXPECT_EQ(sent.trace_id, kTraceId);
  EXPECT_NE(sent.span_id, "00f067aa0ba902b7") << "the caller's own, not the gateway's";
  EXPECT_EQ(sent.flags, "01");
  EXPECT_THAT(HeadersNamed(requests[0], "tracestate"),
              ElementsAre("rojo=00f067aa0ba902b7, congo=t61rcWkgMzE"));
  fixture.gateway.WaitForLogLine(R"("message":"call")");
  EXPECT_THAT(LinesOfCalls(fixture.gateway).trace_ids, ElementsAre(kTraceId));
}

TEST(TraceTest, EveryLineOfACallThatIsRepeatedHasItsTrace) {
  GatewayFixture fixture({"--circuit_breaker=false"});
  fixture.passfort.GoAway();
  auto call = std::async(std::launch::async, [&fixture] { return AddTraced(fixture.caller); });
  fixture.gateway.WaitForLogLine("no response from Passfort");
  fixture.passfort.ComeBack();
  EXPECT_TRUE(call.get().ok());

  EXPECT_THAT(TraceIdsAt(fixture.passfort), ElementsAre(kTraceId));
  fixture.gateway.WaitForLogLine(R"("message":"call")");
  const CallLines lines = LinesOfCalls(fixture.gateway);
  EXPECT_THAT(lines.messages, IsSupersetOf({"no response from Passfort", "call"}));
  EXPECT_THAT(lines.trace_ids, Each(kTraceId));
}

TEST(TraceTest, EveryLineOfACallThatFailsHasItsTrace) {
  GatewayFixture fixture;
  fixture.passfort.Script(MakesAndThen(Fault::Then::kReset));
  EXPECT_EQ(AddTraced(fixture.caller).error_code(), StatusCode::UNKNOWN);

  fixture.gateway.WaitForLogLine(R"("message":"call")");
  const CallLines lines = LinesOfCalls(fixture.gateway);
  EXPECT_THAT(lines.messages, ElementsAre("no response from Passfort", "call"));
  EXPECT_THAT(lines.trace_ids, Each(kTraceId));
}

TEST(TraceTest, ACallWithARequestIdHasOneTraceFromItsFirstReadToItsReconciliation) {
  const TemporaryFolder folder;
  FakePassfort passfort;
  const GatewayWithStore gateway(passfort, "sqlite:" + folder.File("store.db"));
  passfort.Script(MakesAndThen(Fault::Then::kReset));
  ASSERT_TRUE(AddTraced(gateway.caller, ARequestWithId()).ok());

  const auto requests = passfort.requests();
  ASSERT_GE(requests.size(), 3u);  // list, POST, list
  std::set<std::string> span_ids;
  for (const auto& request : requests) span_ids.insert(TraceOf(request).span_id);
  EXPECT_EQ(span_ids.size(), requests.size()) << "each request is a span of its own";
  EXPECT_THAT(TraceIdsAt(passfort), Each(kTraceId));
  gateway.process.WaitForLogLine(R"("message":"call")");
  const CallLines lines = LinesOfCalls(gateway.process);
  EXPECT_THAT(lines.messages, ElementsAre("no response from Passfort", "call"));
  EXPECT_THAT(lines.trace_ids, Each(kTraceId));
}

// Nobody can look at the profile's applications, but before the write.
Fault NoList() {
  return {.method = "GET",
          .skip = 1,
          .times = Fault::kAlways,
          .carry_out = Fault::CarryOut::kNever,
          .answer = {.status = 503, .body = HtmlPage(500)}};
}

TEST(TraceTest, WhatTheBackgroundFindsOutIsOfTheCallThatLeftIt) {
  const TemporaryFolder folder;
  FakePassfort passfort;
  const GatewayWithStore gateway(passfort, "sqlite:" + folder.File("store.db"));
  passfort.Script(MakesAndThen(Fault::Then::kReset));
  passfort.Script(NoList());
  // The caller leaves before it is known, and the call is over then.
  EXPECT_FALSE(AddTraced(gateway.caller, ARequestWithId(), 1s).ok());
  passfort.ClearFaults();
  const std::string line =
      gateway.process.WaitForLogLine("a write that was left unknown is settled");

  EXPECT_THAT(line, HasSubstr(R"("end":"done")"));
  EXPECT_THAT(line, HasSubstr(kTraceId));
  EXPECT_THAT(TraceIdsAt(passfort), Each(kTraceId));
  EXPECT_THAT(LinesOfCalls(gateway.process).trace_ids, Each(kTraceId));
}

TEST(TraceTest, WhatAnotherGatewayFindsOutHasATraceOfItsOwn) {
  const TemporaryFolder folder;
  const std::string store = "sqlite:" + folder.File("store.db");
  FakePassfort passfort;
  {
    GatewayWithStore gateway(passfort, store);
    passfort.Script(MakesAndThen(Fault::Then::kReset));
    passfort.Script(NoList());
    EXPECT_FALSE(AddTraced(gateway.caller, ARequestWithId(), 1s).ok());
    gateway.process.Signal(SIGKILL);
    gateway.process.WaitForExit();
  }
  passfort.ClearFaults();
  const GatewayWithStore gateway(passfort, store);
  const std::string line =
      gateway.process.WaitForLogLine("a write that was left unknown is settled");
  EXPECT_EQ(json::parse(line).at("trace_id"), TraceIdsAt(passfort).back());
  EXPECT_THAT(line, Not(HasSubstr(kTraceId)));
}

TEST(TraceTest, TheLinesOfAnIdenticalCallLeadToTheTraceOfItsWrite) {
  FakePassfort passfort;
  const GatewayWithStore gateway(passfort, "sqlite::memory:");
  passfort.Script({.endpoint = Endpoint::kAdd, .hold = Fault::Hold::kBeforeAnswer});
  const auto add = [&](const std::string& traceparent) {
    return std::async(std::launch::async, [&, traceparent] {
      return AddWith(gateway.caller, {{"traceparent", traceparent}}, ARequestWithId());
    });
  };
  auto first = add(kTraceparent);
  ASSERT_TRUE(passfort.WaitUntil([&] { return passfort.counts().created == 1; }));
  auto second = add(kOtherTraceparent);
  const auto line = json::parse(gateway.process.WaitForLogLine("joins the write"));
  passfort.Release();
  EXPECT_TRUE(first.get().ok());
  EXPECT_TRUE(second.get().ok());

  EXPECT_EQ(line.at("trace_id"), kOtherTraceId);
  EXPECT_EQ(line.at("write_trace_id"), kTraceId);
  gateway.process.WaitForLogLines(R"("message":"call")", 2);
  EXPECT_THAT(LinesOfCalls(gateway.process).trace_ids,
              UnorderedElementsAre(kTraceId, kOtherTraceId, kOtherTraceId));
}

TEST(TraceTest, ALaterCallLeadsToTheTraceOfTheOneThatLeftItUnknown) {
  FakePassfort passfort;
  const GatewayWithStore gateway(passfort, "sqlite::memory:");
  passfort.Script(MakesAndThen(Fault::Then::kReset));
  passfort.Script(NoList());
  EXPECT_FALSE(AddTraced(gateway.caller, ARequestWithId(), 1s).ok());
  EXPECT_FALSE(
      AddWith(gateway.caller, {{"traceparent", kOtherTraceparent}}, ARequestWithId(), 1s).ok());
  // It joins the first one's session, or goes on with what that left.
  const auto line = json::parse(gateway.process.WaitForLogLine("write_trace_id"));
  EXPECT_EQ(line.at("trace_id"), kOtherTraceId);
  EXPECT_EQ(line.at("write_trace_id"), kTraceId);
}

TEST(TraceTest, AWriteThatEndsAfterItsCallerLeftSaysSoInItsTrace) {
  FakePassfort passfort;
  const GatewayWithStore gateway(passfort, "sqlite::memory:");
  passfort.Script({.endpoint = Endpoint::kAdd, .hold = Fault::Hold::kBeforeAnswer});
  EXPECT_FALSE(AddTraced(gateway.caller, ARequestWithId(), 1s).ok());
  passfort.Release();
  const std::string line =
      gateway.process.WaitForLogLine("a write ended after its callers had left");
  EXPECT_THAT(line, HasSubstr(R"("end":"done")"));
  EXPECT_THAT(line, HasSubstr(kTraceId));
}

TEST(TraceTest, ACallThatIsCancelledHasOneLine) {
  GatewayFixture fixture;
  fixture.passfort.Script({.endpoint = Endpoint::kAdd, .hold = Fault::Hold::kBeforeAnswer});
  grpc::ClientContext context;
  context.AddMetadata("traceparent", kTraceparent);
  pb::AddProductApplicationResponse response;
  auto call = std::async(std::launch::async, [&] {
    return fixture.caller.stub().AddProductApplication(&context, ARequest(), &response);
  });
  ASSERT_TRUE(fixture.passfort.WaitUntil([&] { return fixture.passfort.counts().created == 1; }));
  context.TryCancel();
  EXPECT_EQ(call.get().error_code(), StatusCode::CANCELLED);

  fixture.gateway.WaitForLogLine(R"("message":"call")");
  fixture.gateway.Signal(SIGTERM);
  EXPECT_EQ(fixture.gateway.WaitForExit(), 0);
  const CallLines lines = LinesOfCalls(fixture.gateway);
  EXPECT_THAT(lines.messages, Contains("call").Times(1));
  EXPECT_THAT(lines.trace_ids, Contains(kTraceId));
}

TEST(TraceTest, AResponseThatIsOfNoUseIsALineOfItsCall) {
  GatewayFixture fixture;
  fixture.passfort.Script(Refuses(503, HtmlPage(500)));
  EXPECT_FALSE(AddTraced(fixture.caller).ok());
  fixture.gateway.WaitForLogLine(R"("message":"call")");
  EXPECT_THAT(fixture.gateway.WaitForLogLine("Passfort's response is of no use"),
              HasSubstr(R"("http_status":503)"));
  const CallLines lines = LinesOfCalls(fixture.gateway);
  EXPECT_THAT(lines.messages, ElementsAre("Passfort's response is of no use", "call"));
  EXPECT_THAT(lines.trace_ids, Each(kTraceId));
}

grpc::Status CallPathTraced(const GatewayCaller& caller, const std::string& path,
                            const grpc::ByteBuffer& request) {
  grpc::GenericStub stub(caller.channel());
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kCallBound);
  context.AddMetadata("traceparent", kTraceparent);
  grpc::ByteBuffer response;
  std::promise<grpc::Status> done;
  stub.UnaryCall(&context, path, grpc::StubOptions(), &request, &response,
                 [&done](grpc::Status status) { done.set_value(std::move(status)); });
  return done.get_future().get();
}

TEST(TraceTest, ACallToAMethodThatDoesNotExistHasItsLineWithoutThePath) {
  const GatewayFixture fixture;
  EXPECT_EQ(CallPathTraced(fixture.caller, "/no.such.Service/Secret", {nullptr, 0}).error_code(),
            StatusCode::UNIMPLEMENTED);
  const auto line = json::parse(fixture.gateway.WaitForLogLine(R"("message":"call")"));
  EXPECT_EQ(line.at("method"), "unknown");
  EXPECT_EQ(line.at("reason"), "UNKNOWN_METHOD");
  EXPECT_EQ(line.at("trace_id"), kTraceId);
  EXPECT_THAT(fixture.gateway.LogText(), Not(HasSubstr("Secret")));
}

TEST(TraceTest, CallsOfGrpcsOwnServicesAreLinesAtDebug) {
  for (const char* level : {"info", "debug"}) {
    const GatewayFixture fixture({std::string("--log_level=") + level});
    EXPECT_TRUE(CallPathTraced(fixture.caller, "/grpc.health.v1.Health/Check", {nullptr, 0}).ok());
    ASSERT_TRUE(AddWith(fixture.caller, {{"traceparent", kOtherTraceparent}}).ok());
    fixture.gateway.WaitForLogLine(R"("method":"AddProductApplication")");
    const bool is_debug = level == std::string("debug");
    EXPECT_THAT(LinesOfCalls(fixture.gateway).trace_ids,
                Contains(kTraceId).Times(is_debug ? 1 : 0));
  }
}

// They reach no code of the gateway that knows their metadata. docs/operations.md says so.
TEST(TraceTest, WhatGrpcItselfRefusesHasNoLine) {
  const GatewayFixture fixture;
  constexpr char kAdd[] = "/passfort.gateway.v1.ProductApplicationService/AddProductApplication";
  const grpc::Slice no_message("\xFF\xFF\xFF");
  EXPECT_FALSE(CallPathTraced(fixture.caller, kAdd, {&no_message, 1}).ok());
  const grpc::Slice too_large(std::string(1100 * 1024, 'x'));
  EXPECT_FALSE(CallPathTraced(fixture.caller, kAdd, {&too_large, 1}).ok());
  ASSERT_TRUE(AddWith(fixture.caller, {{"traceparent", kOtherTraceparent}}).ok());
  fixture.gateway.WaitForLogLine(kOtherTraceId);
  EXPECT_THAT(LinesOfCalls(fixture.gateway).trace_ids, ElementsAre(kOtherTraceId));
}

TEST(TraceTest, ACallWithoutATraceBeginsOneForPassfortAndTheLog) {
  const GatewayFixture fixture;
  ASSERT_TRUE(fixture.caller.Add().status.ok());
  ASSERT_TRUE(fixture.caller.Add().status.ok());

  const auto ids = TraceIdsAt(fixture.passfort);
  ASSERT_EQ(ids.size(), 2u);
  EXPECT_NE(ids[0], ids[1]);
  EXPECT_EQ(TraceOf(fixture.passfort.requests()[0]).flags, "00") << "the gateway samples nothing";
  fixture.gateway.WaitForLogLines(R"("message":"call")", 2);
  EXPECT_EQ(LinesOfCalls(fixture.gateway).trace_ids, ids);
}

TEST(TraceTest, AProbeHasATraceOfItsOwn) {
  FakePassfort passfort;
  passfort.Script({.times = Fault::kAlways,
                   .carry_out = Fault::CarryOut::kNever,
                   .answer = {.status = 503, .body = HtmlPage(500)}});
  const GatewayProcess gateway({.api_url = passfort.url()});
  const GatewayCaller caller(gateway.target());
  const auto is_probed = [&passfort] {
    for (const auto& request : passfort.requests()) {
      if (request.target.ends_with("/whoami")) return true;
    }
    return false;
  };
  // Each for a profile of its own: a whole response counts once per profile.
  for (char digit = '0'; digit <= '9'; ++digit) {
    auto request = ARequest();
    request.mutable_profile_id()->back() = digit;
    AddTraced(caller, request);
  }
  ASSERT_TRUE(passfort.WaitUntil(is_probed));
  for (const auto& request : passfort.requests()) {
    EXPECT_EQ(TraceOf(request).trace_id == kTraceId, request.method == "POST") << request.target;
  }
}

TEST(TraceTest, NoMoreThanABoundedTraceReachesPassfort) {
  const GatewayFixture fixture;
  ASSERT_TRUE(AddWith(fixture.caller, {{"traceparent", kTraceparent},
                                       {"tracestate", "a=" + std::string(4000, 'x')}})
                  .ok());
  ASSERT_TRUE(AddWith(fixture.caller, {{"traceparent", kTraceparent},
                                       {"traceparent", kTraceparent},
                                       {"tracestate", "rojo=1"}})
                  .ok());

  const auto requests = fixture.passfort.requests();
  ASSERT_EQ(requests.size(), 2u);
  EXPECT_EQ(TraceOf(requests[0]).trace_id, kTraceId);
  EXPECT_NE(TraceOf(requests[1]).trace_id, kTraceId);
  for (const auto& request : requests) EXPECT_THAT(HeadersNamed(request, "tracestate"), IsEmpty());
}

}  // namespace
}  // namespace gateway
