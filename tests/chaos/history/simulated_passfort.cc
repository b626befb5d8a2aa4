#include "tests/chaos/history/simulated_passfort.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_format.h"
#include "service/passfort/mapping/product_application_json.h"
#include "tests/chaos/history/products.h"

namespace gateway::history {
namespace {

constexpr int kDataPresent = 202;

Refused Refusal(int http_status, std::optional<int> code) {
  return Refused{.response = {.http_status = http_status, .code = code}};
}

std::string RoleName(const ApplicationDraft& draft) {
  return std::string(AssociatedRoleJsonName(draft.associated_role));
}

// The product that a draft names: Passfort knows both names of it.
Product ProductOf(const ApplicationDraft& draft) {
  for (const Product& product : Products()) {
    if (draft.product_alias == product.alias) return product;
    if (draft.product_alias.empty() && absl::AsciiStrToLower(draft.product_id) == product.id) {
      return product;
    }
  }
  return Products().front();
}

// What somebody typed once, and Passfort shows.
std::string OddForm(const std::string& alias, SeededRandom& chance) {
  switch (chance.Below(3)) {
    case 0:
      return absl::AsciiStrToUpper(alias);
    case 1:
      return " " + alias + " \t";
    default:
      return alias.substr(0, 1) + absl::AsciiStrToUpper(alias.substr(1)) + "\n";
  }
}

}  // namespace

bool SimulatedPassfort::IsEqual(const ApplicationDraft& draft,
                                const MadeApplication& application) const {
  return absl::AsciiStrToLower(draft.profile_id) == application.profile_id &&
         ProductOf(draft).id == application.product_id && RoleMadeOf(draft) == application.role;
}

bool SimulatedPassfort::LooksLike(const ApplicationDraft& draft,
                                  const MadeApplication& application) const {
  ApplicationDraft by_id = draft;
  const bool goes_by_id = !draft.product_id.empty() && application.was_listed_without_alias;
  if (goes_by_id) by_id.product_alias.clear();
  const bool is_product = ProductOf(draft).id == application.product_id ||
                          ProductOf(by_id).id == application.product_id;
  return absl::AsciiStrToLower(draft.profile_id) == application.profile_id && is_product &&
         RoleName(draft) == application.role;
}

std::string SimulatedPassfort::RoleMadeOf(const ApplicationDraft& draft) const {
  using RoleRule = PassfortWeather::RoleRule;
  if (weather_.role_rule == RoleRule::kDropped) return "";
  if (weather_.role_rule == RoleRule::kAsSent) return RoleName(draft);
  ApplicationDraft swapped = draft;
  swapped.associated_role = draft.associated_role == pb::ASSOCIATED_ROLE_DIRECTOR
                                ? pb::ASSOCIATED_ROLE_SHAREHOLDER
                                : pb::ASSOCIATED_ROLE_DIRECTOR;
  return RoleName(swapped);
}

void SimulatedPassfort::AddByStranger(const ApplicationDraft& draft) {
  const MadeApplication& made = Add(draft, nullptr);
  world_.Count("stranger's application");
  world_.Note("a stranger adds ", made.id, " (", made.alias, " ", made.role, ")");
}

void SimulatedPassfort::GoAway(Milliseconds duration) {
  world_.Note("Passfort cannot be reached for ", duration.count(), " ms");
  away_until_ = world_.now() + duration;
}

void SimulatedPassfort::BeCalm() {
  away_until_ = SteadyTime::min();
  // Rules of Passfort's are no faults.
  weather_ = PassfortWeather{.conflict = weather_.conflict,
                             .role_rule = weather_.role_rule,
                             .shows_no_alias = weather_.shows_no_alias};
}

SimulatedPassfort::Ending SimulatedPassfort::FateOfNext() {
  struct Fault {
    double probability;
    Ending fate;
    std::string_view name;
  };
  const Fault faults[] = {
      {weather_.drop_before, Ending::kDropBefore, "POST: lost, not made"},
      {weather_.drop_after, Ending::kDropAfter, "POST: made, answer lost"},
      {weather_.late, Ending::kLate, "POST: lost, made late"},
      {weather_.hang, Ending::kHang, "POST: no answer, made meanwhile"},
      {weather_.slow, Ending::kSlow, "POST: made and answered slowly"},
      {weather_.error_before, Ending::kErrorBefore, "POST: 5xx, not made"},
      {weather_.error_after, Ending::kErrorAfter, "POST: 5xx, made"},
      {weather_.error_late, Ending::kErrorLate, "POST: 5xx, made late"},
      {weather_.rate_limited, Ending::kRateLimited, "POST: 429"},
      {weather_.refused, Ending::kRefused, "POST: refused"},
      {weather_.existing, Ending::kExisting, "POST: answered with what was there"},
  };
  for (const Fault& fault : faults) {
    if (!world_.chance().Happens(fault.probability)) continue;
    world_.Count(fault.name);
    return fault.fate;
  }
  return Ending::kMade;
}

void SimulatedPassfort::OnLeft(std::shared_ptr<Post> post, Answer answer) {
  post->left_at = world_.now();
  world_.Note("POST ", post->number, " of ", post->request_id, " leaves ", post->process->name());
  // A process that is frozen keeps its connection open, but Passfort gives up as well.
  world_.After(windows_.attempt_timeout, [this, post] { OnGone(post); });
  world_.After(WayThere(), [this, post, answer = std::move(answer)] { Arrive(post, answer); });
}

void SimulatedPassfort::OnGone(const std::shared_ptr<Post>& post) {
  if (post->gone_at) return;
  post->gone_at = world_.now();
  if (post->will_be_made) MakeLater(post);
}

void SimulatedPassfort::Arrive(const std::shared_ptr<Post>& post, const Answer& answer) {
  // The reset may have come first.
  if (post->gone_at && world_.chance().Happens(0.5)) return;
  post->has_arrived = true;
  CarryOut(post, FateOfNext(), answer);
}

void SimulatedPassfort::CarryOut(const std::shared_ptr<Post>& post, Ending fate,
                                 const Answer& answer) {
  const ApiOutcome lost = Ambiguous{.cause = Ambiguous::Cause::kConnectionLost};
  const ApiOutcome error = Ambiguous{.cause = Ambiguous::Cause::kServerError,
                                     .response = ResponseSummary{.http_status = 502}};
  SeededRandom& chance = world_.chance();
  const Milliseconds back = WayThere();
  using Conflict = PassfortWeather::Conflict;
  // Null: a profile, of which Passfort makes any number that are equal.
  const auto* const draft = std::get_if<ApplicationDraft>(&post->wish);
  const MadeApplication* const there = draft != nullptr ? FindEqual(*draft) : nullptr;
  const bool is_there = there != nullptr || (draft != nullptr && WillBeThere(*draft));
  if (weather_.conflict != Conflict::kNone && is_there && fate != Ending::kExisting) {
    world_.Note("Passfort refuses POST ", post->number, ": it is there");
    world_.Count("POST: refused, an equal one is there");
    if (weather_.conflict == Conflict::kHttp409) return answer(back, Refusal(409, std::nullopt));
    const int status = weather_.conflict == Conflict::kCode202 ? 400 : 200;
    return answer(back, Refusal(status, kDataPresent));
  }
  switch (fate) {
    case Ending::kExisting:
      if (there != nullptr) {
        world_.Note("Passfort answers POST ", post->number, " with ", there->id, ", there before");
        post->answered_id = there->id;
        return answer(back, *Show(there->id));
      }
      [[fallthrough]];
    case Ending::kMade:
      return MakeAndAnswer(*post, back, answer);
    case Ending::kDropBefore:
      return answer(back, lost);
    case Ending::kDropAfter:
      Make(*post);
      return answer(back, lost);
    case Ending::kErrorBefore:
      return answer(back, error);
    case Ending::kErrorAfter:
      Make(*post);
      return answer(back, error);
    case Ending::kErrorLate:
    case Ending::kLate:
      world_.Note("POST ", post->number, " will be made late");
      post->will_be_made = true;
      if (post->gone_at) return MakeLater(post);
      // Or no response at all: the attempt waits to its end.
      if (chance.Happens(0.7)) answer(back, fate == Ending::kLate ? lost : error);
      return;
    case Ending::kHang:
      post->will_be_made = true;
      return world_.After(
          chance.Between(Milliseconds(0), windows_.attempt_timeout + windows_.settle_window),
          [this, post] { Make(*post); });
    case Ending::kSlow:
      post->will_be_made = true;
      if (draft != nullptr && chance.Happens(weather_.impatient)) {
        world_.After(chance.Between(Milliseconds(0), windows_.attempt_timeout),
                     [this, equal = *draft] { AddByStranger(equal); });
      }
      return world_.After(chance.Between(Milliseconds(0), windows_.attempt_timeout),
                          [this, post, back, answer] { MakeAndAnswer(*post, back, answer); });
    case Ending::kRateLimited:
      return answer(back,
                    NotExecuted{.cause = NotExecuted::Cause::kRateLimited,
                                .retry_after = chance.Between(Milliseconds(0), Milliseconds(600)),
                                .response = ResponseSummary{.http_status = 429}});
    case Ending::kRefused:
      return answer(back, chance.Happens(0.5) ? Refusal(404, std::nullopt) : Refusal(400, 201));
  }
}

// Somewhere in the settle window, often at its very end.
void SimulatedPassfort::MakeLater(const std::shared_ptr<Post>& post) {
  SeededRandom& chance = world_.chance();
  const Milliseconds last = windows_.settle_window - Milliseconds(1);
  const Milliseconds first = chance.Happens(0.5) ? Milliseconds(0) : last - last / 8;
  world_.At(*post->gone_at + chance.Between(first, last), [this, post] { Make(*post); });
}

void SimulatedPassfort::MakeAndAnswer(Post& post, Milliseconds back, const Answer& answer) {
  const Made* const made = Make(post);
  if (made == nullptr) return;
  const bool is_profile = std::holds_alternative<Person>(post.wish);
  if (is_profile && world_.chance().Happens(weather_.unreadable)) {
    world_.Count("POST: made, answer unreadable");
    return answer(back, Ambiguous{.cause = Ambiguous::Cause::kUnreadable,
                                  .response = ResponseSummary{.http_status = 200}});
  }
  post.answered_id = made->id;
  answer(back, *Show(made->id));
}

const Made* SimulatedPassfort::Make(Post& post) {
  const SteadyTime gone_at = post.gone_at.value_or(world_.now());
  if (post.is_made || world_.now() >= gone_at + windows_.settle_window) return nullptr;
  post.is_made = true;
  const auto* const draft = std::get_if<ApplicationDraft>(&post.wish);
  if (draft == nullptr) return &AddProfile(std::get<Person>(post.wish), post);
  const MadeApplication& made = Add(*draft, &post);
  world_.Note("POST ", post.number, " of ", post.request_id, " makes ", made.id);
  if (world_.chance().Happens(weather_.policy_equal)) AddByStranger(*draft);
  if (world_.chance().Happens(weather_.policy_other)) {
    ApplicationDraft other = *draft;
    NameProduct(other, world_.chance().OneOf(Products()));
    AddByStranger(other);
  }
  return &made;
}

const MadeApplication& SimulatedPassfort::Add(const ApplicationDraft& draft, const Post* post) {
  const Product product = ProductOf(draft);
  // Letters in the id, so that upper case makes a difference.
  MadeApplication made;
  made.id = absl::StrFormat("abcdef%02d-0000-4000-8000-00000000000a", applications_.size());
  made.made_at = world_.now();
  made.profile_id = absl::AsciiStrToLower(draft.profile_id);
  made.alias = product.alias;
  made.product_id = product.id;
  made.role = RoleMadeOf(draft);
  made.hidden = world_.chance().Happens(weather_.hidden);
  made.is_never_readable = world_.chance().Happens(weather_.never_readable);
  if (post != nullptr) {
    made.request_id = post->request_id;
    made.post = post->number;
  }
  applications_.push_back(std::move(made));
  return applications_.back();
}

const MadeProfile& SimulatedPassfort::AddProfile(const Person& person, const Post& post) {
  MadeProfile made;
  made.id = absl::StrFormat("fedcba%02d-0000-4000-8000-00000000000b", profiles_.size());
  made.made_at = world_.now();
  made.request_id = post.request_id;
  made.post = post.number;
  made.person = person;
  profiles_.push_back(std::move(made));
  world_.Note("POST ", post.number, " of ", post.request_id, " makes the profile ",
              profiles_.back().id);
  return profiles_.back();
}

const MadeApplication* SimulatedPassfort::FindEqual(const ApplicationDraft& draft) const {
  const auto found =
      std::find_if(applications_.begin(), applications_.end(),
                   [&](const MadeApplication& there) { return IsEqual(draft, there); });
  return found == applications_.end() ? nullptr : &*found;
}

bool SimulatedPassfort::WillBeThere(const ApplicationDraft& draft) const {
  return std::any_of(posts_.begin(), posts_.end(), [&](const auto& post) {
    const bool is_too_late =
        post->gone_at && world_.now() >= *post->gone_at + windows_.settle_window;
    return post->will_be_made && !post->is_made && !is_too_late && post->wish == Wish(draft);
  });
}

Done SimulatedPassfort::AnswerWith(const MadeApplication& application) {
  SeededRandom& chance = world_.chance();
  Done done;
  auto& answer = *done.application;
  const bool upper_case = chance.Happens(weather_.upper_case);
  answer.set_id(upper_case ? absl::AsciiStrToUpper(application.id) : application.id);
  if (!weather_.shows_no_alias && !chance.Happens(weather_.no_alias)) {
    const bool is_odd = chance.Happens(weather_.odd_alias);
    answer.mutable_product()->set_alias(is_odd ? OddForm(application.alias, chance)
                                               : application.alias);
  }
  if (!chance.Happens(weather_.no_product_id)) {
    answer.mutable_product()->set_id(application.product_id);
  }
  answer.set_hidden(application.hidden);
  return done;
}

ApplicationList SimulatedPassfort::List(const std::string& profile_id) {
  ApplicationList all;
  std::vector<ListedApplication>& list = all.applications;
  for (MadeApplication& there : applications_) {
    if (there.profile_id != profile_id) continue;
    if (there.is_never_readable || world_.chance().Happens(weather_.unreadable)) {
      all.is_complete = false;
      continue;
    }
    const Done answer = AnswerWith(there);
    ListedApplication listed{.id = there.id,
                             .product_alias = answer.application->product().alias(),
                             .product_id = answer.application->product().id()};
    if (answer.application->id() != there.id) listed.sent_id = answer.application->id();
    if (listed.product_alias.empty()) there.was_listed_without_alias = true;
    if (!world_.chance().Happens(weather_.no_role)) listed.associated_role = there.role;
    list.push_back(std::move(listed));
  }
  if (!all.is_complete) {
    unreadable_lists_.insert(profile_id);
    world_.Count("list: not all of it readable");
  }
  // No order is promised.
  for (size_t i = list.size(); i > 1; --i) {
    std::swap(list[i - 1], list[world_.chance().Below(i)]);
  }
  return all;
}

ApiOutcome SimulatedPassfort::AnswerList(const std::string& profile_id) {
  listed_profiles_.insert(profile_id);
  SeededRandom& chance = world_.chance();
  if (IsAway() || chance.Happens(weather_.list_fails)) return NotExecuted{};
  if (chance.Happens(weather_.list_refused)) {
    return Refused{.response = {.http_status = 403}};
  }
  return ApiResponse{std::make_shared<ApplicationList>(List(profile_id))};
}

ApiOutcome SimulatedPassfort::AnswerGet(const std::string& id) {
  if (IsAway() || world_.chance().Happens(weather_.list_fails)) return NotExecuted{};
  std::optional<ApiResponse> shown = Show(id);
  if (!shown) return Refused{.response = {.http_status = 404}};
  return *std::move(shown);
}

std::optional<ApiResponse> SimulatedPassfort::Show(const std::string& id) {
  for (const MadeApplication& there : applications_) {
    if (!absl::EqualsIgnoreCase(there.id, id)) continue;
    return ApiResponse{.value = std::move(AnswerWith(there).application)};
  }
  for (const MadeProfile& there : profiles_) {
    if (!absl::EqualsIgnoreCase(there.id, id)) continue;
    auto profile = std::make_shared<pb::Profile>();
    const bool upper_case = world_.chance().Happens(weather_.upper_case);
    profile->set_id(upper_case ? absl::AsciiStrToUpper(there.id) : there.id);
    return ApiResponse{.value = std::move(profile)};
  }
  return std::nullopt;
}

}  // namespace gateway::history
