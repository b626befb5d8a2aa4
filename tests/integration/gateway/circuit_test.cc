// While Passfort fails as a whole it is left alone, and calls are told so at once.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <set>
#include <string>

#include "tests/fakes/sanitizer.h"
#include "tests/integration/gateway/faults.h"
#include "tests/integration/gateway/gateway_bench.h"

namespace gateway {
namespace {

using namespace std::chrono_literals;
using grpc::StatusCode;

// Every request of whatever endpoint, until the faults are cleared.
Fault Outage() {
  return {.times = Fault::kAlways,
          .carry_out = Fault::CarryOut::kNever,
          .answer = {.status = 503, .body = HtmlPage(500)}};
}

Answered CallUntilItIsDone(GatewayBench& bench) {
  const auto bound = std::chrono::steady_clock::now() + 60s;
  Answered answered = bench.caller.Add();
  while (!answered.status.ok() && std::chrono::steady_clock::now() < bound) {
    answered = bench.caller.Add();
  }
  return answered;
}

TEST(CircuitTest, AnOutageMakesHardlyMoreRequestsThanCalls) {
  constexpr int kRounds = 10;
  constexpr int kCallsAtOnce = 50;
  GatewayBench bench;
  bench.passfort.Script(Outage());
  std::multiset<std::string> reasons;
  for (int round = 0; round < kRounds; ++round) {
    ManyCalls calls;
    for (int i = 0; i < kCallsAtOnce; ++i) calls.Start(bench.caller);
    calls.ForEach([&reasons](const Answered& answered) {
      EXPECT_THAT(answered.error(), IsWellFormedError());
      reasons.insert(ReasonOf(answered.status));
    });
  }
  const auto all = static_cast<size_t>(kRounds * kCallsAtOnce);
  EXPECT_EQ(reasons.count("OUTCOME_UNKNOWN") + reasons.count("CIRCUIT_OPEN"), all);
  EXPECT_GE(reasons.count("CIRCUIT_OPEN"), all - kCallsAtOnce);
  EXPECT_LE(bench.passfort.counts().requests, all + all / 10);
  EXPECT_EQ(bench.gateway.Counter("passfort_circuit_open", {}), 1);

  bench.passfort.ClearFaults();
  const auto mended = std::chrono::steady_clock::now();
  bench.gateway.WaitForLogLine("Passfort answers again");
  EXPECT_LT(std::chrono::steady_clock::now() - mended, 5s * kSlowness);
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(bench.caller.Add().status.ok());
  EXPECT_EQ(bench.gateway.Counter("passfort_circuit_open", {}), 0);
}

TEST(CircuitTest, TellsThatNothingWasDoneAndWhenToComeAgain) {
  GatewayBench bench;
  bench.passfort.Script(Outage());
  for (int i = 0; i < 5; ++i) EXPECT_EQ(ReasonOf(bench.caller.Add().status), "OUTCOME_UNKNOWN");
  const Answered answered = bench.caller.Add();
  EXPECT_EQ(answered.status.error_code(), StatusCode::UNAVAILABLE);
  EXPECT_EQ(ReasonOf(answered.status), "CIRCUIT_OPEN");
  const auto delay = DetailOf<google::rpc::RetryInfo>(answered.status).retry_delay();
  EXPECT_GT(delay.seconds() * 1'000'000'000 + delay.nanos(), 0);
  EXPECT_LE(delay.seconds(), 2);
}

TEST(CircuitTest, OpensWhilePassfortCannotBeReachedAndClosesWhenItIsBack) {
  GatewayBench bench;
  bench.passfort.GoAway();
  bench.caller.Add();
  bench.gateway.WaitForLogLine("Passfort fails");
  bench.passfort.ComeBack();
  EXPECT_TRUE(CallUntilItIsDone(bench).status.ok());
  EXPECT_EQ(bench.passfort.counts().created, 1);
}

TEST(CircuitTest, IsNotOpenedByRefusals) {
  GatewayBench bench;
  Fault refusal = Refuses(404, kErrorWithoutCode);
  refusal.times = 30;
  bench.passfort.Script(refusal);
  for (int i = 0; i < 30; ++i) {
    EXPECT_EQ(bench.caller.Add().status.error_code(), StatusCode::NOT_FOUND);
  }
  EXPECT_TRUE(bench.caller.Add().status.ok());
}

TEST(CircuitTest, CanBeSwitchedOff) {
  GatewayBench bench({"--circuit_breaker=off"});
  bench.passfort.Script(Outage());
  for (int i = 0; i < 20; ++i) EXPECT_EQ(ReasonOf(bench.caller.Add().status), "OUTCOME_UNKNOWN");
  EXPECT_EQ(bench.passfort.counts().requests, 20);
}

TEST(CircuitTest, LeavesNothingBehindWhenTheGatewayStops) {
  GatewayBench bench;
  bench.passfort.GoAway();
  bench.caller.Add();
  bench.gateway.WaitForLogLine("Passfort fails");
  bench.gateway.Signal(SIGTERM);
  EXPECT_EQ(bench.gateway.WaitForExit(), 0);
}

}  // namespace
}  // namespace gateway
