#ifndef TESTS_FAKES_TEST_CLOCK_H_
#define TESTS_FAKES_TEST_CLOCK_H_

#include <chrono>

#include "absl/time/time.h"
#include "service/base/clock.h"

namespace gateway {

// A clock that shows what it was set to. How a sleep moves it is for the derived class to say.
class TestClock : public Clock {
 public:
  SteadyTime Now() const override { return now_; }
  BootTime BootNow() const override { return {now_.time_since_epoch()}; }
  absl::Time WallNow() const override {
    return absl::FromUnixSeconds(1'700'000'000) + absl::FromChrono(now_.time_since_epoch());
  }
  Deadline In(Milliseconds wait) const { return Deadline(now_ + wait); }

 protected:
  void SetNow(SteadyTime now) { now_ = now; }

 private:
  SteadyTime now_{std::chrono::hours(1)};
};

}  // namespace gateway

#endif  // TESTS_FAKES_TEST_CLOCK_H_
