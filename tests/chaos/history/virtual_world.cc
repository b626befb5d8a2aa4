#include "tests/chaos/history/virtual_world.h"

#include <algorithm>

namespace gateway::history {

void VirtualWorld::At(SteadyTime at, std::function<void()> event) {
  // Never in the past, and never at once: whoever asks is still at work.
  const Key key{.at = std::max(at, now_), .place = chance_.Next(), .number = ++events_};
  queue_.emplace(key, std::move(event));
}

void VirtualWorld::RunUntil(SteadyTime end, const std::function<bool()>& is_over) {
  while (!queue_.empty() && queue_.begin()->first.at <= end) {
    auto next = queue_.extract(queue_.begin());
    // A run within this one may have taken the time further.
    now_ = std::max(now_, next.key().at);
    next.mapped()();
    if (is_over()) return;
  }
  now_ = std::max(now_, end);
}

}  // namespace gateway::history
