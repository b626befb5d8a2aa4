#include "service/retry/retry_budget.h"

#include <algorithm>

namespace gateway {

void RetryBudget::OnCall() {
  calls_saved_ = std::min(calls_saved_ + 1, options_.calls_per_repeat * options_.most_repeats);
}

bool RetryBudget::TakeRepeat() {
  if (calls_saved_ < options_.calls_per_repeat) return false;
  calls_saved_ -= options_.calls_per_repeat;
  return true;
}

}  // namespace gateway
