#ifndef TESTS_CHAOS_HISTORY_REPLICA_H_
#define TESTS_CHAOS_HISTORY_REPLICA_H_

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "service/idempotency/background_reconciler.h"
#include "service/idempotency/store/sql_record_store.h"
#include "service/idempotency/write_coordinator.h"
#include "service/idempotency/write_observer.h"
#include "service/observability/log.h"
#include "service/operations/add_product_application.h"
#include "service/operations/create_profile.h"
#include "service/operations/direct_writer.h"
#include "service/operations/resource_reads.h"
#include "tests/chaos/history/reported.h"
#include "tests/chaos/history/simulated_passfort.h"
#include "tests/chaos/history/simulated_process.h"
#include "tests/chaos/history/simulated_store.h"
#include "tests/chaos/history/wish.h"

namespace gateway::history {

// The windows of all replicas. Short, so that a history has many of each; what matters is how they
// stand to each other.
AtMostOnceOptions ShortWindows();
// From an intent to the moment from which a list is proof.
Milliseconds LongestUnresolved();

// How likely a process is to be stopped or killed by itself, per step of a session or statement.
struct ProcessWeather {
  double crash_at_step = 0;
  double freeze_at_step = 0;
  // If set, this step alone is dangerous.
  std::optional<FailPointId> only_step;
  double crash_at_statement = 0;
  double freeze_at_statement = 0;
  // Likewise.
  std::optional<std::string_view> only_statement;
};

// A place where a process may be killed or stopped, and what is counted then.
struct StepNames {
  const char* step;
  const char* killed;
  const char* stopped;
};

// For how long a process is frozen: hardly, longer than a lease, or longer than anything.
Milliseconds FreezeDuration(SeededRandom& chance);

// Notes each write that a process says has ended.
class FinishedWrites final : public WriteObserver {
 public:
  FinishedWrites(VirtualWorld& world, const SimulatedProcess& life) : world_(world), life_(life) {}

  void OnFinished(const FinishedWrite& write) override;

 private:
  VirtualWorld& world_;
  const SimulatedProcess& life_;
};

// One run of the gateway's program, put together from the product's own parts as main does.
class Process {
 public:
  Process(VirtualWorld& world, std::string name, SimulatedStore& store, SimulatedPassfort& passfort,
          ProcessWeather weather);

  // The background reconciler begins its rounds.
  void Start();

  SimulatedProcess& life() { return life_; }
  const SimulatedProcess& life() const { return life_; }

  // What the request of the call of this number does here: `on_answer` gets what it was told. Not
  // called if the process dies before.
  void Call(int number, Wish wish, RequestKey key, Deadline deadline, std::stop_token stop,
            std::function<void(const Reported&)> on_answer);
  // SIGTERM: ends when all sessions have, all calls are answered, nothing is given back any more
  // and the background reconciler is done.
  void BeginDrain();
  bool is_draining() const { return stop_reconciler_.stop_requested(); }
  bool is_drained() const { return are_writes_drained_ && has_reconciler_ended_ && calls_ == 0; }
  // Whether something of it went on when main would have taken its parts down.
  bool has_outlived_drain() const { return has_outlived_drain_; }
  void Change(const ProcessWeather& weather) { weather_ = weather; }

 private:
  Task<void> Answer(int number, Wish wish, RequestKey key, Deadline deadline, std::stop_token stop,
                    std::function<void(const Reported&)> on_answer);
  Task<Reported> Grant(Wish wish, RequestKey key, const CallContext& context);
  Task<void> Reconcile();
  Task<void> Drain();
  Task<void> DrainBudgets();
  void LookForLeftOvers();
  void MayStop(double crash, double freeze, const StepNames& at);
  SessionDependencies DependenciesWith(Reconciler& reconciler);
  RetryDependencies retry_dependencies() {
    return {
        .clock = clock_, .random = random_, .budget = budget_, .backoff = ShortWindows().resend};
  }

  VirtualWorld& world_;
  ProcessWeather weather_;
  SimulatedProcess life_;
  // Whose session passed a step last.
  std::string session_;
  ProcessClock clock_;
  SeededRandom random_;
  SeededRandom trace_random_{0};  // of its own: trace ids change no history
  TraceIds trace_ids_{trace_random_};
  UnsettledTraces unsettled_traces_;
  RetryBudget budget_;
  const std::unique_ptr<Log> log_;
  const std::unique_ptr<ApiTransport> transport_;
  ProductApplicationClient passfort_{*transport_};
  ProfileClient profiles_{*transport_};
  ResourceClient resources_{*transport_};
  SqlRecordStore store_;
  KeyedMutex key_mutex_;
  AddProductApplication add_;
  CreateProfile create_profile_;
  FinishedWrites finished_writes_;
  Reconciler reconciler_;
  Reconciler background_looks_;
  WriteCoordinator coordinator_;
  BudgetLedger budgets_;
  DirectWriter direct_;
  ResourceReads reads_;
  AtMostOnceWriter writer_;
  ProfileWriter profile_writer_;
  BackgroundReconciler background_reconciler_;
  std::stop_source stop_reconciler_;
  int calls_ = 0;
  std::stop_source all_answered_;
  bool is_draining_budgets_ = false;
  bool are_writes_drained_ = false;
  bool has_reconciler_ended_ = false;
  bool has_outlived_drain_ = false;
};

// A place where one process runs after another.
class Replica {
 public:
  Replica(VirtualWorld& world, size_t number, SimulatedStore& store, SimulatedPassfort& passfort,
          ProcessWeather weather);

  // From 0 on.
  size_t number() const { return number_; }
  // Null while none runs.
  Process* process();
  // kill -9, now. The next process starts after a while.
  void Kill();
  void Drain();
  // Of the process that runs and of all that follow.
  void Change(const ProcessWeather& weather);
  // Drains, and starts no process any more.
  void End();
  // What still went on in a process that had ended, in words.
  std::vector<std::string> LeftOvers() const;

 private:
  // Starts a process if none runs.
  void Start();
  void StartLater();
  void StartWhenDrained();

  VirtualWorld& world_;
  const size_t number_;
  const std::string name_;
  SimulatedStore& store_;
  SimulatedPassfort& passfort_;
  ProcessWeather weather_;
  // The former ones too: events of theirs may still be in the queue.
  std::vector<std::unique_ptr<Process>> processes_;
  Process* current_ = nullptr;
  bool is_over_ = false;
};

}  // namespace gateway::history

#endif  // TESTS_CHAOS_HISTORY_REPLICA_H_
