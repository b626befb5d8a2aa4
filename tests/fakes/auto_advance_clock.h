#ifndef TESTS_FAKES_AUTO_ADVANCE_CLOCK_H_
#define TESTS_FAKES_AUTO_ADVANCE_CLOCK_H_

#include <chrono>
#include <stop_token>
#include <vector>

#include "tests/fakes/test_clock.h"

namespace gateway {

// A clock that stands still until somebody sleeps, and then is there at once. Keeps the sleeps.
class AutoAdvanceClock final : public TestClock {
 public:
  Task<SleepResult> SleepUntil(SteadyTime at, std::stop_token stop) override {
    if (stop.stop_requested()) co_return SleepResult::kStopped;
    sleeps_.push_back(std::chrono::duration_cast<Milliseconds>(at - Now()));
    SetNow(at);
    co_return SleepResult::kElapsed;
  }

  void Advance(Milliseconds by) { SetNow(Now() + by); }
  const std::vector<Milliseconds>& sleeps() const { return sleeps_; }

 private:
  std::vector<Milliseconds> sleeps_;
};

}  // namespace gateway

#endif  // TESTS_FAKES_AUTO_ADVANCE_CLOCK_H_
