#include "service/resilience/rate_limiter.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace gateway {
namespace {

// Beyond this the longest guess is reached anyway, and a shift stays defined.
constexpr int kMaxDoublings = 20;

}  // namespace

bool RateLimiter::SomebodyWaits() const {
  return std::ranges::any_of(waiting_, [](const Queue& queue) { return !queue.empty(); });
}

RateLimiter::ExceedsDeadline RateLimiter::TooLongUntil(SteadyTime at) const {
  const auto wait = std::chrono::ceil<Milliseconds>(at - clock_.Now());
  return {.retry_after = std::max(wait, Milliseconds(1))};
}

std::optional<RateLimiter::Pass> RateLimiter::TakePass() {
  if (state_ == State::kOpen) return Pass::kNormal;
  const SteadyTime now = clock_.Now();
  if (now < waits_until_) return std::nullopt;
  if (state_ == State::kAsking) {
    Become(State::kOpen, now);
    return Pass::kNormal;
  }
  Become(State::kAsking, now + options_.refusal_time);
  asker_ = Pass{++passes_to_ask_};
  return asker_;
}

std::optional<RateLimiter::Pass> RateLimiter::TryAcquire() {
  if (SomebodyWaits()) return std::nullopt;
  return TakePass();
}

Task<RateLimiter::AcquireResult> RateLimiter::Acquire(Priority priority, SteadyTime until,
                                                      std::stop_token stop) {
  if (const auto pass = TryAcquire()) co_return *pass;
  if (until < (state_ == State::kPaused ? waits_until_ : clock_.Now())) {
    co_return TooLongUntil(waits_until_);
  }
  Waiter waiter{.until = until};
  Queue& queue = waiting_[static_cast<size_t>(priority)];
  const auto place = queue.insert(queue.end(), &waiter);
  // The source is held meanwhile, since its waiter may be gone before the request returns.
  const std::stop_callback on_stop(stop,
                                   [&waiter] { std::stop_source(waiter.wake).request_stop(); });
  co_await clock_.SleepUntil(until, waiter.wake.get_token());
  if (waiter.entry) co_return *waiter.entry;
  queue.erase(place);
  if (stop.stop_requested()) co_return Stopped{};
  co_return TooLongUntil(waits_until_);
}

// Whom it lets through runs on within this, may end here and even come again. A loop and not a
// recursion, because thousands may follow each other so.
void RateLimiter::Advance() {
  if (std::exchange(is_advancing_, true)) return;
  while (SomebodyWaits()) {
    const auto pass = TakePass();
    if (!pass) break;
    Queue& reserved = waiting_[static_cast<size_t>(Priority::kReconciliation)];
    Queue& next = reserved.empty() ? waiting_[static_cast<size_t>(Priority::kNormal)] : reserved;
    Waiter& waiter = *next.front();
    next.pop_front();
    waiter.entry = *pass;
    std::stop_source(waiter.wake).request_stop();
  }
  is_advancing_ = false;
}

void RateLimiter::Become(State state, SteadyTime until) {
  const bool was_stopped = timer_.stop_requested();
  state_ = state;
  waits_until_ = until;
  asker_ = Pass::kNormal;
  if (was_stopped) return;
  std::exchange(timer_, std::stop_source()).request_stop();
  if (state != State::kOpen) Spawn(AdvanceAt(until, timer_.get_token()));
}

Task<void> RateLimiter::AdvanceAt(SteadyTime at, std::stop_token stop) {
  if (co_await clock_.SleepUntil(at, std::move(stop)) == Clock::SleepResult::kElapsed) Advance();
}

void RateLimiter::RefuseTheHurried() {
  // A waiter that is woken may end others, so all of them are taken out before the first wakes.
  std::vector<std::stop_source> wakes;
  for (const Priority priority : {Priority::kReconciliation, Priority::kNormal}) {
    waiting_[static_cast<size_t>(priority)].remove_if([this, &wakes](Waiter* waiter) {
      if (waiter->until >= waits_until_) return false;
      waiter->entry = TooLongUntil(waits_until_);
      wakes.push_back(waiter->wake);
      return true;
    });
  }
  for (auto& wake : wakes) wake.request_stop();
}

bool RateLimiter::OnThrottled(Pass pass, std::optional<Milliseconds> wait) {
  const SteadyTime now = clock_.Now();
  const bool was_paused = state_ == State::kPaused && now < waits_until_;
  if (!wait) {
    // This is one that was sent before the pause: the guess stands, also while another asks.
    if (was_paused || (state_ == State::kAsking && pass != asker_)) return false;
    const int doublings = std::min(consecutive_guesses_++, kMaxDoublings);
    wait = std::min(options_.initial_pause * (1 << doublings), options_.max_pause);
  }
  const SteadyTime until = now + *wait;
  if (was_paused && until <= waits_until_) return false;
  Become(State::kPaused, until);
  RefuseTheHurried();
  return !was_paused;
}

void RateLimiter::OnAccepted(Pass pass) {
  // What was sent before the pause says nothing about its end.
  if (state_ != State::kOpen && (state_ != State::kAsking || pass != asker_)) return;
  consecutive_guesses_ = 0;
  if (state_ == State::kOpen) return;
  Become(State::kOpen, clock_.Now());
  Advance();
}

void RateLimiter::OnNothing(Pass pass) {
  if (state_ != State::kAsking || pass != asker_) return;
  Become(State::kPaused, clock_.Now());  // that is over, so the next one asks
  Advance();
}

}  // namespace gateway
