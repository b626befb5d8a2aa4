#include "service/idempotency/keyed_mutex.h"

#include <utility>

namespace gateway {

KeyedMutex::Guard::Guard(Guard&& other) noexcept
    : turns_(std::exchange(other.turns_, nullptr)), profile_id_(std::move(other.profile_id_)) {}

KeyedMutex::Guard::~Guard() {
  if (turns_ != nullptr) turns_->End(profile_id_);
}

bool KeyedMutex::IsFull(const std::string& profile_id) const {
  const auto entry = waiting_.find(profile_id);
  return entry != waiting_.end() && entry->second.size() >= kMaxWaiting;
}

Task<KeyedMutex::Guard> KeyedMutex::Lock(std::string profile_id, std::stop_token stop) {
  const auto [entry, is_free] = waiting_.try_emplace(profile_id);
  if (is_free) co_return Guard(*this, std::move(profile_id));

  OneShot<bool> turn_came;
  Queue& queue = entry->second;
  const auto place = queue.insert(queue.end(), &turn_came);
  const std::stop_callback on_stop(stop, [&] {
    queue.erase(place);
    turn_came.Set(false);
  });
  if (!co_await turn_came) co_return Guard();
  co_return Guard(*this, std::move(profile_id));
}

void KeyedMutex::End(const std::string& profile_id) {
  const auto entry = waiting_.find(profile_id);
  if (entry->second.empty()) {
    waiting_.erase(entry);
    return;
  }
  OneShot<bool>* const next = entry->second.front();
  entry->second.pop_front();
  next->Set(true);
}

}  // namespace gateway
