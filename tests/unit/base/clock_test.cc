#include "service/base/clock.h"

#include <gtest/gtest.h>

#include <future>

#include "service/base/event_loop.h"

namespace gateway {
namespace {

using std::chrono::operator""ms;

class LoopClockTest : public testing::Test {
 protected:
  // Sleeps on the loop; the future has what ended the sleep.
  std::future<Clock::SleepResult> Sleep(SteadyTime until, std::stop_token stop) {
    auto woke = std::make_shared<std::promise<Clock::SleepResult>>();
    auto result = woke->get_future();
    loop_->Post([this, until, stop, woke] {
      const auto sleep = [](LoopClock& clock, SteadyTime until, std::stop_token stop,
                            std::shared_ptr<std::promise<Clock::SleepResult>> woke) -> Task<void> {
        woke->set_value(co_await clock.SleepUntil(until, stop));
      };
      Spawn(sleep(clock_, until, stop, woke));
    });
    return result;
  }

  std::unique_ptr<EventLoop> loop_ = *EventLoop::Create();
  LoopClock clock_{*loop_};
};

TEST_F(LoopClockTest, WakesWhenTheTimeHasCome) {
  const SteadyTime until = clock_.Now() + 5ms;
  EXPECT_EQ(Sleep(until, {}).get(), Clock::SleepResult::kElapsed);
  EXPECT_GE(clock_.Now(), until);
}

TEST_F(LoopClockTest, WakesEarlyWhenItIsStopped) {
  std::stop_source stop;
  auto woke = Sleep(clock_.Now() + std::chrono::hours(1), stop.get_token());
  loop_->Post([&] { stop.request_stop(); });
  EXPECT_EQ(woke.get(), Clock::SleepResult::kStopped);
}

TEST_F(LoopClockTest, DoesNotSleepAtAllWhenItWasStoppedBefore) {
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(Sleep(clock_.Now() + std::chrono::hours(1), stop.get_token()).get(),
            Clock::SleepResult::kStopped);
}

}  // namespace
}  // namespace gateway
