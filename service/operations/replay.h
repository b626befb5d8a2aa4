#ifndef SERVICE_OPERATIONS_REPLAY_H_
#define SERVICE_OPERATIONS_REPLAY_H_

#include <memory>
#include <utility>
#include <variant>

#include "service/base/call_context.h"
#include "service/base/clock.h"
#include "service/passfort/resource_client.h"

namespace gateway {

// The store keeps ids and nothing about a person, so a result that comes from there is read anew at
// Passfort: it then shows the resource as it is now. What cannot be read in time is given as the
// store has it, and counts as truncated.

// For how long a caller waits for that, at most.
inline constexpr Milliseconds kMaxReplayRead{5000};

inline CallContext ReplayContext(const CallContext& call, Clock& clock) {
  CallContext context = call;
  context.deadline = Earlier(call.deadline, Deadline(clock.Now() + kMaxReplayRead));
  return context;
}

// Puts what was read in place of what the store has. Returns whether anything was.
template <typename Message>
bool Replace(std::shared_ptr<Message>& kept, ReadResult<Message> read) {
  auto* const found = std::get_if<std::shared_ptr<Message>>(&read.outcome);
  if (found != nullptr) kept = std::move(*found);
  return found != nullptr;
}

}  // namespace gateway

#endif  // SERVICE_OPERATIONS_REPLAY_H_
