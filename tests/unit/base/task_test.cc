#include "service/base/task.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "service/base/one_shot.h"
#include "tests/fakes/run_to_completion.h"

namespace gateway {
namespace {

Task<int> Seven() { co_return 7; }

TEST(TaskTest, HandsItsValueToTheOneWhoAwaitsIt) {
  const auto add = []() -> Task<int> { co_return co_await Seven() + co_await Seven(); };
  EXPECT_EQ(RunToCompletion(add()), 14);
}

TEST(TaskTest, DoesNotRunBeforeItIsAwaited) {
  bool ran = false;
  const auto note = [](bool& ran) -> Task<void> {
    ran = true;
    co_return;
  };
  {
    const Task<void> never_awaited = note(ran);
    EXPECT_FALSE(ran);
  }
  EXPECT_FALSE(ran);
  Spawn(note(ran));
  EXPECT_TRUE(ran);
}

TEST(TaskTest, MovesValuesThatCannotBeCopied) {
  const auto make = []() -> Task<std::unique_ptr<int>> { co_return std::make_unique<int>(3); };
  EXPECT_EQ(*RunToCompletion(make()), 3);
}

TEST(TaskTest, TakesAsManyStepsAsItLikesOnOneStack) {
  const auto count = []() -> Task<int> {
    int sum = 0;
    for (int step = 0; step < 1'000'000; ++step) sum += co_await Seven();
    co_return sum;
  };
  EXPECT_EQ(RunToCompletion(count()), 7'000'000);
}

TEST(TaskTest, FreesTemporariesOfAnAwaitedCallOnce) {
  struct Draft {
    std::string name;
    std::shared_ptr<int> owner;
  };
  const auto owner = std::make_shared<int>(1);
  const auto measure = [](Draft draft) -> Task<size_t> { co_return draft.name.size(); };
  const auto call = [&]() -> Task<size_t> {
    co_return co_await measure(Draft{.name = std::string(100, 'x'), .owner = owner});
  };
  EXPECT_EQ(RunToCompletion(call()), 100u);
  EXPECT_EQ(owner.use_count(), 1);
}

TEST(OneShotTest, WakesTheWaiterWithTheFirstValueOnly) {
  OneShot<int> arrival;
  int got = 0;
  const auto wait = [](OneShot<int>& arrival, int& got) -> Task<void> { got = co_await arrival; };
  Spawn(wait(arrival, got));
  EXPECT_EQ(got, 0);
  arrival.Set(1);
  arrival.Set(2);
  EXPECT_EQ(got, 1);
}

}  // namespace
}  // namespace gateway
