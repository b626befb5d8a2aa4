#include "service/idempotency/observe_with_retries.h"

#include <optional>
#include <utility>

#include "service/resilience/write_retry_policy.h"

namespace gateway {

Task<ObserveResult> ObserveWithRetries(Operation& operation, std::string target,
                                       const CallContext& context, RetryDependencies dependencies) {
  Clock& clock = dependencies.clock;
  Backoff backoff(dependencies.backoff, dependencies.random);
  bool was_unreadable = false;
  std::optional<ObservationFailed> last_response;
  while (true) {
    ObserveResult result = co_await operation.Observe(target, context);
    const auto* const failed = std::get_if<ObservationFailed>(&result);
    if (failed == nullptr || !failed->not_executed || context.stop.stop_requested()) {
      co_return result;
    }
    // Its time is over. Why it took so long is what Passfort said, if it said something.
    const bool is_late = failed->not_executed->cause == NotExecuted::Cause::kNoTimeLeft;
    if (is_late && last_response) co_return *std::move(last_response);
    const std::optional<Retry> retry = ShouldRetry(*failed->not_executed);
    if (!retry) co_return result;
    if (failed->not_executed->response) last_response = *failed;
    // Something before Passfort may have answered this once.
    const bool is_unreadable = failed->not_executed->cause == NotExecuted::Cause::kUnreadable;
    if (is_unreadable && std::exchange(was_unreadable, true)) co_return result;
    const SteadyTime again = clock.Now() + retry->not_before + backoff.Next();
    if (again >= context.deadline.at() || !Spend(*retry, dependencies.budget)) co_return result;
    co_await clock.SleepUntil(again, context.stop);
  }
}

}  // namespace gateway
