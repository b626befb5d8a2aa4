#ifndef SERVICE_OBSERVABILITY_LOG_THROTTLE_H_
#define SERVICE_OBSERVABILITY_LOG_THROTTLE_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace gateway {

// Decides which of the lines that a peer can cause as often as they like are written: of each
// key the first one, then at most one a second. Not thread-safe.
class LogThrottle {
 public:
  using Time = std::chrono::steady_clock::time_point;

  static constexpr std::chrono::seconds kInterval{1};
  // All further keys share one more, and so its count.
  static constexpr size_t kMaxKeys = 256;

  // How many lines of `key` were left out since the last one that was written. None: leave this one
  // out too.
  std::optional<int64_t> Admit(const std::string& key, Time now);

 private:
  struct Lines {
    Time next_at;
    int64_t left_out = 0;
  };
  std::map<std::string, Lines> lines_;  // by key; all further keys are ""
};

}  // namespace gateway

#endif  // SERVICE_OBSERVABILITY_LOG_THROTTLE_H_
