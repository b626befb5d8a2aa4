#ifndef TESTS_FAKES_MANUAL_CLOCK_H_
#define TESTS_FAKES_MANUAL_CLOCK_H_

#include <algorithm>
#include <chrono>
#include <list>
#include <stop_token>

#include "absl/time/time.h"
#include "service/base/arrival.h"
#include "service/base/clock.h"

namespace gateway {

// A clock that the test moves on: who sleeps wakes when its time has come, the earliest first and
// those of one time in the order in which they went to sleep.
class ManualClock final : public Clock {
 public:
  SteadyTime Now() const override { return now_; }
  BootTime BootNow() const override { return {now_.time_since_epoch()}; }
  absl::Time WallNow() const override {
    return absl::FromUnixSeconds(1'700'000'000) + absl::FromChrono(now_.time_since_epoch());
  }
  Task<Wake> SleepUntil(SteadyTime at, std::stop_token stop) override {
    if (stop.stop_requested()) co_return Wake::kStopped;
    if (at <= now_) co_return Wake::kTimeCame;
    Sleeper sleeper{.at = at};
    const auto place = sleepers_.insert(sleepers_.end(), &sleeper);
    const std::stop_callback on_stop(stop, [&sleeper] { sleeper.wake.Set(Wake::kStopped); });
    const Wake wake = co_await sleeper.wake;
    sleepers_.erase(place);
    co_return wake;
  }

  void Advance(Milliseconds by) {
    const SteadyTime end = now_ + by;
    while (Sleeper* const next = Earliest()) {
      if (next->at > end) break;
      now_ = std::max(now_, next->at);
      next->wake.Set(Wake::kTimeCame);
    }
    now_ = end;
  }

  Deadline In(Milliseconds wait) const { return Deadline(now_ + wait); }
  size_t sleepers() const { return sleepers_.size(); }

 private:
  struct Sleeper {
    SteadyTime at;
    Arrival<Wake> wake{};
  };

  Sleeper* Earliest() {
    const auto first = std::ranges::min_element(sleepers_, {}, &Sleeper::at);
    return first == sleepers_.end() ? nullptr : *first;
  }

  SteadyTime now_{std::chrono::hours(1)};
  std::list<Sleeper*> sleepers_;
};

}  // namespace gateway

#endif  // TESTS_FAKES_MANUAL_CLOCK_H_
