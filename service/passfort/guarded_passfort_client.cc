#include "service/passfort/guarded_passfort_client.h"

#include <algorithm>
#include <utility>

namespace gateway {
namespace {

using Verdict = CircuitBreaker::Verdict;

// A call that waits at the gate is let through only with so much of its time left.
constexpr Milliseconds kLeastTimeForARequest{50};

bool IsFailureOfServer(const std::optional<PassfortAnswer>& answer) {
  return !answer || answer->http_status == 408 || answer->http_status >= 500;
}

// What an end says of Passfort as a whole. `took` is how long it had for an answer.
Verdict VerdictOf(const NotCarriedOut& outcome, Milliseconds took, Milliseconds fair_wait) {
  if (outcome.lost_on_reuse) return Verdict::kNothing;
  switch (outcome.cause) {
    case NotCarriedOut::Cause::kUnreachable:
      return IsFailureOfServer(outcome.answer) ? Verdict::kFails : Verdict::kWorks;
    case NotCarriedOut::Cause::kNoTimeLeft:
      return took >= fair_wait ? Verdict::kFails : Verdict::kNothing;
    case NotCarriedOut::Cause::kRateLimited:
      return Verdict::kWorks;
    case NotCarriedOut::Cause::kStopped:
    case NotCarriedOut::Cause::kSendGateClosed:
    case NotCarriedOut::Cause::kCircuitOpen:
      break;
  }
  return Verdict::kNothing;
}

Verdict VerdictOf(const Ambiguous& outcome, Milliseconds took, Milliseconds fair_wait) {
  if (outcome.lost_on_reuse) return Verdict::kNothing;
  switch (outcome.cause) {
    case Ambiguous::Cause::kTimeout:
      return took >= fair_wait ? Verdict::kFails : Verdict::kNothing;
    case Ambiguous::Cause::kAnswerTooLarge:
      return Verdict::kWorks;
    case Ambiguous::Cause::kStopped:
      return Verdict::kNothing;
    case Ambiguous::Cause::kConnectionLost:
    case Ambiguous::Cause::kServerError:
    case Ambiguous::Cause::kUnreadable:
      break;
  }
  return Verdict::kFails;
}

Verdict VerdictOf(const Outcome& outcome, Milliseconds took, Milliseconds fair_wait) {
  if (const auto* nothing_done = std::get_if<NotCarriedOut>(&outcome)) {
    return VerdictOf(*nothing_done, took, fair_wait);
  }
  if (const auto* unknown = std::get_if<Ambiguous>(&outcome)) {
    return VerdictOf(*unknown, took, fair_wait);
  }
  return Verdict::kWorks;
}

Verdict VerdictOf(const ListOutcome& outcome, Milliseconds took, Milliseconds fair_wait) {
  const auto* failed = std::get_if<ListFailed>(&outcome);
  if (failed == nullptr || !failed->not_carried_out) return Verdict::kWorks;
  return VerdictOf(*failed->not_carried_out, took, fair_wait);
}

const NotCarriedOut* NothingDone(const Outcome& outcome) {
  return std::get_if<NotCarriedOut>(&outcome);
}

const NotCarriedOut* NothingDone(const ListOutcome& outcome) {
  const auto* failed = std::get_if<ListFailed>(&outcome);
  return failed != nullptr && failed->not_carried_out ? &*failed->not_carried_out : nullptr;
}

template <typename Duration>
Milliseconds WholeMilliseconds(Duration time) {
  return std::chrono::duration_cast<Milliseconds>(time);
}

}  // namespace

GuardedPassfortClient::GuardedPassfortClient(Options options, PassfortClient& inner, Clock& clock,
                                             RandomSource& random, Metrics& metrics, Log& log)
    : options_(options),
      inner_(inner),
      clock_(clock),
      random_(random),
      metrics_(metrics),
      log_(log),
      writes_{.name = kCreateApplicationEndpoint, .gate = RateGate(options.rate, clock)},
      reads_{.name = kListApplicationsEndpoint, .gate = RateGate(options.rate, clock)},
      breaker_(options.circuit, clock) {}

// No coroutine itself: thousands of calls wait in here, and each frame counts. So the way of a call
// that need not wait has the smallest frame that there can be.
Task<WriteAttempt> GuardedPassfortClient::CreateApplication(const ApplicationDraft& draft,
                                                            Deadline deadline, std::stop_token stop,
                                                            std::optional<BootTime> send_before) {
  if (!breaker_.IsOpen() && writes_.gate.TryEnter(RateGate::Priority::kOrdinary)) {
    return Write(inner_.CreateApplication(draft, deadline, std::move(stop), send_before));
  }
  return WaitAndWrite(draft, deadline, std::move(stop), send_before);
}

Task<WriteAttempt> GuardedPassfortClient::WaitAndWrite(const ApplicationDraft& draft,
                                                       Deadline deadline, std::stop_token stop,
                                                       std::optional<BootTime> send_before) {
  if (breaker_.IsOpen()) co_return WriteAttempt{.outcome = RefusedByCircuit()};
  SteadyTime until = deadline.at() - kLeastTimeForARequest;
  if (send_before) {
    const auto right_to_send = send_before->since_boot - clock_.BootNow().since_boot;
    until = std::min(until, clock_.Now() + right_to_send);
  }
  auto refused = co_await WaitForTurn(writes_, RateGate::Priority::kOrdinary, until, stop);
  if (refused) co_return WriteAttempt{.outcome = *std::move(refused)};
  co_return co_await Write(inner_.CreateApplication(draft, deadline, std::move(stop), send_before));
}

Task<WriteAttempt> GuardedPassfortClient::Write(Task<WriteAttempt> sending) {
  const CircuitBreaker::Period period = breaker_.period();
  const SteadyTime start = clock_.Now();
  WriteAttempt attempt = co_await sending;
  NoteWrite(attempt, period, start);
  co_return attempt;
}

void GuardedPassfortClient::NoteWrite(const WriteAttempt& attempt, CircuitBreaker::Period period,
                                      SteadyTime start) {
  NoteEnd(writes_, NothingDone(attempt.outcome));
  if (attempt.requests_left && *attempt.requests_left <= options_.reserved_requests) {
    // Whether both endpoints draw on one quota is not documented, so both make room.
    writes_.gate.HoldOrdinary(options_.hold);
    reads_.gate.HoldOrdinary(options_.hold);
  }
  const Milliseconds took = WholeMilliseconds(clock_.Now() - start);
  NoteVerdict(period, VerdictOf(attempt.outcome, took, options_.fair_wait));
}

Task<ListOutcome> GuardedPassfortClient::ListApplications(std::string profile_id, Deadline deadline,
                                                          std::stop_token stop) {
  return List(RateGate::Priority::kOrdinary, std::move(profile_id), deadline, std::move(stop));
}

Task<bool> GuardedPassfortClient::WhoAmI(Deadline deadline, std::stop_token stop) {
  return inner_.WhoAmI(deadline, std::move(stop));
}

Task<ListOutcome> GuardedPassfortClient::List(RateGate::Priority priority, std::string profile_id,
                                              Deadline deadline, std::stop_token stop) {
  if (breaker_.IsOpen()) co_return ListFailed{.not_carried_out = RefusedByCircuit()};
  if (!reads_.gate.TryEnter(priority)) {
    auto refused =
        co_await WaitForTurn(reads_, priority, deadline.at() - kLeastTimeForARequest, stop);
    if (refused) co_return ListFailed{.not_carried_out = std::move(refused)};
  }
  const CircuitBreaker::Period period = breaker_.period();
  const SteadyTime start = clock_.Now();
  ListOutcome outcome =
      co_await inner_.ListApplications(std::move(profile_id), deadline, std::move(stop));

  NoteEnd(reads_, NothingDone(outcome));
  const Milliseconds took = WholeMilliseconds(clock_.Now() - start);
  NoteVerdict(period, VerdictOf(outcome, took, options_.fair_wait));
  co_return outcome;
}

Task<std::optional<NotCarriedOut>> GuardedPassfortClient::WaitForTurn(Endpoint& endpoint,
                                                                      RateGate::Priority priority,
                                                                      SteadyTime until,
                                                                      std::stop_token stop) {
  const RateGate::Entry entry = co_await endpoint.gate.Enter(priority, until, std::move(stop));
  if (const auto* too_long = std::get_if<RateGate::TooLong>(&entry)) {
    co_return NotCarriedOut{.cause = NotCarriedOut::Cause::kRateLimited,
                            .retry_after = too_long->retry_after};
  }
  if (std::holds_alternative<RateGate::Stopped>(entry)) {
    co_return NotCarriedOut{.cause = NotCarriedOut::Cause::kStopped};
  }
  if (breaker_.IsOpen()) co_return RefusedByCircuit();  // it opened during the wait
  co_return std::nullopt;
}

NotCarriedOut GuardedPassfortClient::RefusedByCircuit() const {
  const auto wait = std::chrono::ceil<Milliseconds>(next_probe_ - clock_.Now());
  return {.cause = NotCarriedOut::Cause::kCircuitOpen,
          .retry_after = std::clamp(wait, options_.first_pause, options_.longest_pause)};
}

void GuardedPassfortClient::NoteEnd(Endpoint& endpoint, const NotCarriedOut* nothing_done) {
  if (nothing_done == nullptr) return endpoint.gate.OnPassed();
  if (nothing_done->cause != NotCarriedOut::Cause::kRateLimited) return;
  if (!endpoint.gate.OnLimited(nothing_done->retry_after)) return;
  metrics_.RateGateClosed(endpoint.name);
  const int64_t stated = nothing_done->retry_after.value_or(Milliseconds(0)).count();
  log_.Warn("Passfort limits the rate of requests; calls wait",
            {{"endpoint", endpoint.name}, {"stated_wait_ms", stated}});
}

void GuardedPassfortClient::NoteVerdict(CircuitBreaker::Period period, Verdict verdict) {
  if (options_.circuit_breaker == Breaker::kOff) return;
  if (!breaker_.Note(period, verdict)) return;
  metrics_.CircuitIs(Metrics::Circuit::kOpen);
  log_.Warn("Passfort fails; calls are refused until it answers again");
  Spawn(ProbeUntilItAnswers());
}

Task<void> GuardedPassfortClient::ProbeUntilItAnswers() {
  const SteadyTime opened = clock_.Now();
  Milliseconds pause = options_.first_pause;
  while (true) {
    // A little earlier or later each time, so that replicas do not ask in step.
    next_probe_ = clock_.Now() + WholeMilliseconds(pause * (0.5 + random_.Fraction() / 2));
    pause = std::min(pause * 2, options_.longest_pause);
    const auto wake = co_await clock_.SleepUntil(next_probe_, stop_.get_token());
    if (wake == Clock::Wake::kStopped) co_return;
    const Deadline patience(clock_.Now() + options_.probe_timeout);
    const bool answers = co_await inner_.WhoAmI(patience, stop_.get_token());
    if (stop_.stop_requested()) co_return;
    if (answers) break;
  }
  breaker_.Close();
  metrics_.CircuitIs(Metrics::Circuit::kClosed);
  const int64_t took = WholeMilliseconds(clock_.Now() - opened).count();
  log_.Info("Passfort answers again; calls go through", {{"refused_for_ms", took}});
}

}  // namespace gateway
