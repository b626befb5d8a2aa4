#include "service/rpc/connections/fair_shares.h"

#include <gtest/gtest.h>

namespace gateway {
namespace {

using Result = FairShares::Result;

int TakeAll(FairShares& shares, std::string_view holder) {
  int taken = 0;
  while (shares.Take(holder) == Result::kTaken) ++taken;
  return taken;
}

TEST(FairSharesTest, LeavesTheLastPlacesToOthers) {
  FairShares shares(80, 10);
  EXPECT_EQ(TakeAll(shares, "a"), 70);
  EXPECT_EQ(shares.Take("a"), Result::kShareUsedUp);
  EXPECT_EQ(TakeAll(shares, "b"), 10);
  EXPECT_EQ(shares.Take("b"), Result::kFull);
}

TEST(FairSharesTest, GivesWhatBecomesFreeToThoseBelowTheirShare) {
  FairShares shares(80, 10);
  TakeAll(shares, "a");
  TakeAll(shares, "b");
  for (int i = 0; i < 10; ++i) shares.Give("a");
  EXPECT_EQ(shares.Take("a"), Result::kShareUsedUp);
  EXPECT_EQ(TakeAll(shares, "b"), 10);
}

TEST(FairSharesTest, AlwaysLetsANewcomerIn) {
  FairShares shares(16, 2);
  TakeAll(shares, "a");
  EXPECT_EQ(shares.Take("b"), Result::kTaken);
  EXPECT_EQ(shares.Take("c"), Result::kTaken);
  EXPECT_EQ(shares.Take("d"), Result::kFull);
}

TEST(FairSharesTest, KeepsNothingIfSoTold) {
  FairShares shares(3, 0);
  EXPECT_EQ(TakeAll(shares, "a"), 3);
}

TEST(FairSharesTest, BindsNobodyWithoutAName) {
  FairShares shares(80, 10);
  EXPECT_EQ(TakeAll(shares, ""), 80);
  EXPECT_EQ(shares.taken(), 80U);
  shares.Give("");
  EXPECT_EQ(shares.taken(), 79U);
}

TEST(FairSharesTest, ForgetsHoldersWhoGaveAllBack) {
  FairShares shares(80, 10);
  ASSERT_EQ(shares.Take("a"), Result::kTaken);
  shares.Give("a");
  EXPECT_EQ(shares.taken(), 0U);
  EXPECT_EQ(TakeAll(shares, "b"), 70);
}

}  // namespace
}  // namespace gateway
