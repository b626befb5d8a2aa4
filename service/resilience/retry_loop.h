#ifndef SERVICE_RESILIENCE_RETRY_LOOP_H_
#define SERVICE_RESILIENCE_RETRY_LOOP_H_

#include <concepts>
#include <memory>
#include <utility>
#include <variant>

#include "service/base/call_context.h"
#include "service/base/clock.h"
#include "service/base/random.h"
#include "service/base/task.h"
#include "service/resilience/backoff.h"
#include "service/resilience/retry_budget.h"
#include "service/resilience/retry_end.h"

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

// What a result asks for: another attempt, or that it is the last one.
using RetryDecision = std::variant<Retry, RetryEnd>;

// When the next attempt begins, which is paid for then, or why there is none.
inline std::variant<SteadyTime, RetryEnd> PlanRetry(const RetryDecision& decision,
                                                    Deadline deadline,
                                                    const RetryDependencies& tools,
                                                    Backoff& backoff) {
  const auto* const retry = std::get_if<Retry>(&decision);
  if (retry == nullptr) return std::get<RetryEnd>(decision);
  const SteadyTime next = tools.clock.Now() + retry->not_before + backoff.Next();
  if (next + kMinTimeToSend > deadline.at()) return RetryEnd::kOutOfTime;
  if (retry->cost == Retry::Cost::kOneToken && !tools.budget.TryWithdraw()) {
    return RetryEnd::kBudgetEmpty;
  }
  return next;
}

// Runs `attempt` until its result is final, and returns what `conclude` makes of the last one (of
// the one before it, if the last `is_late`: it only ran out of time) and of why it was the last. It
// is final when `decide` says so, when the budget is used up, when the next attempt would not fit
// before the context's deadline, or when its stop is requested during a wait. `context` outlives
// the task. Loop thread only.
template <typename Conclusion, typename Result, std::invocable Attempt>
Task<Conclusion> RunWithRetries(RetryDependencies tools,
                                const CallContext& context [[clang::lifetimebound]],
                                Attempt attempt, RetryDecision (*decide)(const Result& result),
                                bool (*is_late)(const Result& result),
                                Conclusion (*conclude)(Result result, RetryEnd end)) {
  tools.budget.OnCall();
  Backoff backoff(tools.backoff, tools.random);
  std::unique_ptr<Result> earlier;  // not in the frame: few calls have one
  while (true) {
    Result result = co_await attempt();
    auto next = PlanRetry(decide(result), context.deadline, tools, backoff);
    if (const auto* at = std::get_if<SteadyTime>(&next)) {
      const auto wake = co_await tools.clock.SleepUntil(*at, context.stop);
      if (wake == Clock::SleepResult::kElapsed) {
        earlier = std::make_unique<Result>(std::move(result));
        continue;
      }
      next = RetryEnd::kCancelled;
    }
    if (earlier != nullptr && is_late(result)) result = std::move(*earlier);
    co_return conclude(std::move(result), std::get<RetryEnd>(next));
  }
}

}  // namespace gateway

#endif  // SERVICE_RESILIENCE_RETRY_LOOP_H_
