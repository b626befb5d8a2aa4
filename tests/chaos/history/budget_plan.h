#ifndef TESTS_CHAOS_HISTORY_BUDGET_PLAN_H_
#define TESTS_CHAOS_HISTORY_BUDGET_PLAN_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "service/base/deadline.h"
#include "service/idempotency/store/record.h"
#include "tests/chaos/history/seeded_random.h"

namespace gateway::history {

// Who may make how many writes a day in one history: what the operator's file says, and when each
// replica has read another one. Its random numbers are its own, so that a history without budgets
// is the same whatever is done here.
class BudgetPlan {
 public:
  // Whether limits may be reached, or are there but far away.
  enum class Limits { kTight, kWide };

  // Whether the history of `seed` has budgets.
  static bool HasBudgets(uint64_t seed);

  BudgetPlan(uint64_t seed, Limits limits);

  bool has_budgets() const { return !accounts_.empty(); }
  // The store's clock at the beginning: in some histories, soon before midnight.
  absl::Time beginning() const { return beginning_; }

  // Whom an intent belongs to. Empty without budgets.
  std::string SomeAccount();
  // For what else is random about budgets.
  SeededRandom& chance() { return chance_; }

  // Where and when a call arrives; `age` is that of the history.
  std::optional<WriteBudget> Of(const std::string& account, size_t replica, Milliseconds age) const;
  // The largest that any replica has known by then.
  int64_t Largest(const std::string& account, Milliseconds age) const;
  // Whether every call of the account has a budget.
  bool IsAlwaysLimited(const std::string& account) const;

 private:
  // Unset: any number of writes.
  using Limit = std::optional<int64_t>;
  struct Account {
    std::string name;
    Limit before;
    Limit after;
  };

  Limit SomeLimit(Limits limits);
  void PlanReloads();
  const Account* Find(const std::string& name) const;

  SeededRandom chance_;
  absl::Time beginning_;
  std::vector<Account> accounts_;
  // When each replica reads the other file, if it ever does.
  std::vector<Milliseconds> reloads_;
};

}  // namespace gateway::history

#endif  // TESTS_CHAOS_HISTORY_BUDGET_PLAN_H_
