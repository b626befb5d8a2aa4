#include "service/resilience/rate_limiter.h"

#include <gmock/gmock.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tests/fakes/manual_clock.h"

namespace gateway {
namespace {

using std::chrono::operator""ms;
using std::chrono::operator""s;
using testing::ElementsAre;
using testing::IsEmpty;
using Pass = RateLimiter::Pass;

class RateLimiterTest : public testing::Test {
 protected:
  void TearDown() override {
    clock_.Advance(120s);  // whoever waits is through, or tired of it
    gate_.Stop();
    EXPECT_EQ(clock_.sleepers(), 0u);
  }

  // Lets a call come to the gate; what becomes of it is added to `events_`, with the time. A call
  // that goes through leaves its pass in `passes_`: it ends when the test says so.
  void Come(std::string name, Priority priority = Priority::kNormal, Milliseconds patience = 60s,
            std::stop_token stop = {}) {
    Spawn(Acquire(std::move(name), priority, clock_.In(patience).at(), std::move(stop)));
  }
  void After(Milliseconds time) { clock_.Advance(time); }
  // A 429 to a call that went through long ago.
  bool Limit(std::optional<Milliseconds> wait) { return gate_.OnThrottled(Pass::kNormal, wait); }

  ManualClock clock_;
  RateLimiter gate_{{.initial_pause = 1s, .max_pause = 5s, .refusal_time = 2s}, clock_};
  std::vector<std::string> events_;
  std::map<std::string, Pass> passes_;

 private:
  Task<void> Acquire(std::string name, Priority priority, SteadyTime until, std::stop_token stop) {
    const auto entry = co_await gate_.Acquire(priority, until, stop);
    const auto now = std::chrono::duration_cast<Milliseconds>(clock_.Now() - start_).count();
    std::string what = " in";
    if (std::holds_alternative<RateLimiter::Stopped>(entry)) what = " stopped";
    if (const auto* too_long = std::get_if<RateLimiter::ExceedsDeadline>(&entry)) {
      what = " come again in " + std::to_string(too_long->retry_after.count());
    }
    if (const auto* pass = std::get_if<Pass>(&entry)) passes_.emplace(name, *pass);
    events_.push_back(std::to_string(now) + ": " + name + what);
  }

  const SteadyTime start_ = clock_.Now();
};

TEST_F(RateLimiterTest, LetsEveryCallThroughWhileNothingIsLimited) {
  for (const char* const name : {"a", "b", "c"}) Come(name);
  EXPECT_THAT(events_, ElementsAre("0: a in", "0: b in", "0: c in"));
  EXPECT_TRUE(gate_.TryAcquire().has_value());
  EXPECT_TRUE(gate_.TryAcquire().has_value());
}

TEST_F(RateLimiterTest, IsPausedUntilTheStatedTime) {
  EXPECT_TRUE(Limit(2500ms));
  Come("a");
  After(2499ms);
  EXPECT_FALSE(gate_.TryAcquire().has_value());
  EXPECT_THAT(events_, IsEmpty());
  After(1ms);
  EXPECT_THAT(events_, ElementsAre("2500: a in"));
}

TEST_F(RateLimiterTest, LetsOneCallAskAndTheOthersThroughAtOnceWhenItIsTaken) {
  Limit(1000ms);
  for (const char* const name : {"a", "b", "c"}) Come(name);
  After(1500ms);
  EXPECT_THAT(events_, ElementsAre("1000: a in"));
  gate_.OnAccepted(passes_.at("a"));
  EXPECT_THAT(events_, ElementsAre("1000: a in", "1500: b in", "1500: c in"));
  EXPECT_TRUE(gate_.TryAcquire().has_value());
}

TEST_F(RateLimiterTest, LetsTheFirstNewcomerAskWhenNobodyWaited) {
  Limit(1000ms);
  After(1500ms);
  const auto pass = gate_.TryAcquire();
  ASSERT_TRUE(pass.has_value());
  EXPECT_FALSE(gate_.TryAcquire().has_value());
  gate_.OnAccepted(*pass);
  EXPECT_TRUE(gate_.TryAcquire().has_value());
}

TEST_F(RateLimiterTest, PausesTheRestAgainWhenTheOneThatAsksIsRefused) {
  Limit(1000ms);
  for (const char* const name : {"a", "b", "c"}) Come(name);
  After(1000ms);
  EXPECT_TRUE(gate_.OnThrottled(passes_.at("a"), 500ms));
  After(1000ms);
  EXPECT_THAT(events_, ElementsAre("1000: a in", "1500: b in"));
  gate_.OnAccepted(passes_.at("b"));
  EXPECT_THAT(events_, ElementsAre("1000: a in", "1500: b in", "2000: c in"));
}

TEST_F(RateLimiterTest, LetsTheNextAskWhenTheOneThatAsksNeverGotToPassfort) {
  Limit(1000ms);
  for (const char* const name : {"a", "b", "c"}) Come(name);
  After(1000ms);
  gate_.OnNothing(passes_.at("a"));
  EXPECT_THAT(events_, ElementsAre("1000: a in", "1000: b in"));
}

TEST_F(RateLimiterTest, OpensWhenTheOneThatAsksIsNotRefusedForSoLong) {
  Limit(1000ms);
  for (const char* const name : {"a", "b", "c"}) Come(name);
  After(2999ms);
  EXPECT_THAT(events_, ElementsAre("1000: a in"));
  After(1ms);
  EXPECT_THAT(events_, ElementsAre("1000: a in", "3000: b in", "3000: c in"));
  EXPECT_TRUE(gate_.OnThrottled(passes_.at("a"), 1000ms));  // late, and still it counts
  EXPECT_FALSE(gate_.TryAcquire().has_value());
}

TEST_F(RateLimiterTest, LearnsNothingOfThePausesEndFromWhatWasSentBeforeIt) {
  Limit(1000ms);
  for (const char* const name : {"a", "b"}) Come(name);
  gate_.OnAccepted(Pass::kNormal);
  gate_.OnNothing(Pass::kNormal);
  EXPECT_THAT(events_, IsEmpty());
  After(1000ms);
  gate_.OnAccepted(Pass::kNormal);
  gate_.OnNothing(Pass::kNormal);
  EXPECT_THAT(events_, ElementsAre("1000: a in"));
}

TEST_F(RateLimiterTest, LetsNobodyOvertakeThoseWhoWait) {
  Limit(1000ms);
  for (const char* const name : {"a", "b", "c"}) Come(name);
  After(1200ms);
  EXPECT_FALSE(gate_.TryAcquire().has_value());
  Come("newcomer");
  gate_.OnAccepted(passes_.at("a"));
  EXPECT_THAT(events_, ElementsAre("1000: a in", "1200: b in", "1200: c in", "1200: newcomer in"));
}

TEST_F(RateLimiterTest, LetsReservedCallsGoFirst) {
  Limit(1000ms);
  for (const char* const name : {"a", "b"}) Come(name);
  Come("resolves", Priority::kReconciliation);
  Come("resolves too", Priority::kReconciliation);
  After(1100ms);
  gate_.OnAccepted(passes_.at("resolves"));
  EXPECT_THAT(events_, ElementsAre("1000: resolves in", "1100: resolves too in", "1100: a in",
                                   "1100: b in"));
}

TEST_F(RateLimiterTest, LetsThousandsThroughAtOnceInTheirOrder) {
  Limit(1000ms);
  for (int call = 0; call < 5000; ++call) Come(std::to_string(call));
  After(1000ms);
  gate_.OnAccepted(passes_.at("0"));
  ASSERT_EQ(events_.size(), 5000u);
  for (int call = 0; call < 5000; ++call) {
    ASSERT_EQ(events_[static_cast<size_t>(call)], "1000: " + std::to_string(call) + " in");
  }
}

TEST_F(RateLimiterTest, RefusesAtOnceWhoCannotWaitSoLong) {
  Limit(1000ms);
  Come("short", Priority::kNormal, 999ms);
  Come("exact", Priority::kNormal, 1000ms);
  EXPECT_THAT(events_, ElementsAre("0: short come again in 1000"));
  After(1000ms);
  EXPECT_EQ(events_.back(), "1000: exact in");
}

TEST_F(RateLimiterTest, RefusesThoseWhoCannotWaitSoLongAsSoonAsThePauseGrows) {
  Limit(1000ms);
  Come("asks");
  Come("short", Priority::kNormal, 2499ms);
  Come("long", Priority::kNormal, 2501ms);
  After(1500ms);
  gate_.OnThrottled(passes_.at("asks"), 1000ms);
  EXPECT_THAT(events_, ElementsAre("1000: asks in", "1500: short come again in 1000"));
  After(1000ms);
  EXPECT_EQ(events_.back(), "2500: long in");
}

TEST_F(RateLimiterTest, TellsWhoseTimeEndsWhileAnotherAsks) {
  Limit(1000ms);
  Come("asks");
  Come("waits", Priority::kNormal, 1300ms);
  After(1300ms);
  EXPECT_THAT(events_, ElementsAre("1000: asks in", "1300: waits come again in 1700"));
}

TEST_F(RateLimiterTest, EndsAWaitThatIsStopped) {
  std::stop_source stop;
  Limit(1000ms);
  Come("a", Priority::kNormal, 60s, stop.get_token());
  Come("b");
  After(300ms);
  stop.request_stop();
  EXPECT_THAT(events_, ElementsAre("300: a stopped"));
  Come("too late", Priority::kNormal, 60s, stop.get_token());
  EXPECT_EQ(events_.back(), "300: too late stopped");
  After(1s);
  EXPECT_EQ(events_.back(), "1000: b in");
}

TEST_F(RateLimiterTest, CountsOnePauseForAllThatWereSentBefore) {
  EXPECT_TRUE(Limit(1000ms));
  EXPECT_FALSE(Limit(1200ms));  // and the later time counts
  EXPECT_FALSE(Limit(100ms));
  Come("a");
  After(2s);
  EXPECT_THAT(events_, ElementsAre("1200: a in"));
}

TEST_F(RateLimiterTest, GuessesLongerEachTimeNoWaitIsStated) {
  std::vector<Milliseconds> waits;
  auto pass = gate_.TryAcquire();
  for (int time = 0; time < 5; ++time) {
    EXPECT_TRUE(gate_.OnThrottled(*pass, std::nullopt));
    // A second one of the same moment is no sign that the guess was too short.
    EXPECT_FALSE(Limit(std::nullopt));
    Milliseconds wait{0};
    do {
      After(100ms);
      wait += 100ms;
      pass = gate_.TryAcquire();
    } while (!pass);
    EXPECT_FALSE(Limit(std::nullopt));
    waits.push_back(wait);
  }
  EXPECT_THAT(waits, ElementsAre(1000ms, 2000ms, 4000ms, 5000ms, 5000ms));

  gate_.OnAccepted(*pass);
  Limit(std::nullopt);
  After(1000ms);
  EXPECT_TRUE(gate_.TryAcquire().has_value());
}

}  // namespace
}  // namespace gateway
