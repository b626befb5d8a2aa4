#ifndef SERVICE_BASE_CLOCK_H_
#define SERVICE_BASE_CLOCK_H_

#include <chrono>
#include <compare>
#include <stop_token>

#include "absl/time/time.h"
#include "service/base/deadline.h"
#include "service/base/task.h"

namespace gateway {

class EventLoop;

// A moment on CLOCK_BOOTTIME, which goes on while the machine is suspended: what limits the right
// to send must not stand still while others wait for it to end.
struct BootTime {
  std::chrono::nanoseconds since_boot{0};

  friend auto operator<=>(const BootTime&, const BootTime&) = default;
  friend BootTime operator+(BootTime at, Milliseconds wait) { return {at.since_boot + wait}; }
};

BootTime BootNow();

// Time, as far as anything in the gateway sees it. Loop thread only.
class Clock {
 public:
  enum class SleepResult { kElapsed, kStopped };

  virtual ~Clock() = default;

  virtual SteadyTime Now() const = 0;
  virtual BootTime BootNow() const = 0;
  // The date and time of day, for people and for metadata; never compared with `Now`.
  virtual absl::Time WallNow() const = 0;
  // Returns at `at`, or as soon as `stop` is requested.
  virtual Task<SleepResult> SleepUntil(SteadyTime at, std::stop_token stop) = 0;
};

// The machine's clock, with its timers on `loop`.
class LoopClock final : public Clock {
 public:
  // `loop` outlives the clock.
  explicit LoopClock(EventLoop& loop) : loop_(loop) {}

  SteadyTime Now() const override;
  BootTime BootNow() const override;
  absl::Time WallNow() const override;
  Task<SleepResult> SleepUntil(SteadyTime at, std::stop_token stop) override;

 private:
  EventLoop& loop_;
};

}  // namespace gateway

#endif  // SERVICE_BASE_CLOCK_H_
