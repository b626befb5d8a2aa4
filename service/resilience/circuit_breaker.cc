#include "service/resilience/circuit_breaker.h"

#include <algorithm>
#include <functional>
#include <utility>

namespace gateway {
namespace {

// Of a half of the window. When so many fail it is not about one of them: more need not be told
// apart.
constexpr size_t kMaxProfiles = 256;

}  // namespace

bool CircuitBreaker::LetsThrough(Priority priority) const {
  return !is_open_ || clock_.Now() >= next_trials_[static_cast<size_t>(priority)];
}

bool CircuitBreaker::Admit(Priority priority) {
  if (!is_open_) return true;
  const SteadyTime now = clock_.Now();
  if (now < NextTrial(priority)) return false;
  NextTrial(priority) =
      now + (priority == Priority::kReconciliation ? options_.reconciliation_trial_interval
                                                   : options_.trial_interval);
  return true;
}

CircuitBreaker::Change CircuitBreaker::OnResult(Generation generation, Sample sample,
                                                std::string_view profile_id) {
  if (generation != generation_ || sample == Sample::kIgnored) return Change::kNone;
  if (is_open_) {
    if (sample != Sample::kSuccess) return Change::kNone;
    Close();
    return Change::kClosed;
  }
  DropOldSamples();
  if (sample == Sample::kSuccess) {
    ++halves_[0].worked;
    consecutive_failures_ = 0;
    failing_in_a_row_.clear();
    return Change::kNone;
  }
  const bool others_are_answered = halves_[0].worked + halves_[1].worked > 0;
  std::optional<size_t> profile;
  const bool may_be_its_own =
      sample == Sample::kServerError || (sample == Sample::kUnanswered && others_are_answered);
  if (may_be_its_own && !profile_id.empty()) {
    profile = std::hash<std::string_view>()(profile_id);
  }
  CountInARow(profile);
  CountInWindow(profile);
  if (!TooManyFail()) return Change::kNone;
  Open();
  return Change::kOpened;
}

void CircuitBreaker::CountInARow(std::optional<size_t> profile) {
  if (profile) {
    if (std::ranges::find(failing_in_a_row_, *profile) != failing_in_a_row_.end()) return;
    failing_in_a_row_.push_back(*profile);
  }
  ++consecutive_failures_;
}

void CircuitBreaker::CountInWindow(std::optional<size_t> profile) {
  auto& [now, before] = halves_;
  if (profile) {
    if (now.failing.contains(*profile) || before.failing.contains(*profile)) return;
    if (now.failing.size() < kMaxProfiles) now.failing.insert(*profile);
  }
  ++now.failed;
}

bool CircuitBreaker::TooManyFail() const {
  if (consecutive_failures_ >= options_.consecutive_failures) return true;
  const int failed = halves_[0].failed + halves_[1].failed;
  const int ended = failed + halves_[0].worked + halves_[1].worked;
  return ended >= options_.min_calls && failed >= ended * options_.failure_rate_threshold;
}

void CircuitBreaker::Open() {
  is_open_ = true;
  StartGeneration();
  const SteadyTime now = clock_.Now();
  NextTrial(Priority::kNormal) = now + options_.trial_interval;
  NextTrial(Priority::kReconciliation) = now + options_.reconciliation_trial_interval;
}

void CircuitBreaker::Close() {
  is_open_ = false;
  StartGeneration();
}

void CircuitBreaker::DropOldSamples() {
  const SteadyTime now = clock_.Now();
  const auto half = options_.window / 2;
  if (now < half_began_ + half) return;
  halves_[1] = now < half_began_ + 2 * half ? std::exchange(halves_[0], {}) : Counts();
  halves_[0] = Counts();
  half_began_ = now;
}

void CircuitBreaker::StartGeneration() {
  ++generation_;
  consecutive_failures_ = 0;
  failing_in_a_row_.clear();
  halves_ = {};
}

}  // namespace gateway
