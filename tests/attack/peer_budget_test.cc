// The counts that cmake/grpc/grpc-1.51.1.patch adds to gRPC.

#include "src/core/ext/transport/chttp2/transport/peer_budget.h"

#include <gtest/gtest.h>

#include <vector>

namespace gateway {
namespace {

using grpc_core::PeerBudget;
using Verdict = PeerBudget::Verdict;

constexpr uint32_t kMaxConcurrentStreams = 4375;

// Streams that the peer opens and resets one after the other, until it gets a GOAWAY.
int ResetsUntilGoAway(PeerBudget& budget, int64_t now_ms) {
  int resets = 0;
  while (budget.Judge(kMaxConcurrentStreams, now_ms) == Verdict::kAccept) {
    ++resets;
    budget.OnStreamEnded(false);
  }
  return resets;
}

void Answer(PeerBudget& budget, int streams) {
  for (int i = 0; i < streams; ++i) budget.OnStreamEnded(true);
}

TEST(PeerBudgetTest, APeerThatOnlyResetsHasAThousandAndTwoHundredASecond) {
  PeerBudget budget;
  EXPECT_EQ(ResetsUntilGoAway(budget, 0), 1000);
  EXPECT_EQ(ResetsUntilGoAway(budget, 1000), 200);
  EXPECT_EQ(ResetsUntilGoAway(budget, 1005), 1);
  EXPECT_EQ(ResetsUntilGoAway(budget, 1'000'000), 1000);
}

TEST(PeerBudgetTest, EachAnsweredStreamMakesUpForOneReset) {
  PeerBudget budget;
  for (int i = 0; i < 100'000; ++i) {
    ASSERT_EQ(budget.Judge(kMaxConcurrentStreams, 0), Verdict::kAccept) << i;
    budget.OnStreamEnded(false);
    Answer(budget, 1);
  }
}

TEST(PeerBudgetTest, NobodyCollectsPatienceForAnAttackLater) {
  PeerBudget budget;
  Answer(budget, 100'000);
  EXPECT_EQ(ResetsUntilGoAway(budget, 0), 1000);
}

TEST(PeerBudgetTest, StreamsWhoseMemoryIsHeldAreBoundedOnAConnection) {
  PeerBudget budget;
  for (int i = 0; i < 10 + 1000; ++i) {
    ASSERT_EQ(budget.Judge(10, 0), Verdict::kAccept) << i;
    budget.OnStreamCreated();
  }
  EXPECT_EQ(budget.Judge(10, 0), Verdict::kRefuse);
  budget.OnStreamFreed();
  EXPECT_EQ(budget.Judge(10, 0), Verdict::kAccept);
  for (int i = 0; i < 10 + 1000 - 1; ++i) budget.OnStreamFreed();
}

TEST(PeerBudgetTest, StreamsWhoseMemoryIsHeldAreBoundedInTheProcessButEveryPeerGetsSome) {
  std::vector<PeerBudget> greedy(2);
  int held = 0;
  for (auto& budget : greedy) {
    while (budget.Judge(kMaxConcurrentStreams, 0) == Verdict::kAccept) {
      budget.OnStreamCreated();
      ++held;
    }
  }
  EXPECT_EQ(held, 6500);
  PeerBudget newcomer;
  for (int i = 0; i < 16; ++i) {
    EXPECT_EQ(newcomer.Judge(kMaxConcurrentStreams, 0), Verdict::kAccept);
    newcomer.OnStreamCreated();
  }
  EXPECT_EQ(newcomer.Judge(kMaxConcurrentStreams, 0), Verdict::kRefuse);
  for (int i = 0; i < 16; ++i) newcomer.OnStreamFreed();
  for (int i = 0; i < held; ++i) greedy[0].OnStreamFreed();
}

TEST(PeerBudgetTest, AServerThatLetsOnePeerOpenMoreHasALargerLimit) {
  PeerBudget first;
  PeerBudget second;
  int held = 0;
  for (PeerBudget* budget : {&first, &second}) {
    while (budget->Judge(20'000, 0) == Verdict::kAccept) {
      budget->OnStreamCreated();
      ++held;
    }
  }
  EXPECT_EQ(held, 24'357);
  for (int i = 0; i < held; ++i) first.OnStreamFreed();
}

TEST(PeerBudgetTest, UnfinishedMessagesAreBoundedInTheProcessButEveryPeerMayHaveSome) {
  constexpr int64_t kAll = PeerBudget::kMaxBytesHeldByAll;
  constexpr int64_t kAlways = PeerBudget::kBytesAlwaysHeld;
  PeerBudget greedy;
  PeerBudget other;
  greedy.OnBytesHeld(kAll);
  EXPECT_FALSE(greedy.HoldsTooManyBytes());
  greedy.OnBytesHeld(1);
  EXPECT_TRUE(greedy.HoldsTooManyBytes());
  other.OnBytesHeld(kAlways);
  EXPECT_FALSE(other.HoldsTooManyBytes());
  other.OnBytesHeld(1);
  EXPECT_TRUE(other.HoldsTooManyBytes());

  greedy.OnBytesHeld(-kAll - 1);
  EXPECT_FALSE(greedy.HoldsTooManyBytes());
  EXPECT_FALSE(other.HoldsTooManyBytes());
  other.OnBytesHeld(-kAlways - 1);
}

TEST(PeerBudgetTest, WhoeverGoesOnAfterGoAwayIsDisconnectedInTheEnd) {
  PeerBudget budget;
  for (int i = 0; i < 10'000; ++i) ASSERT_TRUE(budget.Ignore()) << i;
  EXPECT_FALSE(budget.Ignore());
}

}  // namespace
}  // namespace gateway
