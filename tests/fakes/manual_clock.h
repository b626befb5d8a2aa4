#ifndef TESTS_FAKES_MANUAL_CLOCK_H_
#define TESTS_FAKES_MANUAL_CLOCK_H_

#include <algorithm>
#include <chrono>
#include <list>
#include <stop_token>

#include "service/base/one_shot.h"
#include "tests/fakes/test_clock.h"

namespace gateway {

// A clock that the test moves on: who sleeps wakes when its time has come, the earliest first and
// those of one time in the order in which they went to sleep.
class ManualClock final : public TestClock {
 public:
  Task<SleepResult> SleepUntil(SteadyTime at, std::stop_token stop) override {
    if (stop.stop_requested()) co_return SleepResult::kStopped;
    if (at <= Now()) co_return SleepResult::kElapsed;
    Sleeper sleeper{.at = at};
    const auto place = sleepers_.insert(sleepers_.end(), &sleeper);
    const std::stop_callback on_stop(stop, [&sleeper] { sleeper.wake.Set(SleepResult::kStopped); });
    const SleepResult wake = co_await sleeper.wake;
    sleepers_.erase(place);
    co_return wake;
  }

  void Advance(Milliseconds by) {
    const SteadyTime end = Now() + by;
    while (Sleeper* const next = Earliest()) {
      if (next->at > end) break;
      SetNow(std::max(Now(), next->at));
      next->wake.Set(SleepResult::kElapsed);
    }
    SetNow(end);
  }

  size_t sleepers() const { return sleepers_.size(); }

 private:
  struct Sleeper {
    SteadyTime at;
    OneShot<SleepResult> wake{};
  };

  Sleeper* Earliest() {
    const auto first = std::ranges::min_element(sleepers_, {}, &Sleeper::at);
    return first == sleepers_.end() ? nullptr : *first;
  }

  std::list<Sleeper*> sleepers_;
};

}  // namespace gateway

#endif  // TESTS_FAKES_MANUAL_CLOCK_H_
