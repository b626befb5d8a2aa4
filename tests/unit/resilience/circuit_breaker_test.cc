#include "service/resilience/circuit_breaker.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/fakes/manual_clock.h"

namespace gateway {
namespace {

using std::chrono::operator""ms;
using std::chrono::operator""s;
using Change = CircuitBreaker::Change;
using Sample = CircuitBreaker::Sample;

class CircuitBreakerTest : public testing::Test {
 protected:
  // One request from its start to its end. True if it opened the circuit.
  bool End(Sample sample, const std::string& profile = "a") {
    return breaker_.OnResult(breaker_.generation(), sample, profile) == Change::kOpened;
  }
  void EndMany(int times, Sample sample) {
    for (int i = 0; i < times; ++i) EXPECT_FALSE(End(sample)) << i;
  }
  // `failures` of 20, spread so that never many follow each other.
  void EndTwenty(int failures) {
    for (int i = 0; i < 20; ++i) {
      (void)End(((i + 1) * failures) % 20 < failures ? Sample::kUnreachable : Sample::kSuccess);
    }
  }
  void Open() {
    EndMany(4, Sample::kUnreachable);
    ASSERT_TRUE(End(Sample::kUnreachable));
  }

  ManualClock clock_;
  CircuitBreaker breaker_{{.consecutive_failures = 5,
                           .failure_rate_threshold = 0.5,
                           .min_calls = 20,
                           .window = 10s,
                           .trial_interval = 5s,
                           .reconciliation_trial_interval = 1s},
                          clock_};
};

TEST_F(CircuitBreakerTest, OpensAtTheFifthFailureInARow) {
  EndMany(4, Sample::kUnreachable);
  EXPECT_FALSE(breaker_.IsOpen());
  EXPECT_TRUE(End(Sample::kUnreachable));
  EXPECT_TRUE(breaker_.IsOpen());
}

// Of profiles that are yet to be created, each is another one.
TEST_F(CircuitBreakerTest, CountsEachFailureWithoutAProfile) {
  for (const Sample sample : {Sample::kServerError, Sample::kUnanswered}) {
    breaker_.Close();
    (void)End(Sample::kSuccess);
    for (int i = 0; i < 4; ++i) EXPECT_FALSE(End(sample, "")) << i;
    EXPECT_TRUE(End(sample, ""));
  }
}

TEST_F(CircuitBreakerTest, StartsCountingAgainAfterASuccess) {
  EndMany(4, Sample::kUnreachable);
  EndMany(1, Sample::kSuccess);
  EndMany(4, Sample::kUnreachable);
  EXPECT_FALSE(breaker_.IsOpen());
}

TEST_F(CircuitBreakerTest, CountsNothingForWhatSaysNothing) {
  EndMany(4, Sample::kUnreachable);
  EndMany(100, Sample::kIgnored);
  EXPECT_TRUE(End(Sample::kUnreachable));
}

TEST_F(CircuitBreakerTest, OpensWhenHalfOfTheLastTwentyFail) {
  EndTwenty(10);
  EXPECT_TRUE(breaker_.IsOpen());
}

TEST_F(CircuitBreakerTest, StaysClosedWhenFewerFail) {
  for (int round = 0; round < 10; ++round) EndTwenty(9);
  EXPECT_FALSE(breaker_.IsOpen());
}

TEST_F(CircuitBreakerTest, DoesNotJudgeByFewerThanTwenty) {
  for (int i = 0; i < 9; ++i) {
    EndMany(1, Sample::kSuccess);
    EndMany(1, Sample::kUnreachable);
  }
  EndMany(1, Sample::kUnreachable);
  EXPECT_FALSE(breaker_.IsOpen());
  EXPECT_TRUE(End(Sample::kUnreachable));
}

TEST_F(CircuitBreakerTest, ForgetsWhatIsOlderThanItsWindow) {
  for (int i = 0; i < 3; ++i) {
    EndMany(4, Sample::kUnreachable);
    EndMany(1, Sample::kSuccess);
  }
  EndMany(4, Sample::kUnreachable);
  clock_.Advance(10s);
  EndMany(1, Sample::kSuccess);
  EXPECT_FALSE(End(Sample::kUnreachable));  // with the others, 17 of 21
}

TEST_F(CircuitBreakerTest, RemembersHalfOfItsWindowAtLeast) {
  for (int i = 0; i < 5; ++i) {
    EndMany(1, Sample::kUnreachable);
    EndMany(1, Sample::kSuccess);
  }
  clock_.Advance(5s);
  for (int i = 0; i < 4; ++i) {
    EndMany(1, Sample::kUnreachable);
    EndMany(1, Sample::kSuccess);
  }
  EndMany(1, Sample::kSuccess);
  EXPECT_TRUE(End(Sample::kUnreachable));
}

TEST_F(CircuitBreakerTest, IsClosedWithNothingHeldAgainstPassfort) {
  EndMany(4, Sample::kUnreachable);
  ASSERT_TRUE(End(Sample::kUnreachable));
  breaker_.Close();
  EXPECT_FALSE(breaker_.IsOpen());
  EndMany(4, Sample::kUnreachable);
  EXPECT_FALSE(breaker_.IsOpen());
}

// Requests that hang through an outage end long after it; they must not open the circuit again.
TEST_F(CircuitBreakerTest, TakesNoEndOfAnEarlierPeriodIntoAccount) {
  const auto before = breaker_.generation();
  EndMany(4, Sample::kUnreachable);
  ASSERT_TRUE(End(Sample::kUnreachable));
  const auto during = breaker_.generation();
  breaker_.Close();
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(breaker_.OnResult(before, Sample::kUnreachable, "a"), Change::kNone);
    EXPECT_EQ(breaker_.OnResult(during, Sample::kUnreachable, "a"), Change::kNone);
  }
  EXPECT_FALSE(breaker_.IsOpen());
}

// One profile counts once.

TEST_F(CircuitBreakerTest, IsNotOpenedByOneProfile) {
  for (int second = 0; second < 100; ++second) {
    for (int i = 0; i < 100; ++i) ASSERT_FALSE(End(Sample::kServerError, "bad"));
    clock_.Advance(1s);
  }
}

TEST_F(CircuitBreakerTest, IsNotOpenedByOneProfileAmongOthersThatWork) {
  for (int i = 0; i < 50; ++i) {
    ASSERT_FALSE(End(Sample::kSuccess, "good " + std::to_string(i)));
    for (int j = 0; j < 3; ++j) ASSERT_FALSE(End(Sample::kServerError, "bad"));
  }
}

TEST_F(CircuitBreakerTest, OpensAtTheFifthProfileInARow) {
  for (const char* const profile : {"a", "b", "a", "c", "d", "d"}) {
    EXPECT_FALSE(End(Sample::kServerError, profile));
  }
  EXPECT_TRUE(End(Sample::kServerError, "e"));
}

TEST_F(CircuitBreakerTest, IsOpenedByOneProfileIfPassfortCannotBeReached) {
  EXPECT_FALSE(End(Sample::kSuccess));
  for (int i = 0; i < 4; ++i) EXPECT_FALSE(End(Sample::kUnreachable, "the only one"));
  EXPECT_TRUE(End(Sample::kUnreachable, "the only one"));
}

TEST_F(CircuitBreakerTest, IsOpenedByOneProfileIfNothingIsAnswered) {
  for (int i = 0; i < 4; ++i) EXPECT_FALSE(End(Sample::kUnanswered, "the only one"));
  EXPECT_TRUE(End(Sample::kUnanswered, "the only one"));
}

TEST_F(CircuitBreakerTest, IsNotOpenedByOneProfileThatIsNotAnsweredWhileOthersAre) {
  for (int i = 0; i < 50; ++i) {
    ASSERT_FALSE(End(Sample::kSuccess, "good"));
    for (int j = 0; j < 10; ++j) ASSERT_FALSE(End(Sample::kUnanswered, "bad"));
    clock_.Advance(1s);
  }
  for (const char* const profile : {"b", "c", "d"}) {
    EXPECT_FALSE(End(Sample::kUnanswered, profile));
  }
  EXPECT_TRUE(End(Sample::kUnanswered, "e"));
}

// The last word of Passfort was good, but it is long ago.
TEST_F(CircuitBreakerTest, IsOpenedByOneProfileOnceNothingWasAnsweredForLong) {
  EXPECT_FALSE(End(Sample::kSuccess));
  for (int i = 0; i < 10; ++i) EXPECT_FALSE(End(Sample::kUnanswered, "the only one"));
  clock_.Advance(10s);
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(End(Sample::kUnanswered, "the only one"));
  EXPECT_TRUE(End(Sample::kUnanswered, "the only one"));
}

TEST_F(CircuitBreakerTest, OpensWhenAsManyProfilesFailAsRequestsWork) {
  for (int i = 0; i < 9; ++i) {
    EXPECT_FALSE(End(Sample::kSuccess));
    EXPECT_FALSE(End(Sample::kServerError, std::to_string(i)));
    EXPECT_FALSE(End(Sample::kServerError, std::to_string(i)));
  }
  EXPECT_FALSE(End(Sample::kSuccess));
  EXPECT_FALSE(End(Sample::kServerError, "0"));
  EXPECT_TRUE(End(Sample::kServerError, "9"));
}

// What it remembers is bounded, and no failure is lost by that.
TEST_F(CircuitBreakerTest, CountsProfilesBeyondThoseItTellsApart) {
  for (int i = 0; i < 2000; ++i) {
    for (int j = 0; j < 2; ++j) ASSERT_FALSE(End(Sample::kSuccess));
  }
  int failures = 0;
  while (!End(Sample::kServerError, std::to_string(failures++))) {
    if (failures % 4 == 0) {
      clock_.Advance(1ms);
      (void)End(Sample::kSuccess);
    }
    ASSERT_LT(failures, 10000);
  }
}

// One call now and then, while it is open.

TEST_F(CircuitBreakerTest, LetsEveryCallThroughWhileItIsClosed) {
  for (int i = 0; i < 10; ++i) {
    EXPECT_TRUE(breaker_.LetsThrough(Priority::kNormal));
    EXPECT_TRUE(breaker_.Admit(Priority::kNormal));
  }
}

TEST_F(CircuitBreakerTest, TriesOneCallInEachInterval) {
  Open();
  clock_.Advance(4999ms);
  EXPECT_FALSE(breaker_.Admit(Priority::kNormal));
  clock_.Advance(1ms);
  EXPECT_TRUE(breaker_.LetsThrough(Priority::kNormal));
  EXPECT_TRUE(breaker_.Admit(Priority::kNormal));
  EXPECT_FALSE(breaker_.LetsThrough(Priority::kNormal));
  EXPECT_FALSE(breaker_.Admit(Priority::kNormal));
  clock_.Advance(4999ms);
  EXPECT_FALSE(breaker_.Admit(Priority::kNormal));
  clock_.Advance(60s);
  EXPECT_TRUE(breaker_.Admit(Priority::kNormal));
  EXPECT_FALSE(breaker_.Admit(Priority::kNormal));
}

TEST_F(CircuitBreakerTest, TriesReadsThatReconcileApartAndMoreOften) {
  Open();
  int tried = 0;
  for (int i = 0; i < 100; ++i) {
    clock_.Advance(100ms);
    if (breaker_.Admit(Priority::kReconciliation)) ++tried;
  }
  EXPECT_EQ(tried, 10);
  EXPECT_TRUE(breaker_.Admit(Priority::kNormal));
}

TEST_F(CircuitBreakerTest, IsClosedByACallThatWasTriedAndWorks) {
  Open();
  clock_.Advance(5s);
  ASSERT_TRUE(breaker_.Admit(Priority::kNormal));
  const auto open = breaker_.generation();
  for (const auto sample :
       {Sample::kUnreachable, Sample::kUnanswered, Sample::kServerError, Sample::kIgnored}) {
    EXPECT_EQ(breaker_.OnResult(open, sample, "a"), Change::kNone);
    EXPECT_TRUE(breaker_.IsOpen());
  }
  EXPECT_EQ(breaker_.OnResult(open, Sample::kSuccess, "a"), Change::kClosed);
  EXPECT_FALSE(breaker_.IsOpen());
  EndMany(4, Sample::kUnreachable);
}

TEST_F(CircuitBreakerTest, IsNotClosedByACallFromBeforeItOpened) {
  const auto before = breaker_.generation();
  Open();
  EXPECT_EQ(breaker_.OnResult(before, Sample::kSuccess, "a"), Change::kNone);
  EXPECT_TRUE(breaker_.IsOpen());
}

}  // namespace
}  // namespace gateway
