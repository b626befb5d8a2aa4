#include "service/passfort/guarded_passfort_client.h"

#include <algorithm>
#include <utility>

#include "service/passfort/http_status.h"

namespace gateway {
namespace {

using Verdict = CircuitBreaker::Verdict;

// A call that waits at the gate is let through only with so much of its time left.
constexpr Milliseconds kLeastTimeForARequest{50};

// What a whole response says of Passfort. Its status alone counts, whatever else it holds.
Verdict VerdictOf(const PassfortAnswer& answer) {
  return IsFailureOfServer(answer.http_status) ? Verdict::kServerError : Verdict::kWorks;
}

// What an end says of Passfort as a whole. `took` is how long it had for an answer.
Verdict VerdictOf(const NotCarriedOut& outcome, Milliseconds took, Milliseconds fair_wait) {
  if (outcome.lost_on_reuse) return Verdict::kNothing;
  if (outcome.answer) return VerdictOf(*outcome.answer);
  switch (outcome.cause) {
    case NotCarriedOut::Cause::kUnreachable:
      return Verdict::kUnreachable;
    case NotCarriedOut::Cause::kNoTimeLeft:
      return took >= fair_wait ? Verdict::kUnreachable : Verdict::kNothing;
    case NotCarriedOut::Cause::kRateLimited:
    case NotCarriedOut::Cause::kUnreadable:
    case NotCarriedOut::Cause::kAnswerTooLarge:
      return Verdict::kWorks;
    case NotCarriedOut::Cause::kServerError:
      return Verdict::kServerError;
    case NotCarriedOut::Cause::kStopped:
    case NotCarriedOut::Cause::kSendGateClosed:
    case NotCarriedOut::Cause::kNoMemory:
    case NotCarriedOut::Cause::kCircuitOpen:
      break;
  }
  return Verdict::kNothing;
}

Verdict VerdictOf(const Ambiguous& outcome, Milliseconds took, Milliseconds fair_wait) {
  if (outcome.lost_on_reuse) return Verdict::kNothing;
  if (outcome.answer) return VerdictOf(*outcome.answer);
  switch (outcome.cause) {
    case Ambiguous::Cause::kTimeout:
      return took >= fair_wait ? Verdict::kUnanswered : Verdict::kNothing;
    case Ambiguous::Cause::kAnswerTooLarge:
    case Ambiguous::Cause::kUnreadable:
      return Verdict::kWorks;
    case Ambiguous::Cause::kStopped:
      return Verdict::kNothing;
    case Ambiguous::Cause::kConnectionLost:
    case Ambiguous::Cause::kServerError:
      break;
  }
  return Verdict::kUnanswered;
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
  const Verdict verdict = VerdictOf(*failed->not_carried_out, took, fair_wait);
  // Of a read nobody can tell whether it was sent.
  return verdict == Verdict::kUnreachable ? Verdict::kUnanswered : verdict;
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
      writes_(kCreateApplicationEndpoint, options.fair_write_wait, options.rate, clock),
      reads_(kListApplicationsEndpoint, options.fair_list_wait, options.rate, clock),
      breaker_(options.circuit, clock) {}

void GuardedPassfortClient::Stop() {
  is_stopped_ = true;
  probing_.request_stop();
  writes_.gate.Stop();
  reads_.gate.Stop();
}

// No coroutine itself: thousands of calls wait in here, and each frame counts. So the way of a call
// that need not wait has the smallest frame that there can be.
Task<WriteAttempt> GuardedPassfortClient::CreateApplication(const ApplicationDraft& draft,
                                                            const CallContext& context,
                                                            std::optional<BootTime> send_before) {
  if (!breaker_.IsOpen()) {
    if (const auto pass = writes_.gate.TryEnter()) {
      return Write(draft, *pass, inner_.CreateApplication(draft, context, send_before));
    }
  }
  return WaitAndWrite(draft, context, send_before);
}

Task<WriteAttempt> GuardedPassfortClient::WaitAndWrite(const ApplicationDraft& draft,
                                                       const CallContext& context,
                                                       std::optional<BootTime> send_before) {
  SteadyTime until = context.deadline.at() - kLeastTimeForARequest;
  if (send_before) {
    const auto right_to_send = send_before->since_boot - clock_.BootNow().since_boot;
    until = std::min(until, clock_.Now() + right_to_send);
  }
  const Turn turn = co_await WaitForTurn(writes_, Priority::kOrdinary, until, context.stop);
  if (const auto* refused = std::get_if<NotCarriedOut>(&turn)) {
    co_return WriteAttempt{.outcome = *refused};
  }
  co_return co_await Write(draft, std::get<RateGate::Pass>(turn),
                           inner_.CreateApplication(draft, context, send_before));
}

Task<WriteAttempt> GuardedPassfortClient::Write(const ApplicationDraft& draft, RateGate::Pass pass,
                                                Task<WriteAttempt> sending) {
  const CircuitBreaker::Period period = breaker_.period();
  const SteadyTime start = clock_.Now();
  WriteAttempt attempt = co_await sending;
  const Milliseconds took = WholeMilliseconds(clock_.Now() - start);
  NoteVerdict(period, VerdictOf(attempt.outcome, took, writes_.fair_wait), draft.profile_id);
  NoteEnd(writes_, pass, NothingDone(attempt.outcome));
  co_return attempt;
}

Task<ListOutcome> GuardedPassfortClient::ListApplications(std::string profile_id,
                                                          const CallContext& context) {
  return List(Priority::kOrdinary, std::move(profile_id), context);
}

Task<bool> GuardedPassfortClient::WhoAmI(const CallContext& context) {
  return inner_.WhoAmI(context);
}

Task<ListOutcome> GuardedPassfortClient::List(Priority priority, std::string profile_id,
                                              const CallContext& context) {
  const Turn turn = co_await WaitForTurn(
      reads_, priority, context.deadline.at() - kLeastTimeForARequest, context.stop);
  if (const auto* refused = std::get_if<NotCarriedOut>(&turn)) {
    co_return ListFailed{.not_carried_out = *refused};
  }
  const CircuitBreaker::Period period = breaker_.period();
  const SteadyTime start = clock_.Now();
  ListOutcome outcome = co_await inner_.ListApplications(profile_id, context);
  const Milliseconds took = WholeMilliseconds(clock_.Now() - start);
  NoteVerdict(period, VerdictOf(outcome, took, reads_.fair_wait), profile_id);
  NoteEnd(reads_, std::get<RateGate::Pass>(turn), NothingDone(outcome));
  co_return outcome;
}

Task<GuardedPassfortClient::Turn> GuardedPassfortClient::WaitForTurn(Endpoint& endpoint,
                                                                     Priority priority,
                                                                     SteadyTime until,
                                                                     std::stop_token stop) {
  // An open circuit refuses at once, not after a wait.
  if (!breaker_.LetsThrough(priority)) co_return RefusedByCircuit();
  const RateGate::Entry entry = co_await endpoint.gate.Enter(priority, until, std::move(stop));
  if (const auto* too_long = std::get_if<RateGate::TooLong>(&entry)) {
    co_return NotCarriedOut{.cause = NotCarriedOut::Cause::kRateLimited,
                            .retry_after = too_long->retry_after};
  }
  if (std::holds_alternative<RateGate::Stopped>(entry)) {
    co_return NotCarriedOut{.cause = NotCarriedOut::Cause::kStopped};
  }
  const auto pass = std::get<RateGate::Pass>(entry);
  if (breaker_.Admit(priority)) co_return pass;
  endpoint.gate.OnNothing(pass);  // it opened during the wait
  co_return RefusedByCircuit();
}

NotCarriedOut GuardedPassfortClient::RefusedByCircuit() const {
  const auto wait = std::chrono::ceil<Milliseconds>(next_probe_ - clock_.Now());
  return {.cause = NotCarriedOut::Cause::kCircuitOpen,
          .retry_after = std::clamp(wait, options_.first_pause, options_.longest_pause)};
}

void GuardedPassfortClient::NoteEnd(Endpoint& endpoint, RateGate::Pass pass,
                                    const NotCarriedOut* nothing_done) {
  if (nothing_done == nullptr) return endpoint.gate.OnTaken(pass);
  if (nothing_done->cause != NotCarriedOut::Cause::kRateLimited) {
    return nothing_done->answer ? endpoint.gate.OnTaken(pass) : endpoint.gate.OnNothing(pass);
  }
  const auto stated = nothing_done->retry_after;
  if (!endpoint.gate.OnLimited(pass, stated)) return;
  metrics_.RateGateClosed(endpoint.name);
  log_.Warn("Passfort limits the rate of requests; calls wait",
            {{"endpoint", endpoint.name},
             {"stated_wait_ms", int64_t{stated.value_or(Milliseconds(0)).count()}}});
}

void GuardedPassfortClient::NoteVerdict(CircuitBreaker::Period period, Verdict verdict,
                                        std::string_view profile_id) {
  if (options_.circuit_breaker == Breaker::kOff) return;
  switch (breaker_.Note(period, verdict, profile_id)) {
    case CircuitBreaker::Change::kNone:
      return;
    case CircuitBreaker::Change::kClosed:
      return OnClosed();
    case CircuitBreaker::Change::kOpened:
      break;
  }
  opened_ = clock_.Now();
  metrics_.CircuitIs(Metrics::Circuit::kOpen);
  log_.Warn("Passfort fails; calls are refused until it answers again");
  if (is_stopped_) return;
  probing_ = {};
  Spawn(ProbeUntilItAnswers(probing_.get_token()));
}

void GuardedPassfortClient::OnClosed() {
  metrics_.CircuitIs(Metrics::Circuit::kClosed);
  log_.Info("Passfort answers again; calls go through",
            {{"refused_for_ms", int64_t{WholeMilliseconds(clock_.Now() - opened_).count()}}});
  probing_.request_stop();
}

Task<void> GuardedPassfortClient::ProbeUntilItAnswers(std::stop_token stop) {
  Milliseconds pause = options_.first_pause;
  while (true) {
    // A little earlier or later each time, so that replicas do not ask in step.
    next_probe_ = clock_.Now() + WholeMilliseconds(pause * (0.5 + random_.Fraction() / 2));
    pause = std::min(pause * 2, options_.longest_pause);
    if (co_await clock_.SleepUntil(next_probe_, stop) == Clock::Wake::kStopped) co_return;
    const CallContext probe{.deadline = Deadline(clock_.Now() + options_.probe_timeout),
                            .stop = stop};
    const bool answers = co_await inner_.WhoAmI(probe);
    if (stop.stop_requested()) co_return;
    if (answers) break;
  }
  breaker_.Close();
  OnClosed();
}

}  // namespace gateway
