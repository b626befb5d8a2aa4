#include "service/passfort/throttled_transport.h"

#include <algorithm>
#include <utility>

#include "service/base/trace_context.h"
#include "service/passfort/http_status.h"
#include "service/passfort/whoami.h"

namespace gateway {
namespace {

using Sample = CircuitBreaker::Sample;

// What a whole response says of Passfort. Its status alone counts, whatever else it holds.
Sample ToSample(const ResponseSummary& response) {
  return IsServerFailure(response.http_status) ? Sample::kServerError : Sample::kSuccess;
}

// What an end says of Passfort as a whole. `took` is how long it had for a response.
Sample ToSample(const NotExecuted& outcome, Milliseconds took, Milliseconds min_counted_timeout) {
  if (outcome.lost_on_reuse) return Sample::kIgnored;
  if (outcome.response) return ToSample(*outcome.response);
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
  if (outcome.response) return ToSample(*outcome.response);
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

Sample ToSample(const ApiEndpoint& endpoint, const ApiOutcome& outcome, Milliseconds took,
                Milliseconds min_counted_timeout) {
  if (const auto* not_executed = std::get_if<NotExecuted>(&outcome)) {
    const Sample sample = ToSample(*not_executed, took, min_counted_timeout);
    // Of a read nobody can tell whether it was sent.
    return sample == Sample::kUnreachable && !endpoint.is_write() ? Sample::kUnanswered : sample;
  }
  if (const auto* unknown = std::get_if<Ambiguous>(&outcome)) {
    return ToSample(*unknown, took, min_counted_timeout);
  }
  return Sample::kSuccess;
}

// Why a request failed that counts against the circuit.
TransportFault FaultOf(const ApiOutcome& outcome) {
  if (const auto* not_executed = std::get_if<NotExecuted>(&outcome)) {
    return not_executed->response ? TransportFault::kServerError : not_executed->fault;
  }
  if (const auto* unknown = std::get_if<Ambiguous>(&outcome)) {
    return unknown->response ? TransportFault::kServerError : unknown->fault;
  }
  return TransportFault::kNone;
}

template <typename Duration>
Milliseconds WholeMilliseconds(Duration time) {
  return std::chrono::duration_cast<Milliseconds>(time);
}

}  // namespace

ThrottledTransport::ThrottledTransport(Options options, ApiTransport& inner, Clock& clock,
                                       RandomSource& random, TraceIds& trace_ids, Metrics& metrics,
                                       Log& log)
    : options_(options),
      inner_(inner),
      clock_(clock),
      random_(random),
      trace_ids_(trace_ids),
      pauses_(metrics.AddCounter(
          "passfort_rate_limit_pauses_total",
          "Times that an endpoint was paused because of Passfort's rate limit.", {"endpoint"})),
      circuit_open_(metrics.AddGauge("passfort_circuit_open",
                                     "1 while calls are refused because Passfort fails, else 0.")),
      log_(log),
      breaker_(options.circuit, clock) {
  circuit_open_.Set(0);
}

void ThrottledTransport::Describe(StatusReport& report) const {
  StatusSection& section = report.Section("Passfort");
  if (options_.circuit_breaker == Breaker::kOff) {
    section.Add("circuit breaker", "off");
  } else if (breaker_.IsOpen()) {
    section.Add("circuit", "open: calls are refused", StatusLevel::kBad);
  } else {
    section.Add("circuit", "closed: calls are sent", StatusLevel::kGood);
  }
  if (!opened_because_.empty()) {
    section.Add("circuit opened last", UtcText(absl::ToChronoTime(opened_at_)) + ", because " +
                                           std::string(opened_because_));
  }
  std::string paused;
  for (const auto& [name, limiter] : limiters_) {
    if (limiter.IsOpen()) continue;
    if (!paused.empty()) paused += ", ";
    paused += name;
  }
  if (paused.empty()) {
    section.Add("rate limit", "no endpoint is paused", StatusLevel::kGood);
  } else {
    section.Add("rate limit", "paused: " + paused, StatusLevel::kNotice);
  }
}

void ThrottledTransport::Stop() {
  is_stopped_ = true;
  probing_.request_stop();
  for (auto& [name, limiter] : limiters_) limiter.Stop();
}

RateLimiter& ThrottledTransport::LimiterOf(const ApiEndpoint& endpoint) {
  const auto [entry, is_new] = limiters_.try_emplace(endpoint.name, options_.rate, clock_);
  if (is_new && is_stopped_) entry->second.Stop();
  return entry->second;
}

// No coroutine itself: thousands of calls wait in here, and each frame counts. So the way of a call
// that need not wait has the smallest frame that there can be.
Task<ApiResult> ThrottledTransport::Call(const ApiEndpoint& endpoint, ApiRequest request,
                                         const CallContext& context) {
  if (!breaker_.IsOpen()) {
    if (const auto pass = LimiterOf(endpoint).TryAcquire()) {
      const std::string_view profile_id = request.profile_id;
      return Watch(endpoint, profile_id, *pass, inner_.Call(endpoint, std::move(request), context));
    }
  }
  return WaitAndCall(endpoint, std::move(request), context);
}

Task<ApiResult> ThrottledTransport::WaitAndCall(const ApiEndpoint& endpoint, ApiRequest request,
                                                const CallContext& context) {
  SteadyTime until = context.deadline.at() - kMinTimeToSend;
  if (request.send_before) {
    const auto right_to_send = request.send_before->since_boot - clock_.BootNow().since_boot;
    until = std::min(until, clock_.Now() + right_to_send);
  }
  const Turn turn = co_await AcquirePermit(LimiterOf(endpoint), until, context);
  if (const auto* refused = std::get_if<NotExecuted>(&turn)) co_return ApiResult{*refused};
  const std::string_view profile_id = request.profile_id;
  co_return co_await Watch(endpoint, profile_id, std::get<RateLimiter::Pass>(turn),
                           inner_.Call(endpoint, std::move(request), context));
}

Task<ApiResult> ThrottledTransport::Watch(const ApiEndpoint& endpoint, std::string_view profile_id,
                                          RateLimiter::Pass pass, Task<ApiResult> call) {
  const CircuitBreaker::Generation generation = breaker_.generation();
  const SteadyTime start = clock_.Now();
  ApiResult result = co_await call;
  const Milliseconds took = WholeMilliseconds(clock_.Now() - start);
  const Milliseconds min_counted =
      endpoint.is_hurried ? options_.min_counted_list_timeout : options_.min_counted_timeout;
  OnVerdict(generation, ToSample(endpoint, result.outcome, took, min_counted), result.outcome,
            profile_id);
  OnEnd(endpoint, pass, result.outcome);
  co_return result;
}

Task<ThrottledTransport::Turn> ThrottledTransport::AcquirePermit(RateLimiter& limiter,
                                                                 SteadyTime until,
                                                                 const CallContext& context) {
  // An open circuit refuses at once, not after a wait.
  if (!breaker_.LetsThrough(context.priority)) co_return CircuitOpenOutcome();
  const RateLimiter::AcquireResult entry =
      co_await limiter.Acquire(context.priority, until, context.stop);
  if (const auto* too_long = std::get_if<RateLimiter::ExceedsDeadline>(&entry)) {
    co_return NotExecuted{.cause = NotExecuted::Cause::kRateLimited,
                          .retry_after = too_long->retry_after};
  }
  if (std::holds_alternative<RateLimiter::Stopped>(entry)) {
    co_return NotExecuted{.cause = NotExecuted::Cause::kStopped};
  }
  const auto pass = std::get<RateLimiter::Pass>(entry);
  if (breaker_.Admit(context.priority)) co_return pass;
  limiter.OnNothing(pass);  // it opened during the wait
  co_return CircuitOpenOutcome();
}

NotExecuted ThrottledTransport::CircuitOpenOutcome() const {
  const auto wait = std::chrono::ceil<Milliseconds>(next_probe_ - clock_.Now());
  return {
      .cause = NotExecuted::Cause::kCircuitOpen,
      .retry_after = std::clamp(wait, options_.initial_probe_interval, options_.max_probe_interval),
      .fault = last_fault_};
}

void ThrottledTransport::OnEnd(const ApiEndpoint& endpoint, RateLimiter::Pass pass,
                               const ApiOutcome& outcome) {
  RateLimiter& limiter = LimiterOf(endpoint);
  const auto* not_executed = std::get_if<NotExecuted>(&outcome);
  if (not_executed == nullptr) return limiter.OnAccepted(pass);
  if (not_executed->cause != NotExecuted::Cause::kRateLimited) {
    return not_executed->response ? limiter.OnAccepted(pass) : limiter.OnNothing(pass);
  }
  const auto stated = not_executed->retry_after;
  if (!limiter.OnThrottled(pass, stated)) return;
  pauses_.Increment({endpoint.name});
  log_.Warn("rate limited by Passfort; calls are paused",
            {{"endpoint", endpoint.name},
             {"retry_after_ms", int64_t{stated.value_or(Milliseconds(0)).count()}}});
}

void ThrottledTransport::OnVerdict(CircuitBreaker::Generation generation, Sample sample,
                                   const ApiOutcome& outcome, std::string_view profile_id) {
  if (options_.circuit_breaker == Breaker::kOff) return;
  if (sample != Sample::kSuccess && sample != Sample::kIgnored) last_fault_ = FaultOf(outcome);
  switch (breaker_.OnResult(generation, sample, profile_id)) {
    case CircuitBreaker::Change::kNone:
      return;
    case CircuitBreaker::Change::kClosed:
      return OnClosed();
    case CircuitBreaker::Change::kOpened:
      break;
  }
  opened_ = clock_.Now();
  opened_at_ = clock_.WallNow();
  opened_because_ = FaultWords(last_fault_);
  circuit_open_.Set(1);
  log_.Warn("circuit opened: Passfort is failing",
            {{"cause", FaultName(last_fault_)}, {"detail", FaultWords(last_fault_)}});
  if (is_stopped_) return;
  probing_ = {};
  Spawn(ProbeUntilHealthy(probing_.get_token()));
}

void ThrottledTransport::OnClosed() {
  circuit_open_.Set(0);
  log_.Info("circuit closed: Passfort is answering again",
            {{"open_for_ms", int64_t{WholeMilliseconds(clock_.Now() - opened_).count()}}});
  probing_.request_stop();
}

Task<void> ThrottledTransport::ProbeUntilHealthy(std::stop_token stop) {
  Milliseconds pause = options_.initial_probe_interval;
  while (true) {
    // A little earlier or later each time, so that replicas do not ask in step.
    next_probe_ = clock_.Now() + WholeMilliseconds(pause * (0.5 + random_.Fraction() / 2));
    pause = std::min(pause * 2, options_.max_probe_interval);
    if (co_await clock_.SleepUntil(next_probe_, stop) == Clock::SleepResult::kStopped) co_return;
    const TraceContext trace = trace_ids_.NewTrace();  // a probe is nobody's call
    const CallContext context{
        .deadline = Deadline(clock_.Now() + options_.probe_timeout), .stop = stop, .trace = &trace};
    const ApiResult probe = co_await inner_.Call(kWhoAmI, {}, context);
    if (stop.stop_requested()) co_return;
    if (std::holds_alternative<ApiResponse>(probe.outcome)) break;
    last_fault_ = FaultOf(probe.outcome);
  }
  breaker_.Close();
  OnClosed();
}

}  // namespace gateway
