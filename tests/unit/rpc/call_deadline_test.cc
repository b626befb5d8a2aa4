#include "service/rpc/call_deadline.h"

#include <gtest/gtest.h>

namespace gateway {
namespace {

using namespace std::chrono_literals;

constexpr SteadyTime kNow{1000s};
constexpr DeadlineLimits kLimits = {.default_deadline = 65s, .max_deadline = 120s};

TEST(CallDeadlineTest, EndsAHundredMillisecondsBeforeTheCallersDeadline) {
  EXPECT_EQ(CallDeadline(kNow, 30s, kLimits), Deadline(kNow + 29'900ms));
}

TEST(CallDeadlineTest, TakesAtMostATenthOfAShortDeadlineForItself) {
  EXPECT_EQ(CallDeadline(kNow, 1s, kLimits), Deadline(kNow + 900ms));
  EXPECT_EQ(CallDeadline(kNow, 500ms, kLimits), Deadline(kNow + 450ms));
}

TEST(CallDeadlineTest, HasPassedForACallThatArrivesTooLate) {
  EXPECT_EQ(CallDeadline(kNow, 0ms, kLimits), Deadline(kNow));
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
