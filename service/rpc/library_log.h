#ifndef SERVICE_RPC_LIBRARY_LOG_H_
#define SERVICE_RPC_LIBRARY_LOG_H_

#include "service/observability/log.h"

namespace gateway {

// gRPC and Protocol Buffers write lines of their own to standard error, with what callers sent in
// them as it is: names, keys, line breaks. While this lives, such a line is a warning that tells
// the place in their source code, and none of their words. Afterwards they write nothing.
//
// One at a time, since both libraries have one log for the whole process.
class LibraryLog {
 public:
  // `log` outlives this.
  explicit LibraryLog(Log& log);
  ~LibraryLog();
  LibraryLog(const LibraryLog&) = delete;
  LibraryLog& operator=(const LibraryLog&) = delete;
};

}  // namespace gateway

#endif  // SERVICE_RPC_LIBRARY_LOG_H_
