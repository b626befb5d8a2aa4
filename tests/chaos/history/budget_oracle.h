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
  // Finds a charge for every call without a request_id that sent a POST.
  void MatchDirectCharges();
  // That left first, of those that may have been charged then and have no charge yet.
  const Post* DirectPostFor(const BudgetBook::DirectCharge& charged) const;
  void JudgePosts();
  std::optional<ChargeKey> ChargeOf(const Post& post) const;
  // Where calls without a request_id are charged on two days, which one was on which is not known:
  // both days count as one.
  ChargeKey Counted(const ChargeKey& charge) const;
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
  // By call, without a request_id.
  std::map<int, ChargeKey> direct_charges_;
  std::map<ChargeKey, int> direct_counts_;
  // By POST.
  std::map<int, ChargeKey> charges_;
};

}  // namespace gateway::history

#endif  // TESTS_CHAOS_HISTORY_BUDGET_ORACLE_H_
