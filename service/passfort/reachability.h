#ifndef SERVICE_PASSFORT_REACHABILITY_H_
#define SERVICE_PASSFORT_REACHABILITY_H_

#include "service/base/clock.h"
#include "service/base/transport_fault.h"
#include "service/observability/log.h"

namespace gateway {

// Tells the operator when and why Passfort cannot be reached any more, cannot be for another
// reason, and can be again. Loop thread only.
class Reachability {
 public:
  // Two lines about a fault are at least so far apart, whatever fails meanwhile.
  static constexpr Milliseconds kBetweenLines{10'000};

  // Both outlive it.
  Reachability(Clock& clock, Log& log) : clock_(clock), log_(log) {}

  // A request has ended: with a response (kNone), or without.
  void OnResult(TransportFault fault);

 private:
  Clock& clock_;
  Log& log_;
  TransportFault reported_ = TransportFault::kNone;  // of the line that stands; kNone: none does
  SteadyTime next_line_ = SteadyTime::min();
};

}  // namespace gateway

#endif  // SERVICE_PASSFORT_REACHABILITY_H_
