#ifndef SERVICE_BASE_DEADLINE_H_
#define SERVICE_BASE_DEADLINE_H_

#include <algorithm>
#include <chrono>
#include <compare>

namespace gateway {

using SteadyTime = std::chrono::steady_clock::time_point;
using Milliseconds = std::chrono::milliseconds;

// With less time left nothing is sent: the response could hardly come in time, and a write whose
// response comes too late has an outcome that nobody knows.
inline constexpr Milliseconds kMinTimeToSend{50};

// The moment after which nobody waits any longer, on the steady clock.
class Deadline {
 public:
  explicit Deadline(SteadyTime at) : at_(at) {}

  SteadyTime at() const { return at_; }
  // Never negative.
  std::chrono::nanoseconds TimeLeft(SteadyTime now) const {
    return std::max(at_ - now, SteadyTime::duration::zero());
  }
  bool HasPassed(SteadyTime now) const { return now >= at_; }

  friend auto operator<=>(const Deadline&, const Deadline&) = default;

 private:
  SteadyTime at_;
};

inline Deadline Earlier(Deadline a, Deadline b) { return std::min(a, b); }

}  // namespace gateway

#endif  // SERVICE_BASE_DEADLINE_H_
