#include "service/rpc/calls/call_deadline.h"

#include <gtest/gtest.h>

namespace gateway {
namespace {

using namespace std::chrono_literals;

constexpr SteadyTime kNow{1000s};
constexpr DeadlineLimits kLimits = {.default_deadline = 65s, .max_deadline = 120s};

TEST(CallDeadlineTest, EndsAHundredMillisecondsBeforeTheEarliestThatTheCallerCanHaveMeant) {
  EXPECT_EQ(CallDeadline(kNow, 2s, kLimits), Deadline(kNow + 2s - 10ms - 100ms));
  EXPECT_EQ(CallDeadline(kNow, 9999ms, kLimits), Deadline(kNow + 9999ms - 10ms - 100ms));
  EXPECT_EQ(CallDeadline(kNow, 10s, kLimits), Deadline(kNow + 10s - 100ms - 100ms));
  EXPECT_EQ(CallDeadline(kNow, 90s, kLimits), Deadline(kNow + 90s - 100ms - 100ms));
  EXPECT_EQ(CallDeadline(kNow, 110s, kLimits), Deadline(kNow + 110s - 1s - 100ms));
}

TEST(CallDeadlineTest, TakesAtMostATenthOfAShortDeadlineForItself) {
  EXPECT_EQ(CallDeadline(kNow, 1s, kLimits), Deadline(kNow + (1s - 10ms) * 9 / 10));
  EXPECT_EQ(CallDeadline(kNow, 501ms, kLimits), Deadline(kNow + 450ms));
}

TEST(CallDeadlineTest, HasPassedForACallThatArrivesTooLate) {
  EXPECT_EQ(CallDeadline(kNow, 0ms, kLimits), Deadline(kNow));
  EXPECT_EQ(CallDeadline(kNow, 1ms, kLimits), Deadline(kNow));
  EXPECT_EQ(CallDeadline(kNow, -5s, kLimits), Deadline(kNow));
}

TEST(CallDeadlineTest, IsTheDefaultForACallerWithoutOne) {
  EXPECT_EQ(CallDeadline(kNow, std::nullopt, kLimits), Deadline(kNow + 65s));
}

TEST(CallDeadlineTest, NeverExceedsTheLongest) {
  EXPECT_EQ(CallDeadline(kNow, 10min, kLimits), Deadline(kNow + 120s));
  EXPECT_EQ(CallDeadline(kNow, std::chrono::nanoseconds::max(), kLimits), Deadline(kNow + 120s));
  EXPECT_EQ(CallDeadline(kNow, std::nullopt, {.default_deadline = 65s, .max_deadline = 10s}),
            Deadline(kNow + 10s));
}

}  // namespace
}  // namespace gateway
