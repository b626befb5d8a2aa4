#include "tests/soak/soak_load.h"

#include <algorithm>
#include <iterator>
#include <memory>
#include <utility>

#include "tests/chaos/cluster.h"
#include "tests/soak/calls.h"

namespace gateway::soak {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;
using Expected = Ledger::Expected;
using Verdict = Judge::Verdict;

// How long the gateway has for a call whose caller sets no deadline is its setting; this is beyond
// all bounds.
constexpr milliseconds kNoAnswerAfter = 60s;
// Callers beyond that wait until others have got their answers.
constexpr size_t kMaxOpen = 400;

// Shares of all intents, in percent.
constexpr uint32_t kPlain = 32;     // without a request_id
constexpr uint32_t kCrowded = 3;    // one of several on a profile
constexpr uint32_t kWrong = 3;      // requests that are refused at once
constexpr uint32_t kSecond = 25;    // of those with a request_id: at the second store
constexpr uint32_t kFaulty = 14;    // Passfort misbehaves
constexpr uint32_t kAskAgain = 25;  // after OK
constexpr uint32_t kMisused = 3;    // the request_id, after OK
constexpr uint32_t kAbandoned = 4;  // of those without an answer so far
constexpr uint32_t kResigned = 50;  // of those that nothing was executed for

bool SeededRandom(uint32_t percent, std::mt19937& random) { return random() % 100 < percent; }

milliseconds Between(milliseconds least, milliseconds most, std::mt19937& random) {
  return least + milliseconds(random() % static_cast<uint32_t>((most - least).count() + 1));
}

pb::AddProductApplicationRequest RequestFor(const Intent& intent) {
  pb::AddProductApplicationRequest request;
  request.set_profile_id(intent.entry.profile_id);
  request.mutable_product()->set_alias(intent.entry.product_alias);
  request.set_request_id(intent.request_id);
  return request;
}

}  // namespace

// A call on its way, and the place it went to.
class PendingCall {
 public:
  PendingCall(const Replica& replica, const pb::AddProductApplicationRequest& request,
              std::optional<milliseconds> deadline)
      : replica_(replica), before_(replica.Look()), call_(before_.caller, request, deadline) {}

  Call& call() { return call_; }
  const std::string& replica() const { return replica_.name(); }
  Replica::Ending CutShortBy() const { return replica_.CutShortBy(before_); }

 private:
  const Replica& replica_;
  const Replica::View before_;
  Call call_;
};

SoakLoad::SoakLoad(Options options, Parts parts)
    : options_(options),
      parts_(std::move(parts)),
      judge_(parts_.passfort, parts_.ledger, parts_.findings, parts_.tally),
      next_slot_(std::chrono::steady_clock::now()) {
  for (int i = 0; i < options_.callers; ++i) {
    std::seed_seq seed{options_.seed, static_cast<uint32_t>(i)};
    threads_.emplace_back([this, random = Random(seed)] { Work(random); });
  }
}

SoakLoad::~SoakLoad() {
  {
    const std::lock_guard lock(mutex_);
    phase_ = Phase::kOver;
    changed_.notify_all();
  }
  for (std::thread& thread : threads_) thread.join();
}

void SoakLoad::BeginNoMore() {
  const std::lock_guard lock(mutex_);
  phase_ = Phase::kClosing;
  // Who waits for a better moment: it has come.
  std::multimap<Time, Intent> now;
  for (auto& [when, intent] : waiting_) now.emplace(Time(), std::move(intent));
  waiting_ = std::move(now);
  changed_.notify_all();
}

void SoakLoad::WaitUntilEnded(milliseconds bound) {
  std::unique_lock lock(mutex_);
  if (changed_.wait_for(lock, bound, [this] { return open_ == 0; })) return;
  for (const auto& [when, intent] : waiting_) {
    parts_.findings.Add("open for ever", intent.entry.what + " has no end after " +
                                             std::to_string(intent.calls) + " calls");
  }
  const size_t in_flight = open_ - waiting_.size();
  if (in_flight > 0)
    parts_.findings.Add("open for ever", std::to_string(in_flight) + " calls have no end");
}

size_t SoakLoad::open() const {
  const std::lock_guard lock(mutex_);
  return open_;
}

bool SoakLoad::IsClosing() const {
  const std::lock_guard lock(mutex_);
  return phase_ != Phase::kBusy;
}

void SoakLoad::Work(Random random) {
  while (std::optional<Intent> intent = Next(random)) CallFor(*std::move(intent), random);
}

std::optional<Intent> SoakLoad::Next(Random& random) {
  const auto step = std::chrono::duration_cast<Time::duration>(
      std::chrono::duration<double>(1 / options_.max_calls_per_second));
  std::unique_lock lock(mutex_);
  const Time slot = next_slot_ = std::max(std::chrono::steady_clock::now(), next_slot_ + step);
  while (phase_ != Phase::kOver) {
    const Time now = std::chrono::steady_clock::now();
    if (now < slot) {
      changed_.wait_until(lock, slot);
      continue;
    }
    if (!waiting_.empty() && waiting_.begin()->first <= now) {
      Intent intent = std::move(waiting_.begin()->second);
      waiting_.erase(waiting_.begin());
      return intent;
    }
    if (phase_ == Phase::kBusy && open_ < kMaxOpen) {
      ++open_;
      lock.unlock();
      return NewIntent(random);
    }
    if (phase_ == Phase::kClosing && open_ == 0) return std::nullopt;
    if (waiting_.empty()) {
      changed_.wait(lock);
    } else {
      changed_.wait_until(lock, waiting_.begin()->first);
    }
  }
  return std::nullopt;
}

Intent SoakLoad::NewIntent(Random& random) {
  const gateway::Intent fresh = FreshIntent();
  Intent intent;
  intent.entry = {.what = "a call without request_id for " + fresh.profile_id,
                  .profile_id = fresh.profile_id,
                  .product_alias = "forexo_basic"};
  intent.store = SeededRandom(kSecond, random) ? 1 : 0;
  if (SeededRandom(kWrong, random)) CallWrongly(random);
  if (SeededRandom(kCrowded, random)) OpenCrowd(random);
  if (!SeededRandom(kPlain, random)) {
    intent.request_id = fresh.request_id;
    intent.entry.what = fresh.request_id;
    intent.asks_again = SeededRandom(kAskAgain, random);
  }
  if (SeededRandom(kFaulty, random)) ScriptFault(intent, random);
  parts_.ledger.Open(intent.entry);
  parts_.tally.Count(
      kIntents, intent.request_id.empty() ? "begun without request_id" : "begun with request_id");
  return intent;
}

void SoakLoad::ScriptFault(Intent& intent, Random& random) {
  const auto& menu = FaultMenu();
  intent.fault = &menu[random() % menu.size()];
  for (Fault fault : intent.fault->faults) {
    fault.profile_id = intent.entry.profile_id;
    parts_.passfort.Script(std::move(fault));
  }
  parts_.tally.Count(kFaults, std::string(intent.fault->name));
}

// Several request_ids for one profile, each for another product: they have to wait for each other.
void SoakLoad::OpenCrowd(Random& random) {
  const std::string profile_id = FreshIntent().profile_id;
  const size_t store = SeededRandom(kSecond, random) ? 1 : 0;
  for (const FakeProduct& product : FakeCatalogue()) {
    Intent intent;
    intent.request_id = FreshIntent().request_id;
    intent.entry = {.what = intent.request_id + " (one of several for " + profile_id + ")",
                    .profile_id = profile_id,
                    .product_alias = std::string(product.alias)};
    intent.store = store;
    parts_.ledger.Open(intent.entry);
    parts_.tally.Count(kIntents, "begun with request_id, several on a profile");
    {
      const std::lock_guard lock(mutex_);
      ++open_;
    }
    ComeBack(std::move(intent), 0ms);
  }
}

void SoakLoad::CallFor(Intent intent, Random& random) {
  const Manner manner = ChooseManner(intent, random);
  const std::vector<CallEnd> ends = CallOnce(intent, manner, random);
  intent.calls += static_cast<int>(ends.size());
  Verdict verdict = Verdict::kNotKnown;
  for (const CallEnd& end : ends) {
    const Verdict next = judge_.Hold(intent, end);
    // Of two identical calls at once one may know more.
    if (verdict != Verdict::kDone) verdict = next;
  }
  GoOn(std::move(intent), verdict, random);
}

SoakLoad::Manner SoakLoad::ChooseManner(const Intent& intent, Random& random) const {
  const uint32_t draw = random() % 100;
  if (IsClosing()) return Manner::kPatient;
  if (draw < 12) return Manner::kHurried;
  if (draw < 22) return Manner::kGivesUp;
  if (draw < 28 && !intent.request_id.empty()) return Manner::kTwice;
  return Manner::kPatient;
}

std::vector<CallEnd> SoakLoad::CallOnce(const Intent& intent, Manner manner, Random& random) const {
  const auto& store = parts_.stores[intent.store];
  const size_t first = random() % store.size();
  // An undisturbed call takes some 10 ms: many of those in a hurry are cut short at every step.
  const milliseconds time =
      SeededRandom(70, random) ? Between(1ms, 20ms, random) : Between(20ms, 400ms, random);
  std::optional<milliseconds> deadline;
  if (manner == Manner::kHurried) deadline = time;
  const int posts_before = parts_.passfort.counts(intent.entry.profile_id).posts_begun;

  std::vector<std::unique_ptr<PendingCall>> pending;
  const size_t calls = manner == Manner::kTwice ? 2 : 1;
  for (size_t i = 0; i < calls; ++i) {
    const Replica& replica = *store[(first + i) % store.size()];
    pending.push_back(std::make_unique<PendingCall>(replica, RequestFor(intent), deadline));
  }
  std::vector<CallEnd> ends;
  for (const auto& call : pending) {
    CallEnd end = Await(*call, manner, time);
    end.has_company = calls > 1;
    end.posts_before = posts_before;
    ends.push_back(std::move(end));
  }
  return ends;
}

CallEnd SoakLoad::Await(PendingCall& pending, Manner manner, milliseconds time) const {
  CallEnd end;
  end.replica = pending.replica();
  parts_.tally.Count(kReplicas, end.replica);
  if (manner == Manner::kHurried) end.patience = CallEnd::Patience::kDeadline;
  if (manner == Manner::kGivesUp && !pending.call().HasEndedWithin(time)) {
    end.patience = CallEnd::Patience::kGaveUp;
    pending.call().GiveUp();
  }
  if (!pending.call().HasEndedWithin(kNoAnswerAfter)) {
    parts_.findings.Add("lost answer",
                        "a call to " + end.replica + " has no answer after a minute");
    pending.call().GiveUp();
  }
  end.answered = pending.call().answered();
  end.cut_short_by = pending.CutShortBy();
  constexpr const char* kManners[] = {"patient", "with hardly any time", "given up after a moment",
                                      "twice at once"};
  parts_.tally.Count(kCalls, kManners[static_cast<int>(manner)]);
  return end;
}

void SoakLoad::GoOn(Intent intent, Verdict verdict, Random& random) {
  const bool is_plain = intent.request_id.empty();
  const auto once_made = intent.has_stranger() ? Expected::kAtMostOne : Expected::kOne;
  switch (verdict) {
    case Verdict::kDone:
      if (!is_plain && SeededRandom(kMisused, random)) Misuse(intent, random);
      if (std::exchange(intent.asks_again, false)) {
        return ComeBack(std::move(intent), Between(0ms, 2s, random));
      }
      return End(std::move(intent), once_made, "done");
    case Verdict::kInconclusive:
      return End(std::move(intent), Expected::kAtMostOne, "inconclusive beside a stranger's");
    case Verdict::kNotDone:
      if (is_plain || SeededRandom(kResigned, random)) {
        return End(std::move(intent), Expected::kNone, "not done, and left at that");
      }
      break;
    case Verdict::kNotKnown:
      if (is_plain) return End(std::move(intent), Expected::kAtMostOne, "not known, no request_id");
      break;
  }
  if (!IsClosing() && SeededRandom(kAbandoned, random)) {
    return End(std::move(intent), Expected::kAtMostOne, "abandoned by the caller");
  }
  ComeBack(std::move(intent), Between(20ms, 1s, random));
}

void SoakLoad::ComeBack(Intent intent, milliseconds later) {
  const std::lock_guard lock(mutex_);
  waiting_.emplace(std::chrono::steady_clock::now() + later, std::move(intent));
  changed_.notify_one();
}

void SoakLoad::End(Intent intent, Expected expected, const char* how) {
  parts_.tally.Count(kIntents, how);
  parts_.ledger.Settle(std::move(intent.entry), expected);
  const std::lock_guard lock(mutex_);
  --open_;
  changed_.notify_all();
}

void SoakLoad::Misuse(const Intent& intent, Random& random) {
  Intent other = intent;
  other.entry.product_alias = "forexo_associate";
  other.calls = 0;
  if (other.entry.product_alias == intent.entry.product_alias) return;
  for (const CallEnd& end : CallOnce(other, Manner::kPatient, random)) {
    parts_.tally.Count(kAnswers, LabelOf(end));
    if (end.answered.status.ok()) {
      parts_.findings.Add(
          "untrue OK",
          intent.entry.what + " was answered OK for another product at " + end.replica);
    }
  }
}

void SoakLoad::CallWrongly(Random& random) {
  Intent intent;
  intent.entry = {.what = "a wrong request", .profile_id = "no uuid", .product_alias = ""};
  intent.store = random() % parts_.stores.size();
  for (const CallEnd& end : CallOnce(intent, Manner::kPatient, random)) {
    const std::string label = LabelOf(end);
    parts_.tally.Count(kAnswers, label);
    if (end.cut_short_by == Replica::Ending::kNone && label != "INVALID_ARGUMENT INVALID_REQUEST") {
      parts_.findings.Add("undocumented answer",
                          "a wrong request was answered " + label + " at " + end.replica);
    }
  }
}

}  // namespace gateway::soak
