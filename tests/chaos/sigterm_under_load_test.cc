// A gateway that is told to stop while calls are in flight: each that it took gets its response.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <future>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "tests/fake_passfort/fake_passfort.h"
#include "tests/support/gateway_caller.h"
#include "tests/support/gateway_process.h"

namespace gateway {
namespace {

using namespace std::chrono_literals;
using grpc::StatusCode;

// Not our word: there is no gateway any more that would take the call.
bool IsGone(const Answered& answered) {
  return answered.status.error_code() == StatusCode::UNAVAILABLE &&
         answered.status.error_details().empty();
}

// Callers that call one after another, each on its own connection, until the gateway is gone.
class SteadyLoad {
 public:
  SteadyLoad(const std::string& target, int callers) {
    for (int i = 0; i < callers; ++i) {
      threads_.emplace_back([this, target] { CallUntilGone(GatewayCaller(target)); });
    }
  }

  // All answers, once the callers have found the gateway gone.
  std::vector<Answered> Wait() {
    for (auto& thread : threads_) thread.join();
    threads_.clear();
    return std::move(answers_);
  }

 private:
  void CallUntilGone(const GatewayCaller& caller) {
    while (true) {
      const Answered answered = caller.Add();
      const std::lock_guard lock(mutex_);
      answers_.push_back(answered);
      if (IsGone(answered)) return;
    }
  }

  std::mutex mutex_;
  std::vector<Answered> answers_;  // guarded by mutex_
  std::vector<std::thread> threads_;
};

TEST(SigtermUnderLoadTest, EveryCallThatWasTakenIsAnsweredAndCounted) {
  constexpr int kCallers = 8;
  FakePassfort passfort(20ms);
  GatewayProcess gateway({.api_url = passfort.url()});
  SteadyLoad load(gateway.target(), kCallers);
  ASSERT_TRUE(passfort.WaitUntil([&] { return passfort.counts().created >= 10 * kCallers; }));

  gateway.Signal(SIGTERM);
  const auto answers = load.Wait();
  EXPECT_EQ(gateway.WaitForExit(), 0);

  int answered_ok = 0;
  for (const Answered& answered : answers) {
    if (answered.status.ok()) {
      ++answered_ok;
    } else {
      EXPECT_TRUE(IsGone(answered)) << answered.status.error_message();
    }
  }
  // Nothing was made for a caller that does not know it.
  EXPECT_EQ(passfort.counts().created, answered_ok);
  EXPECT_EQ(passfort.counts().posts_begun, answered_ok);
}

TEST(SigtermUnderLoadTest, ACallInFlightGetsItsApplication) {
  FakePassfort passfort;
  GatewayProcess gateway({.api_url = passfort.url()});
  const GatewayCaller caller(gateway.target());
  passfort.Script({.endpoint = Endpoint::kAdd, .hold = Fault::Hold::kBeforeAnswer});
  auto call = caller.StartAdd();
  ASSERT_TRUE(passfort.WaitUntil([&] { return passfort.counts().created == 1; }));
  gateway.Signal(SIGTERM);
  gateway.WaitForLogLine("draining");
  passfort.Release();

  const Answered answered = call.get();
  EXPECT_TRUE(answered.status.ok()) << answered.status.error_message();
  EXPECT_EQ(gateway.WaitForExit(), 0);
}

TEST(SigtermUnderLoadTest, ASecondSignalCutsNothingShort) {
  FakePassfort passfort;
  GatewayProcess gateway({.api_url = passfort.url()});
  const GatewayCaller caller(gateway.target());
  passfort.Script({.endpoint = Endpoint::kAdd, .hold = Fault::Hold::kBeforeAnswer});
  auto call = caller.StartAdd();
  ASSERT_TRUE(passfort.WaitUntil([&] { return passfort.counts().created == 1; }));
  gateway.Signal(SIGTERM);
  gateway.WaitForLogLine("draining");
  gateway.Signal(SIGTERM);
  gateway.Signal(SIGINT);
  passfort.Release();

  const Answered answered = call.get();
  EXPECT_TRUE(answered.status.ok()) << answered.status.error_message();
  EXPECT_EQ(gateway.WaitForExit(), 0);
}

TEST(SigtermUnderLoadTest, CallsThatHangEndAsUnknownAfterTheDrainTimeout) {
  constexpr int kCalls = 20;
  FakePassfort passfort;
  GatewayProcess gateway({.api_url = passfort.url(), .flags = {"--drain_timeout=500ms"}});
  const GatewayCaller caller(gateway.target());
  passfort.Script({.endpoint = Endpoint::kAdd,
                   .times = Fault::kAlways,
                   .send = Fault::Send::kNothing,
                   .then = Fault::Then::kHang});
  ManyCalls calls;
  for (int i = 0; i < kCalls; ++i) calls.Start(caller);
  ASSERT_TRUE(passfort.WaitUntil([&] { return passfort.counts().posts_read == kCalls; }));
  gateway.Signal(SIGTERM);

  calls.ForEach([](const Answered& answered) {
    EXPECT_EQ(answered.status.error_code(), StatusCode::UNKNOWN);
    EXPECT_EQ(ReasonOf(answered.status), "OUTCOME_UNKNOWN") << answered.status.error_message();
    EXPECT_THAT(answered.error(), IsWellFormedError());
  });
  EXPECT_EQ(gateway.WaitForExit(), 0);
}

TEST(SigtermUnderLoadTest, CallsThatWaitToBeSentAreToldThatNothingWasDone) {
  FakePassfort passfort;
  GatewayProcess gateway({.api_url = passfort.url(), .flags = {"--drain_timeout=100ms"}});
  const GatewayCaller caller(gateway.target());
  passfort.Script({.endpoint = Endpoint::kAdd,
                   .carry_out = Fault::CarryOut::kNever,
                   .answer = {.status = 429, .headers = {{"Retry-After", "30"}}}});
  auto call = caller.StartAdd();
  ASSERT_TRUE(passfort.WaitUntil([&] {
    const auto requests = passfort.requests();
    return !requests.empty() && requests[0].answered_status == 429;
  }));
  gateway.Signal(SIGTERM);

  const Answered answered = call.get();
  EXPECT_THAT(answered.error(), IsWellFormedError());
  EXPECT_NE(answered.status.error_code(), StatusCode::UNKNOWN);
  EXPECT_EQ(gateway.WaitForExit(), 0);
  EXPECT_EQ(passfort.counts().created, 0);
}

}  // namespace
}  // namespace gateway
