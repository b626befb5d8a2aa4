#include "service/rpc/fair_shares.h"

namespace gateway {

FairShares::Answer FairShares::Take(std::string_view holder) {
  constexpr size_t kKeptPart = 8;
  if (taken_ >= places_) return Answer::kFull;
  if (holder.empty()) {
    ++taken_;
    return Answer::kTaken;
  }
  auto found = by_holder_.find(holder);
  const size_t held = found == by_holder_.end() ? 0 : found->second;
  const bool is_scarce = taken_ >= places_ - places_ / kKeptPart;
  if (is_scarce && held > 0 && held >= places_ / (by_holder_.size() + 1)) {
    return Answer::kShareUsedUp;
  }
  if (found == by_holder_.end()) found = by_holder_.emplace(holder, 0).first;
  ++found->second;
  ++taken_;
  return Answer::kTaken;
}

void FairShares::Give(std::string_view holder) {
  --taken_;
  const auto found = by_holder_.find(holder);
  if (found != by_holder_.end() && --found->second == 0) by_holder_.erase(found);
}

}  // namespace gateway
