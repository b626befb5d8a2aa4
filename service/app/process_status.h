#ifndef SERVICE_APP_PROCESS_STATUS_H_
#define SERVICE_APP_PROCESS_STATUS_H_

#include <chrono>
#include <string>

#include "service/observability/status_report.h"

namespace gateway {

// Which program this is, and since when it runs.
class ProcessStatus final : public StatusSource {
 public:
  struct Options {
    std::string grpc;     // the library, with its version
    std::string callers;  // how they are known
    std::string store;    // its kind
  };

  // It counts the time from here on.
  explicit ProcessStatus(Options options);

  void Describe(StatusReport& report) const override;

 private:
  const Options options_;
  const std::chrono::system_clock::time_point started_;
  const std::chrono::steady_clock::time_point counts_from_;
};

}  // namespace gateway

#endif  // SERVICE_APP_PROCESS_STATUS_H_
