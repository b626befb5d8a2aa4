#ifndef SERVICE_RESILIENCE_WRITE_RETRY_POLICY_H_
#define SERVICE_RESILIENCE_WRITE_RETRY_POLICY_H_

#include "service/resilience/outcome.h"
#include "service/resilience/retry_loop.h"

namespace gateway {

// Whether a write that definitely did nothing is worth another try. Together with the outcome table
// this decides alone what leaves the gateway a second time.
inline RetryDecision ShouldRetry(const NotExecuted& not_executed) {
  switch (not_executed.cause) {
    case NotExecuted::Cause::kUnreachable:
    case NotExecuted::Cause::kSendGateClosed:
    case NotExecuted::Cause::kServerError:
    case NotExecuted::Cause::kUnreadable:
      return Retry{};
    case NotExecuted::Cause::kRateLimited:
      // Without a response it was our own gate that refused.
      return Retry{.not_before = not_executed.retry_after.value_or(Milliseconds(0)),
                   .cost = not_executed.response ? Retry::Cost::kOneToken : Retry::Cost::kFree};
    // An open circuit is there to keep requests back.
    case NotExecuted::Cause::kCircuitOpen:
    case NotExecuted::Cause::kResponseTooLarge:
      return RetryEnd::kPermanent;
    // It waited for as long as it could.
    case NotExecuted::Cause::kNoMemory:
    case NotExecuted::Cause::kNoTimeLeft:
      return RetryEnd::kOutOfTime;
    case NotExecuted::Cause::kStopped:
      return RetryEnd::kCancelled;
  }
  return RetryEnd::kPermanent;
}

}  // namespace gateway

#endif  // SERVICE_RESILIENCE_WRITE_RETRY_POLICY_H_
