#ifndef SERVICE_PASSFORT_WRITE_REPEAT_H_
#define SERVICE_PASSFORT_WRITE_REPEAT_H_

#include <optional>

#include "service/passfort/outcome.h"
#include "service/retry/retry_loop.h"

namespace gateway {

// Whether a write that surely did nothing is worth another try. Together with the outcome table
// this decides alone what leaves the gateway a second time.
inline std::optional<Repeat> RepeatAfter(const NotCarriedOut& nothing_done) {
  switch (nothing_done.cause) {
    case NotCarriedOut::Cause::kUnreachable:
    case NotCarriedOut::Cause::kSendGateClosed:
    case NotCarriedOut::Cause::kServerError:
    case NotCarriedOut::Cause::kUnreadable:
      return Repeat{};
    case NotCarriedOut::Cause::kRateLimited:
      // Without an answer it was our own gate that refused.
      return Repeat{
          .not_before = nothing_done.retry_after.value_or(Milliseconds(0)),
          .cost = nothing_done.answer ? Repeat::Cost::kOneOfBudget : Repeat::Cost::kNothing};
    // An open circuit is there to keep requests back.
    case NotCarriedOut::Cause::kCircuitOpen:
    // It waited for as long as it could.
    case NotCarriedOut::Cause::kNoMemory:
    case NotCarriedOut::Cause::kAnswerTooLarge:
    case NotCarriedOut::Cause::kNoTimeLeft:
    case NotCarriedOut::Cause::kStopped:
      return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace gateway

#endif  // SERVICE_PASSFORT_WRITE_REPEAT_H_
