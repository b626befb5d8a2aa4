#include "service/rpc/calls/call_deadline.h"

#include <algorithm>

namespace gateway {
namespace {

// By how much `time_left` may be rounded up: 1 ms below a second, 10 ms below ten, and so on.
Milliseconds RoundingStep(std::chrono::nanoseconds time_left) {
  constexpr int kThreeDigits = 1000;
  Milliseconds step{1};
  while (time_left >= step * kThreeDigits) step *= 10;
  return step;
}

}  // namespace

Deadline CallDeadline(SteadyTime now, std::optional<std::chrono::nanoseconds> time_left,
                      const DeadlineLimits& limits) {
  using std::chrono::nanoseconds;
  nanoseconds allowed = limits.default_deadline;
  if (time_left.has_value()) {
    // Twice the longest is as good as any longer time, and cannot overflow.
    const nanoseconds left =
        std::clamp<nanoseconds>(*time_left, nanoseconds::zero(), 2 * limits.max_deadline);
    const nanoseconds meant = std::max(left - RoundingStep(left), nanoseconds::zero());
    allowed = meant - std::min<nanoseconds>(kDeadlineMargin, meant / 10);
  }
  return Deadline(now + std::min<nanoseconds>(allowed, limits.max_deadline));
}

}  // namespace gateway
