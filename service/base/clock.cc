#include "service/base/clock.h"

#include <time.h>

#include "absl/time/clock.h"
#include "service/base/event_loop.h"
#include "service/base/one_shot.h"

namespace gateway {

BootTime BootNow() {
  timespec now{};
  clock_gettime(CLOCK_BOOTTIME, &now);
  return {std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec)};
}

SteadyTime LoopClock::Now() const { return std::chrono::steady_clock::now(); }

BootTime LoopClock::BootNow() const { return gateway::BootNow(); }

absl::Time LoopClock::WallNow() const { return absl::Now(); }

Task<Clock::SleepResult> LoopClock::SleepUntil(SteadyTime at, std::stop_token stop) {
  OneShot<SleepResult> wake;
  Timer timer(loop_, [&wake] { wake.Set(SleepResult::kElapsed); });
  timer.StartAt(at);
  const std::stop_callback on_stop(stop, [&wake] { wake.Set(SleepResult::kStopped); });
  co_return co_await wake;
}

}  // namespace gateway
