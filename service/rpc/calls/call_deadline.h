#ifndef SERVICE_RPC_CALLS_CALL_DEADLINE_H_
#define SERVICE_RPC_CALLS_CALL_DEADLINE_H_

#include <chrono>
#include <optional>

#include "service/base/deadline.h"

namespace gateway {

struct DeadlineLimits {
  // For callers that set no deadline.
  Milliseconds default_deadline{0};
  // For everyone.
  Milliseconds max_deadline{0};
};

// How much earlier than the caller's deadline the gateway answers, at most a tenth of the time: its
// word then arrives before the client library's own, which says nothing about what was done.
inline constexpr Milliseconds kDeadlineMargin{100};

// When the gateway has to be done with a call that arrived at `now` with `time_left` on the
// caller's own deadline as it was sent (none: the caller waits for ever).
//
// The margin is counted from the earliest deadline that the caller can have meant: gRPC's C core
// (clients in C++, Python, Ruby and others) rounds what it sends up to three digits, so a call with
// 90 s may arrive with 90.1 s, and a margin counted from there would be none.
Deadline CallDeadline(SteadyTime now, std::optional<std::chrono::nanoseconds> time_left,
                      const DeadlineLimits& limits);

}  // namespace gateway

#endif  // SERVICE_RPC_CALLS_CALL_DEADLINE_H_
