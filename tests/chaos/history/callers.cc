#include "tests/chaos/history/callers.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "tests/chaos/history/products.h"

namespace gateway::history {
namespace {

const std::vector<std::string>& Profiles() {
  static const auto* const profiles = new std::vector<std::string>{
      "7a9c1c80-5d0f-4f6c-9d0e-2b8c6f1e3a54", "8bad2d91-6e1a-4a7d-8e1f-3c9d7a2f4b65"};
  return *profiles;
}

std::string SomeCase(const std::string& id, SeededRandom& chance) {
  return chance.Happens(0.5) ? id : absl::AsciiStrToUpper(id);
}

Person SomePerson(SeededRandom& chance) { return {chance.Happens(0.5) ? "Ada" : "Bob"}; }

// A request_id is its caller's.
void ReuseId(Intent& intent, const Intent& other) {
  intent.request_id = other.request_id;
  intent.account = other.account;
}

// For the trace.
struct Naming {
  std::string operator()(const ApplicationDraft& draft) const {
    return absl::StrCat(draft.product_alias, "/", draft.product_id, " role ",
                        static_cast<int>(draft.associated_role));
  }
  std::string operator()(const Person& person) const { return "profile of " + person.name; }
};

}  // namespace

std::string NameOf(const Call& call) {
  return absl::StrCat("call ", call.number, " of ", call.request_id);
}

SteadyTime Call::InFlightUntil() const {
  SteadyTime until = deadline;
  if (ended) until = std::min(until, *ended);
  if (cancelled) until = std::min(until, *cancelled);
  return until;
}

ApplicationDraft Callers::SomeDraft() {
  SeededRandom& chance = world_.chance();
  ApplicationDraft draft;
  draft.profile_id = chance.Happens(0.8) ? Profiles().front() : Profiles().back();
  const Product& product = Products()[chance.Happens(0.75) ? 0 : 1];
  NameProduct(draft, product);
  if (chance.Happens(0.4)) draft.product_id = SomeCase(product.id, chance);
  if (!draft.product_id.empty() && chance.Happens(0.5)) draft.product_alias.clear();
  // The alias is sent, and the id is what a caller expects, rightly or not.
  if (!draft.product_id.empty() && !draft.product_alias.empty() && chance.Happens(0.4)) {
    draft.product_id = SomeCase(chance.OneOf(Products()).id, chance);
  }
  if (roles_ == Roles::kAll || chance.Happens(0.3)) {
    draft.associated_role =
        chance.Happens(0.5) ? pb::ASSOCIATED_ROLE_DIRECTOR : pb::ASSOCIATED_ROLE_SHAREHOLDER;
  }
  return draft;
}

ApplicationDraft Callers::StrangersDraft() {
  SeededRandom& chance = world_.chance();
  if (intents_.empty() || chance.Happens(0.4)) return SomeDraft();
  const Wish& wish = intents_[chance.Below(intents_.size())].wish;
  if (!std::holds_alternative<ApplicationDraft>(wish)) return SomeDraft();
  auto draft = std::get<ApplicationDraft>(wish);
  // What the caller expects, rightly or not.
  if (!draft.product_id.empty() && chance.Happens(0.3)) draft.product_alias.clear();
  return draft;
}

void Callers::Begin(Milliseconds duration, Wishes wishes) {
  SeededRandom& chance = world_.chance();
  const bool are_equal = wishes == Wishes::kEqual;
  const size_t least = are_equal ? 2 : 1;
  const size_t intents = least + chance.Below(5 - least);
  for (size_t i = 0; i < intents; ++i) {
    Intent intent{.request_id = absl::StrCat("r", i + 1),
                  .wish = SomeDraft(),
                  .account = plan_.SomeAccount()};
    intent.repeats_left = static_cast<int>(chance.Below(5));
    // Two callers that want the very same, each on its own.
    if (i > 0 && (are_equal || chance.Happens(0.5))) intent.wish = intents_.front().wish;
    // A request_id that somebody uses for something else as well.
    if (i > 0 && chance.Happens(0.1)) ReuseId(intent, intents_.front());
    // A call without request_id, which is a stranger to the others.
    if (i > 0 && chance.Happens(0.1)) intent.request_id.clear();
    intents_.push_back(std::move(intent));
  }
  for (Intent& intent : intents_) PlanCalls(intent, duration);
}

void Callers::BeginCreates(Milliseconds duration) {
  SeededRandom& chance = world_.chance();
  const size_t first = intents_.size();
  const size_t count = 1 + chance.Below(3);
  for (size_t i = 0; i < count; ++i) {
    Intent intent{.request_id = absl::StrCat("p", i + 1),
                  .wish = SomePerson(chance),
                  .account = plan_.SomeAccount()};
    intent.repeats_left = static_cast<int>(chance.Below(5));
    if (i > 0 && chance.Happens(0.1)) ReuseId(intent, intents_[first]);
    if (i > 0 && chance.Happens(0.1)) intent.request_id.clear();
    intents_.push_back(std::move(intent));
  }
  for (size_t i = first; i < intents_.size(); ++i) PlanCalls(intents_[i], duration);
}

void Callers::BeginMore(Milliseconds duration) {
  SeededRandom& chance = plan_.chance();
  const size_t first = intents_.size();
  for (size_t count = 1 + chance.Below(5); count > 0; --count) {
    Intent intent{.wish = SomeDraft(), .account = plan_.SomeAccount()};
    if (chance.Happens(0.3)) intent.wish = SomePerson(chance);
    if (chance.Happens(0.4)) intent.request_id = absl::StrCat("b", count);
    intent.repeats_left = static_cast<int>(chance.Below(3));
    intents_.push_back(std::move(intent));
  }
  for (size_t i = first; i < intents_.size(); ++i) {
    PlanCall(intents_[i], Milliseconds(0), duration);
    if (chance.Happens(0.4)) PlanCall(intents_[i], Milliseconds(0), duration);
  }
}

void Callers::WantTheSame(size_t count) {
  const ApplicationDraft draft = SomeDraft();
  for (size_t i = 0; i < count; ++i) {
    intents_.push_back(
        {.request_id = absl::StrCat("r", i + 1), .wish = draft, .account = plan_.SomeAccount()});
  }
}

void Callers::PlanCalls(Intent& intent, Milliseconds duration) {
  SeededRandom& chance = world_.chance();
  const Milliseconds start = chance.Between(Milliseconds(0), duration / 3);
  PlanCall(intent, start, start);
  const size_t repeats = intent.request_id.empty() ? 0 : chance.Below(4);
  for (size_t i = 0; i < repeats; ++i) {
    // Some at the same moment, some much later.
    const bool is_concurrent = chance.Happens(0.4);
    PlanCall(intent, start, is_concurrent ? start + Milliseconds(50) : duration);
  }
}

void Callers::PlanCall(Intent& intent, Milliseconds from, Milliseconds to) {
  world_.After(world_.chance().Between(from, to), [this, &intent] { MakeCall(intent); });
}

void Callers::MakeCall(Intent& intent) {
  if (is_calm_) return;
  static const auto* const timeouts =
      new std::vector<Milliseconds>{Milliseconds(60), Milliseconds(300), Milliseconds(1500),
                                    Milliseconds(3000), Milliseconds(9000)};
  SeededRandom& chance = world_.chance();
  const Milliseconds timeout = chance.OneOf(*timeouts);
  Call* const call = CallNow(intent, timeout);
  if (call != nullptr && chance.Happens(0.15)) CancelSometime(*call);
  // A caller that gets no clear answer calls again, perhaps.
  if (intent.request_id.empty()) return;
  const auto repeat = [this, &intent, call] {
    const bool is_clear = call != nullptr && call->result &&
                          !std::holds_alternative<Ambiguous>(call->result->outcome);
    if (is_clear || intent.repeats_left == 0) return;
    --intent.repeats_left;
    MakeCall(intent);
  };
  world_.After(timeout + chance.Between(Milliseconds(0), Milliseconds(500)), repeat);
}

Call* Callers::CallNow(const Intent& intent, Milliseconds timeout) {
  SeededRandom& chance = world_.chance();
  Replica* replica = chance.OneOf(replicas_).get();
  // Mostly, a caller gets on to one that answers.
  const bool is_well = replica->process() != nullptr && !replica->process()->life().is_frozen();
  if (!is_well && chance.Happens(0.7)) replica = chance.OneOf(replicas_).get();
  Process* const process = replica->process();
  if (process == nullptr) return nullptr;
  calls_.push_back({.number = static_cast<int>(calls_.size()),
                    .request_id = intent.request_id,
                    .wish = intent.wish,
                    .account = intent.account,
                    .process = &process->life(),
                    .begun = world_.now(),
                    .deadline = world_.now() + timeout});
  Call& call = calls_.back();
  world_.Note("call ", call.number, " of ", call.request_id, " (", std::visit(Naming(), call.wish),
              ") to ", process->life().name(), " for ", timeout.count(), " ms");
  process->life().OnDeath([this, &call] {
    if (!call.ended) call.ended = world_.now();
  });
  Wish as_given = call.wish;
  if (auto* const draft = std::get_if<ApplicationDraft>(&as_given)) {
    draft->profile_id = SomeCase(draft->profile_id, chance);
  }
  process->life().Deliver([this, process, &call, as_given, number = replica->number()] {
    process->Call(call.number, as_given, KeyOf(call, number), Deadline(call.deadline),
                  call.stop.get_token(),
                  [this, &call](const Reported& told) { OnAnswer(call, told); });
  });
  return &call;
}

RequestKey Callers::KeyOf(Call& call, size_t replica) const {
  call.budget = plan_.Of(call.account, replica, world_.age());
  if (call.budget) {
    world_.Note("call ", call.number, " of ", call.account, " finds a limit of ",
                call.budget->writes_per_day);
  }
  return {.request_id = call.request_id, .caller = call.account, .budget = call.budget};
}

void Callers::CancelSometime(Call& call) {
  // The process may have been frozen right when the call came: then the time has gone on.
  const Milliseconds left = std::max(
      std::chrono::duration_cast<Milliseconds>(call.deadline - world_.now()), Milliseconds(0));
  const Milliseconds wait = world_.chance().Between(Milliseconds(0), left);
  auto* const life = const_cast<SimulatedProcess*>(call.process);
  life->DeliverAfter(wait, [this, &call] {
    if (call.ended) return;
    world_.Note("call ", call.number, " is cancelled");
    call.cancelled = world_.now();
    call.stop.request_stop();
  });
}

void Callers::OnAnswer(Call& call, const Reported& told) {
  call.ended = world_.now();
  call.end = told;
  world_.Note("call ", call.number, " of ", call.request_id, " ends: ", Describe(told));
  const bool is_heard = !call.cancelled && world_.now() <= call.deadline;
  if (is_heard) call.result = told;
}

}  // namespace gateway::history
