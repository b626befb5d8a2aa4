#ifndef SERVICE_IDEMPOTENCY_WRITE_REPORT_H_
#define SERVICE_IDEMPOTENCY_WRITE_REPORT_H_

#include "service/idempotency/write_observer.h"
#include "service/observability/log.h"
#include "service/observability/metrics.h"

namespace gateway {

// Counts the writes that ended, and logs those that somebody has to look at.
class WriteReport final : public WriteObserver {
 public:
  // Both outlive the report.
  WriteReport(Metrics& metrics, Log& log);

  void OnFinished(const FinishedWrite& write) override;

 private:
  const CounterFamily finished_;
  Log& log_;
};

}  // namespace gateway

#endif  // SERVICE_IDEMPOTENCY_WRITE_REPORT_H_
