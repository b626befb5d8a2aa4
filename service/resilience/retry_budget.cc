#include "service/resilience/retry_budget.h"

#include <algorithm>

namespace gateway {

void RetryBudget::OnCall() {
  calls_saved_ = std::min(calls_saved_ + 1, options_.calls_per_retry * options_.max_saved_retries);
}

bool RetryBudget::TryWithdraw() {
  if (calls_saved_ < options_.calls_per_retry) return false;
  calls_saved_ -= options_.calls_per_retry;
  return true;
}

}  // namespace gateway
