#include "service/idempotency/store/store_failures.h"

#include <utility>

namespace gateway {
namespace {

constexpr Milliseconds kTooSlow{1000};

// What a store does that is away or broken. Anything else is about what was asked of it.
bool IsFailure(const absl::Status& status, SteadyTime::duration took) {
  if (absl::IsDeadlineExceeded(status)) return took >= kTooSlow;
  return absl::IsUnavailable(status) || absl::IsInternal(status);
}

}  // namespace

void StoreFailures::OnResult(const absl::Status& status, SteadyTime::duration took) {
  if (!IsFailure(status, took)) {
    if (!status.ok()) return;
    if (!told_.empty()) log_.Info("the store is available again");
    told_.clear();
    return;
  }
  std::string text(status.message());
  if (text == told_ || clock_.Now() < next_line_) return;
  log_.Error("the store fails: what needs it is refused, and nothing is sent", {{"detail", text}});
  told_ = std::move(text);
  next_line_ = clock_.Now() + kBetweenLines;
}

}  // namespace gateway
