#include "service/rpc/calls/unread_replies.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace gateway {
namespace {

using namespace std::chrono_literals;
using ::testing::Each;
using ::testing::HasSubstr;

constexpr char kGreedy[] = "ipv4:127.0.0.2:1";
constexpr char kOther[] = "ipv4:127.0.0.1:1";

class FakeReply final : public UnreadReplies::Reply {
 public:
  void Cancel() override {
    is_cancelled_ = true;
    is_cancelled_.notify_all();
  }
  bool is_cancelled() const { return is_cancelled_; }
  void WaitUntilCancelled() const { is_cancelled_.wait(false); }

 private:
  std::atomic<bool> is_cancelled_ = false;
};

class UnreadRepliesTest : public ::testing::Test {
 public:
  ~UnreadRepliesTest() override {
    for (const auto& answer : answers_) unread_.Remove(*answer);
    loop_->RunAndWait([] {});
  }

 protected:
  // 16 answers, 1600 bytes: the share of a connection is two, or 200 bytes.
  explicit UnreadRepliesTest(Milliseconds longest = 1h)
      : unread_(*loop_, {.answers = 16, .bytes = 1600, .longest = longest}, metrics_) {}
  void Add(const std::string& connection, int answers, size_t bytes) {
    for (int i = 0; i < answers; ++i) {
      unread_.Add(*answers_.emplace_back(std::make_unique<FakeReply>()), connection, bytes);
    }
  }
  // The caller has read all of them.
  void RemoveAll() {
    for (const auto& answer : answers_) unread_.Remove(*answer);
    answers_.clear();
  }
  std::vector<bool> Cancelled() const {
    std::vector<bool> cancelled;
    for (const auto& answer : answers_) cancelled.push_back(answer->is_cancelled());
    return cancelled;
  }

  std::unique_ptr<EventLoop> loop_ = *EventLoop::Create();
  Metrics metrics_;
  UnreadReplies unread_;
  std::vector<std::unique_ptr<FakeReply>> answers_;
};

TEST_F(UnreadRepliesTest, OneConnectionMayHaveAllWhileThereIsRoom) {
  Add(kGreedy, 15, 100);
  EXPECT_TRUE(unread_.HasRoom(kGreedy));
}

TEST_F(UnreadRepliesTest, TooManyAnswersKeepOutTheConnectionThatHasThem) {
  Add(kGreedy, 16, 1);
  EXPECT_FALSE(unread_.HasRoom(kGreedy));
  EXPECT_TRUE(unread_.HasRoom(kOther));
}

TEST_F(UnreadRepliesTest, TooManyBytesKeepOutTheConnectionThatHasThem) {
  Add(kGreedy, 4, 400);
  EXPECT_FALSE(unread_.HasRoom(kGreedy));
  EXPECT_TRUE(unread_.HasRoom(kOther));
}

TEST_F(UnreadRepliesTest, BesideAGreedyConnectionAnotherHasItsShare) {
  Add(kGreedy, 16, 100);
  Add(kOther, 1, 100);
  EXPECT_TRUE(unread_.HasRoom(kOther));
  Add(kOther, 1, 100);
  EXPECT_FALSE(unread_.HasRoom(kOther));
}

TEST_F(UnreadRepliesTest, ManySmallAnswersLeaveRoomForALargeOne) {
  Add(kGreedy, 16, 1);
  EXPECT_FALSE(unread_.HasRoom(kGreedy));
  EXPECT_TRUE(unread_.HasRoomForLargeOne(kGreedy));
}

TEST_F(UnreadRepliesTest, ManyBytesLeaveNoRoomForALargeOneOfTheSameConnection) {
  Add(kGreedy, 4, 400);
  EXPECT_FALSE(unread_.HasRoomForLargeOne(kGreedy));
  EXPECT_TRUE(unread_.HasRoomForLargeOne(kOther));
}

TEST_F(UnreadRepliesTest, WhatIsReadMakesRoomAgain) {
  Add(kGreedy, 16, 100);
  RemoveAll();
  EXPECT_TRUE(unread_.HasRoom(kGreedy));
  Add(kGreedy, 15, 100);
  EXPECT_TRUE(unread_.HasRoom(kGreedy));
}

TEST_F(UnreadRepliesTest, AtTwiceTheAnswersTheOldestIsGivenUp) {
  for (int i = 0; i < 31; ++i) Add(std::to_string(i), 1, 1);
  EXPECT_THAT(Cancelled(), Each(false));
  Add(kOther, 1, 1);
  EXPECT_TRUE(answers_.front()->is_cancelled());
  EXPECT_FALSE(answers_[1]->is_cancelled());
  EXPECT_THAT(metrics_.Text(), HasSubstr("passfort_gateway_unread_answers_total 1\n"));
}

TEST_F(UnreadRepliesTest, AtTwiceTheBytesTheOldestAreGivenUp) {
  for (int i = 0; i < 31; ++i) Add(std::to_string(i), 1, 100);
  Add(kOther, 1, 250);  // 3350 bytes, of which fewer than 3200 stay
  EXPECT_TRUE(answers_[0]->is_cancelled());
  EXPECT_TRUE(answers_[1]->is_cancelled());
  EXPECT_FALSE(answers_[2]->is_cancelled());
  EXPECT_FALSE(answers_.back()->is_cancelled());
}

TEST_F(UnreadRepliesTest, AnAnswerLargerThanAllLimitsIsNotGivenUpForThat) {
  Add(kOther, 1, 10'000);
  EXPECT_FALSE(answers_.front()->is_cancelled());
}

class BriefUnreadRepliesTest : public UnreadRepliesTest {
 protected:
  BriefUnreadRepliesTest() : UnreadRepliesTest(20ms) {}
};

TEST_F(BriefUnreadRepliesTest, WhatNobodyReadsIsGivenUpAndMakesRoom) {
  Add(kGreedy, 16, 100);
  for (const auto& answer : answers_) answer->WaitUntilCancelled();
  EXPECT_TRUE(unread_.HasRoom(kGreedy));
}

TEST_F(UnreadRepliesTest, WhoWaitsIsToldWhenTheLastHasLeft) {
  EXPECT_TRUE(unread_.WaitUntilEmpty(0ms));
  Add(kOther, 2, 10);
  EXPECT_FALSE(unread_.WaitUntilEmpty(1ms));
  std::thread reader([this] { RemoveAll(); });
  EXPECT_TRUE(unread_.WaitUntilEmpty(1h));
  reader.join();
}

}  // namespace
}  // namespace gateway
