#include "service/observability/log_throttle.h"

#include <utility>

namespace gateway {

std::optional<int64_t> LogThrottle::Admit(const std::string& key, Time now) {
  const bool is_known = lines_.size() < kMaxKeys || lines_.contains(key);
  const auto [found, is_first] = lines_.try_emplace(is_known ? key : "");
  Lines& lines = found->second;
  if (!is_first && now < lines.next_at) {
    ++lines.left_out;
    return std::nullopt;
  }
  lines.next_at = now + kInterval;
  return std::exchange(lines.left_out, 0);
}

}  // namespace gateway
