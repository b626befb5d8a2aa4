#ifndef SERVICE_BASE_KEYED_MUTEX_H_
#define SERVICE_BASE_KEYED_MUTEX_H_

#include <cstddef>
#include <list>
#include <map>
#include <memory>
#include <stop_token>
#include <string>

#include "service/base/one_shot.h"
#include "service/base/task.h"

namespace gateway {

// A FIFO mutex per key, for those of one process that would only get into each other's way at the
// database, which does the real work between processes. Loop thread only.
class KeyedMutex {
 public:
  // Ends with it.
  class Guard {
   public:
    Guard() = default;
    Guard(Guard&& other) noexcept;
    Guard& operator=(Guard&&) = delete;
    ~Guard();

    // False if the wait was stopped.
    explicit operator bool() const { return mutex_ != nullptr; }

   private:
    friend class KeyedMutex;
    Guard(KeyedMutex& mutex, std::string key) : mutex_(&mutex), key_(std::move(key)) {}

    KeyedMutex* mutex_ = nullptr;
    std::string key_;
  };

  bool IsFree(const std::string& key) const { return !waiting_.contains(key); }
  // As many wait as may.
  bool IsFull(const std::string& key) const;
  // Waits until the key is free and it is the caller's turn, or until `stop` is requested.
  Task<Guard> Lock(std::string key, std::stop_token stop);

 private:
  static constexpr size_t kMaxWaiting = 8;
  using Queue = std::list<OneShot<bool>*>;
  void Unlock(const std::string& key);

  std::map<std::string, Queue, std::less<>> waiting_;  // an entry, perhaps empty, per locked key
};

}  // namespace gateway

#endif  // SERVICE_BASE_KEYED_MUTEX_H_
