#include "service/passfort/circuit_breaker.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/fakes/manual_clock.h"

namespace gateway {
namespace {

using std::chrono::operator""ms;
using std::chrono::operator""s;
using Change = CircuitBreaker::Change;
using Verdict = CircuitBreaker::Verdict;

class CircuitBreakerTest : public testing::Test {
 protected:
  // One request from its start to its end. True if it opened the circuit.
  bool End(Verdict verdict, const std::string& profile = "a") {
    return breaker_.Note(breaker_.period(), verdict, profile) == Change::kOpened;
  }
  void EndMany(int times, Verdict verdict) {
    for (int i = 0; i < times; ++i) EXPECT_FALSE(End(verdict)) << i;
  }
  // `failures` of 20, spread so that never many follow each other.
  void EndTwenty(int failures) {
    for (int i = 0; i < 20; ++i) {
      (void)End(((i + 1) * failures) % 20 < failures ? Verdict::kUnreachable : Verdict::kWorks);
    }
  }
  void Open() {
    EndMany(4, Verdict::kUnreachable);
    ASSERT_TRUE(End(Verdict::kUnreachable));
  }

  ManualClock clock_;
  CircuitBreaker breaker_{{.failures_in_a_row = 5,
                           .failing_share = 0.5,
                           .fewest_to_judge_by = 20,
                           .window = 10s,
                           .trial_interval = 5s,
                           .reserved_trial_interval = 1s},
                          clock_};
};

TEST_F(CircuitBreakerTest, OpensAtTheFifthFailureInARow) {
  EndMany(4, Verdict::kUnreachable);
  EXPECT_FALSE(breaker_.IsOpen());
  EXPECT_TRUE(End(Verdict::kUnreachable));
  EXPECT_TRUE(breaker_.IsOpen());
}

TEST_F(CircuitBreakerTest, StartsCountingAgainAfterASuccess) {
  EndMany(4, Verdict::kUnreachable);
  EndMany(1, Verdict::kWorks);
  EndMany(4, Verdict::kUnreachable);
  EXPECT_FALSE(breaker_.IsOpen());
}

TEST_F(CircuitBreakerTest, CountsNothingForWhatSaysNothing) {
  EndMany(4, Verdict::kUnreachable);
  EndMany(100, Verdict::kNothing);
  EXPECT_TRUE(End(Verdict::kUnreachable));
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
    EndMany(1, Verdict::kUnreachable);
  }
  EndMany(1, Verdict::kUnreachable);
  EXPECT_FALSE(breaker_.IsOpen());
  EXPECT_TRUE(End(Verdict::kUnreachable));
}

TEST_F(CircuitBreakerTest, ForgetsWhatIsOlderThanItsWindow) {
  for (int i = 0; i < 3; ++i) {
    EndMany(4, Verdict::kUnreachable);
    EndMany(1, Verdict::kWorks);
  }
  EndMany(4, Verdict::kUnreachable);
  clock_.Advance(10s);
  EndMany(1, Verdict::kWorks);
  EXPECT_FALSE(End(Verdict::kUnreachable));  // with the others, 17 of 21
}

TEST_F(CircuitBreakerTest, RemembersHalfOfItsWindowAtLeast) {
  for (int i = 0; i < 5; ++i) {
    EndMany(1, Verdict::kUnreachable);
    EndMany(1, Verdict::kWorks);
  }
  clock_.Advance(5s);
  for (int i = 0; i < 4; ++i) {
    EndMany(1, Verdict::kUnreachable);
    EndMany(1, Verdict::kWorks);
  }
  EndMany(1, Verdict::kWorks);
  EXPECT_TRUE(End(Verdict::kUnreachable));
}

TEST_F(CircuitBreakerTest, IsClosedWithNothingHeldAgainstPassfort) {
  EndMany(4, Verdict::kUnreachable);
  ASSERT_TRUE(End(Verdict::kUnreachable));
  breaker_.Close();
  EXPECT_FALSE(breaker_.IsOpen());
  EndMany(4, Verdict::kUnreachable);
  EXPECT_FALSE(breaker_.IsOpen());
}

// Requests that hang through an outage end long after it; they must not open the circuit again.
TEST_F(CircuitBreakerTest, TakesNoEndOfAnEarlierPeriodIntoAccount) {
  const auto before = breaker_.period();
  EndMany(4, Verdict::kUnreachable);
  ASSERT_TRUE(End(Verdict::kUnreachable));
  const auto during = breaker_.period();
  breaker_.Close();
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(breaker_.Note(before, Verdict::kUnreachable, "a"), Change::kNone);
    EXPECT_EQ(breaker_.Note(during, Verdict::kUnreachable, "a"), Change::kNone);
  }
  EXPECT_FALSE(breaker_.IsOpen());
}

// One profile counts once.

TEST_F(CircuitBreakerTest, IsNotOpenedByOneProfile) {
  for (int second = 0; second < 100; ++second) {
    for (int i = 0; i < 100; ++i) ASSERT_FALSE(End(Verdict::kServerError, "bad"));
    clock_.Advance(1s);
  }
}

TEST_F(CircuitBreakerTest, IsNotOpenedByOneProfileAmongOthersThatWork) {
  for (int i = 0; i < 50; ++i) {
    ASSERT_FALSE(End(Verdict::kWorks, "good " + std::to_string(i)));
    for (int j = 0; j < 3; ++j) ASSERT_FALSE(End(Verdict::kServerError, "bad"));
  }
}

TEST_F(CircuitBreakerTest, OpensAtTheFifthProfileInARow) {
  for (const char* const profile : {"a", "b", "a", "c", "d", "d"}) {
    EXPECT_FALSE(End(Verdict::kServerError, profile));
  }
  EXPECT_TRUE(End(Verdict::kServerError, "e"));
}

TEST_F(CircuitBreakerTest, IsOpenedByOneProfileIfPassfortCannotBeReached) {
  EXPECT_FALSE(End(Verdict::kWorks));
  for (int i = 0; i < 4; ++i) EXPECT_FALSE(End(Verdict::kUnreachable, "the only one"));
  EXPECT_TRUE(End(Verdict::kUnreachable, "the only one"));
}

TEST_F(CircuitBreakerTest, IsOpenedByOneProfileIfNothingIsAnswered) {
  for (int i = 0; i < 4; ++i) EXPECT_FALSE(End(Verdict::kUnanswered, "the only one"));
  EXPECT_TRUE(End(Verdict::kUnanswered, "the only one"));
}

TEST_F(CircuitBreakerTest, IsNotOpenedByOneProfileThatIsNotAnsweredWhileOthersAre) {
  for (int i = 0; i < 50; ++i) {
    ASSERT_FALSE(End(Verdict::kWorks, "good"));
    for (int j = 0; j < 10; ++j) ASSERT_FALSE(End(Verdict::kUnanswered, "bad"));
    clock_.Advance(1s);
  }
  for (const char* const profile : {"b", "c", "d"}) {
    EXPECT_FALSE(End(Verdict::kUnanswered, profile));
  }
  EXPECT_TRUE(End(Verdict::kUnanswered, "e"));
}

// The last word of Passfort was good, but it is long ago.
TEST_F(CircuitBreakerTest, IsOpenedByOneProfileOnceNothingWasAnsweredForLong) {
  EXPECT_FALSE(End(Verdict::kWorks));
  for (int i = 0; i < 10; ++i) EXPECT_FALSE(End(Verdict::kUnanswered, "the only one"));
  clock_.Advance(10s);
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(End(Verdict::kUnanswered, "the only one"));
  EXPECT_TRUE(End(Verdict::kUnanswered, "the only one"));
}

TEST_F(CircuitBreakerTest, OpensWhenAsManyProfilesFailAsRequestsWork) {
  for (int i = 0; i < 9; ++i) {
    EXPECT_FALSE(End(Verdict::kWorks));
    EXPECT_FALSE(End(Verdict::kServerError, std::to_string(i)));
    EXPECT_FALSE(End(Verdict::kServerError, std::to_string(i)));
  }
  EXPECT_FALSE(End(Verdict::kWorks));
  EXPECT_FALSE(End(Verdict::kServerError, "0"));
  EXPECT_TRUE(End(Verdict::kServerError, "9"));
}

// What it remembers is bounded, and no failure is lost by that.
TEST_F(CircuitBreakerTest, CountsProfilesBeyondThoseItTellsApart) {
  for (int i = 0; i < 2000; ++i) {
    for (int j = 0; j < 2; ++j) ASSERT_FALSE(End(Verdict::kWorks));
  }
  int failures = 0;
  while (!End(Verdict::kServerError, std::to_string(failures++))) {
    if (failures % 4 == 0) {
      clock_.Advance(1ms);
      (void)End(Verdict::kWorks);
    }
    ASSERT_LT(failures, 10000);
  }
}

// One call now and then, while it is open.

TEST_F(CircuitBreakerTest, LetsEveryCallThroughWhileItIsClosed) {
  for (int i = 0; i < 10; ++i) {
    EXPECT_TRUE(breaker_.LetsThrough(Priority::kOrdinary));
    EXPECT_TRUE(breaker_.Admit(Priority::kOrdinary));
  }
}

TEST_F(CircuitBreakerTest, TriesOneCallInEachInterval) {
  Open();
  clock_.Advance(4999ms);
  EXPECT_FALSE(breaker_.Admit(Priority::kOrdinary));
  clock_.Advance(1ms);
  EXPECT_TRUE(breaker_.LetsThrough(Priority::kOrdinary));
  EXPECT_TRUE(breaker_.Admit(Priority::kOrdinary));
  EXPECT_FALSE(breaker_.LetsThrough(Priority::kOrdinary));
  EXPECT_FALSE(breaker_.Admit(Priority::kOrdinary));
  clock_.Advance(4999ms);
  EXPECT_FALSE(breaker_.Admit(Priority::kOrdinary));
  clock_.Advance(60s);
  EXPECT_TRUE(breaker_.Admit(Priority::kOrdinary));
  EXPECT_FALSE(breaker_.Admit(Priority::kOrdinary));
}

TEST_F(CircuitBreakerTest, TriesReadsThatReconcileApartAndMoreOften) {
  Open();
  int tried = 0;
  for (int i = 0; i < 100; ++i) {
    clock_.Advance(100ms);
    if (breaker_.Admit(Priority::kReserved)) ++tried;
  }
  EXPECT_EQ(tried, 10);
  EXPECT_TRUE(breaker_.Admit(Priority::kOrdinary));
}

TEST_F(CircuitBreakerTest, IsClosedByACallThatWasTriedAndWorks) {
  Open();
  clock_.Advance(5s);
  ASSERT_TRUE(breaker_.Admit(Priority::kOrdinary));
  const auto open = breaker_.period();
  for (const auto verdict :
       {Verdict::kUnreachable, Verdict::kUnanswered, Verdict::kServerError, Verdict::kNothing}) {
    EXPECT_EQ(breaker_.Note(open, verdict, "a"), Change::kNone);
    EXPECT_TRUE(breaker_.IsOpen());
  }
  EXPECT_EQ(breaker_.Note(open, Verdict::kWorks, "a"), Change::kClosed);
  EXPECT_FALSE(breaker_.IsOpen());
  EndMany(4, Verdict::kUnreachable);
}

TEST_F(CircuitBreakerTest, IsNotClosedByACallFromBeforeItOpened) {
  const auto before = breaker_.period();
  Open();
  EXPECT_EQ(breaker_.Note(before, Verdict::kWorks, "a"), Change::kNone);
  EXPECT_TRUE(breaker_.IsOpen());
}

}  // namespace
}  // namespace gateway
