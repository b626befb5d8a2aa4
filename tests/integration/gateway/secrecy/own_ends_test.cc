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

#include "tests/integration/gateway/secrecy/secrecy_fixture.h"

namespace gateway {
namespace {

using Hold = Fault::Hold;

Fault Holds(Endpoint endpoint) {
  return {.endpoint = endpoint,
          .hold = Hold::kBeforeAnswer,
          .carry_out = Fault::CarryOut::kNever,
          .answer = {.status = 422, .body = CanaryError("Held", 201)}};
}

SecrecyFixture::Settings WithStore(std::vector<std::string> flags) {
  return {.flags = std::move(flags), .environment = {"PASSFORT_GATEWAY_STORE=sqlite::memory:"}};
}

// A call in flight, on a connection of its own, whose request has come to Passfort and is held
// there.
class HeldCall {
 public:
  HeldCall(SecrecyFixture& fixture, Endpoint endpoint, RequestId id)
      : caller_(fixture.gateway.target()) {
    const int before = fixture.passfort.counts().requests;
    fixture.passfort.Script(Holds(endpoint));
    call_ = std::async(std::launch::async, [this, id] {
      AddCanaryMetadata(*context_);
      Answered answered;
      answered.status =
          caller_->stub().AddProductApplication(&*context_, ACanaryRequest(id), &answered.response);
      answered.trailers = Received(answered.status, *context_).trailers;
      ExpectNothingTold(answered);
      return answered;
    });
    EXPECT_TRUE(fixture.passfort.WaitUntil(
        [&] { return fixture.passfort.counts().requests > before; }, kProcessBound));
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
  SecrecyFixture fixture({});
  fixture.passfort.Script({.times = Fault::kAlways,
                           .carry_out = Fault::CarryOut::kNever,
                           .answer = {.status = 503, .body = CanaryPage("Outage")}});
  std::string reason;
  for (int i = 0; i < 10 && reason != "CIRCUIT_OPEN"; ++i) {
    auto request = ACanaryRequest();
    // One profile counts once.
    request.mutable_profile_id()->back() = static_cast<char>('0' + i);
    reason = ReasonOf(fixture.Add(request).status);
  }
  EXPECT_EQ(reason, "CIRCUIT_OPEN");
  EXPECT_THAT(Found(Words{"ca11e4ca-4a47"}, fixture.gateway.LogText()), testing::IsEmpty());
  fixture.ExpectNothingShownUntilItEnds();
}

TEST(OwnEndsTest, AFullGatewayShowsNothing) {
  SecrecyFixture fixture({.flags = {"--max_in_flight=1"}});
  HeldCall held(fixture, Endpoint::kAdd, RequestId::kNone);
  EXPECT_EQ(ReasonOf(fixture.Add(ACanaryRequest(RequestId::kOwn)).status), "OVERLOADED");
  fixture.passfort.Release();
  EXPECT_EQ(held.Reason(), "PASSFORT_REJECTED_INPUT");
  fixture.WaitForCalls(1);
  fixture.ExpectNothingShownUntilItEnds();
}

TEST(OwnEndsTest, ADeadlineBeforeAnythingIsSentShowsNothing) {
  SecrecyFixture fixture(WithStore({"--default_deadline=300ms", "--max_deadline=300ms"}));
  fixture.passfort.Script(Holds(Endpoint::kList));
  EXPECT_NE(ReasonOf(fixture.Add(ACanaryRequest(RequestId::kOwn)).status), "");
  fixture.ExpectNothingShownUntilItEnds();
}

TEST(OwnEndsTest, ACallerThatLeavesShowsNothing) {
  SecrecyFixture fixture(WithStore({}));
  for (const Endpoint at : {Endpoint::kAdd, Endpoint::kList}) {
    HeldCall held(fixture, at, at == Endpoint::kAdd ? RequestId::kNone : RequestId::kOwn);
    held.Cancel();
    EXPECT_EQ(held.Reason(), "");  // the client library's word
    fixture.WaitForCalls(1);
  }
  fixture.ExpectNothingShownUntilItEnds();
}

TEST(OwnEndsTest, ADrainWithCallsInFlightShowsNothing) {
  SecrecyFixture fixture(WithStore({"--drain_timeout=10ms"}));
  HeldCall sent(fixture, Endpoint::kAdd, RequestId::kNone);
  HeldCall not_sent(fixture, Endpoint::kList, RequestId::kOwn);
  fixture.ExpectNothingShown();
  fixture.caller.reset();
  fixture.gateway.Signal(SIGTERM);
  EXPECT_EQ(sent.Reason(), "OUTCOME_UNKNOWN");
  EXPECT_NE(not_sent.Reason(), "");
  EXPECT_EQ(fixture.gateway.WaitForExit(), 0);
  EXPECT_THAT(Found(AllCanaries(), fixture.gateway.LogText()), testing::IsEmpty());
}

// Its last words are the kernel's.
TEST(OwnEndsTest, ACrashWithCallsInFlightShowsNothing) {
  SecrecyFixture fixture(WithStore({}));
  HeldCall sent(fixture, Endpoint::kAdd, RequestId::kNone);
  HeldCall not_sent(fixture, Endpoint::kList, RequestId::kOwn);
  fixture.ExpectNothingShown();
  fixture.gateway.Signal(SIGABRT);
  EXPECT_EQ(fixture.gateway.WaitForExit(), -SIGABRT);
  EXPECT_EQ(sent.Reason(), "");
  EXPECT_EQ(not_sent.Reason(), "");
  EXPECT_THAT(Found(AllCanaries(), fixture.gateway.LogText()), testing::IsEmpty());
}

}  // namespace
}  // namespace gateway
