#ifndef TESTS_CHAOS_HISTORY_CALLERS_H_
#define TESTS_CHAOS_HISTORY_CALLERS_H_

#include <deque>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "service/operations/application_writer.h"
#include "tests/chaos/history/replica.h"
#include "tests/chaos/history/virtual_world.h"

namespace gateway::history {

// One call as its caller sees it.
struct Call {
  int number = 0;
  std::string request_id;  // empty: a call without one
  ApplicationDraft draft;
  // Where it went.
  const SimulatedProcess* process = nullptr;
  SteadyTime begun;
  SteadyTime deadline;
  // When the process learnt that the caller had gone.
  std::optional<SteadyTime> cancelled;
  // When the process ended it, with a response or by dying.
  std::optional<SteadyTime> ended;
  // What the caller was told by the gateway, if it was still there.
  std::optional<WriteResult> result;
  std::stop_source stop;

  // Until when somebody may still work for it.
  SteadyTime UnderWayUntil() const;
};

// One thing that somebody wants, and the name that it gets.
struct Intent {
  std::string request_id;
  ApplicationDraft draft;
  // Calls that may still be made because an earlier one brought no clear answer.
  int repeats_left = 0;
};

// The callers of all replicas: they call, repeat, cancel and give up.
class Callers {
 public:
  // Whether all applications are for a role, or only some.
  enum class Roles { kSome, kAll };

  Callers(VirtualWorld& world, std::vector<std::unique_ptr<Replica>>& replicas, Roles roles)
      : world_(world), replicas_(replicas), roles_(roles) {}

  // Whether all want the very same, each on its own.
  enum class Wishes { kAny, kEqual };
  // Makes up who wants what, and when they call within `duration`.
  void Begin(Milliseconds duration, Wishes wishes);
  // Makes up `count` that want the very same, and call when they are told to.
  void WantTheSame(size_t count);
  // No call is made any more but by `CallNow`.
  void BeCalm() { is_calm_ = true; }

  // Calls some replica; null if it does not run.
  Call* CallNow(const std::string& request_id, const ApplicationDraft& draft, Milliseconds timeout);

  // In the order of their making. With the drafts that a request_id was reused for.
  const std::deque<Intent>& intents() const { return intents_; }
  const std::deque<Call>& calls() const { return calls_; }
  // What a stranger would add: something like what is wanted.
  ApplicationDraft StrangersDraft();

 private:
  ApplicationDraft SomeDraft();
  void PlanCall(Intent& intent, Milliseconds from, Milliseconds to);
  void MakeCall(Intent& intent);
  void OnAnswer(Call& call, const WriteResult& result);
  void CancelSometime(Call& call);

  VirtualWorld& world_;
  std::vector<std::unique_ptr<Replica>>& replicas_;
  const Roles roles_;
  // Deques: what is in them stays where it is.
  std::deque<Intent> intents_;
  std::deque<Call> calls_;
  bool is_calm_ = false;
};

// "OK reconciled", "UNKNOWN", "NOT_CREATED".
std::string KindOf(const WriteResult& result);
// The same with the ids.
std::string Describe(const WriteResult& result);

}  // namespace gateway::history

#endif  // TESTS_CHAOS_HISTORY_CALLERS_H_
