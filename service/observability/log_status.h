#ifndef SERVICE_OBSERVABILITY_LOG_STATUS_H_
#define SERVICE_OBSERVABILITY_LOG_STATUS_H_

#include "service/observability/log.h"
#include "service/observability/status_report.h"

namespace gateway {

// The last distinct warnings and errors of a log, as its lines have them.
class LogStatus final : public StatusSource {
 public:
  // `log` outlives it.
  explicit LogStatus(const Log& log) : log_(log) {}

  void Describe(StatusReport& report) const override;

 private:
  const Log& log_;
};

}  // namespace gateway

#endif  // SERVICE_OBSERVABILITY_LOG_STATUS_H_
