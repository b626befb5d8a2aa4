#include "service/base/event_loop.h"

#include <gmock/gmock.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

namespace gateway {
namespace {

using std::chrono::operator""ms;
using testing::ElementsAre;

std::unique_ptr<EventLoop> NewLoop() {
  auto loop = EventLoop::Create();
  EXPECT_TRUE(loop.ok()) << loop.status();
  return *std::move(loop);
}

// Two connected sockets.
class SocketPair {
 public:
  SocketPair() { EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends_.data()), 0); }
  ~SocketPair() {
    for (const int end : ends_) {
      if (end >= 0) close(end);
    }
  }
  int near() const { return ends_[0]; }
  void WriteFromFarEnd() const { EXPECT_EQ(write(ends_[1], "x", 1), 1); }
  void CloseFarEnd() { shutdown(ends_[1], SHUT_RDWR); }
  // Leaves something unread behind, so that the near end has an error.
  void ResetFromFarEnd() {
    EXPECT_EQ(write(ends_[0], "?", 1), 1);
    close(std::exchange(ends_[1], -1));
  }

 private:
  std::array<int, 2> ends_{};
};

TEST(EventLoopTest, RunsWhatIsPostedInOrder) {
  const auto loop = NewLoop();
  std::vector<int> order;
  for (int i = 0; i < 3; ++i) loop->Post([&order, i] { order.push_back(i); });
  loop->RunAndWait([] {});
  EXPECT_THAT(order, ElementsAre(0, 1, 2));
}

TEST(EventLoopTest, RunsWhatIsPostedFromItsOwnThread) {
  const auto loop = NewLoop();
  std::promise<bool> on_loop_thread;
  loop->Post([&] { loop->Post([&] { on_loop_thread.set_value(loop->IsLoopThread()); }); });
  EXPECT_TRUE(on_loop_thread.get_future().get());
}

TEST(EventLoopTest, LosesNothingThatManyThreadsPost) {
  auto loop = NewLoop();
  int ran = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 10'000; ++i) loop->Post([&ran] { ++ran; });
    });
  }
  for (auto& thread : threads) thread.join();
  loop.reset();  // runs the rest
  EXPECT_EQ(ran, 40'000);
}

// The loop looks for what was posted before it waits, and only a loop that waits is woken up: what
// is posted between the two must not be forgotten.
TEST(EventLoopTest, WakesUpForWhatIsPostedWhileItFallsAsleep) {
  const auto loop = NewLoop();
  for (int i = 0; i < 20'000; ++i) {
    std::promise<void> ran;
    loop->Post([&ran] { ran.set_value(); });
    ASSERT_EQ(ran.get_future().wait_for(std::chrono::seconds(30)), std::future_status::ready)
        << "work posted in round " << i;
  }
}

TEST(EndOfTurnCallbackTest, RunsOnceAfterAllThatCameWithTheTurn) {
  const auto loop = NewLoop();
  std::vector<int> order;
  std::promise<void> ended;
  EndOfTurnCallback turn_end(*loop, [&] {
    order.push_back(3);
    ended.set_value();
  });
  loop->Post([&] {
    loop->Post([&] {
      turn_end.Request();
      order.push_back(1);
    });
    loop->Post([&] {
      turn_end.Request();
      order.push_back(2);
    });
  });
  ended.get_future().wait();
  loop->RunAndWait([] {});
  EXPECT_THAT(order, ElementsAre(1, 2, 3));
}

TEST(EndOfTurnCallbackTest, LetsDescriptorsBeReadyBeforeItRunsAgain) {
  const auto loop = NewLoop();
  const SocketPair sockets;
  std::optional<DescriptorWatch> watch;
  std::promise<void> ready;
  bool is_ready = false;
  std::optional<EndOfTurnCallback> turn_end;
  turn_end.emplace(*loop, [&] {
    if (!is_ready) turn_end->Request();
  });
  loop->RunAndWait([&] {
    watch.emplace(*loop, sockets.near(), [&](unsigned) {
      is_ready = true;
      watch->SetInterest(DescriptorWatch::kNone);
      ready.set_value();
    });
    watch->SetInterest(DescriptorWatch::kReadable);
    turn_end->Request();
  });
  sockets.WriteFromFarEnd();
  ready.get_future().wait();
  loop->RunAndWait([&] {
    turn_end.reset();
    watch.reset();
  });
}

TEST(EndOfTurnCallbackTest, DoesNotRunOnceCancelledOrGone) {
  const auto loop = NewLoop();
  int ran = 0;
  EndOfTurnCallback cancelled(*loop, [&] { ++ran; });
  auto gone = std::make_unique<EndOfTurnCallback>(*loop, [&] { ++ran; });
  EndOfTurnCallback first(*loop, [&] { gone.reset(); });
  loop->RunAndWait([&] {
    first.Request();
    cancelled.Request();
    gone->Request();
    cancelled.Cancel();
  });
  loop->RunAndWait([] {});
  EXPECT_EQ(ran, 0);
}

TEST(TimerTest, FiresOnceAndNeverEarly) {
  const auto loop = NewLoop();
  std::promise<SteadyTime> fired;
  std::optional<Timer> timer;
  const SteadyTime due = std::chrono::steady_clock::now() + 20ms;
  loop->RunAndWait([&] {
    timer.emplace(*loop, [&] { fired.set_value(std::chrono::steady_clock::now()); });
    timer->StartAt(due);
  });
  EXPECT_GE(fired.get_future().get(), due);
  loop->RunAndWait([&] { timer.reset(); });
}

// libuv's clock counts whole milliseconds. Rounding the time until the moment instead of the moment
// fired up to one millisecond early, if the loop had other things to wake up for.
TEST(TimerTest, IsNotEarlyWhateverTheFractionOfAMillisecond) {
  const auto loop = NewLoop();
  constexpr int kTimers = 40;
  std::vector<std::unique_ptr<Timer>> timers;
  std::promise<void> all_fired;
  std::chrono::nanoseconds earliest = std::chrono::hours(1);
  int fired = 0;
  const std::function<void()> keep_awake = [&] {
    if (fired < kTimers) loop->Post(keep_awake);
  };
  loop->RunAndWait([&] {
    keep_awake();
    const SteadyTime start = std::chrono::steady_clock::now();
    for (int i = 0; i < kTimers; ++i) {
      const SteadyTime due = start + 5ms + i * std::chrono::microseconds(25);
      timers.push_back(std::make_unique<Timer>(*loop, [&, due] {
        earliest =
            std::min<std::chrono::nanoseconds>(earliest, std::chrono::steady_clock::now() - due);
        if (++fired == kTimers) all_fired.set_value();
      }));
      timers.back()->StartAt(due);
    }
  });
  all_fired.get_future().wait();
  loop->RunAndWait([&] { timers.clear(); });
  EXPECT_GE(earliest.count(), 0) << "nanoseconds";
}

TEST(TimerTest, StartingAgainReplacesTheEarlierTime) {
  const auto loop = NewLoop();
  std::promise<void> fired;
  std::optional<Timer> timer;
  loop->RunAndWait([&] {
    timer.emplace(*loop, [&] { fired.set_value(); });
    timer->StartAt(std::chrono::steady_clock::now() + std::chrono::hours(1));
    timer->StartAt(std::chrono::steady_clock::now());
  });
  fired.get_future().wait();
  loop->RunAndWait([&] { timer.reset(); });
}

TEST(TimerTest, MayGoAwayInItsOwnCallback) {
  const auto loop = NewLoop();
  std::promise<void> gone;
  std::optional<Timer> timer;
  loop->RunAndWait([&] {
    timer.emplace(*loop, [&] {
      timer.reset();
      gone.set_value();
    });
    timer->StartAt(std::chrono::steady_clock::now());
  });
  gone.get_future().wait();
}

TEST(DescriptorWatchTest, TellsWhenADescriptorCanBeRead) {
  const auto loop = NewLoop();
  const SocketPair sockets;
  std::promise<unsigned> ready;
  std::optional<DescriptorWatch> watch;
  loop->RunAndWait([&] {
    watch.emplace(*loop, sockets.near(), [&](unsigned events) {
      watch->SetInterest(DescriptorWatch::kNone);
      ready.set_value(events);
    });
    watch->SetInterest(DescriptorWatch::kReadable);
  });
  sockets.WriteFromFarEnd();
  EXPECT_EQ(ready.get_future().get(), DescriptorWatch::kReadable);
  loop->RunAndWait([&] { watch.reset(); });
}

TEST(DescriptorWatchTest, IsSilentWhileNothingIsWanted) {
  const auto loop = NewLoop();
  const SocketPair sockets;
  int calls = 0;
  std::optional<DescriptorWatch> watch;
  loop->RunAndWait([&] {
    watch.emplace(*loop, sockets.near(), [&](unsigned) { ++calls; });
    watch->SetInterest(DescriptorWatch::kReadable);
    watch->SetInterest(DescriptorWatch::kNone);
  });
  sockets.WriteFromFarEnd();
  // Two turns of the loop: whatever the descriptor had to say has been said by then.
  loop->RunAndWait([] {});
  loop->RunAndWait([] {});
  loop->RunAndWait([&] { watch.reset(); });
  EXPECT_EQ(calls, 0);
}

TEST(DescriptorWatchTest, TellsThatTheOtherSideHasGone) {
  const auto loop = NewLoop();
  SocketPair sockets;
  std::promise<unsigned> ready;
  std::optional<DescriptorWatch> watch;
  loop->RunAndWait([&] {
    watch.emplace(*loop, sockets.near(), [&](unsigned events) {
      watch.reset();
      ready.set_value(events);
    });
    watch->SetInterest(DescriptorWatch::kReadable);
  });
  sockets.CloseFarEnd();
  EXPECT_TRUE(ready.get_future().get() & DescriptorWatch::kReadable);
}

// A server that ends with something unread resets the connection: the descriptor has an error, and
// what the server said before is still there. libuv stops watching at an error; a reader that takes
// it up piece by piece waited in vain for the rest.
TEST(DescriptorWatchTest, TellsOfEverythingThatCameBeforeAReset) {
  const auto loop = NewLoop();
  SocketPair sockets;
  sockets.WriteFromFarEnd();
  sockets.WriteFromFarEnd();
  sockets.ResetFromFarEnd();
  std::promise<int> ended;
  int bytes = 0;
  std::optional<DescriptorWatch> watch;
  loop->RunAndWait([&] {
    watch.emplace(*loop, sockets.near(), [&](unsigned) {
      char byte = 0;
      if (recv(sockets.near(), &byte, 1, MSG_DONTWAIT) == 1) {
        ++bytes;
        return;
      }
      watch.reset();
      ended.set_value(bytes);
    });
    watch->SetInterest(DescriptorWatch::kReadable);
  });
  EXPECT_EQ(ended.get_future().get(), 2);
}

}  // namespace
}  // namespace gateway
