#include "service/rpc/calls/concurrency_limiter.h"

#include <gtest/gtest.h>

#include <future>
#include <string_view>

namespace gateway {
namespace {

using namespace std::chrono_literals;

constexpr char kPeer[] = "ipv4:192.0.2.1:50000";

int EnterAll(ConcurrencyLimiter& gate, std::string_view peer) {
  int entered = 0;
  while (gate.TryAcquire(peer) == ConcurrencyLimiter::Admission::kAdmitted) ++entered;
  return entered;
}

TEST(ConcurrencyLimiterTest, LetsInAsManyAsItHasPlaces) {
  ConcurrencyLimiter gate(2);
  EXPECT_EQ(gate.TryAcquire(kPeer), ConcurrencyLimiter::Admission::kAdmitted);
  EXPECT_EQ(gate.TryAcquire(kPeer), ConcurrencyLimiter::Admission::kAdmitted);
  EXPECT_EQ(gate.TryAcquire(kPeer), ConcurrencyLimiter::Admission::kAtLimit);
}

TEST(ConcurrencyLimiterTest, APlaceThatWasLeftIsFreeAtOnce) {
  ConcurrencyLimiter gate(1);
  ASSERT_EQ(gate.TryAcquire(kPeer), ConcurrencyLimiter::Admission::kAdmitted);
  gate.Release(kPeer);
  EXPECT_EQ(gate.TryAcquire(kPeer), ConcurrencyLimiter::Admission::kAdmitted);
}

TEST(ConcurrencyLimiterTest, LetsNobodyInOnceClosed) {
  ConcurrencyLimiter gate(1);
  gate.Close();
  EXPECT_EQ(gate.TryAcquire(kPeer), ConcurrencyLimiter::Admission::kClosed);
}

TEST(ConcurrencyLimiterTest, SaysThatSomebodyIsStillInside) {
  ConcurrencyLimiter gate(1);
  ASSERT_EQ(gate.TryAcquire(kPeer), ConcurrencyLimiter::Admission::kAdmitted);
  gate.Close();
  EXPECT_FALSE(gate.WaitUntilEmpty(0ms));
}

TEST(ConcurrencyLimiterTest, WakesWhoeverWaitsWhenTheLastOneLeaves) {
  ConcurrencyLimiter gate(2);
  ASSERT_EQ(gate.TryAcquire(kPeer), ConcurrencyLimiter::Admission::kAdmitted);
  ASSERT_EQ(gate.TryAcquire(kPeer), ConcurrencyLimiter::Admission::kAdmitted);
  gate.Close();
  auto empty = std::async(std::launch::async, [&gate] { return gate.WaitUntilEmpty(60s); });
  gate.Release(kPeer);
  gate.Release(kPeer);
  EXPECT_TRUE(empty.get()) << "waited 60 s for the gate to be empty";
}

TEST(ConcurrencyLimiterTest, OneConnectionCannotKeepOutOthersOfItsAddress) {
  ConcurrencyLimiter gate(64);
  EXPECT_EQ(EnterAll(gate, kPeer), 56);
  EXPECT_EQ(ConcurrencyLimiter::PlacesOfOneConnection(64), 56U);
  EXPECT_EQ(EnterAll(gate, "ipv4:192.0.2.1:50001"), 4);
}

TEST(ConcurrencyLimiterTest, OneAddressCannotKeepOutTheOthers) {
  ConcurrencyLimiter gate(64);
  EnterAll(gate, kPeer);
  EnterAll(gate, "ipv4:192.0.2.1:50001");
  EXPECT_EQ(EnterAll(gate, "ipv6:[2001:db8::1]:50000"), 4);
  gate.Release(kPeer);
  EXPECT_EQ(EnterAll(gate, kPeer), 0);
  EXPECT_EQ(EnterAll(gate, "ipv4:192.0.2.2:50000"), 1);
}

TEST(ConcurrencyLimiterTest, APathHasNoShares) {
  ConcurrencyLimiter gate(64);
  EXPECT_EQ(EnterAll(gate, "unix:/run/gateway"), 64);
}

}  // namespace
}  // namespace gateway
