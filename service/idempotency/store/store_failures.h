#ifndef SERVICE_IDEMPOTENCY_STORE_STORE_FAILURES_H_
#define SERVICE_IDEMPOTENCY_STORE_STORE_FAILURES_H_

#include <string>

#include "absl/status/status.h"
#include "service/base/clock.h"
#include "service/observability/log.h"

namespace gateway {

// Tells the operator when and why the store begins to fail, fails otherwise and is well again:
// callers learn only that it is unavailable. Loop thread only.
class StoreFailures {
 public:
  // Two lines about a failure are at least so far apart, whatever fails meanwhile.
  static constexpr Milliseconds kBetweenLines{10'000};

  // Both outlive it.
  StoreFailures(Clock& clock, Log& log) : clock_(clock), log_(log) {}

  // What an operation came to, and how long it took: one that had hardly any time says nothing of
  // the store.
  void OnResult(const absl::Status& status, SteadyTime::duration took);

 private:
  Clock& clock_;
  Log& log_;
  std::string told_;  // of the line that stands; empty: none does
  SteadyTime next_line_ = SteadyTime::min();
};

}  // namespace gateway

#endif  // SERVICE_IDEMPOTENCY_STORE_STORE_FAILURES_H_
