#ifndef SERVICE_OPERATIONS_REPLAY_H_
#define SERVICE_OPERATIONS_REPLAY_H_

#include <memory>
#include <utility>
#include <variant>

#include "service/base/call_context.h"
#include "service/base/clock.h"
#include "service/base/task.h"
#include "service/base/uuid.h"
#include "service/idempotency/operation.h"
#include "service/idempotency/pending_result.h"
#include "service/idempotency/write_result.h"
#include "service/passfort/resource_client.h"

namespace gateway {

// The store keeps ids and nothing about a person, so a result that comes from there is read anew at
// Passfort: it then shows the resource as it is now. What cannot be read in time is given as the
// store has it, and counts as truncated.

// For how long a caller waits for that, at most.
inline constexpr Milliseconds kMaxReplayRead{5000};

// What a session came to, as its caller gets it: `convert` makes a Done of what was received, or of
// what the store has; of the latter `resource` is read anew, by `read` with its id. `context` and
// what `read` refers to outlive the task.
template <typename Done, typename Resource, typename Read>
Task<WriteResultOf<Done>> Present(SessionResult session, Done (*convert)(const OperationResult&),
                                  std::shared_ptr<Resource> Done::* resource, Read read,
                                  Clock& clock,
                                  const CallContext& context [[clang::lifetimebound]]) {
  const auto* const done = std::get_if<SharedResult>(&session.outcome);
  const bool is_kept = done != nullptr && !(*done)->received.has_value();
  WriteResultOf<Done> result = MapDone<Done>(
      std::move(session), [convert](const SharedResult& made) { return convert(*made); });
  if (!is_kept) co_return result;
  std::shared_ptr<Resource>& kept = std::get<Done>(result.outcome).*resource;
  result.is_truncated = true;
  // Else what Passfort calls an id would become a part of a URL.
  if (!IsUuid(kept->id())) co_return result;
  CallContext reading = context;
  reading.deadline = Earlier(context.deadline, Deadline(clock.Now() + kMaxReplayRead));
  ReadResult<Resource> now = co_await read(kept->id(), reading);
  if (auto* const found = std::get_if<std::shared_ptr<Resource>>(&now.outcome)) {
    kept = std::move(*found);
    result.is_truncated = false;
  }
  co_return result;
}

}  // namespace gateway

#endif  // SERVICE_OPERATIONS_REPLAY_H_
