#ifndef SERVICE_PASSFORT_GUARDED_PASSFORT_CLIENT_H_
#define SERVICE_PASSFORT_GUARDED_PASSFORT_CLIENT_H_

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "service/base/clock.h"
#include "service/base/random.h"
#include "service/observability/log.h"
#include "service/observability/metrics.h"
#include "service/passfort/circuit_breaker.h"
#include "service/passfort/passfort_client.h"
#include "service/passfort/rate_gate.h"

namespace gateway {

// A PassfortClient that leaves Passfort alone when it asks for that or fails. Calls wait at the
// rate gate of their endpoint if their time allows. While the circuit is open they are refused at
// once, and GET /whoami asks in the background, until it is answered. Loop thread only.
class GuardedPassfortClient final : public PassfortClient {
 public:
  enum class Breaker { kOff, kOn };

  struct Options {
    Breaker circuit_breaker = Breaker::kOn;
    CircuitBreaker::Options circuit{};
    RateGate::Options rate{};
    // A request that ends by its deadline counts as failed if Passfort had this long to answer. A
    // caller in a hurry says nothing about Passfort.
    Milliseconds fair_wait{10000};
    // Between two probes; the second is twice the first, and so on. An outage is over for callers
    // `longest_pause` and `probe_timeout` after its end at the latest.
    Milliseconds first_pause{250};
    Milliseconds longest_pause{2000};
    Milliseconds probe_timeout{2000};
    // With so few requests left before the limit, ordinary calls pause for `hold` at a time: what
    // is left is for the reads that find out what became of a write.
    int64_t reserved_requests = 10;
    Milliseconds hold{1000};
  };

  // All of them outlive the client.
  GuardedPassfortClient(Options options, PassfortClient& inner, Clock& clock, RandomSource& random,
                        Metrics& metrics, Log& log);

  Task<WriteAttempt> CreateApplication(const ApplicationDraft& draft, Deadline deadline,
                                       std::stop_token stop,
                                       std::optional<BootTime> send_before) override;
  Task<ListOutcome> ListApplications(std::string profile_id, Deadline deadline,
                                     std::stop_token stop) override;
  Task<bool> WhoAmI(Deadline deadline, std::stop_token stop) override;

  // The same client for those who find out what became of a write: their reads have room of their
  // own at the rate gate. It lives as long as this.
  PassfortClient& resolving() { return resolving_; }

  bool CircuitIsOpen() const { return breaker_.IsOpen(); }

  // Ends the probing, for good. To be called before the parts that it uses go; nothing is left of
  // it when this returns.
  void Stop() { stop_.request_stop(); }

 private:
  class Resolving final : public PassfortClient {
   public:
    explicit Resolving(GuardedPassfortClient& client) : client_(client) {}

    Task<WriteAttempt> CreateApplication(const ApplicationDraft& draft, Deadline deadline,
                                         std::stop_token stop,
                                         std::optional<BootTime> send_before) override {
      return client_.CreateApplication(draft, deadline, std::move(stop), send_before);
    }
    Task<ListOutcome> ListApplications(std::string profile_id, Deadline deadline,
                                       std::stop_token stop) override {
      return client_.List(RateGate::Priority::kReserved, std::move(profile_id), deadline,
                          std::move(stop));
    }
    Task<bool> WhoAmI(Deadline deadline, std::stop_token stop) override {
      return client_.WhoAmI(deadline, std::move(stop));
    }

   private:
    GuardedPassfortClient& client_;
  };

  struct Endpoint {
    std::string_view name;
    RateGate gate;
  };

  Task<WriteAttempt> WaitAndWrite(const ApplicationDraft& draft, Deadline deadline,
                                  std::stop_token stop, std::optional<BootTime> send_before);
  Task<WriteAttempt> Write(Task<WriteAttempt> sending);
  void NoteWrite(const WriteAttempt& attempt, CircuitBreaker::Period period, SteadyTime start);
  Task<ListOutcome> List(RateGate::Priority priority, std::string profile_id, Deadline deadline,
                         std::stop_token stop);
  // Waits until the endpoint may be asked. Nothing: it may.
  Task<std::optional<NotCarriedOut>> WaitForTurn(Endpoint& endpoint, RateGate::Priority priority,
                                                 SteadyTime until, std::stop_token stop);
  NotCarriedOut RefusedByCircuit() const;
  // What the end of a request means for the gate of its endpoint and for the circuit.
  void NoteEnd(Endpoint& endpoint, const NotCarriedOut* nothing_done);
  void NoteVerdict(CircuitBreaker::Period period, CircuitBreaker::Verdict verdict);
  Task<void> ProbeUntilItAnswers();

  const Options options_;
  PassfortClient& inner_;
  Clock& clock_;
  RandomSource& random_;
  Metrics& metrics_;
  Log& log_;
  Resolving resolving_{*this};
  Endpoint writes_;
  Endpoint reads_;
  CircuitBreaker breaker_;
  SteadyTime next_probe_{};
  std::stop_source stop_;
};

}  // namespace gateway

#endif  // SERVICE_PASSFORT_GUARDED_PASSFORT_CLIENT_H_
