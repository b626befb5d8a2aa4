#ifndef SERVICE_IDEMPOTENCY_STORE_STORE_FAILURES_H_
#define SERVICE_IDEMPOTENCY_STORE_STORE_FAILURES_H_

#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "service/base/clock.h"
#include "service/observability/log.h"
#include "service/observability/metrics.h"
#include "service/observability/status_report.h"

namespace gateway {

// Tells the operator when and why the store begins to fail, fails otherwise and is well again, in
// the log and by a gauge:
// callers learn only that it is unavailable. Loop thread only.
class StoreFailures {
 public:
  // Two lines about a failure are at least so far apart, whatever fails meanwhile.
  static constexpr Milliseconds kBetweenLines{10'000};

  // All of them outlive it.
  StoreFailures(Clock& clock, Log& log, Metrics& metrics);

  // What an operation came to, and how long it took: one that had hardly any time says nothing of
  // the store.
  void OnResult(const absl::Status& status, SteadyTime::duration took);

  void Describe(StatusReport& report) const;

 private:
  Clock& clock_;
  Log& log_;
  const Gauge failing_;
  std::string why_;       // it fails; empty: it does not
  absl::Time since_;      // when it fails
  std::string reported_;  // of the line that stands; empty: none does
  SteadyTime next_line_ = SteadyTime::min();
};

}  // namespace gateway

#endif  // SERVICE_IDEMPOTENCY_STORE_STORE_FAILURES_H_
