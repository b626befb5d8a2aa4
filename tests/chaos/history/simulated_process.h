#ifndef TESTS_CHAOS_HISTORY_SIMULATED_PROCESS_H_
#define TESTS_CHAOS_HISTORY_SIMULATED_PROCESS_H_

#include <functional>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "service/base/clock.h"
#include "service/base/one_shot.h"
#include "tests/chaos/history/virtual_world.h"

namespace gateway::history {

// The life of one gateway process, as the machine sees it: it runs, is frozen for a while (SIGSTOP,
// or a machine that is suspended), and may die (kill -9) at any moment.
//
// The code of a dead process has to be run to its end, because coroutines are not destroyed
// half-way. It runs as a ghost: it is told to end, all that it waits for fails at once, and nothing
// that it does reaches the world.
class SimulatedProcess {
 public:
  SimulatedProcess(VirtualWorld& world, std::string name) : world_(world), name_(std::move(name)) {}
  SimulatedProcess(const SimulatedProcess&) = delete;
  SimulatedProcess& operator=(const SimulatedProcess&) = delete;

  VirtualWorld& world() { return world_; }
  const std::string& name() const { return name_; }
  bool is_dead() const { return is_dead_; }
  bool is_frozen() const { return world_.now() < frozen_until_ || frozen_in_its_code_ > 0; }
  // When it was last seen frozen.
  SteadyTime last_frozen() const {
    return freezes_.empty() ? SteadyTime::min() : freezes_.back().to;
  }
  // `at`, or when the process was frozen if it was at `at`.
  SteadyTime RunningBefore(SteadyTime at) const;
  // Whether it neither stood still nor was dead at any time in between.
  bool RanThrough(SteadyTime from, SteadyTime to) const;
  // Waits that are not over.
  size_t waits() const { return waits_.size(); }

  // Something reaches the process: now, or when it goes on, or never if it is dead by then.
  void Deliver(std::function<void()> arrival);
  // At `at`, something reaches the process.
  void DeliverAt(SteadyTime at, std::function<void()> arrival);
  void DeliverAfter(Milliseconds wait, std::function<void()> arrival) {
    DeliverAt(world_.now() + wait, std::move(arrival));
  }

  // Stops the process from outside, while it waits.
  void Freeze(Milliseconds duration);
  // Called by the process's own code: stops right there while the world goes on.
  void FreezeHere(Milliseconds duration);
  // The process's own code comes through here wherever it may be frozen or die between two of its
  // own steps; `at_point` does that. `statement`: the one that is about to leave, or has just left.
  void Pass(std::string_view statement = {}) {
    if (at_point_ && !is_dead_) at_point_(statement);
  }
  using AtPoint = std::function<void(std::string_view statement)>;
  void SetAtPoint(AtPoint at_point) { at_point_ = std::move(at_point); }
  // From outside or from its own code. What it waits for fails as soon as no code of the process is
  // in the middle of something.
  void Die();
  // What the kernel does for a process that dies, such as to close its connections.
  void OnDeath(std::function<void()> action) { on_death_.push_back(std::move(action)); }
  // Tells the code of the dead process to end.
  void SetEndGhost(std::function<void()> end_ghost) { end_ghost_ = std::move(end_ghost); }

  // A wait of the process's code for a value from the world. The first `Set` counts.
  template <typename T>
  class Wait;
  template <typename T>
  Wait<T> Begin(T when_dead) {
    return Wait<T>(*this, std::move(when_dead));
  }

 private:
  struct AnyWait {
    virtual ~AnyWait() = default;
    virtual void Fail() = 0;
  };
  void GoOn();
  void Bury();
  void CountGhostWait();

  VirtualWorld& world_;
  const std::string name_;
  bool is_dead_ = false;
  SteadyTime died_at_ = SteadyTime::max();
  bool is_ghost_ = false;  // dead, and told to end
  SteadyTime frozen_until_ = SteadyTime::min();
  int frozen_in_its_code_ = 0;
  struct Frozen {
    SteadyTime from;
    SteadyTime to;
  };
  std::vector<Frozen> freezes_;
  std::vector<std::function<void()>> arrivals_;  // that came while it was frozen
  std::vector<std::function<void()>> on_death_;
  AtPoint at_point_;
  std::function<void()> end_ghost_;
  std::list<std::weak_ptr<AnyWait>> waits_;
  int ghost_waits_ = 0;
};

template <typename T>
class SimulatedProcess::Wait {
 public:
  // Shared with the events that may end the wait, some of which come when it is long over.
  struct State final : AnyWait {
    explicit State(T value_when_dead) : when_dead(std::move(value_when_dead)) {}
    void Fail() override { arrival.Set(std::move(when_dead)); }

    OneShot<T> arrival;
    T when_dead;
  };

  Wait(SimulatedProcess& life, T when_dead)
      : life_(life),
        state_(std::make_shared<State>(std::move(when_dead))),
        place_(life.waits_.insert(life.waits_.end(), state_)) {
    if (!life.is_ghost_) return;
    life.CountGhostWait();
    state_->Fail();
  }
  Wait(const Wait&) = delete;
  Wait& operator=(const Wait&) = delete;
  ~Wait() { life_.waits_.erase(place_); }

  // For the events that bring the value.
  const std::shared_ptr<State>& state() const { return state_; }
  OneShot<T>& value() { return state_->arrival; }

 private:
  SimulatedProcess& life_;
  const std::shared_ptr<State> state_;
  const std::list<std::weak_ptr<AnyWait>>::iterator place_;
};

// The clock of a process. Time goes on while the process is frozen; its timers come later then.
class ProcessClock final : public Clock {
 public:
  explicit ProcessClock(SimulatedProcess& life) : life_(life) {}

  SteadyTime Now() const override { return life_.world().now(); }
  BootTime BootNow() const override;
  absl::Time WallNow() const override {
    return absl::FromUnixSeconds(1'700'000'000) + absl::FromChrono(life_.world().age());
  }
  Task<SleepResult> SleepUntil(SteadyTime at, std::stop_token stop) override;

 private:
  SimulatedProcess& life_;
};

}  // namespace gateway::history

#endif  // TESTS_CHAOS_HISTORY_SIMULATED_PROCESS_H_
