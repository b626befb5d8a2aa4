#include "service/rpc/call_deadline.h"

#include <algorithm>

namespace gateway {

Deadline CallDeadline(SteadyTime now, std::optional<std::chrono::nanoseconds> time_left,
                      const DeadlineLimits& limits) {
  using std::chrono::nanoseconds;
  nanoseconds allowed = limits.default_deadline;
  if (time_left.has_value()) {
    const nanoseconds left = std::max(*time_left, nanoseconds::zero());
    allowed = left - std::min<nanoseconds>(kAnswerMargin, left / 10);
  }
  return Deadline(now + std::min<nanoseconds>(allowed, limits.max_deadline));
}

}  // namespace gateway
