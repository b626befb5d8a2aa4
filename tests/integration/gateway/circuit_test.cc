// While Passfort fails as a whole it is left alone, and calls are told so at once.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <set>
#include <string>

#include "tests/integration/gateway/at_most_once_fixture.h"
#include "tests/integration/gateway/faults.h"
#include "tests/integration/gateway/gateway_fixture.h"
#include "tests/support/sanitizer.h"
#include "tests/support/temporary_folder.h"

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

// A profile of its own for each number: a whole response counts once per profile.
pb::AddProductApplicationRequest ARequestFor(int number) {
  auto request = ARequest();
  const std::string digits = std::to_string(number);
  request.set_profile_id("a2c4393a-e219-67a4-5ab4-" + std::string(12 - digits.size(), '0') +
                         digits);
  return request;
}

Answered CallUntilItIsDone(const GatewayCaller& caller) {
  const auto bound = std::chrono::steady_clock::now() + 60s;
  Answered answered = caller.Add();
  while (!answered.status.ok() && std::chrono::steady_clock::now() < bound) {
    answered = caller.Add();
  }
  return answered;
}

bool IsOpen(const GatewayProcess& gateway) {
  return gateway.Counter("passfort_circuit_open", {}) == 1;
}

TEST(CircuitTest, AnOutageMakesHardlyMoreRequestsThanCalls) {
  constexpr int kRounds = 10;
  constexpr int kCallsAtOnce = 50;
  GatewayFixture fixture;
  fixture.passfort.Script(Outage());
  std::multiset<std::string> reasons;
  for (int round = 0; round < kRounds; ++round) {
    ManyCalls calls;
    for (int i = 0; i < kCallsAtOnce; ++i) calls.Start(fixture.caller, ARequestFor(i));
    calls.ForEach([&reasons](const Answered& answered) {
      EXPECT_THAT(answered.error(), IsWellFormedError());
      reasons.insert(ReasonOf(answered.status));
    });
  }
  const auto all = static_cast<size_t>(kRounds * kCallsAtOnce);
  EXPECT_EQ(reasons.count("OUTCOME_UNKNOWN") + reasons.count("CIRCUIT_OPEN"), all);
  EXPECT_GE(reasons.count("CIRCUIT_OPEN"), all - kCallsAtOnce);
  EXPECT_LE(fixture.passfort.counts().requests, all + all / 10);
  EXPECT_TRUE(IsOpen(fixture.gateway));

  fixture.passfort.ClearFaults();
  const auto mended = std::chrono::steady_clock::now();
  fixture.gateway.WaitForLogLine("circuit closed");
  EXPECT_LT(std::chrono::steady_clock::now() - mended, 5s * kSlowness);
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(fixture.caller.Add().status.ok());
  EXPECT_FALSE(IsOpen(fixture.gateway));
}

TEST(CircuitTest, TellsThatNothingWasDoneAndWhenToComeAgain) {
  GatewayFixture fixture;
  fixture.passfort.Script(Outage());
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(ReasonOf(fixture.caller.Add(ARequestFor(i)).status), "OUTCOME_UNKNOWN");
  }
  const Answered answered = fixture.caller.Add();
  EXPECT_EQ(answered.status.error_code(), StatusCode::UNAVAILABLE);
  EXPECT_EQ(ReasonOf(answered.status), "CIRCUIT_OPEN");
  const auto delay = DetailOf<google::rpc::RetryInfo>(answered.status).retry_delay();
  EXPECT_GT(delay.seconds() * 1'000'000'000 + delay.nanos(), 0);
  EXPECT_LE(delay.seconds(), 2);
}

TEST(CircuitTest, OpensWhilePassfortCannotBeReachedAndClosesWhenItIsBack) {
  GatewayFixture fixture;
  fixture.passfort.GoAway();
  fixture.caller.Add();
  fixture.gateway.WaitForLogLine("circuit opened");
  fixture.passfort.ComeBack();
  EXPECT_TRUE(CallUntilItIsDone(fixture.caller).status.ok());
  EXPECT_EQ(fixture.passfort.counts().created, 1);
}

TEST(CircuitTest, IsNotOpenedByRefusals) {
  GatewayFixture fixture;
  Fault refusal = Refuses(404, kErrorWithoutCode);
  refusal.times = 30;
  fixture.passfort.Script(refusal);
  for (int i = 0; i < 30; ++i) {
    EXPECT_EQ(fixture.caller.Add().status.error_code(), StatusCode::NOT_FOUND);
  }
  EXPECT_TRUE(fixture.caller.Add().status.ok());
}

// Sixty of 110 calls.
TEST(CircuitTest, IsNotOpenedByOneBadProfile) {
  for (const AnswerScript& answer : {AnswerScript{.body = "<html>"}, AnswerScript{.status = 500}}) {
    GatewayFixture fixture;
    fixture.passfort.Script({.endpoint = Endpoint::kAdd,
                             .profile_id = ARequestFor(0).profile_id(),
                             .times = Fault::kAlways,
                             .answer = answer});
    for (int i = 0; i < 60; ++i) {
      EXPECT_EQ(ReasonOf(fixture.caller.Add(ARequestFor(0)).status), "OUTCOME_UNKNOWN");
    }
    for (int i = 0; i < 50; ++i) {
      EXPECT_TRUE(fixture.caller.Add(ARequestFor(1 + i)).status.ok());
      EXPECT_EQ(ReasonOf(fixture.caller.Add(ARequestFor(0)).status), "OUTCOME_UNKNOWN");
    }
    EXPECT_FALSE(IsOpen(fixture.gateway));
  }
}

// Nor by what is no list, however often it comes.
TEST(CircuitTest, IsNotOpenedByAListThatNobodyCanRead) {
  const TemporaryFolder folder;
  FakePassfort passfort;
  const GatewayWithStore gateway(passfort, "sqlite:" + folder.File("records.db"),
                                 {"--lease_duration=1s"});
  passfort.Script({.endpoint = Endpoint::kList,
                   .profile_id = ARequestFor(0).profile_id(),
                   .times = Fault::kAlways,
                   .answer = {.body = R"({"id": "one in place of a list"})"}});
  auto bad = ARequestFor(0);
  for (int i = 0; i < 10; ++i) {
    bad.set_request_id("bad-" + std::to_string(i));
    EXPECT_EQ(ReasonOf(gateway.caller.Add(bad).status), "PASSFORT_ANSWER_UNREADABLE");
  }
  EXPECT_TRUE(gateway.caller.Add(ARequestWithId()).status.ok());
  EXPECT_FALSE(IsOpen(gateway.process));
}

// The probe asks another endpoint than callers need, and that one may be broken for itself.
TEST(CircuitTest, ClosesWhileWhoAmIHangs) {
  GatewayFixture fixture;
  fixture.passfort.Script({.endpoint = Endpoint::kWhoami,
                           .times = Fault::kAlways,
                           .send = Fault::Send::kNothing,
                           .then = Fault::Then::kHang});
  Fault outage = Outage();
  outage.times = 5;
  outage.endpoint = Endpoint::kAdd;
  fixture.passfort.Script(outage);
  for (int i = 0; i < 5; ++i) fixture.caller.Add(ARequestFor(i));
  ASSERT_TRUE(IsOpen(fixture.gateway));
  const auto mended = std::chrono::steady_clock::now();
  EXPECT_TRUE(CallUntilItIsDone(fixture.caller).status.ok());
  EXPECT_LT(std::chrono::steady_clock::now() - mended, 7s * kSlowness);
  EXPECT_FALSE(IsOpen(fixture.gateway));
}

// Answers were lost and Passfort went down; it is back, but for whoami. Nobody calls.
TEST(CircuitTest, LetsReconciliationThroughAndIsClosedByIt) {
  constexpr int kCalls = 5;
  const Fault broken_whoami{
      .endpoint = Endpoint::kWhoami, .times = Fault::kAlways, .answer = {.status = 500}};
  const TemporaryFolder folder;
  FakePassfort passfort;
  const GatewayWithStore gateway(passfort, "sqlite:" + folder.File("records.db"),
                                 {"--lease_duration=5s", "--settle_window=100ms"});
  Fault lost = MakesAndThen(Fault::Then::kReset);
  lost.times = kCalls;
  lost.hold = Fault::Hold::kBeforeAnswer;
  passfort.Script(lost);
  passfort.Script({.endpoint = Endpoint::kList,
                   .skip = kCalls,
                   .times = Fault::kAlways,
                   .carry_out = Fault::CarryOut::kNever,
                   .send = Fault::Send::kNothing,
                   .then = Fault::Then::kReset});
  passfort.Script(broken_whoami);
  ManyCalls calls;
  for (int i = 0; i < kCalls; ++i) {
    auto request = ARequestFor(i);
    request.set_request_id("order-" + std::to_string(i));
    calls.Start(gateway.caller, request);
  }
  ASSERT_TRUE(passfort.WaitUntil([&passfort] { return passfort.counts().created == kCalls; }));
  passfort.Release();
  gateway.process.WaitForLogLine("circuit opened");
  passfort.ClearFaults();
  passfort.Script(broken_whoami);
  calls.ForEach([](const Answered& answered) {
    EXPECT_TRUE(answered.status.ok()) << answered.status.error_message();
  });
  EXPECT_EQ(passfort.counts().created, kCalls);
  EXPECT_FALSE(IsOpen(gateway.process));
}

// What a call with a request_id does first is to read, for half of the lease at most.
TEST(CircuitTest, IsOpenedByAPassfortThatHangsForRequestIdsAlone) {
  const TemporaryFolder folder;
  FakePassfort passfort;
  const GatewayWithStore gateway(passfort, "sqlite:" + folder.File("records.db"),
                                 {"--lease_duration=1s", "--settle_window=100ms"});
  passfort.Script({.times = Fault::kAlways,
                   .carry_out = Fault::CarryOut::kNever,
                   .send = Fault::Send::kNothing,
                   .then = Fault::Then::kHang});
  ManyCalls calls;
  for (int i = 0; i < 5; ++i) {
    auto request = ARequestFor(i);
    request.set_request_id("order-" + std::to_string(i));
    calls.Start(gateway.caller, request);
  }
  calls.ForEach([](const Answered& answered) {
    EXPECT_EQ(ReasonOf(answered.status), "PASSFORT_UNREACHABLE");
  });
  EXPECT_TRUE(IsOpen(gateway.process));
  EXPECT_EQ(ReasonOf(gateway.caller.Add(ARequestWithId()).status), "CIRCUIT_OPEN");
}

TEST(CircuitTest, CanBeSwitchedOff) {
  GatewayFixture fixture({"--circuit_breaker=off"});
  fixture.passfort.Script(Outage());
  for (int i = 0; i < 20; ++i) EXPECT_EQ(ReasonOf(fixture.caller.Add().status), "OUTCOME_UNKNOWN");
  EXPECT_EQ(fixture.passfort.counts().requests, 20);
}

TEST(CircuitTest, LeavesNothingBehindWhenTheGatewayStops) {
  GatewayFixture fixture;
  fixture.passfort.GoAway();
  fixture.caller.Add();
  fixture.gateway.WaitForLogLine("circuit opened");
  fixture.gateway.Signal(SIGTERM);
  EXPECT_EQ(fixture.gateway.WaitForExit(), 0);
}

}  // namespace
}  // namespace gateway
