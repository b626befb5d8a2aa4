#include "tests/chaos/history/simulated_process.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace gateway::history {
namespace {

// What a ghost may begin to wait for: far above what any session needs to end. More is a loop that
// does not end while everything fails.
constexpr int kMaxGhostWaits = 5000;

}  // namespace

void SimulatedProcess::Deliver(std::function<void()> arrival) {
  if (is_dead_) return;
  if (is_frozen()) {
    arrivals_.push_back(std::move(arrival));
    return;
  }
  arrival();
}

void SimulatedProcess::DeliverAt(SteadyTime at, std::function<void()> arrival) {
  world_.At(at, [this, arrival = std::move(arrival)]() mutable { Deliver(std::move(arrival)); });
}

SteadyTime SimulatedProcess::RunningBefore(SteadyTime at) const {
  for (auto freeze = freezes_.rbegin(); freeze != freezes_.rend(); ++freeze) {
    if (freeze->from <= at && at <= freeze->to) at = freeze->from;
  }
  return at;
}

bool SimulatedProcess::RanThrough(SteadyTime from, SteadyTime to) const {
  const bool stood_still = std::any_of(freezes_.begin(), freezes_.end(), [&](const Frozen& freeze) {
    return freeze.from <= to && from <= freeze.to;
  });
  return !stood_still && to < died_at_;
}

void SimulatedProcess::Freeze(Milliseconds duration) {
  if (is_dead_ || is_frozen()) return;
  world_.Count("stopped");
  world_.Note(name_, " is stopped for ", duration.count(), " ms");
  frozen_until_ = world_.now() + duration;
  freezes_.push_back({.from = world_.now(), .to = frozen_until_});
  world_.At(frozen_until_, [this] { GoOn(); });
}

void SimulatedProcess::FreezeHere(Milliseconds duration) {
  if (is_dead_) return;
  world_.Note(name_, " is stopped in the middle of its work for ", duration.count(), " ms");
  const SteadyTime from = world_.now();
  ++frozen_in_its_code_;
  world_.RunUntil(world_.now() + duration, [this] { return is_dead_; });
  --frozen_in_its_code_;
  freezes_.push_back({.from = from, .to = world_.now()});
  if (is_dead_) {
    world_.At(world_.now(), [this] { Bury(); });
    return;
  }
  world_.Note(name_, " goes on");
  world_.At(world_.now(), [this] { GoOn(); });
}

// What came meanwhile is there all at once, and the process sees it in any order.
void SimulatedProcess::GoOn() {
  if (is_dead_ || is_frozen()) return;
  std::vector<std::function<void()>> arrivals = std::move(arrivals_);
  arrivals_.clear();
  for (auto& arrival : arrivals) DeliverAt(world_.now(), std::move(arrival));
}

void SimulatedProcess::Die() {
  if (is_dead_) return;
  world_.Note(name_, " dies");
  is_dead_ = true;
  died_at_ = world_.now();
  for (const auto& action : on_death_) action();
  world_.At(world_.now(), [this] { Bury(); });
}

void SimulatedProcess::Bury() {
  // Frozen in the middle of its code: that comes first, and calls this again.
  if (frozen_in_its_code_ > 0 || is_ghost_) return;
  is_ghost_ = true;
  end_ghost_();
  const std::list<std::weak_ptr<AnyWait>> waits = waits_;
  for (const auto& weak : waits) {
    if (const auto wait = weak.lock()) wait->Fail();
  }
}

void SimulatedProcess::CountGhostWait() {
  if (++ghost_waits_ <= kMaxGhostWaits) return;
  std::fprintf(stderr, "%s: its code does not end when all that it waits for fails\n",
               name_.c_str());
  std::abort();
}

BootTime ProcessClock::BootNow() const {
  const BootTime now{life_.world().now().time_since_epoch()};
  life_.Pass();  // between reading the clock and using what it said
  return now;
}

Task<Clock::SleepResult> ProcessClock::SleepUntil(SteadyTime at, std::stop_token stop) {
  if (at == SteadyTime::max()) {
    // No timer: the process's own code waits for the rest of its code, also in a ghost.
    OneShot<SleepResult> stopped;
    const std::stop_callback on_stop(stop, [&stopped] { stopped.Set(SleepResult::kStopped); });
    co_return co_await stopped;
  }
  auto wait = life_.Begin(SleepResult::kStopped);
  life_.DeliverAt(at, [state = wait.state()] { state->arrival.Set(SleepResult::kElapsed); });
  const std::stop_callback on_stop(stop, [&wait] { wait.value().Set(SleepResult::kStopped); });
  co_return co_await wait.value();
}

}  // namespace gateway::history
