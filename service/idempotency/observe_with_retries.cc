#include "service/idempotency/observe_with_retries.h"

#include <utility>
#include <variant>

#include "service/resilience/read_retries.h"
#include "service/resilience/write_retry_policy.h"

namespace gateway {
namespace {

const NotExecuted* FailureOf(const ObserveResult& result) {
  return std::get_if<NotExecuted>(&result);
}

RetriedObservation Conclude(ObserveResult result, RetryEnd end) {
  if (std::holds_alternative<Refused>(result)) end = RetryEnd::kPermanent;
  return {.result = std::move(result), .end = end};
}

}  // namespace

Task<RetriedObservation> ObserveWithRetries(Operation& operation, std::string target,
                                            const CallContext& context,
                                            RetryDependencies dependencies) {
  auto attempt = [&operation, target = std::move(target), &context] {
    return operation.Observe(target, context);
  };
  return ReadWithRetries<RetriedObservation, ObserveResult>(
      dependencies, context, std::move(attempt), FailureOf, ShouldRetry, Conclude);
}

}  // namespace gateway
