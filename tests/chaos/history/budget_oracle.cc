#include "tests/chaos/history/budget_oracle.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace gateway::history {
namespace {

// Longer than the store takes for one when it is well.
constexpr Milliseconds kOneStatement{10};

bool IsDirect(const Call& call) { return call.request_id.empty(); }

bool IsNotBegun(const Told& told) { return std::holds_alternative<IdempotencyError>(told.outcome); }

bool IsSurelyNotExecuted(const Told& told) {
  return std::holds_alternative<NotExecuted>(told.outcome) ||
         std::holds_alternative<Refused>(told.outcome);
}

}  // namespace

void BudgetOracle::JudgeAll() {
  if (!truth_.plan.has_budgets()) return;
  for (const std::string& finding : truth_.book.findings()) findings_.push_back(finding);
  FindDirectCharges();
  JudgePosts();
  JudgeMade();
  for (const Call& call : truth_.callers.calls()) {
    if (!call.end) continue;
    if (IsDirect(call) && IsNotBegun(*call.end)) JudgeNotBegun(call);
    if (IsBudgetReached(*call.end)) JudgeReached(call);
  }
  JudgeGivenBack();
}

void BudgetOracle::FindDirectCharges() {
  for (const BudgetBook::DirectCharge& charged : truth_.book.direct_charges()) {
    const int call = charged.asker.direct_call;
    if (call == BudgetBook::kNobody) {
      of_unknown_calls_.push_back(charged);
      continue;
    }
    const bool is_first = direct_charges_.emplace(call, charged.charge).second;
    if (!is_first) Report(absl::StrCat("call ", call, " is charged twice"));
  }
}

// Nothing leaves without a charge.
void BudgetOracle::JudgePosts() {
  for (const auto& post : truth_.passfort.posts()) {
    if (!post->left_at || !truth_.callers.calls()[static_cast<size_t>(post->call)].budget) continue;
    if (const auto charge = ChargeOf(*post)) {
      charges_.emplace(post->number, *charge);
    } else {
      Report(absl::StrCat("POST ", post->number, " of ", post->request_id, " (call ", post->call,
                          ") left without a charge"));
    }
  }
}

std::optional<ChargeKey> BudgetOracle::ChargeOf(const Post& post) {
  if (post.request_id.empty()) return DirectChargeOf(post);
  const BudgetBook::Held* const held = truth_.book.ChargeAt(post.request_id, *post.left_at);
  if (held == nullptr) return std::nullopt;
  return held->charge;
}

std::optional<ChargeKey> BudgetOracle::DirectChargeOf(const Post& post) {
  const auto known = direct_charges_.find(post.call);
  if (known != direct_charges_.end()) return known->second;
  const std::string& account = truth_.callers.calls()[static_cast<size_t>(post.call)].account;
  const auto found = std::find_if(of_unknown_calls_.begin(), of_unknown_calls_.end(),
                                  [&](const BudgetBook::DirectCharge& charged) {
                                    return charged.asker.process == post.process &&
                                           charged.charge.first == account &&
                                           charged.at <= *post.left_at;
                                  });
  if (found == of_unknown_calls_.end()) return std::nullopt;
  const ChargeKey charge = found->charge;
  direct_charges_.emplace(post.call, charge);
  of_unknown_calls_.erase(found);
  return charge;
}

// What was made is within the limit, and counted.
void BudgetOracle::JudgeMade() {
  std::map<ChargeKey, int64_t> made;
  const auto count = [&](const Made& there) {
    const auto charge = charges_.find(there.post);
    if (charge != charges_.end()) ++made[charge->second];
  };
  for (const Made& there : truth_.passfort.applications()) count(there);
  for (const Made& there : truth_.passfort.profiles()) count(there);
  for (const auto& [charge, number] : made) {
    const int64_t most = truth_.plan.Largest(charge.first, truth_.world.age());
    if (number > most) {
      Report(absl::StrCat(NameOf(charge), ": ", number, " were made, and the limit is ", most));
    }
    const int64_t used = truth_.book.Used(charge);
    if (number > used) {
      Report(absl::StrCat(NameOf(charge), ": ", number, " were made, and ", used, " are counted"));
    }
  }
}

// The budget was used up when the store was asked, and nothing was known of the request_id.
void BudgetOracle::JudgeReached(const Call& call) {
  const auto& reached = std::get<IdempotencyError>(call.end->outcome);
  if (!reached.resets_at) return Report(absl::StrCat(NameOf(call), " is not told when to return"));
  constexpr int64_t kDay = 24 * 60 * 60;
  const int64_t resets_at = absl::ToUnixSeconds(*reached.resets_at);
  const ChargeKey charge{call.account, resets_at / kDay - 1};
  if (resets_at % kDay != 0 || !WasReached(call, charge)) {
    Report(absl::StrCat(NameOf(call), " was told CALLER_BUDGET_REACHED, but ", NameOf(charge),
                        " was not used up"));
  }
  const SteadyTime known = EarliestKnown(call);
  const auto& held = truth_.book.held();
  const bool was_charged = std::any_of(held.begin(), held.end(), [&](const BudgetBook::Held& one) {
    return one.request_id == call.request_id && one.from <= known && *call.ended <= one.to;
  });
  if (was_charged) {
    Report(absl::StrCat(NameOf(call), " was told CALLER_BUDGET_REACHED, but it is charged"));
  }
  const Post* const post = FirstPostOf(call);
  const bool is_same_record = truth_.store.Generation(call.request_id, call.begun) ==
                              truth_.store.Generation(call.request_id, *call.ended);
  if (post != nullptr && is_same_record) {
    Report(absl::StrCat(NameOf(call), " was told CALLER_BUDGET_REACHED, but POST ", post->number,
                        " left"));
  }
}

bool BudgetOracle::WasReached(const Call& call, const ChargeKey& charge) const {
  // One that shares a session is told what the first of them meets.
  std::set<int64_t> limits;
  for (const Call& other : truth_.callers.calls()) {
    const bool may_share =
        &other == &call || (!IsDirect(call) && other.process == call.process &&
                            other.request_id == call.request_id && other.begun <= *call.ended);
    if (may_share && other.budget) limits.insert(other.budget->writes_per_day);
  }
  if (limits.empty()) return false;
  const int64_t most = truth_.book.MostUsed(charge, EarliestKnown(call), *call.ended);
  return most >= *limits.begin();
}

void BudgetOracle::JudgeNotBegun(const Call& call) {
  if (const Post* const post = FirstPostOf(call)) {
    Report(absl::StrCat(NameOf(call), " was told ", Describe(*call.end), ", but POST ",
                        post->number, " left"));
  }
  if (!IsBudgetReached(*call.end) || !direct_charges_.contains(call.number)) return;
  Report(absl::StrCat(NameOf(call), " was told CALLER_BUDGET_REACHED, but it is charged"));
}

// By those that did nothing, and by each only once.
void BudgetOracle::JudgeGivenBack() {
  std::map<ChargeKey, int> most;
  std::map<ChargeKey, int> least;
  for (const auto& [number, charge] : direct_charges_) {
    const Call& call = truth_.callers.calls()[static_cast<size_t>(number)];
    if (MayGiveBack(call)) ++most[charge];
    if (MustGiveBack(call)) ++least[charge];
    most.try_emplace(charge);
  }
  for (const BudgetBook::DirectCharge& charged : of_unknown_calls_) ++most[charged.charge];
  for (const auto& [charge, number] : most) {
    const int given_back = truth_.book.DirectlyGivenBack(charge);
    if (least[charge] <= given_back && given_back <= number) continue;
    Report(absl::StrCat(NameOf(charge), ": ", given_back, " given back without a request_id, but ",
                        given_back > number ? number : least[charge], " did nothing"));
  }
}

bool BudgetOracle::MayGiveBack(const Call& call) const {
  if (call.end && !IsSurelyNotExecuted(*call.end)) return false;
  const auto& posts = truth_.passfort.posts();
  return std::all_of(posts.begin(), posts.end(), [&](const auto& post) {
    return post->call != call.number || !post->left_at || post->learnt == Post::Learnt::kNotDone;
  });
}

bool BudgetOracle::MustGiveBack(const Call& call) const {
  if (!call.end || !IsSurelyNotExecuted(*call.end)) return false;
  const SteadyTime given_back = *call.ended + kOneStatement;
  return call.process->RanThrough(*call.ended, given_back) &&
         !truth_.store.WasUnwell(*call.ended, given_back);
}

const Post* BudgetOracle::FirstPostOf(const Call& call) const {
  for (const auto& post : truth_.passfort.posts()) {
    if (post->call == call.number && post->left_at) return post.get();
  }
  return nullptr;
}

// The look at the budget, and the release of the record after it.
SteadyTime BudgetOracle::EarliestKnown(const Call& call) const {
  SteadyTime known = call.begun;
  for (int statement = 0; statement < 2; ++statement) {
    const Milliseconds lag = truth_.store.AnswerLag();
    known = call.process->RunningBefore(known - lag) - lag;
  }
  return known;
}

}  // namespace gateway::history
