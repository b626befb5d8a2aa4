#include "service/passfort/circuit_breaker.h"

#include <gtest/gtest.h>

#include "tests/fakes/manual_clock.h"

namespace gateway {
namespace {

using std::chrono::operator""ms;
using std::chrono::operator""s;
using Verdict = CircuitBreaker::Verdict;

class CircuitBreakerTest : public testing::Test {
 protected:
  // One request from its start to its end. True if it opened the circuit.
  bool End(Verdict verdict) { return breaker_.Note(breaker_.period(), verdict); }
  void EndMany(int times, Verdict verdict) {
    for (int i = 0; i < times; ++i) EXPECT_FALSE(End(verdict)) << i;
  }
  // `failures` of 20, spread so that never many follow each other.
  void EndTwenty(int failures) {
    for (int i = 0; i < 20; ++i) {
      (void)End(((i + 1) * failures) % 20 < failures ? Verdict::kFails : Verdict::kWorks);
    }
  }

  ManualClock clock_;
  CircuitBreaker breaker_{
      {.failures_in_a_row = 5, .failing_share = 0.5, .fewest_to_judge_by = 20, .window = 10s},
      clock_};
};

TEST_F(CircuitBreakerTest, OpensAtTheFifthFailureInARow) {
  EndMany(4, Verdict::kFails);
  EXPECT_FALSE(breaker_.IsOpen());
  EXPECT_TRUE(End(Verdict::kFails));
  EXPECT_TRUE(breaker_.IsOpen());
}

TEST_F(CircuitBreakerTest, StartsCountingAgainAfterASuccess) {
  EndMany(4, Verdict::kFails);
  EndMany(1, Verdict::kWorks);
  EndMany(4, Verdict::kFails);
  EXPECT_FALSE(breaker_.IsOpen());
}

TEST_F(CircuitBreakerTest, CountsNothingForWhatSaysNothing) {
  EndMany(4, Verdict::kFails);
  EndMany(100, Verdict::kNothing);
  EXPECT_TRUE(End(Verdict::kFails));
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
    EndMany(1, Verdict::kWorks);
    EndMany(1, Verdict::kFails);
  }
  EndMany(1, Verdict::kFails);
  EXPECT_FALSE(breaker_.IsOpen());
  EXPECT_TRUE(End(Verdict::kFails));
}

TEST_F(CircuitBreakerTest, ForgetsWhatIsOlderThanItsWindow) {
  for (int i = 0; i < 3; ++i) {
    EndMany(4, Verdict::kFails);
    EndMany(1, Verdict::kWorks);
  }
  EndMany(4, Verdict::kFails);
  clock_.Advance(10s);
  EndMany(1, Verdict::kWorks);
  EXPECT_FALSE(End(Verdict::kFails));  // with the others, 17 of 21
}

TEST_F(CircuitBreakerTest, RemembersHalfOfItsWindowAtLeast) {
  for (int i = 0; i < 5; ++i) {
    EndMany(1, Verdict::kFails);
    EndMany(1, Verdict::kWorks);
  }
  clock_.Advance(5s);
  for (int i = 0; i < 4; ++i) {
    EndMany(1, Verdict::kFails);
    EndMany(1, Verdict::kWorks);
  }
  EndMany(1, Verdict::kWorks);
  EXPECT_TRUE(End(Verdict::kFails));
}

TEST_F(CircuitBreakerTest, IsClosedWithNothingHeldAgainstPassfort) {
  EndMany(4, Verdict::kFails);
  ASSERT_TRUE(End(Verdict::kFails));
  breaker_.Close();
  EXPECT_FALSE(breaker_.IsOpen());
  EndMany(4, Verdict::kFails);
  EXPECT_FALSE(breaker_.IsOpen());
}

// Requests that hang through an outage end long after it; they must not open the circuit again.
TEST_F(CircuitBreakerTest, TakesNoEndOfAnEarlierPeriodIntoAccount) {
  const auto before = breaker_.period();
  EndMany(4, Verdict::kFails);
  ASSERT_TRUE(End(Verdict::kFails));
  const auto during = breaker_.period();
  breaker_.Close();
  for (int i = 0; i < 100; ++i) {
    EXPECT_FALSE(breaker_.Note(before, Verdict::kFails));
    EXPECT_FALSE(breaker_.Note(during, Verdict::kFails));
  }
  EXPECT_FALSE(breaker_.IsOpen());
}

}  // namespace
}  // namespace gateway
