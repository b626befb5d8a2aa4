#ifndef SERVICE_RESILIENCE_RETRY_LOOP_H_
#define SERVICE_RESILIENCE_RETRY_LOOP_H_

#include <concepts>
#include <optional>
#include <utility>

#include "service/base/call_context.h"
#include "service/base/clock.h"
#include "service/base/random.h"
#include "service/base/task.h"
#include "service/resilience/backoff.h"
#include "service/resilience/retry_budget.h"

namespace gateway {

// What a retry loop needs besides the thing to try. The references outlive every loop.
struct RetryDependencies {
  Clock& clock;
  RandomSource& random;
  RetryBudget& budget;
  Backoff::Options backoff;
};

// That a result is worth another try, and how long the other side wants to be left alone first.
struct Retry {
  enum class Cost {
    kOneToken,
    kFree,  // the attempt never left the gateway, so to come again adds no request
  };
  Milliseconds not_before{0};
  Cost cost = Cost::kOneToken;
};

// Pays for `repeat`. False: the budget is used up.
[[nodiscard]] inline bool Spend(const Retry& repeat, RetryBudget& budget) {
  return repeat.cost == Retry::Cost::kFree || budget.TryWithdraw();
}

// Runs `attempt` until its result is final, and returns what `conclude` makes of the last one. It
// is final when `should_retry` says so, when the budget is used up, when the next attempt would not
// fit before the context's deadline, or when its stop is requested during a wait. `context`
// outlives the task. Loop thread only.
template <typename Conclusion, typename Result, std::invocable Attempt>
Task<Conclusion> RunWithRetries(RetryDependencies tools,
                                const CallContext& context [[clang::lifetimebound]],
                                Attempt attempt,
                                std::optional<Retry> (*should_retry)(const Result& result),
                                Conclusion (*conclude)(Result result)) {
  tools.budget.OnCall();
  Backoff backoff(tools.backoff, tools.random);
  while (true) {
    Result result = co_await attempt();
    const std::optional<Retry> repeat = should_retry(result);
    if (!repeat) co_return conclude(std::move(result));
    const SteadyTime next = tools.clock.Now() + repeat->not_before + backoff.Next();
    if (next + kMinTimeToSend > context.deadline.at()) co_return conclude(std::move(result));
    if (!Spend(*repeat, tools.budget)) co_return conclude(std::move(result));
    if (co_await tools.clock.SleepUntil(next, context.stop) == Clock::SleepResult::kStopped)
      co_return conclude(std::move(result));
  }
}

}  // namespace gateway

#endif  // SERVICE_RESILIENCE_RETRY_LOOP_H_
