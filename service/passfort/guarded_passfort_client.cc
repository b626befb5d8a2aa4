#include "service/passfort/guarded_passfort_client.h"

#include <algorithm>
#include <utility>

#include "service/passfort/http_status.h"

namespace gateway {
namespace {

using Sample = CircuitBreaker::Sample;

// What a whole response says of Passfort. Its status alone counts, whatever else it holds.
Sample ToSample(const ResponseSummary& answer) {
  return IsServerFailure(answer.http_status) ? Sample::kServerError : Sample::kSuccess;
}

// What an end says of Passfort as a whole. `took` is how long it had for a response.
Sample ToSample(const NotExecuted& outcome, Milliseconds took, Milliseconds min_counted_timeout) {
  if (outcome.lost_on_reuse) return Sample::kIgnored;
  if (outcome.answer) return ToSample(*outcome.answer);
  switch (outcome.cause) {
    case NotExecuted::Cause::kUnreachable:
      return Sample::kUnreachable;
    case NotExecuted::Cause::kNoTimeLeft:
      return took >= min_counted_timeout ? Sample::kUnreachable : Sample::kIgnored;
    case NotExecuted::Cause::kRateLimited:
    case NotExecuted::Cause::kUnreadable:
    case NotExecuted::Cause::kResponseTooLarge:
      return Sample::kSuccess;
    case NotExecuted::Cause::kServerError:
      return Sample::kServerError;
    case NotExecuted::Cause::kStopped:
    case NotExecuted::Cause::kSendGateClosed:
    case NotExecuted::Cause::kNoMemory:
    case NotExecuted::Cause::kCircuitOpen:
      break;
  }
  return Sample::kIgnored;
}

Sample ToSample(const Ambiguous& outcome, Milliseconds took, Milliseconds min_counted_timeout) {
  if (outcome.lost_on_reuse) return Sample::kIgnored;
  if (outcome.answer) return ToSample(*outcome.answer);
  switch (outcome.cause) {
    case Ambiguous::Cause::kTimeout:
      return took >= min_counted_timeout ? Sample::kUnanswered : Sample::kIgnored;
    case Ambiguous::Cause::kResponseTooLarge:
    case Ambiguous::Cause::kUnreadable:
      return Sample::kSuccess;
    case Ambiguous::Cause::kStopped:
      return Sample::kIgnored;
    case Ambiguous::Cause::kConnectionLost:
    case Ambiguous::Cause::kServerError:
      break;
  }
  return Sample::kUnanswered;
}

Sample ToSample(const CreateOutcome& outcome, Milliseconds took, Milliseconds min_counted_timeout) {
  if (const auto* not_executed = std::get_if<NotExecuted>(&outcome)) {
    return ToSample(*not_executed, took, min_counted_timeout);
  }
  if (const auto* unknown = std::get_if<Ambiguous>(&outcome)) {
    return ToSample(*unknown, took, min_counted_timeout);
  }
  return Sample::kSuccess;
}

Sample ToSample(const ListOutcome& outcome, Milliseconds took, Milliseconds min_counted_timeout) {
  const auto* failed = std::get_if<ListFailed>(&outcome);
  if (failed == nullptr || !failed->not_executed) return Sample::kSuccess;
  const Sample sample = ToSample(*failed->not_executed, took, min_counted_timeout);
  // Of a read nobody can tell whether it was sent.
  return sample == Sample::kUnreachable ? Sample::kUnanswered : sample;
}

const NotExecuted* FindNotExecuted(const CreateOutcome& outcome) {
  return std::get_if<NotExecuted>(&outcome);
}

const NotExecuted* FindNotExecuted(const ListOutcome& outcome) {
  const auto* failed = std::get_if<ListFailed>(&outcome);
  return failed != nullptr && failed->not_executed ? &*failed->not_executed : nullptr;
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
      writes_(kCreateApplicationEndpoint, options.min_counted_write_timeout, options.rate, clock),
      reads_(kListApplicationsEndpoint, options.min_counted_list_timeout, options.rate, clock),
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
    if (const auto pass = writes_.gate.TryAcquire()) {
      return Write(draft, *pass, inner_.CreateApplication(draft, context, send_before));
    }
  }
  return WaitAndWrite(draft, context, send_before);
}

Task<WriteAttempt> GuardedPassfortClient::WaitAndWrite(const ApplicationDraft& draft,
                                                       const CallContext& context,
                                                       std::optional<BootTime> send_before) {
  SteadyTime until = context.deadline.at() - kMinTimeToSend;
  if (send_before) {
    const auto right_to_send = send_before->since_boot - clock_.BootNow().since_boot;
    until = std::min(until, clock_.Now() + right_to_send);
  }
  const Turn turn = co_await AcquirePermit(writes_, until, context);
  if (const auto* refused = std::get_if<NotExecuted>(&turn)) {
    co_return WriteAttempt{.outcome = *refused};
  }
  co_return co_await Write(draft, std::get<RateLimiter::Pass>(turn),
                           inner_.CreateApplication(draft, context, send_before));
}

Task<WriteAttempt> GuardedPassfortClient::Write(const ApplicationDraft& draft,
                                                RateLimiter::Pass pass,
                                                Task<WriteAttempt> sending) {
  const CircuitBreaker::Generation generation = breaker_.generation();
  const SteadyTime start = clock_.Now();
  WriteAttempt attempt = co_await sending;
  const Milliseconds took = WholeMilliseconds(clock_.Now() - start);
  NoteVerdict(generation, ToSample(attempt.outcome, took, writes_.min_counted_timeout),
              draft.profile_id);
  NoteEnd(writes_, pass, FindNotExecuted(attempt.outcome));
  co_return attempt;
}

Task<ListOutcome> GuardedPassfortClient::ListApplications(std::string profile_id,
                                                          const CallContext& context) {
  const Turn turn = co_await AcquirePermit(reads_, context.deadline.at() - kMinTimeToSend, context);
  if (const auto* refused = std::get_if<NotExecuted>(&turn)) {
    co_return ListFailed{.not_executed = *refused};
  }
  const CircuitBreaker::Generation generation = breaker_.generation();
  const SteadyTime start = clock_.Now();
  ListOutcome outcome = co_await inner_.ListApplications(profile_id, context);
  const Milliseconds took = WholeMilliseconds(clock_.Now() - start);
  NoteVerdict(generation, ToSample(outcome, took, reads_.min_counted_timeout), profile_id);
  NoteEnd(reads_, std::get<RateLimiter::Pass>(turn), FindNotExecuted(outcome));
  co_return outcome;
}

Task<GuardedPassfortClient::Turn> GuardedPassfortClient::AcquirePermit(Endpoint& endpoint,
                                                                       SteadyTime until,
                                                                       const CallContext& context) {
  // An open circuit refuses at once, not after a wait.
  if (!breaker_.LetsThrough(context.priority)) co_return CircuitOpenOutcome();
  const RateLimiter::AcquireResult entry =
      co_await endpoint.gate.Acquire(context.priority, until, context.stop);
  if (const auto* too_long = std::get_if<RateLimiter::ExceedsDeadline>(&entry)) {
    co_return NotExecuted{.cause = NotExecuted::Cause::kRateLimited,
                          .retry_after = too_long->retry_after};
  }
  if (std::holds_alternative<RateLimiter::Stopped>(entry)) {
    co_return NotExecuted{.cause = NotExecuted::Cause::kStopped};
  }
  const auto pass = std::get<RateLimiter::Pass>(entry);
  if (breaker_.Admit(context.priority)) co_return pass;
  endpoint.gate.OnNothing(pass);  // it opened during the wait
  co_return CircuitOpenOutcome();
}

NotExecuted GuardedPassfortClient::CircuitOpenOutcome() const {
  const auto wait = std::chrono::ceil<Milliseconds>(next_probe_ - clock_.Now());
  return {.cause = NotExecuted::Cause::kCircuitOpen,
          .retry_after =
              std::clamp(wait, options_.initial_probe_interval, options_.max_probe_interval)};
}

void GuardedPassfortClient::NoteEnd(Endpoint& endpoint, RateLimiter::Pass pass,
                                    const NotExecuted* not_executed) {
  if (not_executed == nullptr) return endpoint.gate.OnAccepted(pass);
  if (not_executed->cause != NotExecuted::Cause::kRateLimited) {
    return not_executed->answer ? endpoint.gate.OnAccepted(pass) : endpoint.gate.OnNothing(pass);
  }
  const auto stated = not_executed->retry_after;
  if (!endpoint.gate.OnThrottled(pass, stated)) return;
  metrics_.RateLimitPaused(endpoint.name);
  log_.Warn("rate limited by Passfort; calls are paused",
            {{"endpoint", endpoint.name},
             {"retry_after_ms", int64_t{stated.value_or(Milliseconds(0)).count()}}});
}

void GuardedPassfortClient::NoteVerdict(CircuitBreaker::Generation generation, Sample sample,
                                        std::string_view profile_id) {
  if (options_.circuit_breaker == Breaker::kOff) return;
  switch (breaker_.OnResult(generation, sample, profile_id)) {
    case CircuitBreaker::Change::kNone:
      return;
    case CircuitBreaker::Change::kClosed:
      return OnClosed();
    case CircuitBreaker::Change::kOpened:
      break;
  }
  opened_ = clock_.Now();
  metrics_.SetCircuit(Metrics::Circuit::kOpen);
  log_.Warn("circuit opened: Passfort is failing");
  if (is_stopped_) return;
  probing_ = {};
  Spawn(ProbeUntilHealthy(probing_.get_token()));
}

void GuardedPassfortClient::OnClosed() {
  metrics_.SetCircuit(Metrics::Circuit::kClosed);
  log_.Info("circuit closed: Passfort is answering again",
            {{"open_for_ms", int64_t{WholeMilliseconds(clock_.Now() - opened_).count()}}});
  probing_.request_stop();
}

Task<void> GuardedPassfortClient::ProbeUntilHealthy(std::stop_token stop) {
  Milliseconds pause = options_.initial_probe_interval;
  while (true) {
    // A little earlier or later each time, so that replicas do not ask in step.
    next_probe_ = clock_.Now() + WholeMilliseconds(pause * (0.5 + random_.Fraction() / 2));
    pause = std::min(pause * 2, options_.max_probe_interval);
    if (co_await clock_.SleepUntil(next_probe_, stop) == Clock::SleepResult::kStopped) co_return;
    const CallContext probe{.deadline = Deadline(clock_.Now() + options_.probe_timeout),
                            .stop = stop};
    const bool answers = co_await inner_.Probe(probe);
    if (stop.stop_requested()) co_return;
    if (answers) break;
  }
  breaker_.Close();
  OnClosed();
}

Task<bool> GuardedPassfortClient::Probe(const CallContext& context) {
  return inner_.Probe(context);
}

}  // namespace gateway
