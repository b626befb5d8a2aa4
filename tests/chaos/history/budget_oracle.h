#ifndef TESTS_CHAOS_HISTORY_BUDGET_ORACLE_H_
#define TESTS_CHAOS_HISTORY_BUDGET_ORACLE_H_

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tests/chaos/history/budget_book.h"
#include "tests/chaos/history/budget_plan.h"
#include "tests/chaos/history/callers.h"
#include "tests/chaos/history/simulated_passfort.h"
#include "tests/chaos/history/simulated_store.h"

namespace gateway::history {

// What is true of callers' budgets: invariant (m). The BudgetBook has seen every change of the
// store; this holds it against what was sent and made, and what callers were told.
class BudgetOracle {
 public:
  // All outlive it.
  struct Truth {
    const VirtualWorld& world;
    const Callers& callers;
    const SimulatedPassfort& passfort;
    const SimulatedStore& store;
    const BudgetPlan& plan;
    const BudgetBook& book;
  };

  // `findings` gets what it finds.
  BudgetOracle(Truth truth, std::vector<std::string>& findings)
      : truth_(truth), findings_(findings) {}

  void JudgeAll();

 private:
  // What calls without a request_id were charged with, as far as it is known which one it was.
  void FindDirectCharges();
  void JudgePosts();
  std::optional<ChargeKey> ChargeOf(const Post& post);
  std::optional<ChargeKey> DirectChargeOf(const Post& post);
  void JudgeMade();
  void JudgeReached(const Call& call);
  // Whether some moment before the answer was as the caller was told.
  bool WasReached(const Call& call, const ChargeKey& charge) const;
  void JudgeNotBegun(const Call& call);
  void JudgeGivenBack();
  // Whether a call that was charged may give that back, and whether it surely does.
  bool MayGiveBack(const Call& call) const;
  bool MustGiveBack(const Call& call) const;

  const Post* FirstPostOf(const Call& call) const;
  // The earliest moment of the store that an answer to the call may tell of.
  SteadyTime EarliestKnown(const Call& call) const;
  void Report(std::string finding) { findings_.push_back("(m) " + std::move(finding)); }

  const Truth truth_;
  std::vector<std::string>& findings_;
  std::map<int, ChargeKey> direct_charges_;
  std::vector<BudgetBook::DirectCharge> of_unknown_calls_;
  // By POST.
  std::map<int, ChargeKey> charges_;
};

}  // namespace gateway::history

#endif  // TESTS_CHAOS_HISTORY_BUDGET_ORACLE_H_
