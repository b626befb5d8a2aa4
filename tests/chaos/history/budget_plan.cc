#include "tests/chaos/history/budget_plan.h"

#include <algorithm>

namespace gateway::history {
namespace {

constexpr size_t kReplicas = 3;
constexpr Milliseconds kNever = Milliseconds::max();
// Into the time of the repeats, in a short history.
constexpr Milliseconds kLatestMidnight{16000};
constexpr Milliseconds kLatestReload{8000};
constexpr Milliseconds kSpread{2000};
constexpr int64_t kFarAway = 50;
// Half an hour before midnight, in 2009.
constexpr int64_t kOrdinaryBeginning = 1'234'567'890;
constexpr int64_t kMidnight = 1'234'569'600;

SeededRandom ChanceOf(uint64_t seed) { return SeededRandom(seed * 0x2545f4914f6cdd1d + 12); }

}  // namespace

bool BudgetPlan::HasBudgets(uint64_t seed) { return ChanceOf(seed).Happens(1.0 / 3); }

BudgetPlan::BudgetPlan(uint64_t seed, Limits limits)
    : chance_(ChanceOf(seed)), beginning_(absl::FromUnixSeconds(kOrdinaryBeginning)) {
  if (!chance_.Happens(1.0 / 3)) return;
  if (chance_.Happens(0.4)) {
    const Milliseconds until_midnight = chance_.Between(Milliseconds(0), kLatestMidnight);
    beginning_ = absl::FromUnixSeconds(kMidnight) - absl::FromChrono(until_midnight);
  }
  for (const char* name : {"caller:one", "caller:two"}) {
    const Limit limit = SomeLimit(limits);
    accounts_.push_back({.name = name, .before = limit, .after = limit});
  }
  reloads_.assign(kReplicas, kNever);
  if (limits == Limits::kWide || !chance_.Happens(0.2)) return;
  for (Account& account : accounts_) account.after = SomeLimit(limits);
  PlanReloads();
}

BudgetPlan::Limit BudgetPlan::SomeLimit(Limits limits) {
  if (limits == Limits::kWide || chance_.Happens(0.1)) return kFarAway;
  if (chance_.Happens(0.1)) return std::nullopt;
  return 1 + static_cast<int64_t>(chance_.Below(4));
}

// At about the same time everywhere, or some replica is forgotten.
void BudgetPlan::PlanReloads() {
  const Milliseconds first = chance_.Between(Milliseconds(0), kLatestReload);
  for (Milliseconds& reload : reloads_) {
    if (chance_.Happens(0.2)) continue;
    reload = first + chance_.Between(Milliseconds(0), kSpread);
  }
}

std::string BudgetPlan::SomeAccount() {
  return accounts_.empty() ? "" : chance_.OneOf(accounts_).name;
}

std::optional<WriteBudget> BudgetPlan::Of(const std::string& account, size_t replica,
                                          Milliseconds age) const {
  const Account* const found = Find(account);
  if (found == nullptr) return std::nullopt;
  const Limit& limit = age < reloads_[replica] ? found->before : found->after;
  if (!limit) return std::nullopt;
  return WriteBudget{.account = account, .writes_per_day = *limit};
}

int64_t BudgetPlan::Largest(const std::string& account, Milliseconds age) const {
  const Account* const found = Find(account);
  if (found == nullptr) return 0;
  const bool is_reloaded = age >= *std::min_element(reloads_.begin(), reloads_.end());
  return std::max(found->before.value_or(0), is_reloaded ? found->after.value_or(0) : 0);
}

bool BudgetPlan::IsAlwaysLimited(const std::string& account) const {
  const Account* const found = Find(account);
  return found != nullptr && found->before && found->after;
}

const BudgetPlan::Account* BudgetPlan::Find(const std::string& name) const {
  const auto found = std::find_if(accounts_.begin(), accounts_.end(),
                                  [&](const Account& account) { return account.name == name; });
  return found == accounts_.end() ? nullptr : &*found;
}

}  // namespace gateway::history
