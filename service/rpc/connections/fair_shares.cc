#include "service/rpc/connections/fair_shares.h"

namespace gateway {

FairShares::Result FairShares::Take(std::string_view holder) {
  if (taken_ >= places_) return Result::kFull;
  if (holder.empty()) {
    ++taken_;
    return Result::kTaken;
  }
  auto found = by_holder_.find(holder);
  const size_t held = found == by_holder_.end() ? 0 : found->second;
  if (taken_ >= plenty_ && held > 0 && held >= places_ / (by_holder_.size() + 1)) {
    return Result::kShareUsedUp;
  }
  if (found == by_holder_.end()) found = by_holder_.emplace(holder, 0).first;
  ++found->second;
  ++taken_;
  return Result::kTaken;
}

void FairShares::Give(std::string_view holder) {
  --taken_;
  const auto found = by_holder_.find(holder);
  if (found != by_holder_.end() && --found->second == 0) by_holder_.erase(found);
}

}  // namespace gateway
