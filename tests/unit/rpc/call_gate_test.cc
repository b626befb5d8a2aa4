#include "service/rpc/call_gate.h"

#include <gtest/gtest.h>

#include <future>
#include <string_view>

namespace gateway {
namespace {

using namespace std::chrono_literals;

constexpr char kPeer[] = "ipv4:192.0.2.1:50000";

int EnterAll(CallGate& gate, std::string_view peer) {
  int entered = 0;
  while (gate.Enter(peer) == CallGate::Entry::kEntered) ++entered;
  return entered;
}

TEST(CallGateTest, LetsInAsManyAsItHasPlaces) {
  CallGate gate(2);
  EXPECT_EQ(gate.Enter(kPeer), CallGate::Entry::kEntered);
  EXPECT_EQ(gate.Enter(kPeer), CallGate::Entry::kEntered);
  EXPECT_EQ(gate.Enter(kPeer), CallGate::Entry::kFull);
}

TEST(CallGateTest, APlaceThatWasLeftIsFreeAtOnce) {
  CallGate gate(1);
  ASSERT_EQ(gate.Enter(kPeer), CallGate::Entry::kEntered);
  gate.Leave(kPeer);
  EXPECT_EQ(gate.Enter(kPeer), CallGate::Entry::kEntered);
}

TEST(CallGateTest, LetsNobodyInOnceClosed) {
  CallGate gate(1);
  gate.Close();
  EXPECT_EQ(gate.Enter(kPeer), CallGate::Entry::kClosed);
}

TEST(CallGateTest, SaysThatSomebodyIsStillInside) {
  CallGate gate(1);
  ASSERT_EQ(gate.Enter(kPeer), CallGate::Entry::kEntered);
  gate.Close();
  EXPECT_FALSE(gate.WaitUntilEmpty(0ms));
}

TEST(CallGateTest, WakesWhoeverWaitsWhenTheLastOneLeaves) {
  CallGate gate(2);
  ASSERT_EQ(gate.Enter(kPeer), CallGate::Entry::kEntered);
  ASSERT_EQ(gate.Enter(kPeer), CallGate::Entry::kEntered);
  gate.Close();
  auto empty = std::async(std::launch::async, [&gate] { return gate.WaitUntilEmpty(60s); });
  gate.Leave(kPeer);
  gate.Leave(kPeer);
  EXPECT_TRUE(empty.get()) << "waited 60 s for the gate to be empty";
}

TEST(CallGateTest, OneConnectionCannotKeepOutOthersOfItsAddress) {
  CallGate gate(64);
  EXPECT_EQ(EnterAll(gate, kPeer), 56);
  EXPECT_EQ(CallGate::PlacesOfOneConnection(64), 56U);
  EXPECT_EQ(EnterAll(gate, "ipv4:192.0.2.1:50001"), 4);
}

TEST(CallGateTest, OneAddressCannotKeepOutTheOthers) {
  CallGate gate(64);
  EnterAll(gate, kPeer);
  EnterAll(gate, "ipv4:192.0.2.1:50001");
  EXPECT_EQ(EnterAll(gate, "ipv6:[2001:db8::1]:50000"), 4);
  gate.Leave(kPeer);
  EXPECT_EQ(EnterAll(gate, kPeer), 0);
  EXPECT_EQ(EnterAll(gate, "ipv4:192.0.2.2:50000"), 1);
}

TEST(CallGateTest, APathHasNoShares) {
  CallGate gate(64);
  EXPECT_EQ(EnterAll(gate, "unix:/run/gateway"), 64);
}

}  // namespace
}  // namespace gateway
