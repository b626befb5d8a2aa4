// What the gateway ends by itself: no circuit, place or time left, a drain, a caller that leaves, a
// crash. Nothing comes out elsewhere.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <future>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/integration/gateway/secrecy/secrecy_bench.h"

namespace gateway {
namespace {

using Hold = Fault::Hold;

Fault Holds(Endpoint endpoint) {
  return {.endpoint = endpoint,
          .hold = Hold::kBeforeAnswer,
          .carry_out = Fault::CarryOut::kNever,
          .answer = {.status = 422, .body = CanaryError("Held", 201)}};
}

SecrecyBench::Settings WithStore(std::vector<std::string> flags) {
  return {.flags = std::move(flags), .environment = {"PASSFORT_GATEWAY_STORE=sqlite::memory:"}};
}

// A call in flight, on a connection of its own, whose request has come to Passfort and is held
// there.
class HeldCall {
 public:
  HeldCall(SecrecyBench& bench, Endpoint endpoint, RequestId id) : caller_(bench.gateway.target()) {
    const int before = bench.passfort.counts().requests;
    bench.passfort.Script(Holds(endpoint));
    call_ = std::async(std::launch::async, [this, id] {
      AddCanaryMetadata(*context_);
      Answered answered;
      answered.status =
          caller_->stub().AddProductApplication(&*context_, ACanaryRequest(id), &answered.response);
      answered.trailers = Received(answered.status, *context_).trailers;
      ExpectNothingTold(answered);
      return answered;
    });
    EXPECT_TRUE(bench.passfort.WaitUntil([&] { return bench.passfort.counts().requests > before; },
                                         kProcessBound));
  }
  void Cancel() { context_->TryCancel(); }
  // How it ended; then the connection does too.
  std::string Reason() {
    const std::string reason = ReasonOf(call_.get().status);
    context_.reset();  // it holds the connection too
    caller_.reset();
    return reason;
  }

 private:
  std::optional<GatewayCaller> caller_;
  std::optional<grpc::ClientContext> context_{std::in_place};
  std::future<Answered> call_;
};

TEST(OwnEndsTest, AnOpenCircuitShowsNothing) {
  SecrecyBench bench({});
  bench.passfort.Script({.times = Fault::kAlways,
                         .carry_out = Fault::CarryOut::kNever,
                         .answer = {.status = 503, .body = CanaryPage("Outage")}});
  std::string reason;
  for (int i = 0; i < 10 && reason != "CIRCUIT_OPEN"; ++i) {
    auto request = ACanaryRequest();
    // One profile counts once.
    request.mutable_profile_id()->back() = static_cast<char>('0' + i);
    reason = ReasonOf(bench.Add(request).status);
  }
  EXPECT_EQ(reason, "CIRCUIT_OPEN");
  EXPECT_THAT(Found(Words{"ca11e4ca-4a47"}, bench.gateway.LogText()), testing::IsEmpty());
  bench.ExpectNothingShownUntilItEnds();
}

TEST(OwnEndsTest, AFullGatewayShowsNothing) {
  SecrecyBench bench({.flags = {"--max_in_flight=1"}});
  HeldCall held(bench, Endpoint::kAdd, RequestId::kNone);
  EXPECT_EQ(ReasonOf(bench.Add(ACanaryRequest(RequestId::kOwn)).status), "OVERLOADED");
  bench.passfort.Release();
  EXPECT_EQ(held.Reason(), "PASSFORT_REJECTED_INPUT");
  bench.WaitForCalls(1);
  bench.ExpectNothingShownUntilItEnds();
}

TEST(OwnEndsTest, ADeadlineBeforeAnythingIsSentShowsNothing) {
  SecrecyBench bench(WithStore({"--default_deadline=300ms", "--max_deadline=300ms"}));
  bench.passfort.Script(Holds(Endpoint::kList));
  EXPECT_NE(ReasonOf(bench.Add(ACanaryRequest(RequestId::kOwn)).status), "");
  bench.ExpectNothingShownUntilItEnds();
}

TEST(OwnEndsTest, ACallerThatLeavesShowsNothing) {
  SecrecyBench bench(WithStore({}));
  for (const Endpoint at : {Endpoint::kAdd, Endpoint::kList}) {
    HeldCall held(bench, at, at == Endpoint::kAdd ? RequestId::kNone : RequestId::kOwn);
    held.Cancel();
    EXPECT_EQ(held.Reason(), "");  // the client library's word
    bench.WaitForCalls(1);
  }
  bench.ExpectNothingShownUntilItEnds();
}

TEST(OwnEndsTest, ADrainWithCallsUnderWayShowsNothing) {
  SecrecyBench bench(WithStore({"--drain_timeout=10ms"}));
  HeldCall sent(bench, Endpoint::kAdd, RequestId::kNone);
  HeldCall not_sent(bench, Endpoint::kList, RequestId::kOwn);
  bench.ExpectNothingShown();
  bench.caller.reset();
  bench.gateway.Signal(SIGTERM);
  EXPECT_EQ(sent.Reason(), "OUTCOME_UNKNOWN");
  EXPECT_NE(not_sent.Reason(), "");
  EXPECT_EQ(bench.gateway.WaitForExit(), 0);
  EXPECT_THAT(Found(AllCanaries(), bench.gateway.LogText()), testing::IsEmpty());
}

// Its last words are the kernel's.
TEST(OwnEndsTest, ACrashWithCallsUnderWayShowsNothing) {
  SecrecyBench bench(WithStore({}));
  HeldCall sent(bench, Endpoint::kAdd, RequestId::kNone);
  HeldCall not_sent(bench, Endpoint::kList, RequestId::kOwn);
  bench.ExpectNothingShown();
  bench.gateway.Signal(SIGABRT);
  EXPECT_EQ(bench.gateway.WaitForExit(), -SIGABRT);
  EXPECT_EQ(sent.Reason(), "");
  EXPECT_EQ(not_sent.Reason(), "");
  EXPECT_THAT(Found(AllCanaries(), bench.gateway.LogText()), testing::IsEmpty());
}

}  // namespace
}  // namespace gateway
