#include "service/base/clock.h"

#include "absl/time/clock.h"
#include "service/base/arrival.h"
#include "service/base/event_loop.h"

namespace gateway {

SteadyTime LoopClock::Now() const { return std::chrono::steady_clock::now(); }

absl::Time LoopClock::WallNow() const { return absl::Now(); }

Task<Clock::Wake> LoopClock::SleepUntil(SteadyTime at, std::stop_token stop) {
  Arrival<Wake> wake;
  Timer timer(loop_, [&wake] { wake.Set(Wake::kTimeCame); });
  timer.StartAt(at);
  const std::stop_callback on_stop(stop, [&wake] { wake.Set(Wake::kStopped); });
  co_return co_await wake;
}

}  // namespace gateway
