#ifndef SERVICE_CALLERS_CALLER_USAGE_H_
#define SERVICE_CALLERS_CALLER_USAGE_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>

#include "service/base/deadline.h"

namespace gateway {

// What a caller uses of its limits in this process. Outlives the versions of the callers file: a
// new one changes the limits, not what is used. Safe from any thread.
class CallerUsage {
 public:
  // One of the caller's places, given back when it goes.
  using Place = std::shared_ptr<const void>;

  // Null: the caller has `most` places or more already.
  static Place TryTakePlace(const std::shared_ptr<CallerUsage>& usage, size_t most);

  // A token bucket that holds a minute's worth of calls, and is full at first. Nothing: the call is
  // counted. Otherwise it is not, and may come again after so long. `per_minute` is at least 1 and
  // may be another one at each call.
  std::optional<Milliseconds> TryCountCall(int64_t per_minute, SteadyTime now);

  size_t places() const;

 private:
  mutable std::mutex mutex_;
  size_t places_ = 0;                     // guarded by mutex_
  std::optional<SteadyTime> full_again_;  // guarded by mutex_; when the bucket is full again
};

}  // namespace gateway

#endif  // SERVICE_CALLERS_CALLER_USAGE_H_
