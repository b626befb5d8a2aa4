#ifndef SERVICE_RESILIENCE_RETRY_END_H_
#define SERVICE_RESILIENCE_RETRY_END_H_

#include <cstdint>
#include <string_view>

namespace gateway {

// Why a retry loop made no further attempt.
enum class RetryEnd : uint8_t {
  kSucceeded,
  kPermanent,    // another attempt would come to the same, or might execute a write twice
  kExhausted,    // as many attempts as such a failure gets
  kBudgetEmpty,  // all calls together have used up their retries
  kOutOfTime,    // another attempt would not fit before the deadline
  kCancelled,    // nobody waits any more, or the gateway is draining
};

// In the log, in metrics and in errors.
constexpr std::string_view RetryEndName(RetryEnd end) {
  switch (end) {
    case RetryEnd::kSucceeded:
      return "succeeded";
    case RetryEnd::kPermanent:
      return "permanent";
    case RetryEnd::kExhausted:
      return "exhausted";
    case RetryEnd::kBudgetEmpty:
      return "budget_empty";
    case RetryEnd::kOutOfTime:
      return "out_of_time";
    case RetryEnd::kCancelled:
      return "cancelled";
  }
  return "permanent";
}

}  // namespace gateway

#endif  // SERVICE_RESILIENCE_RETRY_END_H_
