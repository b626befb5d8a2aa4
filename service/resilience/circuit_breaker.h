#ifndef SERVICE_RESILIENCE_CIRCUIT_BREAKER_H_
#define SERVICE_RESILIENCE_CIRCUIT_BREAKER_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "service/base/call_context.h"
#include "service/base/clock.h"
#include "service/base/deadline.h"

namespace gateway {

// Whether Passfort works, judged by what requests came to. It opens when too many fail. While it is
// open a call is tried now and then, and the first of those that works closes it: the half-open
// state of Nygard and resilience4j, with one call at a time. It can be closed from outside too,
// when a probe was answered. Loop thread only.
//
// One profile counts once. A failure that is a whole response, a 500 for example, may lie in the
// data of the profile that it is about, however often that is asked for; so it counts together with
// those of other profiles only. So may a request that was sent and never answered, as long as
// others are answered. When nothing is answered any more, or no request gets to Passfort, every
// failure counts: with one profile in traffic, too, callers of a dead Passfort are told at once.
class CircuitBreaker {
 public:
  struct Options {
    int consecutive_failures = 5;
    // Or so large a share of the requests that ended lately, if they were enough to judge by.
    double failure_rate_threshold = 0.5;
    int min_calls = 20;
    // "Lately" is between half of this and all of it.
    Milliseconds window{10000};
    // While it is open, one call is tried in so long a time. One that hangs is given up by then:
    // the next is tried, so an outage is over for callers this long after its end.
    Milliseconds trial_interval{5000};
    // Reads that reconcile harm nobody, and a profile is blocked until they are answered.
    Milliseconds reconciliation_trial_interval{1000};
  };

  // What the end of a request says.
  enum class Sample {
    kSuccess,
    kUnreachable,
    kUnanswered,   // sent, and no whole response in a fair time
    kServerError,  // a whole response
    kIgnored,      // the caller went away, or the time was too short for anybody
  };

  // What it did to the circuit.
  enum class Change { kNone, kOpened, kClosed };

  // The time from one opening or closing to the next.
  using Generation = int64_t;

  // `clock` outlives the breaker.
  CircuitBreaker(Options options, Clock& clock) : options_(options), clock_(clock) {}

  bool IsOpen() const { return is_open_; }
  // The current generation: what a request that is sent now is noted with.
  Generation generation() const { return generation_; }
  // Whether a call may be sent now: the circuit is closed, or it is time to try one.
  bool LetsThrough(Priority priority) const;
  // The same, and takes it: the call is sent. False: it must not be.
  [[nodiscard]] bool Admit(Priority priority);

  // A request for `profile_id` has ended that was sent in `generation`. What began before the last
  // opening or closing tells how things were then, and does not count. Empty: for a profile that is
  // yet to be created, so each is another one.
  [[nodiscard]] Change OnResult(Generation generation, Sample sample, std::string_view profile_id);
  // Lets requests through again, with nothing held against them.
  void Close();

 private:
  // Profiles by their hashes. Two that share one count as one.
  using Profiles = std::unordered_set<size_t>;
  struct Counts {
    int worked = 0;
    int failed = 0;
    Profiles failing{};
  };

  // Count a failure; with a profile only if it is the first of that.
  void CountInARow(std::optional<size_t> profile);
  void CountInWindow(std::optional<size_t> profile);
  bool TooManyFail() const;
  void DropOldSamples();
  void Open();
  void StartGeneration();
  SteadyTime& NextTrial(Priority priority) { return next_trials_[static_cast<size_t>(priority)]; }

  const Options options_;
  Clock& clock_;
  bool is_open_ = false;
  Generation generation_ = 0;
  std::array<SteadyTime, 2> next_trials_{};  // by Priority
  int consecutive_failures_ = 0;
  std::vector<size_t> failing_in_a_row_;  // shorter than a row that opens
  // Of this half of the window and of the one before.
  std::array<Counts, 2> halves_{};
  SteadyTime half_began_{};
};

}  // namespace gateway

#endif  // SERVICE_RESILIENCE_CIRCUIT_BREAKER_H_
