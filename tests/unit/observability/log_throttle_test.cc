#include "service/observability/log_throttle.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace gateway {
namespace {

using namespace std::chrono_literals;
using ::testing::Eq;
using ::testing::Optional;

constexpr LogThrottle::Time kNow{1h};

TEST(LogThrottleTest, TheNextLineOfAKeyComesAfterASecondAndSaysHowManyWereLeftOut) {
  LogThrottle throttle;
  EXPECT_THAT(throttle.Admit("key", kNow), Optional(0));
  EXPECT_THAT(throttle.Admit("key", kNow), Eq(std::nullopt));
  EXPECT_THAT(throttle.Admit("key", kNow + 999ms), Eq(std::nullopt));
  EXPECT_THAT(throttle.Admit("key", kNow + 1s), Optional(2));
}

TEST(LogThrottleTest, WhatWasLeftOutIsSaidOnce) {
  LogThrottle throttle;
  throttle.Admit("key", kNow);
  throttle.Admit("key", kNow);
  EXPECT_THAT(throttle.Admit("key", kNow + 1s), Optional(1));
  EXPECT_THAT(throttle.Admit("key", kNow + 2s), Optional(0));
}

TEST(LogThrottleTest, KeysDoNotHoldEachOtherBack) {
  LogThrottle throttle;
  EXPECT_THAT(throttle.Admit("key", kNow), Optional(0));
  EXPECT_THAT(throttle.Admit("another", kNow), Optional(0));
}

TEST(LogThrottleTest, KeysBeyondTheBoundShareOne) {
  LogThrottle throttle;
  for (size_t i = 0; i < LogThrottle::kMaxKeys; ++i) {
    EXPECT_THAT(throttle.Admit(std::to_string(i), kNow), Optional(0));
  }
  EXPECT_THAT(throttle.Admit("further", kNow), Optional(0));
  EXPECT_THAT(throttle.Admit("one more", kNow), Eq(std::nullopt));
  EXPECT_THAT(throttle.Admit("one more", kNow + 1s), Optional(1));
  EXPECT_THAT(throttle.Admit("0", kNow + 1s), Optional(0));
}

}  // namespace
}  // namespace gateway
