#ifndef SERVICE_RESILIENCE_READ_RETRIES_H_
#define SERVICE_RESILIENCE_READ_RETRIES_H_

#include <concepts>
#include <optional>
#include <utility>

#include "service/base/call_context.h"
#include "service/base/clock.h"
#include "service/base/task.h"
#include "service/resilience/backoff.h"
#include "service/resilience/outcome.h"
#include "service/resilience/retry_loop.h"

namespace gateway {

// Runs `attempt`, a read, until it succeeds or another one makes no sense, and returns the result
// that tells most: the last one or, if that only ran out of time, the one before it. `failure` is
// null for results that are final. What cannot be read is asked for once more, since something
// before the server may have answered. `context` outlives the task. Loop thread only.
template <typename Result, std::invocable Attempt>
Task<Result> ReadWithRetries(RetryDependencies tools,
                             const CallContext& context [[clang::lifetimebound]], Attempt attempt,
                             const NotExecuted* (*failure)(const Result& result),
                             std::optional<Retry> (*should_retry)(const NotExecuted& failure)) {
  Backoff backoff(tools.backoff, tools.random);
  bool was_unreadable = false;
  std::optional<Result> earlier;
  while (true) {
    Result result = co_await attempt();
    const NotExecuted* const failed = failure(result);
    if (failed == nullptr || context.stop.stop_requested()) co_return result;
    const std::optional<Retry> retry = should_retry(*failed);
    const SteadyTime again =
        tools.clock.Now() + (retry ? retry->not_before : Milliseconds(0)) + backoff.Next();
    const bool is_late = failed->cause == NotExecuted::Cause::kNoTimeLeft;
    const bool is_unreadable = failed->cause == NotExecuted::Cause::kUnreadable;
    const bool is_last = !retry || again >= context.deadline.at() ||
                         (is_unreadable && std::exchange(was_unreadable, true));
    // Why it took so long is what was said before.
    if (is_last && is_late && earlier) co_return *std::move(earlier);
    if (is_last || !Spend(*retry, tools.budget)) co_return result;
    if (failed->response || !earlier) earlier = std::move(result);
    co_await tools.clock.SleepUntil(again, context.stop);
  }
}

}  // namespace gateway

#endif  // SERVICE_RESILIENCE_READ_RETRIES_H_
