#include "tests/chaos/history/history.h"

#include <memory>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "service/idempotency/store/record_statements.h"
#include "tests/chaos/history/budget_book.h"
#include "tests/chaos/history/budget_plan.h"
#include "tests/chaos/history/callers.h"
#include "tests/chaos/history/oracle.h"
#include "tests/chaos/history/replica.h"
#include "tests/chaos/history/scene.h"
#include "tests/chaos/history/simulated_passfort.h"
#include "tests/chaos/history/simulated_store.h"

namespace gateway::history {
namespace {

constexpr Milliseconds kStormy{8000};
// Where records expire: long enough for one to outlive another; and for a scene.
constexpr Milliseconds kLongStorm{24000};
// Far above any history.
constexpr Milliseconds kForEver{3'600'000};
// The longest call that was begun in the storm, and the longest that a record may be unresolved
// after that.
const Milliseconds kCalm = Milliseconds(9500) + LongestUnresolved() + Milliseconds(2500);
// Above the time that a slow statement is on its way.
constexpr Milliseconds kRestCheck{2000};
const Milliseconds kRepeatTimeout = 3 * LongestUnresolved();
// The background reconciler's own store timeout, and more.
constexpr Milliseconds kDrain{6000};
constexpr double kVeryLikely = 0.5;
constexpr size_t kSteps = static_cast<size_t>(FailPointId::kAfterFinish) + 1;
constexpr int64_t kSentState = static_cast<int64_t>(RecordState::kSent);

// Most histories are about anything. In some, callers want the very same, so that what one takes
// for its own may turn out to be another's, when a process goes on that was stopped with Passfort's
// response in its hands. A few are played as a scene. In some, profiles are created beside all
// that.
enum class Theme { kAnything, kRivals, kScene, kProfiles };

Theme SomeTheme(SeededRandom& chance) {
  const double theme = chance.Fraction();
  if (theme < 0.025) return Theme::kScene;
  if (theme < 0.08) return Theme::kRivals;
  return theme < 0.75 ? Theme::kAnything : Theme::kProfiles;
}

// Most kinds of fault are off in a history: a few at a time reach states that many at once never
// reach.
double Sometimes(SeededRandom& chance, double how_often, double most) {
  return chance.Happens(how_often) ? chance.Fraction() * most : 0;
}

PassfortWeather RivalsPassfortWeather(SeededRandom& chance) {
  return {.drop_before = chance.Fraction(),
          .slow = chance.Fraction(),
          .impatient = Sometimes(chance, 0.5, 1),
          .unreadable = Sometimes(chance, 0.6, 0.5)};
}

// So mild that the scene mostly takes its way.
PassfortWeather ScenePassfortWeather(SeededRandom& chance) {
  const auto some = [&chance] { return Sometimes(chance, 0.1, 0.3); };
  return {.slow_connect = some(),
          .late = some(),
          .list_fails = some(),
          .list_slow = some(),
          .upper_case = some(),
          .odd_alias = some(),
          .unreadable = some(),
          .policy_other = some()};
}

PassfortWeather SomePassfortWeather(SeededRandom& chance, Theme theme) {
  if (theme == Theme::kRivals) return RivalsPassfortWeather(chance);
  if (theme == Theme::kScene) return ScenePassfortWeather(chance);
  const auto some = [&chance] { return Sometimes(chance, 0.2, 0.5); };
  PassfortWeather weather{.unreachable = some(),
                          .slow_connect = some(),
                          .drop_before = some(),
                          .drop_after = some(),
                          .late = Sometimes(chance, 0.3, 0.7),
                          .hang = Sometimes(chance, 0.3, 0.7),
                          .slow = Sometimes(chance, 0.3, 0.7),
                          .impatient = Sometimes(chance, 0.3, 0.7),
                          .error_before = some(),
                          .error_after = some(),
                          .error_late = some(),
                          .rate_limited = some(),
                          .refused = some(),
                          .existing = some(),
                          .list_fails = some(),
                          .list_refused = Sometimes(chance, 0.1, 0.3),
                          .list_slow = some(),
                          .no_alias = some(),
                          .no_product_id = some(),
                          .no_role = some(),
                          .upper_case = some(),
                          .odd_alias = some(),
                          .unreadable = some(),
                          .hidden = some(),
                          .never_readable = Sometimes(chance, 0.1, 0.4),
                          .policy_other = some(),
                          .policy_equal = Sometimes(chance, 0.1, 0.5)};
  if (chance.Happens(0.2)) {
    using Conflict = PassfortWeather::Conflict;
    weather.conflict = chance.OneOf(std::vector<Conflict>{Conflict::kHttp409, Conflict::kCode202,
                                                          Conflict::kCode202WithSuccess});
  }
  if (chance.Happens(0.15)) {
    using RoleRule = PassfortWeather::RoleRule;
    weather.role_rule = chance.OneOf(std::vector<RoleRule>{RoleRule::kDropped, RoleRule::kSwapped});
  }
  weather.shows_no_alias = chance.Happens(0.1);
  return weather;
}

StoreWeather SomeStoreWeather(SeededRandom& chance) {
  return {.lost_before = Sometimes(chance, 0.2, 0.2),
          .lost_after = Sometimes(chance, 0.2, 0.2),
          .slow = Sometimes(chance, 0.2, 0.2)};
}

ProcessWeather SomeProcessWeather(SeededRandom& chance, Theme theme) {
  if (theme == Theme::kScene) return {};
  if (theme == Theme::kRivals) {
    return {.freeze_at_step = chance.Fraction(), .only_step = FailPointId::kAfterAttempt};
  }
  ProcessWeather weather{.crash_at_step = Sometimes(chance, 0.3, 0.2),
                         .freeze_at_step = Sometimes(chance, 0.3, 0.2),
                         .crash_at_statement = Sometimes(chance, 0.1, 0.05),
                         .freeze_at_statement = Sometimes(chance, 0.2, 0.05)};
  if (chance.Happens(0.4)) {
    // One kind of step again and again; most often where a POST is about to leave or has left.
    const FailPointId around_post =
        chance.Happens(0.7) ? FailPointId::kAfterIntent : FailPointId::kAfterAttempt;
    const auto any = static_cast<FailPointId>(chance.Below(kSteps));
    weather.only_step = chance.Happens(0.5) ? around_post : any;
    (chance.Happens(0.5) ? weather.crash_at_step : weather.freeze_at_step) = kVeryLikely;
  }
  if (chance.Happens(0.2)) {
    // One kind of statement, most often the one that writes an intent.
    static const auto* const others = new std::vector<std::string_view>{
        InsertClaim(), DeleteRecord(), UpsertResponse(), UpdateReconciled()};
    const std::string_view other = chance.OneOf(*others);
    weather.only_statement = chance.Happens(0.6) ? UpdateRecord() : other;
    weather.freeze_at_statement = chance.Fraction() * kVeryLikely;
  }
  return weather;
}

// Where a budget is charged or given back; most often, so that it is not known whether it was.
void AddBudgetFaults(ProcessWeather& weather, SeededRandom& chance) {
  static const auto* const statements = new std::vector<std::string_view>{
      ChargeRecord(), ChargeAccount(), GiveBackCharge(), SelectBudget()};
  weather.only_statement = chance.OneOf(*statements);
  (chance.Happens(0.5) ? weather.crash_at_statement : weather.freeze_at_statement) =
      chance.Fraction() * kVeryLikely;
}

// What no list could tell apart is not asked for: where items come without their role, nobody wants
// one of the same product without any.
Callers::Roles RolesIn(const PassfortWeather& weather) {
  return weather.no_role > 0 ? Callers::Roles::kAll : Callers::Roles::kSome;
}

// A bit above what an attempt may be unresolved for, as the settings ask for; or for ever.
Milliseconds SomeReplayWindow(SeededRandom& chance) {
  if (!chance.Happens(0.2)) return kForEver;
  return LongestUnresolved() + chance.Between(Milliseconds(100), Milliseconds(4000));
}

class History {
 public:
  History(uint64_t seed, SqliteConnection& database, VirtualWorld::Trace trace)
      : world_(seed, trace),
        theme_(SomeTheme(world_.chance())),
        passfort_weather_(SomePassfortWeather(world_.chance(), theme_)),
        store_weather_(SomeStoreWeather(world_.chance())),
        plan_(seed, IsAboutAnything() ? BudgetPlan::Limits::kTight : BudgetPlan::Limits::kWide),
        store_(world_, database, store_weather_, SomeReplayWindow(world_.chance()),
               plan_.beginning()),
        book_(world_, database, plan_),
        storm_(IsLong() ? kLongStorm : kStormy),
        passfort_(world_,
                  {.attempt_timeout = ShortWindows().attempt_timeout,
                   .settle_window = ShortWindows().settle_window},
                  passfort_weather_),
        callers_(world_, replicas_, plan_, RolesIn(passfort_weather_)),
        scene_(world_, passfort_weather_, passfort_, store_, replicas_, callers_),
        oracle_(world_, callers_, passfort_, store_, plan_, book_) {
    if (plan_.has_budgets()) store_.ShowTo(book_);
  }

  HistoryReport Run() {
    ProcessWeather weather = SomeProcessWeather(world_.chance(), theme_);
    const bool has_tight_budgets = plan_.has_budgets() && IsAboutAnything();
    if (has_tight_budgets && plan_.chance().Happens(0.2)) AddBudgetFaults(weather, plan_.chance());
    const size_t most = 3;
    const size_t least = IsAboutAnything() ? 1 : 2;
    const size_t replicas = least + world_.chance().Below(most - least + 1);
    for (size_t i = 0; i < replicas; ++i) {
      replicas_.push_back(std::make_unique<Replica>(world_, i, store_, passfort_, weather));
    }
    if (theme_ == Theme::kScene) {
      scene_.Begin();
    } else {
      callers_.Begin(storm_,
                     theme_ == Theme::kRivals ? Callers::Wishes::kEqual : Callers::Wishes::kAny);
    }
    if (theme_ == Theme::kProfiles) callers_.BeginCreates(storm_);
    if (has_tight_budgets) callers_.BeginMore(storm_);
    PlanBlows();
    world_.RunFor(storm_);
    BeCalm();
    RepeatAll();
    End();
    oracle_.JudgeAll();
    return Report();
  }

 private:
  // What happens once, at some moment of the storm.
  void PlanBlows() {
    SeededRandom& chance = world_.chance();
    const auto sometime = [this, &chance](double how_often, size_t most,
                                          const std::function<void()>& blow) {
      if (!chance.Happens(how_often)) return;
      for (size_t count = 1 + chance.Below(most); count > 0; --count) {
        world_.After(chance.Between(Milliseconds(0), storm_), blow);
      }
    };
    sometime(0.4, 3, [this] { passfort_.AddByStranger(callers_.StrangersDraft()); });
    sometime(0.3, 2, [this] { SomeReplica().Kill(); });
    sometime(0.15, 2, [this] { SomeReplica().Drain(); });
    if (plan_.has_budgets() && plan_.chance().Happens(0.3)) {
      world_.After(plan_.chance().Between(Milliseconds(0), storm_),
                   [this] { SomeReplica().Drain(); });
    }
    sometime(0.25, 2, [this] {
      if (Process* const process = SomeReplica().process()) {
        process->life().Freeze(FreezeDuration(world_.chance()));
      }
    });
    sometime(0.2, 2, [this] {
      store_.GoAway(world_.chance().Between(Milliseconds(50), Milliseconds(2000)));
    });
    sometime(0.2, 2, [this] {
      passfort_.GoAway(world_.chance().Between(Milliseconds(50), Milliseconds(2000)));
    });
    // There before anybody calls.
    if (chance.Happens(0.5)) passfort_.AddByStranger(callers_.StrangersDraft());
  }

  // All faults end. Without any further call, all that is unresolved must be settled.
  void BeCalm() {
    world_.Note("---- calm ----");
    store_.BeCalm();
    passfort_.BeCalm();
    callers_.BeCalm();
    for (const auto& replica : replicas_) replica->Change({});
    // As soon as all is at rest, more of the calm would show nothing.
    const SteadyTime latest = world_.now() + kCalm;
    do {
      world_.RunFor(kRestCheck);
    } while (world_.now() < latest && !IsAtRest());
    for (const auto& record : store_.Records()) {
      if (record.state != kSentState) continue;
      oracle_.Report(absl::StrCat(record.request_id, " is still not settled"));
    }
  }

  bool IsAtRest() {
    for (const auto& replica : replicas_) {
      Process* const process = replica->process();
      if (process == nullptr || process->life().is_frozen() || process->is_draining()) return false;
    }
    for (const Call& call : callers_.calls()) {
      if (!call.ended) return false;
    }
    for (const auto& record : store_.Records()) {
      if (record.state == kSentState) return false;
    }
    return true;
  }

  // Every request_id is repeated, and then again: the first answer must stand.
  void RepeatAll() {
    world_.Note("---- repeats ----");
    for (int round = 0; round < 2; ++round) {
      for (const Intent& intent : callers_.intents()) {
        if (intent.request_id.empty()) continue;
        const size_t posts_before = passfort_.posts().size();
        const Call* const call = callers_.CallNow(intent, kRepeatTimeout);
        if (call == nullptr) {
          oracle_.Report("a replica does not run after the storm");
          continue;
        }
        world_.RunUntil(call->deadline, [call] { return call->ended.has_value(); });
        oracle_.JudgeRepeat(*call, posts_before);
      }
    }
  }

  void End() {
    // What was sent last may be made late.
    world_.RunFor(LongestUnresolved());
    for (const auto& replica : replicas_) replica->End();
    world_.RunFor(kDrain);
    for (const auto& replica : replicas_) {
      for (const std::string& left_over : replica->LeftOvers()) oracle_.Report(left_over);
    }
  }

  HistoryReport Report() {
    HistoryReport report;
    report.findings = oracle_.findings();
    report.trace = world_.notes();
    for (const Call& call : callers_.calls()) {
      ++report.counts["call: " + (call.result ? KindOf(*call.result) : "no word")];
    }
    for (const auto& [what, count] : world_.counts()) report.counts[std::string(what)] = count;
    report.posts = static_cast<int>(passfort_.posts().size());
    report.applications = static_cast<int>(passfort_.applications().size());
    report.profiles = static_cast<int>(passfort_.profiles().size());
    return report;
  }

  bool IsAboutAnything() const { return theme_ == Theme::kAnything || theme_ == Theme::kProfiles; }
  bool IsLong() const { return !IsAboutAnything() || store_.replay_window() != kForEver; }
  Replica& SomeReplica() { return *world_.chance().OneOf(replicas_); }

  VirtualWorld world_;
  const Theme theme_;
  const PassfortWeather passfort_weather_;
  const StoreWeather store_weather_;
  BudgetPlan plan_;
  SimulatedStore store_;
  BudgetBook book_;
  const Milliseconds storm_;
  SimulatedPassfort passfort_;
  std::vector<std::unique_ptr<Replica>> replicas_;
  Callers callers_;
  Scene scene_;
  Oracle oracle_;
};

}  // namespace

bool HasBudgets(uint64_t seed) { return BudgetPlan::HasBudgets(seed); }

HistoryReport RunHistory(uint64_t seed, SqliteConnection& database, VirtualWorld::Trace trace) {
  return History(seed, database, trace).Run();
}

}  // namespace gateway::history
