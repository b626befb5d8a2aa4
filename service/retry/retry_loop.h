#ifndef SERVICE_RETRY_RETRY_LOOP_H_
#define SERVICE_RETRY_RETRY_LOOP_H_

#include <concepts>
#include <optional>
#include <utility>

#include "service/base/call_context.h"
#include "service/base/clock.h"
#include "service/base/random.h"
#include "service/base/task.h"
#include "service/retry/backoff.h"
#include "service/retry/retry_budget.h"

namespace gateway {

// What a retry loop needs besides the thing to try. The references outlive every loop.
struct RetryTools {
  Clock& clock;
  RandomSource& random;
  RetryBudget& budget;
  Backoff::Options backoff;
  // A wait that would leave less than this for the next attempt is not begun.
  Milliseconds least_time_for_an_attempt{50};
};

// That a result is worth another try, and how long the other side wants to be left alone first.
struct Repeat {
  enum class Cost {
    kOneOfBudget,
    kNothing,  // the attempt never left the gateway, so to come again adds no request
  };
  Milliseconds not_before{0};
  Cost cost = Cost::kOneOfBudget;
};

// Pays for `repeat`. False: the budget is used up.
[[nodiscard]] inline bool Pay(const Repeat& repeat, RetryBudget& budget) {
  return repeat.cost == Repeat::Cost::kNothing || budget.TakeRepeat();
}

// Runs `attempt` until its result is final, and returns what `conclude` makes of the last one. It
// is final when `may_repeat` says so, when the budget is used up, when the next attempt would not
// fit before the context's deadline, or when its stop is requested during a wait. `context`
// outlives the task. Loop thread only.
template <typename Conclusion, typename Result, std::invocable Attempt>
Task<Conclusion> RunWithRetries(RetryTools tools,
                                const CallContext& context [[clang::lifetimebound]],
                                Attempt attempt,
                                std::optional<Repeat> (*may_repeat)(const Result& result),
                                Conclusion (*conclude)(Result result)) {
  tools.budget.OnCall();
  Backoff backoff(tools.backoff, tools.random);
  while (true) {
    Result result = co_await attempt();
    const std::optional<Repeat> repeat = may_repeat(result);
    if (!repeat) co_return conclude(std::move(result));
    const SteadyTime next = tools.clock.Now() + repeat->not_before + backoff.Next();
    if (next + tools.least_time_for_an_attempt > context.deadline.at())
      co_return conclude(std::move(result));
    if (!Pay(*repeat, tools.budget)) co_return conclude(std::move(result));
    if (co_await tools.clock.SleepUntil(next, context.stop) == Clock::Wake::kStopped)
      co_return conclude(std::move(result));
  }
}

}  // namespace gateway

#endif  // SERVICE_RETRY_RETRY_LOOP_H_
