#ifndef TESTS_CHAOS_HISTORY_CALLERS_H_
#define TESTS_CHAOS_HISTORY_CALLERS_H_

#include <deque>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "tests/chaos/history/budget_plan.h"
#include "tests/chaos/history/replica.h"
#include "tests/chaos/history/reported.h"
#include "tests/chaos/history/virtual_world.h"
#include "tests/chaos/history/wish.h"

namespace gateway::history {

// One call as its caller sees it.
struct Call {
  int number = 0;
  std::string request_id;  // empty: a call without one
  Wish wish;
  std::string account;
  // What it was given when it arrived.
  std::optional<WriteBudget> budget;
  // Where it went.
  const SimulatedProcess* process = nullptr;
  SteadyTime begun;
  SteadyTime deadline;
  // When the process learnt that the caller had gone.
  std::optional<SteadyTime> cancelled;
  // When the process ended it, with a response or by dying.
  std::optional<SteadyTime> ended;
  // What it ended in, heard or not. Unset if the process died.
  std::optional<Reported> end;
  // What the caller was told by the gateway, if it was still there.
  std::optional<Reported> result;
  std::stop_source stop;

  // Until when somebody may still work for it.
  SteadyTime InFlightUntil() const;
};

// One thing that somebody wants, and the name that it gets.
struct Intent {
  std::string request_id;
  Wish wish;
  // Whose budget it is charged to.
  std::string account;
  // Calls that may still be made because an earlier one brought no clear answer.
  int repeats_left = 0;
};

// The callers of all replicas: they call, repeat, cancel and give up.
class Callers {
 public:
  // Whether all applications are for a role, or only some.
  enum class Roles { kSome, kAll };

  Callers(VirtualWorld& world, std::vector<std::unique_ptr<Replica>>& replicas, BudgetPlan& plan,
          Roles roles)
      : world_(world), replicas_(replicas), plan_(plan), roles_(roles) {}

  // Whether all want the very same, each on its own.
  enum class Wishes { kAny, kEqual };
  // Makes up who wants which application, and when they call within `duration`.
  void Begin(Milliseconds duration, Wishes wishes);
  // The same of profiles.
  void BeginCreates(Milliseconds duration);
  // Makes up more of both, many without a request_id: enough to use a budget up.
  void BeginMore(Milliseconds duration);
  // Makes up `count` that want the very same, and call when they are told to.
  void WantTheSame(size_t count);
  // No call is made any more but by `CallNow`.
  void BeCalm() { is_calm_ = true; }

  // Calls some replica; null if it does not run.
  Call* CallNow(const Intent& intent, Milliseconds timeout);

  // In the order of their making. With what a request_id was reused for.
  const std::deque<Intent>& intents() const { return intents_; }
  const std::deque<Call>& calls() const { return calls_; }
  // What a stranger would add: something like what is wanted.
  ApplicationDraft StrangersDraft();

 private:
  ApplicationDraft SomeDraft();
  void PlanCalls(Intent& intent, Milliseconds duration);
  void PlanCall(Intent& intent, Milliseconds from, Milliseconds to);
  void MakeCall(Intent& intent);
  RequestKey KeyOf(Call& call, size_t replica) const;
  void OnAnswer(Call& call, const Reported& told);
  void CancelSometime(Call& call);

  VirtualWorld& world_;
  std::vector<std::unique_ptr<Replica>>& replicas_;
  BudgetPlan& plan_;
  const Roles roles_;
  // Deques: what is in them stays where it is.
  std::deque<Intent> intents_;
  std::deque<Call> calls_;
  bool is_calm_ = false;
};

// "call 3 of r1".
std::string NameOf(const Call& call);

}  // namespace gateway::history

#endif  // TESTS_CHAOS_HISTORY_CALLERS_H_
