#include "service/idempotency/observe_with_retries.h"

#include <utility>
#include <variant>

#include "service/resilience/read_retries.h"
#include "service/resilience/write_retry_policy.h"

namespace gateway {
namespace {

const NotExecuted* FailureOf(const ObserveResult& result) {
  const auto* const failed = std::get_if<ObservationFailed>(&result);
  return failed != nullptr && failed->not_executed ? &*failed->not_executed : nullptr;
}

}  // namespace

Task<ObserveResult> ObserveWithRetries(Operation& operation, std::string target,
                                       const CallContext& context, RetryDependencies dependencies) {
  auto attempt = [&operation, target = std::move(target), &context] {
    return operation.Observe(target, context);
  };
  return ReadWithRetries<ObserveResult>(dependencies, context, std::move(attempt), FailureOf,
                                        ShouldRetry);
}

}  // namespace gateway
