#ifndef SERVICE_PASSFORT_GUARDED_PASSFORT_CLIENT_H_
#define SERVICE_PASSFORT_GUARDED_PASSFORT_CLIENT_H_

#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "service/base/clock.h"
#include "service/base/random.h"
#include "service/observability/log.h"
#include "service/observability/metrics.h"
#include "service/passfort/passfort_client.h"
#include "service/resilience/circuit_breaker.h"
#include "service/resilience/rate_limiter.h"

namespace gateway {

// A PassfortClient that leaves Passfort alone when it asks for that or fails. Calls wait at the
// rate limiter of their endpoint if their time allows, those of a higher priority first. While the
// circuit is open they are refused at once, and GET /whoami asks in the background, until it is
// answered. That endpoint may be broken while the others work, so a call is tried now and then as
// well. Loop thread only.
class GuardedPassfortClient final : public PassfortClient {
 public:
  enum class Breaker { kOff, kOn };

  struct Options {
    Breaker circuit_breaker = Breaker::kOn;
    CircuitBreaker::Options circuit{};
    RateLimiter::Options rate{};
    // A request that ends by its deadline counts as failed if Passfort had this long to answer. A
    // caller in a hurry says nothing about Passfort.
    Milliseconds min_counted_write_timeout{10000};
    // Shorter, because a list is quick, and because the time that it gets is the gateway's to set:
    // a baseline's is half a lease. Half of that again is fair.
    Milliseconds min_counted_list_timeout{2500};
    // Between two probes; the second is twice the first, and so on. An outage is over for callers
    // `max_probe_interval` and `probe_timeout` after its end at the latest; with a probe that fails
    // all the same, `circuit.trial_interval` and the time of one call after it.
    Milliseconds initial_probe_interval{250};
    Milliseconds max_probe_interval{2000};
    Milliseconds probe_timeout{2000};
  };

  // All of them outlive the client.
  GuardedPassfortClient(Options options, PassfortClient& inner, Clock& clock, RandomSource& random,
                        Metrics& metrics, Log& log);

  Task<WriteAttempt> CreateApplication(const ApplicationDraft& draft, const CallContext& context,
                                       std::optional<BootTime> send_before) override;
  Task<ListOutcome> ListApplications(std::string profile_id, const CallContext& context) override;
  Task<bool> Probe(const CallContext& context) override;

  bool CircuitIsOpen() const { return breaker_.IsOpen(); }

  // Ends the probing and the gates' timers, for good. To be called before the parts that they use
  // go; nothing is left of them when this returns.
  void Stop();

 private:
  struct Endpoint {
    Endpoint(std::string_view name, Milliseconds min_counted_timeout, RateLimiter::Options rate,
             Clock& clock)
        : name(name), min_counted_timeout(min_counted_timeout), gate(rate, clock) {}

    std::string_view name;
    Milliseconds min_counted_timeout;
    RateLimiter gate;
  };
  // Leave to send, or why not.
  using Turn = std::variant<RateLimiter::Pass, NotExecuted>;

  Task<WriteAttempt> WaitAndWrite(const ApplicationDraft& draft, const CallContext& context,
                                  std::optional<BootTime> send_before);
  // `draft` is there for as long as `sending`.
  Task<WriteAttempt> Write(const ApplicationDraft& draft, RateLimiter::Pass pass,
                           Task<WriteAttempt> sending);
  Task<Turn> AcquirePermit(Endpoint& endpoint, SteadyTime until, const CallContext& context);
  NotExecuted CircuitOpenOutcome() const;
  // What the end of a request means for the gate of its endpoint, and for the circuit.
  void NoteEnd(Endpoint& endpoint, RateLimiter::Pass pass, const NotExecuted* not_executed);
  void NoteVerdict(CircuitBreaker::Generation generation, CircuitBreaker::Sample verdict,
                   std::string_view profile_id);
  void OnClosed();
  Task<void> ProbeUntilHealthy(std::stop_token stop);

  const Options options_;
  PassfortClient& inner_;
  Clock& clock_;
  RandomSource& random_;
  Metrics& metrics_;
  Log& log_;
  Endpoint writes_;
  Endpoint reads_;
  CircuitBreaker breaker_;
  SteadyTime opened_{};
  SteadyTime next_probe_{};
  std::stop_source probing_;  // of the open circuit
  bool is_stopped_ = false;
};

}  // namespace gateway

#endif  // SERVICE_PASSFORT_GUARDED_PASSFORT_CLIENT_H_
