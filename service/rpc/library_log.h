#ifndef SERVICE_RPC_LIBRARY_LOG_H_
#define SERVICE_RPC_LIBRARY_LOG_H_

#include <chrono>

#include "service/base/deadline.h"
#include "service/observability/log.h"
#include "service/observability/metrics.h"

namespace gateway {

// gRPC and Protocol Buffers write lines of their own to standard error, with what callers sent in
// them as it is: names, keys, line breaks. While this lives, such a line is a warning that tells
// the place in their source code, and none of their words. Afterwards they write nothing.
//
// A peer can cause them as fast as it sends, so each place has at most one line a second, with the
// number of those that were left out before it. The metric counts all of them.
//
// One at a time, since both libraries have one log for the whole process.
class LibraryLog {
 public:
  // `log` and `metrics` outlive this. `now` may be called on any thread.
  LibraryLog(Log& log, Metrics& metrics, SteadyTime (*now)() = std::chrono::steady_clock::now);
  ~LibraryLog();
  LibraryLog(const LibraryLog&) = delete;
  LibraryLog& operator=(const LibraryLog&) = delete;
};

}  // namespace gateway

#endif  // SERVICE_RPC_LIBRARY_LOG_H_
