#ifndef SERVICE_PASSFORT_THROTTLED_TRANSPORT_H_
#define SERVICE_PASSFORT_THROTTLED_TRANSPORT_H_

#include <map>
#include <stop_token>
#include <string_view>
#include <variant>

#include "absl/time/time.h"
#include "service/base/clock.h"
#include "service/base/random.h"
#include "service/observability/log.h"
#include "service/observability/metrics.h"
#include "service/observability/status_report.h"
#include "service/passfort/api_transport.h"
#include "service/resilience/circuit_breaker.h"
#include "service/resilience/rate_limiter.h"

namespace gateway {

// An ApiTransport that leaves Passfort alone when it asks for that or fails. Calls wait at the
// rate limiter of their endpoint if their time allows, those of a higher priority first. While the
// circuit is open they are refused at once, and GET /whoami asks in the background, until it is
// answered. That endpoint may be broken while the others work, so a call is tried now and then as
// well. Loop thread only.
class ThrottledTransport final : public ApiTransport, public StatusSource {
 public:
  enum class Breaker { kOff, kOn };

  struct Options {
    Breaker circuit_breaker = Breaker::kOn;
    CircuitBreaker::Options circuit{};
    RateLimiter::Options rate{};
    // A request that ends by its deadline counts as failed if Passfort had this long to answer. A
    // caller in a hurry says nothing about Passfort.
    Milliseconds min_counted_timeout{10000};
    // Of a write's list. Shorter, because a list is quick, and because the time that it gets is the
    // gateway's to set: a baseline's is half a lease. Half of that again is fair.
    Milliseconds min_counted_list_timeout{2500};
    // Between two probes; the second is twice the first, and so on. An outage is over for callers
    // `max_probe_interval` and `probe_timeout` after its end at the latest; with a probe that fails
    // all the same, `circuit.trial_interval` and the time of one call after it.
    Milliseconds initial_probe_interval{250};
    Milliseconds max_probe_interval{2000};
    Milliseconds probe_timeout{2000};
  };

  // All of them outlive the transport.
  ThrottledTransport(Options options, ApiTransport& inner, Clock& clock, RandomSource& random,
                     TraceIds& trace_ids, Metrics& metrics, Log& log);

  void Describe(StatusReport& report) const override;

  Task<ApiResult> Call(const ApiEndpoint& endpoint, ApiRequest request,
                       const CallContext& context) override;

  bool CircuitIsOpen() const { return breaker_.IsOpen(); }
  // Why requests failed lately: of the last failure that counted against the circuit.
  TransportFault last_fault() const { return last_fault_; }

  // Ends the probing and the gates' timers, for good. To be called before the parts that they use
  // go; nothing is left of them when this returns.
  void Stop();

 private:
  // Leave to send, or why not.
  using Turn = std::variant<RateLimiter::Pass, NotExecuted>;

  RateLimiter& LimiterOf(const ApiEndpoint& endpoint);
  Task<ApiResult> WaitAndCall(const ApiEndpoint& endpoint, ApiRequest request,
                              const CallContext& context);
  Task<Turn> AcquirePermit(RateLimiter& limiter, SteadyTime until, const CallContext& context);
  NotExecuted CircuitOpenOutcome() const;
  // Awaits a call that was let through, and learns from its end.
  Task<ApiResult> Watch(const ApiEndpoint& endpoint, std::string_view profile_id,
                        RateLimiter::Pass pass, Task<ApiResult> call);
  // What the end of a request means for the limiter of its endpoint, and for the circuit.
  void OnEnd(const ApiEndpoint& endpoint, RateLimiter::Pass pass, const ApiOutcome& outcome);
  void OnVerdict(CircuitBreaker::Generation generation, CircuitBreaker::Sample verdict,
                 const ApiOutcome& outcome, std::string_view profile_id);
  void OnClosed();
  Task<void> ProbeUntilHealthy(std::stop_token stop);

  const Options options_;
  ApiTransport& inner_;
  Clock& clock_;
  RandomSource& random_;
  TraceIds& trace_ids_;
  const CounterFamily pauses_;
  const Gauge circuit_open_;
  Log& log_;
  std::map<std::string_view, RateLimiter> limiters_;  // by the endpoint's name
  CircuitBreaker breaker_;
  TransportFault last_fault_ = TransportFault::kNone;
  SteadyTime opened_{};
  absl::Time opened_at_;
  std::string_view opened_because_;  // empty: it was not open yet
  SteadyTime next_probe_{};
  std::stop_source probing_;  // of the open circuit
  bool is_stopped_ = false;
};

}  // namespace gateway

#endif  // SERVICE_PASSFORT_THROTTLED_TRANSPORT_H_
