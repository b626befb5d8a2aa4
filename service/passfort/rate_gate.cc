#include "service/passfort/rate_gate.h"

#include <algorithm>

namespace gateway {
namespace {

// Beyond this the longest guess is reached anyway, and a shift stays defined.
constexpr int kMostDoublings = 20;

Milliseconds RoundUp(SteadyTime::duration wait) { return std::chrono::ceil<Milliseconds>(wait); }

}  // namespace

SteadyTime RateGate::OpensAt(Priority priority) const {
  return priority == Priority::kReserved ? closed_until_ : std::max(closed_until_, held_until_);
}

SteadyTime RateGate::TurnOf(Priority priority, SteadyTime now) const {
  const SteadyTime opens_at = OpensAt(priority);
  const SteadyTime turn = std::max(now, opens_at);
  if (turn >= opens_at + options_.recovery) return turn;
  return std::max(turn, next_turns_[static_cast<size_t>(priority)]);
}

void RateGate::TakeTurn(Priority priority, SteadyTime turn) {
  NextTurn(priority) = turn + options_.spacing;
}

bool RateGate::TryEnter(Priority priority) {
  const SteadyTime now = clock_.Now();
  const SteadyTime turn = TurnOf(priority, now);
  if (turn > now) return false;
  TakeTurn(priority, turn);
  return true;
}

Task<RateGate::Entry> RateGate::Enter(Priority priority, SteadyTime until, std::stop_token stop) {
  while (true) {
    const SteadyTime now = clock_.Now();
    const SteadyTime turn = TurnOf(priority, now);
    if (turn > until) co_return TooLong{.retry_after = RoundUp(turn - now)};
    TakeTurn(priority, turn);
    if (turn > now && co_await clock_.SleepUntil(turn, stop) == Clock::Wake::kStopped) {
      co_return Stopped{};
    }
    // It may have been closed again by one who went before.
    if (clock_.Now() >= OpensAt(priority)) co_return Entered{};
  }
}

bool RateGate::OnLimited(std::optional<Milliseconds> retry_after) {
  const SteadyTime now = clock_.Now();
  const bool was_closed = now < closed_until_;
  if (!retry_after) {
    // While it is closed this is one that was sent before: the guess stands.
    if (was_closed) return false;
    const int doublings = std::min(guesses_in_a_row_++, kMostDoublings);
    retry_after = std::min(options_.first_guess * (1 << doublings), options_.longest_guess);
  }
  closed_until_ = std::max(closed_until_, now + *retry_after);
  return !was_closed && now < closed_until_;
}

void RateGate::HoldOrdinary(Milliseconds wait) {
  held_until_ = std::max(held_until_, clock_.Now() + wait);
}

}  // namespace gateway
