#include "service/callers/caller_usage.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <limits>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

namespace gateway {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::Optional;

constexpr SteadyTime kStart = SteadyTime(hours(1000));

TEST(CallerUsagePlacesTest, GivesAsManyPlacesAsThereAre) {
  const auto usage = std::make_shared<CallerUsage>();
  const auto first = CallerUsage::TryTakePlace(usage, 2);
  const auto second = CallerUsage::TryTakePlace(usage, 2);
  EXPECT_NE(first, nullptr);
  EXPECT_NE(second, nullptr);
  EXPECT_EQ(CallerUsage::TryTakePlace(usage, 2), nullptr);
  EXPECT_EQ(usage->places(), 2U);
}

TEST(CallerUsagePlacesTest, APlaceThatWasGivenBackCanBeTakenAgain) {
  const auto usage = std::make_shared<CallerUsage>();
  auto place = CallerUsage::TryTakePlace(usage, 1);
  place.reset();
  EXPECT_EQ(usage->places(), 0U);
  EXPECT_NE(CallerUsage::TryTakePlace(usage, 1), nullptr);
}

TEST(CallerUsagePlacesTest, APlaceOfTwoOwnersIsGivenBackByTheLast) {
  const auto usage = std::make_shared<CallerUsage>();
  auto call = CallerUsage::TryTakePlace(usage, 1);
  auto session = call;
  call.reset();
  EXPECT_EQ(usage->places(), 1U);
  EXPECT_EQ(CallerUsage::TryTakePlace(usage, 1), nullptr);
  session.reset();
  EXPECT_EQ(usage->places(), 0U);
}

TEST(CallerUsagePlacesTest, WithFewerPlacesThanAreTakenNobodyGetsOne) {
  const auto usage = std::make_shared<CallerUsage>();
  auto first = CallerUsage::TryTakePlace(usage, 3);
  auto second = CallerUsage::TryTakePlace(usage, 3);
  auto third = CallerUsage::TryTakePlace(usage, 3);
  EXPECT_EQ(CallerUsage::TryTakePlace(usage, 2), nullptr);
  first.reset();
  EXPECT_EQ(CallerUsage::TryTakePlace(usage, 2), nullptr);
  second.reset();
  EXPECT_NE(CallerUsage::TryTakePlace(usage, 2), nullptr);
}

TEST(CallerUsagePlacesTest, APlaceKeepsTheUsage) {
  auto usage = std::make_shared<CallerUsage>();
  const std::weak_ptr<CallerUsage> watched = usage;
  auto place = CallerUsage::TryTakePlace(usage, 1);
  usage.reset();
  ASSERT_FALSE(watched.expired());
  EXPECT_EQ(watched.lock()->places(), 1U);
  place.reset();
  EXPECT_TRUE(watched.expired());
}

TEST(CallerUsagePlacesTest, ThreadsNeverTakeMoreThanThereAre) {
  constexpr size_t kMost = 3;
  constexpr int kRounds = 2'000;
  const auto usage = std::make_shared<CallerUsage>();
  std::atomic<size_t> held = 0;
  std::atomic<bool> is_exceeded = false;
  std::vector<std::thread> threads;
  for (size_t i = 0; i < 2 * kMost; ++i) {
    threads.emplace_back([&usage, &held, &is_exceeded] {
      for (int round = 0; round < kRounds; ++round) {
        const auto place = CallerUsage::TryTakePlace(usage, kMost);
        if (place == nullptr) continue;
        if (++held > kMost) is_exceeded = true;
        --held;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_FALSE(is_exceeded);
  EXPECT_EQ(usage->places(), 0U);
}

// How many calls in a row are counted at `now`.
int64_t CallsAt(CallerUsage& usage, int64_t per_minute, SteadyTime now) {
  int64_t calls = 0;
  while (!usage.TryCountCall(per_minute, now).has_value()) ++calls;
  return calls;
}

class CallerUsageRateTest : public testing::TestWithParam<int64_t> {
 protected:
  CallerUsage usage_;
};

TEST_P(CallerUsageRateTest, TheFirstCallsAreAMinutesWorth) {
  EXPECT_EQ(CallsAt(usage_, GetParam(), kStart), GetParam());
}

TEST_P(CallerUsageRateTest, AfterAMinuteTheBucketIsFullAndNotFuller) {
  CallsAt(usage_, GetParam(), kStart);
  EXPECT_EQ(CallsAt(usage_, GetParam(), kStart + minutes(1)), GetParam());
  EXPECT_EQ(CallsAt(usage_, GetParam(), kStart + hours(24 * 365)), GetParam());
}

TEST_P(CallerUsageRateTest, TheDelayIsEnoughAndNoMillisecondTooLong) {
  CallsAt(usage_, GetParam(), kStart);
  SteadyTime now = kStart;
  for (int i = 0; i < 50; ++i) {
    const std::optional<Milliseconds> delay = usage_.TryCountCall(GetParam(), now);
    if (!delay.has_value()) continue;  // the last wait was rounded up to more than one call
    ASSERT_GT(*delay, Milliseconds(0));
    ASSERT_NE(usage_.TryCountCall(GetParam(), now + *delay - Milliseconds(1)), std::nullopt);
    now += *delay;
    ASSERT_EQ(usage_.TryCountCall(GetParam(), now), std::nullopt);
  }
}

// Numbers that divide a minute and numbers that do not; 999'999 is where rounding a call's share
// down by a fraction of a nanosecond adds up to whole calls.
INSTANTIATE_TEST_SUITE_P(PerMinute, CallerUsageRateTest,
                         testing::Values(1, 2, 7, 60, 601, 44'100, 999'999, 1'000'000));

TEST(CallerUsageBucketTest, TokensComeBackEvenly) {
  CallerUsage usage;
  ASSERT_EQ(CallsAt(usage, 60, kStart), 60);
  EXPECT_EQ(CallsAt(usage, 60, kStart + seconds(1)), 1);
  EXPECT_EQ(CallsAt(usage, 60, kStart + seconds(11)), 10);
}

TEST(CallerUsageBucketTest, ARefusedCallCostsNothing) {
  CallerUsage usage;
  ASSERT_EQ(CallsAt(usage, 60, kStart), 60);
  for (int i = 0; i < 1'000; ++i) {
    EXPECT_THAT(usage.TryCountCall(60, kStart), Optional(Milliseconds(1'000)));
  }
  EXPECT_EQ(usage.TryCountCall(60, kStart + seconds(1)), std::nullopt);
}

TEST(CallerUsageBucketTest, ANewRateKeepsTheShareThatIsUsed) {
  CallerUsage usage;
  for (int i = 0; i < 30; ++i) ASSERT_EQ(usage.TryCountCall(60, kStart), std::nullopt);
  EXPECT_EQ(CallsAt(usage, 600, kStart), 300);
  EXPECT_THAT(usage.TryCountCall(6, kStart), Optional(Milliseconds(10'000)));
  EXPECT_EQ(CallsAt(usage, 6, kStart + seconds(30)), 3);
}

TEST(CallerUsageBucketTest, ALowerRateDoesNotMakeWaitForLongerThanItsMinute) {
  CallerUsage usage;
  ASSERT_EQ(CallsAt(usage, 1'000'000, kStart), 1'000'000);
  EXPECT_THAT(usage.TryCountCall(1, kStart), Optional(Milliseconds(60'000)));
  EXPECT_EQ(usage.TryCountCall(1, kStart + minutes(1)), std::nullopt);
}

TEST(CallerUsageBucketTest, TheBucketIsFullAtFirstWheneverThatIs) {
  for (const SteadyTime now :
       {SteadyTime(), SteadyTime(seconds(1)), SteadyTime(hours(24 * 365 * 200))}) {
    CallerUsage usage;
    EXPECT_EQ(CallsAt(usage, 10, now), 10);
  }
}

// Threads read the clock before they have the lock.
TEST(CallerUsageBucketTest, ATimeThatIsALittleEarlierIsNoHarm) {
  CallerUsage usage;
  ASSERT_EQ(CallsAt(usage, 60, kStart), 60);
  EXPECT_THAT(usage.TryCountCall(60, kStart - Milliseconds(1)), Optional(Milliseconds(1'001)));
  EXPECT_EQ(usage.TryCountCall(60, kStart + seconds(1)), std::nullopt);
}

TEST(CallerUsageBucketTest, ThreadsTogetherGetAMinutesWorth) {
  constexpr int64_t kPerMinute = 1'000;
  CallerUsage usage;
  std::atomic<int64_t> calls = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&usage, &calls] { calls += CallsAt(usage, kPerMinute, kStart); });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(calls, kPerMinute);
}

}  // namespace
}  // namespace gateway
