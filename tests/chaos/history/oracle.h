#ifndef TESTS_CHAOS_HISTORY_ORACLE_H_
#define TESTS_CHAOS_HISTORY_ORACLE_H_

#include <deque>
#include <string>
#include <vector>

#include "tests/chaos/history/budget_oracle.h"
#include "tests/chaos/history/callers.h"
#include "tests/chaos/history/profile_oracle.h"
#include "tests/chaos/history/simulated_passfort.h"
#include "tests/chaos/history/simulated_store.h"

namespace gateway::history {

// Holds what callers were told against what really happened. Each finding is a broken promise, in
// words; none is what a history ends with.
class Oracle {
 public:
  // All outlive it.
  Oracle(const VirtualWorld& world, const Callers& callers, const SimulatedPassfort& passfort,
         const SimulatedStore& store, const BudgetPlan& plan, const BudgetBook& book)
      : callers_(callers),
        passfort_(passfort),
        store_(store),
        answer_lag_(store.AnswerLag()),
        profiles_(callers, passfort, store, findings_),
        budgets_({.world = world,
                  .callers = callers,
                  .passfort = passfort,
                  .store = store,
                  .plan = plan,
                  .book = book},
                 findings_) {}

  // What must be true of every history, faults or not.
  void JudgeAll();
  // `call` repeated its request_id after all faults had ended. `posts_before`: how many POSTs there
  // had been until then.
  void JudgeRepeat(const Call& call, size_t posts_before);
  void Report(std::string finding) { findings_.push_back(std::move(finding)); }

  const std::vector<std::string>& findings() const { return findings_; }

 private:
  template <typename MadeThings>
  void JudgeAtMostOne(const MadeThings& made_things, const char* letter, const char* noun);
  void JudgeTime(const Call& call);
  void JudgeOk(const Call& call, const ApplicationDraft& draft, const Given& given);
  void JudgeSameAnswer(const Call& call, const Given& given);
  bool IsPassfortsWord(const Call& call, const std::string& id) const;
  void JudgeNotDone(const Call& call);
  void JudgeNotDone(const Call& call, Meaning meaning, const Made& made);
  void JudgeUndecided(const Call& call, const ApplicationDraft& draft, size_t posts_before);

  // Of the POST that made it.
  int GenerationOf(const Made& made) const;
  // Whether the call belongs to that generation, as far as can be said of one that spans two.
  bool IsOf(const Call& call, int generation) const;

  const MadeApplication* Find(const std::string& id) const;
  // Of the generation of `call`.
  SteadyTime FirstCall(const Call& call) const;
  void JudgeStrangers(const Call& call, const MadeApplication& found);
  // Whether Passfort named that application in a response to a POST of the request_id.
  bool WasAnswered(const std::string& request_id, const std::string& id) const;

  const Callers& callers_;
  const SimulatedPassfort& passfort_;
  const SimulatedStore& store_;
  // The longest that a response of the store takes to reach who waits for it.
  const Milliseconds answer_lag_;
  std::vector<std::string> findings_;
  ProfileOracle profiles_;
  BudgetOracle budgets_;
};

}  // namespace gateway::history

#endif  // TESTS_CHAOS_HISTORY_ORACLE_H_
