#include "service/base/keyed_mutex.h"

#include <gmock/gmock.h>

#include <optional>
#include <string>
#include <vector>

namespace gateway {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class KeyedMutexTest : public testing::Test {
 protected:
  // Comes for a turn; notes when it has it, and keeps it.
  struct Waiter {
    std::string name;
    std::stop_source stop;
    std::optional<KeyedMutex::Guard> turn;
    bool has_left = false;
  };

  Task<void> Come(Waiter& comer, std::string profile_id) {
    KeyedMutex::Guard turn = co_await key_mutex_.Lock(profile_id, comer.stop.get_token());
    if (!turn) {
      comer.has_left = true;
      co_return;
    }
    comer.turn.emplace(std::move(turn));
    order_.push_back(comer.name);
  }

  KeyedMutex key_mutex_;
  std::vector<std::string> order_;
};

TEST_F(KeyedMutexTest, AreTakenInTheOrderOfComing) {
  Waiter a{.name = "a"};
  Waiter b{.name = "b"};
  Waiter c{.name = "c"};
  for (Waiter* comer : {&a, &b, &c}) Spawn(Come(*comer, "profile"));
  EXPECT_THAT(order_, ElementsAre("a"));
  a.turn.reset();
  EXPECT_THAT(order_, ElementsAre("a", "b"));
  b.turn.reset();
  EXPECT_THAT(order_, ElementsAre("a", "b", "c"));
  c.turn.reset();
  EXPECT_TRUE(key_mutex_.IsFree("profile"));
}

TEST_F(KeyedMutexTest, OfOtherProfilesAreTakenAtOnce) {
  Waiter a{.name = "a"};
  Waiter b{.name = "b"};
  Spawn(Come(a, "profile"));
  Spawn(Come(b, "other profile"));
  EXPECT_THAT(order_, ElementsAre("a", "b"));
}

TEST_F(KeyedMutexTest, WhoStopsWaitingIsPassedOver) {
  Waiter a{.name = "a"};
  Waiter b{.name = "b"};
  Waiter c{.name = "c"};
  for (Waiter* comer : {&a, &b, &c}) Spawn(Come(*comer, "profile"));
  b.stop.request_stop();
  EXPECT_TRUE(b.has_left);
  a.turn.reset();
  EXPECT_THAT(order_, ElementsAre("a", "c"));
}

TEST_F(KeyedMutexTest, AreNotGivenToWhoWasStoppedBefore) {
  Waiter a{.name = "a"};
  Waiter b{.name = "b"};
  b.stop.request_stop();
  Spawn(Come(a, "profile"));
  Spawn(Come(b, "profile"));
  EXPECT_TRUE(b.has_left);
  a.turn.reset();
  EXPECT_TRUE(key_mutex_.IsFree("profile"));
  EXPECT_THAT(order_, ElementsAre("a"));
}

TEST_F(KeyedMutexTest, AreFullForAProfileOnceEightWait) {
  Waiter has_it{.name = "first"};
  Spawn(Come(has_it, "profile"));
  std::vector<Waiter> waiting(8);
  for (Waiter& comer : waiting) {
    EXPECT_FALSE(key_mutex_.IsFull("profile"));
    Spawn(Come(comer, "profile"));
  }
  EXPECT_TRUE(key_mutex_.IsFull("profile"));
  EXPECT_FALSE(key_mutex_.IsFull("another profile"));
  has_it.turn.reset();
  EXPECT_FALSE(key_mutex_.IsFull("profile"));
  for (Waiter& comer : waiting) comer.turn.reset();
}

}  // namespace
}  // namespace gateway
