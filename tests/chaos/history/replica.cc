#include "tests/chaos/history/replica.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "tests/chaos/history/call_trace.h"

namespace gateway::history {
namespace {

constexpr Milliseconds kListTimeout{600};
constexpr Milliseconds kReconcilerInterval{800};
constexpr Milliseconds kDrainCheck{300};

// How a step is called in traces and counts.
constexpr StepNames kSteps[] = {
    {"begin", "killed at begin", "stopped at begin"},
    {"claimed", "killed at claimed", "stopped at claimed"},
    {"intent", "killed at intent", "stopped at intent"},
    {"attempted", "killed at attempted", "stopped at attempted"},
    {"resolving", "killed at resolving", "stopped at resolving"},
    {"releasing", "killed at releasing", "stopped at releasing"},
    {"finished", "killed at finished", "stopped at finished"},
};
constexpr StepNames kAtStatement = {"between two steps", "killed between two steps",
                                    "stopped between two steps"};

const StepNames& NamesOf(FailPointId step) { return kSteps[static_cast<size_t>(step)]; }

}  // namespace

AtMostOnceOptions ShortWindows() {
  return {.lease_duration = Milliseconds(1000),
          .attempt_timeout = Milliseconds(2000),
          .settle_window = Milliseconds(2000),
          .store_timeout = Milliseconds(400),
          .poll = {.initial = Milliseconds(50), .max = Milliseconds(400)},
          .resend = {.initial = Milliseconds(20), .max = Milliseconds(200)}};
}

Milliseconds LongestUnresolved() {
  const AtMostOnceOptions windows = ShortWindows();
  return windows.lease_duration + windows.attempt_timeout + windows.settle_window;
}

Milliseconds FreezeDuration(SeededRandom& chance) {
  const AtMostOnceOptions windows = ShortWindows();
  const Milliseconds margin(300);
  switch (chance.Below(6)) {
    case 0:
      return chance.Between(Milliseconds(1), windows.lease_duration);
    case 1:
      return windows.lease_duration + chance.Between(Milliseconds(0), margin);
    case 2:
      return chance.Between(windows.lease_duration, LongestUnresolved());
    default:
      // Up to the middle of what another process does next.
      return LongestUnresolved() + chance.Between(Milliseconds(0), windows.attempt_timeout);
  }
}

void FinishedWrites::OnFinished(const FinishedWrite& write) {
  if (life_.is_dead()) return;
  world_.Note(life_.name(), ": ", write.record.request_id,
              " has ended: ", static_cast<int>(write.end));
}

Process::Process(VirtualWorld& world, std::string name, SimulatedStore& store,
                 SimulatedPassfort& passfort, ProcessWeather weather)
    : world_(world),
      weather_(weather),
      life_(world, std::move(name)),
      clock_(life_),
      random_(world.chance().Next()),
      budget_({.calls_per_retry = 2, .max_saved_retries = 10}),
      log_(Log::Discard()),
      transport_(passfort.Connect(life_, session_)),
      store_(store.Connect(life_), random_,
             {.replay_window = store.replay_window(),
              .max_records = 1000,
              .settle_window = ShortWindows().settle_window}),
      add_(passfort_),
      create_profile_(profiles_, resources_),
      finished_writes_(world, life_),
      reconciler_({.observe_timeout = kListTimeout, .store_timeout = ShortWindows().store_timeout},
                  store_, {&add_, &create_profile_}, clock_, finished_writes_),
      background_looks_({.observe_timeout = kListTimeout,
                         .store_timeout = ShortWindows().store_timeout,
                         .by = FinishedWrite::By::kBackground},
                        store_, {&add_, &create_profile_}, clock_, finished_writes_),
      coordinator_(DependenciesWith(reconciler_), ShortWindows()),
      budgets_(store_, clock_, *log_),
      direct_(passfort_, retry_dependencies(), &budgets_),
      reads_(resources_, retry_dependencies()),
      writer_({.operation = add_,
               .coordinator = coordinator_,
               .direct = direct_,
               .reads = reads_,
               .clock = clock_}),
      profile_writer_({.operation = create_profile_,
                       .coordinator = &coordinator_,
                       .ledger = &budgets_,
                       .reads = reads_,
                       .retries = retry_dependencies()}),
      background_reconciler_(
          DependenciesWith(background_looks_), {.poll_interval = kReconcilerInterval},
          [this](const std::string& request_id) { return coordinator_.IsActive(request_id); }) {
  life_.SetAtPoint([this](std::string_view statement) {
    if (weather_.only_statement.value_or(statement) != statement) return;
    MayStop(weather_.crash_at_statement, weather_.freeze_at_statement, kAtStatement);
  });
  life_.SetEndGhost([this] {
    stop_reconciler_.request_stop();
    Spawn(Drain());
  });
}

void Process::Start() { Spawn(Reconcile()); }

Task<void> Process::Reconcile() {
  co_await background_reconciler_.Run(stop_reconciler_.get_token());
  has_reconciler_ended_ = true;
  LookForLeftOvers();
}

SessionDependencies Process::DependenciesWith(Reconciler& reconciler) {
  return {.store = store_,
          .reconciler = reconciler,
          .key_mutex = key_mutex_,
          .clock = clock_,
          .random = random_,
          .trace_ids = trace_ids_,
          .budget = budget_,
          .log = *log_,
          .observer = finished_writes_,
          .unsettled_traces = unsettled_traces_,
          .fail_point = FailPoints([this](FailPointId step, const std::string& request_id) {
            const StepNames& names = NamesOf(step);
            if (!life_.is_dead()) world_.Note(life_.name(), ": ", request_id, " ", names.step);
            if (weather_.only_step.value_or(step) == step) {
              MayStop(weather_.crash_at_step, weather_.freeze_at_step, names);
            }
            session_ = request_id;
          })};
}

void Process::MayStop(double crash, double freeze, const StepNames& at) {
  if (life_.is_dead()) return;
  if (world_.chance().Happens(crash)) {
    world_.Note(life_.name(), " is killed at: ", at.step);
    world_.Count(at.killed);
    life_.Die();
  } else if (world_.chance().Happens(freeze)) {
    world_.Count(at.stopped);
    life_.FreezeHere(FreezeDuration(world_.chance()));
  }
}

void Process::Call(int number, Wish wish, RequestKey key, Deadline deadline, std::stop_token stop,
                   std::function<void(const Reported&)> on_answer) {
  Spawn(Answer(number, std::move(wish), std::move(key), deadline, std::move(stop),
               std::move(on_answer)));
}

Task<void> Process::Answer(int number, Wish wish, RequestKey key, Deadline deadline,
                           std::stop_token stop, std::function<void(const Reported&)> on_answer) {
  ++calls_;
  const TraceContext trace = TraceOf(number);
  const CallContext context{.deadline = deadline, .stop = std::move(stop), .trace = &trace};
  const Reported told = co_await Grant(std::move(wish), std::move(key), context);
  if (--calls_ == 0 && is_draining()) all_answered_.request_stop();
  LookForLeftOvers();
  if (!life_.is_dead()) on_answer(told);
}

Task<Reported> Process::Grant(Wish wish, RequestKey key, const CallContext& context) {
  // As the server does: what comes too late is charged to nobody.
  if (is_draining() && key.request_id.empty() && key.budget) {
    co_return Reported{.outcome = NotExecuted{.cause = NotExecuted::Cause::kStopped}};
  }
  if (const auto* const person = std::get_if<Person>(&wish)) {
    co_return ToTold(co_await profile_writer_.Create(ToDraft(*person), std::move(key), context));
  }
  auto& draft = std::get<ApplicationDraft>(wish);
  co_return ToTold(co_await writer_.Add(std::move(draft), std::move(key), context));
}

void Process::BeginDrain() {
  world_.Count("drained");
  world_.Note(life_.name(), " drains");
  stop_reconciler_.request_stop();
  Spawn(Drain());
}

Task<void> Process::Drain() {
  co_await coordinator_.Drain();
  // As main does if something does not end in time: it exits at once.
  if (!coordinator_.IsIdle()) co_return life_.Die();
  co_await DrainBudgets();
}

// Once all calls have been answered: until then they may give back what they were charged with.
Task<void> Process::DrainBudgets() {
  if (std::exchange(is_draining_budgets_, true)) co_return;
  if (calls_ > 0) co_await clock_.SleepUntil(SteadyTime::max(), all_answered_.get_token());
  co_await budgets_.Drain();
  are_writes_drained_ = true;
  LookForLeftOvers();
}

// Called whenever something ends that a drain waits for.
void Process::LookForLeftOvers() {
  if (is_drained() && !life_.is_dead() && life_.waits() > 0) has_outlived_drain_ = true;
}

Replica::Replica(VirtualWorld& world, size_t number, SimulatedStore& store,
                 SimulatedPassfort& passfort, ProcessWeather weather)
    : world_(world),
      number_(number),
      name_(absl::StrCat("g", number + 1)),
      store_(store),
      passfort_(passfort),
      weather_(weather) {
  Start();
}

void Replica::Start() {
  if (is_over_ || (current_ != nullptr && process() != nullptr)) return;
  world_.Note(name_, " starts");
  processes_.push_back(std::make_unique<Process>(
      world_, absl::StrCat(name_, ".", processes_.size() + 1), store_, passfort_, weather_));
  Process* const process = processes_.back().get();
  current_ = process;
  process->life().OnDeath([this] { StartLater(); });
  process->Start();
}

void Replica::StartLater() {
  world_.After(world_.chance().Between(Milliseconds(10), Milliseconds(2000)), [this] { Start(); });
}

Process* Replica::process() {
  const bool runs = !current_->life().is_dead() && !current_->is_drained();
  return runs ? current_ : nullptr;
}

void Replica::Kill() {
  if (process() == nullptr) return;
  world_.Count("killed");
  current_->life().Die();
}

void Replica::Drain() {
  Process* const draining = process();
  if (draining == nullptr) return;
  // A signal waits as well while the process is frozen.
  draining->life().Deliver([this, draining] {
    if (draining->is_draining()) return;
    draining->BeginDrain();
    StartWhenDrained();
  });
}

void Replica::StartWhenDrained() {
  if (process() == nullptr) {
    return Start();
  }
  world_.After(kDrainCheck, [this] { StartWhenDrained(); });
}

void Replica::End() {
  is_over_ = true;
  Drain();
}

void Replica::Change(const ProcessWeather& weather) {
  weather_ = weather;
  for (const auto& process : processes_) process->Change(weather);
}

std::vector<std::string> Replica::LeftOvers() const {
  std::vector<std::string> left_overs;
  for (const auto& process : processes_) {
    const SimulatedProcess& life = process->life();
    const bool has_ended = life.is_dead() || process->is_drained();
    if (!has_ended) left_overs.push_back(absl::StrCat(life.name(), " has not ended"));
    // main had taken the parts down: whoever still waited would wake up among ruins.
    if (process->has_outlived_drain()) {
      left_overs.push_back(absl::StrCat("something in ", life.name(), " outlived its drain"));
    }
    if (life.waits() > 0) left_overs.push_back(absl::StrCat(life.name(), " still waits"));
  }
  return left_overs;
}

}  // namespace gateway::history
