#ifndef SERVICE_OBSERVABILITY_RECENT_PROBLEMS_H_
#define SERVICE_OBSERVABILITY_RECENT_PROBLEMS_H_

#include <cstddef>
#include <list>
#include <mutex>
#include <span>
#include <string_view>
#include <vector>

#include "service/observability/log.h"

namespace gateway {

// Remembers the last distinct warnings and errors of a log. Those with the same message count as
// one, and fields that name a caller or a trace are left out. Safe from any thread.
class RecentProblems {
 public:
  static constexpr size_t kMaxProblems = 10;
  // Longer texts are cut.
  static constexpr size_t kMaxTextBytes = 1024;

  void Add(LogLevel level, std::string_view message, std::span<const LogField> fields,
           std::chrono::system_clock::time_point at);
  // The latest first.
  std::vector<LoggedProblem> Get() const;

 private:
  mutable std::mutex mutex_;
  std::list<LoggedProblem> problems_;  // the latest first; guarded by mutex_
};

}  // namespace gateway

#endif  // SERVICE_OBSERVABILITY_RECENT_PROBLEMS_H_
