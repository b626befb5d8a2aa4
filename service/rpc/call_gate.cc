#include "service/rpc/call_gate.h"

namespace gateway {

CallGate::Entry CallGate::Enter() {
  const std::lock_guard lock(mutex_);
  if (closed_) return Entry::kClosed;
  if (inside_ >= places_) return Entry::kFull;
  ++inside_;
  return Entry::kEntered;
}

void CallGate::Leave() {
  // Notified under the lock: whoever waits may destroy the gate as soon as it gets the lock.
  const std::lock_guard lock(mutex_);
  if (--inside_ == 0 && closed_) empty_.notify_all();
}

bool CallGate::IsEmpty() {
  const std::lock_guard lock(mutex_);
  return inside_ == 0;
}

void CallGate::Close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
}

bool CallGate::WaitUntilEmpty(Milliseconds longest) {
  std::unique_lock lock(mutex_);
  return empty_.wait_for(lock, longest, [this] { return inside_ == 0; });
}

}  // namespace gateway
