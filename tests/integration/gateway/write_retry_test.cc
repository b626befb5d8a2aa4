// Calls that were definitely not executed are sent again inside the deadline, and only those.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/integration/gateway/gateway_fixture.h"

namespace gateway {
namespace {

using namespace std::chrono_literals;
using grpc::StatusCode;

// A circuit would open at the fifth failure in a row; circuit_test.cc is about that.
constexpr char kNoCircuit[] = "--circuit_breaker=off";

TEST(WriteRetryTest, SaysThatNothingWasDoneIfPassfortCannotBeReached) {
  GatewayFixture fixture(EndsEveryCallWithin2s());
  fixture.passfort.GoAway();
  const Answered answered = fixture.caller.Add();

  EXPECT_EQ(answered.status.error_code(), StatusCode::UNAVAILABLE);
  EXPECT_EQ(ReasonOf(answered.status), "PASSFORT_UNREACHABLE");
  EXPECT_THAT(answered.error(), IsWellFormedError());
  EXPECT_EQ(fixture.passfort.counts().requests, 0);
}

TEST(WriteRetryTest, AddsOnceIfPassfortComesBackInsideTheDeadline) {
  GatewayFixture fixture({kNoCircuit});
  fixture.passfort.GoAway();
  auto call = fixture.caller.StartAdd();
  fixture.gateway.WaitForLogLine("no response from Passfort");
  fixture.passfort.ComeBack();

  const Answered answered = call.get();
  EXPECT_TRUE(answered.status.ok()) << answered.status.error_message();
  EXPECT_EQ(fixture.passfort.counts().posts_begun, 1);
  EXPECT_EQ(fixture.passfort.counts().created, 1);
}

TEST(WriteRetryTest, AnOutageMakesHardlyMoreRequestsThanCalls) {
  constexpr int kCalls = 200;
  GatewayFixture fixture({kNoCircuit});
  fixture.passfort.GoAway();
  {
    ManyCalls calls;
    for (int i = 0; i < kCalls; ++i) calls.Start(fixture.caller);
    calls.ForEach([](const Answered& answered) {
      EXPECT_EQ(ReasonOf(answered.status), "PASSFORT_UNREACHABLE");
    });
  }
  // 10 repeats that were saved up, and one for 20 calls.
  const double attempts =
      fixture.gateway.Counter("passfort_requests_total", {"outcome=\"not_executed\""});
  EXPECT_GE(attempts, kCalls);
  EXPECT_LE(attempts, kCalls + 10 + kCalls / 20);
}

TEST(WriteRetryTest, GivesUpAtOnceIfTheDeadlineIsAlmostOver) {
  GatewayFixture fixture;
  const Answered answered = fixture.caller.Add(ARequest(), 5ms);
  // Whose word comes first, ours or the client library's, depends on the machine. Sending depends
  // on neither.
  EXPECT_EQ(answered.status.error_code(), StatusCode::DEADLINE_EXCEEDED);
  EXPECT_TRUE(fixture.caller.Add().status.ok());
  EXPECT_EQ(fixture.passfort.counts().posts_begun, 1);
}

}  // namespace
}  // namespace gateway
