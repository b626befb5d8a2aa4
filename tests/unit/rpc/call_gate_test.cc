#include "service/rpc/call_gate.h"

#include <gtest/gtest.h>

#include <future>

namespace gateway {
namespace {

using namespace std::chrono_literals;

TEST(CallGateTest, LetsInAsManyAsItHasPlaces) {
  CallGate gate(2);
  EXPECT_EQ(gate.Enter(), CallGate::Entry::kEntered);
  EXPECT_EQ(gate.Enter(), CallGate::Entry::kEntered);
  EXPECT_EQ(gate.Enter(), CallGate::Entry::kFull);
}

TEST(CallGateTest, APlaceThatWasLeftIsFreeAtOnce) {
  CallGate gate(1);
  ASSERT_EQ(gate.Enter(), CallGate::Entry::kEntered);
  gate.Leave();
  EXPECT_EQ(gate.Enter(), CallGate::Entry::kEntered);
}

TEST(CallGateTest, LetsNobodyInOnceClosed) {
  CallGate gate(1);
  gate.Close();
  EXPECT_EQ(gate.Enter(), CallGate::Entry::kClosed);
}

TEST(CallGateTest, SaysThatSomebodyIsStillInside) {
  CallGate gate(1);
  ASSERT_EQ(gate.Enter(), CallGate::Entry::kEntered);
  gate.Close();
  EXPECT_FALSE(gate.WaitUntilEmpty(0ms));
}

TEST(CallGateTest, WakesWhoeverWaitsWhenTheLastOneLeaves) {
  CallGate gate(2);
  ASSERT_EQ(gate.Enter(), CallGate::Entry::kEntered);
  ASSERT_EQ(gate.Enter(), CallGate::Entry::kEntered);
  gate.Close();
  auto empty = std::async(std::launch::async, [&gate] { return gate.WaitUntilEmpty(60s); });
  gate.Leave();
  gate.Leave();
  EXPECT_TRUE(empty.get()) << "waited 60 s for the gate to be empty";
}

}  // namespace
}  // namespace gateway
