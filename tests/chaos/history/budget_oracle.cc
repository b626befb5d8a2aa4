#include "tests/chaos/history/budget_oracle.h"

#include <algorithm>
#include <iterator>

#include "absl/strings/str_cat.h"

namespace gateway::history {
namespace {

// Longer than the store takes for one when it is well.
constexpr Milliseconds kOneStatement{10};
// For which one that is slow may hold up the others of its account.
constexpr Milliseconds kStoreTimeout{5000};

bool IsDirect(const Call& call) { return call.request_id.empty(); }

bool IsNotBegun(const Reported& told) {
  return std::holds_alternative<IdempotencyError>(told.outcome);
}

bool IsSurelyNotExecuted(const Reported& told) {
  return std::holds_alternative<NotExecuted>(told.outcome) ||
         std::holds_alternative<Refused>(told.outcome);
}

}  // namespace

void BudgetOracle::JudgeAll() {
  if (!truth_.plan.has_budgets()) return;
  for (const std::string& finding : truth_.book.findings()) findings_.push_back(finding);
  MatchDirectCharges();
  JudgePosts();
  JudgeMade();
  for (const Call& call : truth_.callers.calls()) {
    if (!call.end) continue;
    if (IsDirect(call) && IsNotBegun(*call.end)) JudgeNotBegun(call);
    if (IsBudgetReached(*call.end)) JudgeReached(call);
  }
  JudgeGivenBack();
}

void BudgetOracle::MatchDirectCharges() {
  for (const BudgetBook::DirectCharge& charged : truth_.book.direct_charges()) {
    ++direct_counts_[charged.charge];
    if (const Post* const post = DirectPostFor(charged)) {
      direct_charges_.emplace(post->call, charged.charge);
    }
  }
}

const Post* BudgetOracle::DirectPostFor(const BudgetBook::DirectCharge& charged) const {
  const Post* first = nullptr;
  for (const auto& post : truth_.passfort.posts()) {
    const bool is_direct = post->left_at && post->request_id.empty();
    if (!is_direct || post->process != charged.process || *post->left_at < charged.at) continue;
    const Call& call = truth_.callers.calls()[static_cast<size_t>(post->call)];
    const bool fits = call.budget && call.account == charged.charge.first &&
                      call.begun <= charged.at && FirstPostOf(call) == post.get() &&
                      !direct_charges_.contains(call.number);
    if (fits && (first == nullptr || *post->left_at < *first->left_at)) first = post.get();
  }
  return first;
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

std::optional<ChargeKey> BudgetOracle::ChargeOf(const Post& post) const {
  if (post.request_id.empty()) {
    const auto charge = direct_charges_.find(post.call);
    if (charge == direct_charges_.end()) return std::nullopt;
    return charge->second;
  }
  const BudgetBook::Held* const held = truth_.book.ChargeAt(post.request_id, *post.left_at);
  if (held == nullptr) return std::nullopt;
  return held->charge;
}

ChargeKey BudgetOracle::Counted(const ChargeKey& charge) const {
  const auto& counts = direct_counts_;
  const auto first = std::find_if(counts.begin(), counts.end(), [&](const auto& count) {
    return count.first.first == charge.first;
  });
  const bool has_two_days = first != counts.end() && std::next(first) != counts.end() &&
                            std::next(first)->first.first == charge.first;
  if (!has_two_days) return charge;
  return {charge.first, first->first.second};
}

// What was made is within the limit, and counted.
void BudgetOracle::JudgeMade() {
  std::map<ChargeKey, int64_t> made;
  const auto count = [&](const Made& there) {
    const auto charge = charges_.find(there.post);
    if (charge != charges_.end()) ++made[Counted(charge->second)];
  };
  for (const Made& there : truth_.passfort.applications()) count(there);
  for (const Made& there : truth_.passfort.profiles()) count(there);
  for (const auto& [charge, number] : made) {
    const ChargeKey next_day{charge.first, charge.second + 1};
    const bool is_two_days = Counted(next_day) == charge;
    const int64_t limit = truth_.plan.Largest(charge.first, truth_.world.age());
    const int64_t most = is_two_days ? 2 * limit : limit;
    if (number > most) {
      Report(absl::StrCat(NameOf(charge), ": ", number, " were made, and the limit is ", most));
    }
    const int64_t used = truth_.book.Used(charge) + (is_two_days ? truth_.book.Used(next_day) : 0);
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
}

// By those that did nothing, and by each only once.
void BudgetOracle::JudgeGivenBack() {
  std::map<ChargeKey, int> given_back;
  std::map<ChargeKey, int> most;
  std::map<ChargeKey, int> least;
  for (const auto& [charge, count] : direct_counts_) {
    most[Counted(charge)] += count;
    given_back[Counted(charge)] += truth_.book.DirectlyGivenBack(charge);
  }
  for (const auto& [number, charge] : direct_charges_) {
    const Call& call = truth_.callers.calls()[static_cast<size_t>(number)];
    if (!MayGiveBack(call)) --most[Counted(charge)];
    if (MustGiveBack(call)) ++least[Counted(charge)];
  }
  for (const auto& [charge, number] : most) {
    const int given = given_back[charge];
    if (least[charge] <= given && given <= number) continue;
    Report(absl::StrCat(NameOf(charge), ": ", given, " given back without a request_id, but ",
                        given > number ? number : least[charge], " did nothing"));
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
  const SteadyTime before = *call.ended - kStoreTimeout;
  return call.process->RanThrough(before, given_back) &&
         !truth_.store.WasUnwell(before, given_back);
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
