#include "service/base/keyed_mutex.h"

#include <utility>

namespace gateway {

KeyedMutex::Guard::Guard(Guard&& other) noexcept
    : mutex_(std::exchange(other.mutex_, nullptr)), key_(std::move(other.key_)) {}

KeyedMutex::Guard::~Guard() {
  if (mutex_ != nullptr) mutex_->Unlock(key_);
}

bool KeyedMutex::IsFull(const std::string& key) const {
  const auto entry = waiting_.find(key);
  return entry != waiting_.end() && entry->second.size() >= kMaxWaiting;
}

Task<KeyedMutex::Guard> KeyedMutex::Lock(std::string key, std::stop_token stop) {
  const auto [entry, is_free] = waiting_.try_emplace(key);
  if (is_free) co_return Guard(*this, std::move(key));

  OneShot<bool> unlocked;
  Queue& queue = entry->second;
  const auto place = queue.insert(queue.end(), &unlocked);
  const std::stop_callback on_stop(stop, [&] {
    queue.erase(place);
    unlocked.Set(false);
  });
  if (!co_await unlocked) co_return Guard();
  co_return Guard(*this, std::move(key));
}

void KeyedMutex::Unlock(const std::string& key) {
  const auto entry = waiting_.find(key);
  if (entry->second.empty()) {
    waiting_.erase(entry);
    return;
  }
  OneShot<bool>* const next = entry->second.front();
  entry->second.pop_front();
  next->Set(true);
}

}  // namespace gateway
