#ifndef SERVICE_RESILIENCE_READ_RETRIES_H_
#define SERVICE_RESILIENCE_READ_RETRIES_H_

#include <concepts>
#include <optional>
#include <utility>
#include <variant>

#include "service/base/call_context.h"
#include "service/base/clock.h"
#include "service/base/task.h"
#include "service/resilience/backoff.h"
#include "service/resilience/outcome.h"
#include "service/resilience/retry_loop.h"

namespace gateway {

// Runs `attempt`, a read, until it succeeds or another one makes no sense, and returns what
// `conclude` makes of the result that tells most: the last one or, if that only ran out of time or
// found nobody, the one before it. `failure` is null for results that are final: they end as
// kSucceeded. What cannot be read is asked for once more, since something before the server may
// have answered. `context` outlives the task. Loop thread only.
template <typename Conclusion, typename Result, std::invocable Attempt>
Task<Conclusion> ReadWithRetries(RetryDependencies tools,
                                 const CallContext& context [[clang::lifetimebound]],
                                 Attempt attempt,
                                 const NotExecuted* (*failure)(const Result& result),
                                 RetryDecision (*decide)(const NotExecuted& failure),
                                 Conclusion (*conclude)(Result result, RetryEnd end)) {
  Backoff backoff(tools.backoff, tools.random);
  bool was_unreadable = false;
  std::optional<Result> earlier;
  while (true) {
    Result result = co_await attempt();
    const NotExecuted* const failed = failure(result);
    if (failed == nullptr) co_return conclude(std::move(result), RetryEnd::kSucceeded);
    if (context.stop.stop_requested()) {
      co_return conclude(std::move(result), RetryEnd::kCancelled);
    }
    RetryDecision decision = decide(*failed);
    const bool is_unreadable = failed->cause == NotExecuted::Cause::kUnreadable;
    if (is_unreadable && std::exchange(was_unreadable, true)) decision = RetryEnd::kExhausted;
    const auto next = PlanRetry(decision, context.deadline, tools, backoff);
    if (const auto* end = std::get_if<RetryEnd>(&next)) {
      // What the server said tells more than that it said nothing at last; and why it took so long
      // is what came before.
      const bool is_late = failed->cause == NotExecuted::Cause::kNoTimeLeft;
      const bool said_more = earlier && failed->cause == NotExecuted::Cause::kUnreachable &&
                             !failed->response && failure(*earlier)->response;
      const bool counts_earlier = earlier && (is_late || said_more);
      co_return conclude(counts_earlier ? *std::move(earlier) : std::move(result), *end);
    }
    if (failed->response || !earlier) earlier = std::move(result);
    co_await tools.clock.SleepUntil(std::get<SteadyTime>(next), context.stop);
  }
}

}  // namespace gateway

#endif  // SERVICE_RESILIENCE_READ_RETRIES_H_
