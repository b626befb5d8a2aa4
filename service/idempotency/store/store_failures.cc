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

StoreFailures::StoreFailures(Clock& clock, Log& log, Metrics& metrics)
    : clock_(clock),
      log_(log),
      failing_(metrics.AddGauge("passfort_gateway_store_failing",
                                "1 while the store of request_ids fails, else 0.")) {
  failing_.Set(0);
}

void StoreFailures::OnResult(const absl::Status& status, SteadyTime::duration took) {
  if (!IsFailure(status, took)) {
    if (!status.ok()) return;
    failing_.Set(0);
    why_.clear();
    if (!reported_.empty()) log_.Info("the store is available again");
    reported_.clear();
    return;
  }
  failing_.Set(1);
  if (why_.empty()) since_ = clock_.WallNow();
  std::string text(status.message());
  why_ = text.empty() ? "no reason was given" : text;
  if (text == reported_ || clock_.Now() < next_line_) return;
  log_.Error("the store fails: what needs it is refused, and nothing is sent", {{"detail", text}});
  reported_ = std::move(text);
  next_line_ = clock_.Now() + kBetweenLines;
}

void StoreFailures::Describe(StatusReport& report) const {
  StatusSection& section = report.Section("Store");
  if (why_.empty()) return section.Add("state", "available", StatusLevel::kGood);
  section.Add("state", "fails: what needs it is refused", StatusLevel::kBad);
  section.AddTime("fails since", absl::ToChronoTime(since_));
  section.Add("why", why_);
}

}  // namespace gateway
