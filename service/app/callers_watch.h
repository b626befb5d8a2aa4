#ifndef SERVICE_APP_CALLERS_WATCH_H_
#define SERVICE_APP_CALLERS_WATCH_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "service/app/every_second.h"
#include "service/base/event_loop.h"
#include "service/callers/callers_file.h"
#include "service/observability/log.h"
#include "service/observability/metrics.h"
#include "service/observability/status_report.h"

namespace gateway {

// Looks every second whether the callers file has changed, and says in the log what came of it.
class CallersWatch final : public StatusSource {
 public:
  // Reads the file for the first time; an error says what is wrong with it. `loop`, `log` and
  // `metrics` outlive the watch. Any thread but the loop's, likewise the destructor.
  static absl::StatusOr<std::unique_ptr<CallersWatch>> Start(std::string path,
                                                             CallersFile::Options options,
                                                             EventLoop& loop, Log& log,
                                                             Metrics& metrics);

  const CallersFile& file() const { return *file_; }

  void Describe(StatusReport& report) const override;

 private:
  CallersWatch(std::unique_ptr<CallersFile> file, EventLoop& loop, Log& log, Metrics& metrics);

  void Look();  // loop thread only

  const std::unique_ptr<CallersFile> file_;
  Log& log_;
  const Gauge generation_;
  const EverySecond looks_;  // the last member: it uses the others
};

}  // namespace gateway

#endif  // SERVICE_APP_CALLERS_WATCH_H_
