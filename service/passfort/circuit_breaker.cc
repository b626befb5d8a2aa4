#include "service/passfort/circuit_breaker.h"

namespace gateway {

bool CircuitBreaker::Note(Period period, Verdict verdict) {
  if (is_open_ || period != period_ || verdict == Verdict::kNothing) return false;
  ForgetWhatIsOld();
  ++halves_[0].ended;
  if (verdict == Verdict::kWorks) {
    failures_in_a_row_ = 0;
    return false;
  }
  ++halves_[0].failed;
  ++failures_in_a_row_;
  const int ended = halves_[0].ended + halves_[1].ended;
  const int failed = halves_[0].failed + halves_[1].failed;
  const bool share_is_too_large =
      ended >= options_.fewest_to_judge_by && failed >= ended * options_.failing_share;
  if (failures_in_a_row_ < options_.failures_in_a_row && !share_is_too_large) return false;
  is_open_ = true;
  StartPeriod();
  return true;
}

void CircuitBreaker::Close() {
  is_open_ = false;
  StartPeriod();
}

void CircuitBreaker::ForgetWhatIsOld() {
  const SteadyTime now = clock_.Now();
  const auto half = options_.window / 2;
  if (now < half_began_ + half) return;
  halves_[1] = now < half_began_ + 2 * half ? halves_[0] : Counts();
  halves_[0] = Counts();
  half_began_ = now;
}

void CircuitBreaker::StartPeriod() {
  ++period_;
  failures_in_a_row_ = 0;
  halves_ = {};
}

}  // namespace gateway
