#ifndef TESTS_FAKES_FAKE_CLOCK_H_
#define TESTS_FAKES_FAKE_CLOCK_H_

#include <chrono>
#include <stop_token>
#include <vector>

#include "absl/time/time.h"
#include "service/base/clock.h"

namespace gateway {

// A clock that stands still until somebody sleeps, and then is there at once. Keeps the sleeps.
class FakeClock final : public Clock {
 public:
  SteadyTime Now() const override { return now_; }
  BootTime BootNow() const override { return {now_.time_since_epoch()}; }
  absl::Time WallNow() const override {
    return absl::FromUnixSeconds(1'700'000'000) + absl::FromChrono(now_.time_since_epoch());
  }
  Task<Wake> SleepUntil(SteadyTime at, std::stop_token stop) override {
    if (stop.stop_requested()) co_return Wake::kStopped;
    sleeps_.push_back(std::chrono::duration_cast<Milliseconds>(at - now_));
    now_ = at;
    co_return Wake::kTimeCame;
  }

  void Advance(Milliseconds by) { now_ += by; }
  Deadline In(Milliseconds wait) const { return Deadline(now_ + wait); }
  const std::vector<Milliseconds>& sleeps() const { return sleeps_; }

 private:
  SteadyTime now_{std::chrono::hours(1)};
  std::vector<Milliseconds> sleeps_;
};

}  // namespace gateway

#endif  // TESTS_FAKES_FAKE_CLOCK_H_
