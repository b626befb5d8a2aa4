#ifndef SERVICE_PASSFORT_CIRCUIT_BREAKER_H_
#define SERVICE_PASSFORT_CIRCUIT_BREAKER_H_

#include <array>
#include <cstdint>

#include "service/base/clock.h"
#include "service/base/deadline.h"

namespace gateway {

// Whether Passfort works, judged by what requests came to. It opens when too many fail, and is
// closed from outside when a probe succeeds. Loop thread only.
class CircuitBreaker {
 public:
  struct Options {
    int failures_in_a_row = 5;
    // Or so large a share of the requests that ended lately, if they were enough to judge by.
    double failing_share = 0.5;
    int fewest_to_judge_by = 20;
    // "Lately" is between half of this and all of it.
    Milliseconds window{10000};
  };

  // What the end of a request says.
  enum class Verdict {
    kWorks,
    kFails,
    kNothing,  // the caller went away, or the time was too short for anybody
  };

  // The time from one opening or closing to the next.
  using Period = int64_t;

  // `clock` outlives the breaker.
  CircuitBreaker(Options options, Clock& clock) : options_(options), clock_(clock) {}

  bool IsOpen() const { return is_open_; }
  // To be kept with every request that is let through.
  Period period() const { return period_; }

  // A request has ended that was let through in `period`; what began before the last opening or
  // closing tells how things were then, and does not count. True if this opened the circuit.
  [[nodiscard]] bool Note(Period period, Verdict verdict);
  // Lets requests through again, with nothing held against them.
  void Close();

 private:
  struct Counts {
    int ended = 0;
    int failed = 0;
  };

  void ForgetWhatIsOld();
  void StartPeriod();

  const Options options_;
  Clock& clock_;
  bool is_open_ = false;
  Period period_ = 0;
  int failures_in_a_row_ = 0;
  // Of this half of the window and of the one before.
  std::array<Counts, 2> halves_{};
  SteadyTime half_began_{};
};

}  // namespace gateway

#endif  // SERVICE_PASSFORT_CIRCUIT_BREAKER_H_
