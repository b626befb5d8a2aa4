#include "service/callers/caller_usage.h"

#include <algorithm>

namespace gateway {

CallerUsage::Place CallerUsage::TryTakePlace(const std::shared_ptr<CallerUsage>& usage,
                                             size_t most) {
  {
    const std::lock_guard lock(usage->mutex_);
    if (usage->places_ >= most) return nullptr;
    ++usage->places_;
  }
  // The place keeps the usage alive: it may outlive every version of the file that names it.
  return Place(usage.get(), [usage](const void* /*place*/) {
    const std::lock_guard lock(usage->mutex_);
    --usage->places_;
  });
}

std::optional<Milliseconds> CallerUsage::TryCountCall(int64_t per_minute, SteadyTime now) {
  // As in the generic cell rate algorithm, the bucket is one moment: when it will be full again.
  // Each call moves it by the time in which its token comes back.
  const std::chrono::nanoseconds refill =
      std::chrono::nanoseconds(std::chrono::minutes(1)) / per_minute;
  const std::chrono::nanoseconds capacity = refill * per_minute;

  const std::lock_guard lock(mutex_);
  const SteadyTime full_again = std::max(full_again_.value_or(now), now) + refill;
  const std::chrono::nanoseconds excess = full_again - now - capacity;
  if (excess > std::chrono::nanoseconds::zero()) return std::chrono::ceil<Milliseconds>(excess);
  full_again_ = full_again;
  return std::nullopt;
}

size_t CallerUsage::places() const {
  const std::lock_guard lock(mutex_);
  return places_;
}

}  // namespace gateway
