#include "tests/fake_passfort/passfort_api.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "tests/fake_passfort/application_json.h"
#include "tests/fake_passfort/profile_json.h"

namespace gateway {
namespace {

using Json = nlohmann::ordered_json;

ApiEffect Refused(Refusal refusal) {
  return {.answer = RefusalAnswer(refusal), .made_id = {}, .made_profile_id = {}};
}

ApiEffect Answered(const Json& body, int status = 200) {
  return {.answer = {status, Text(body)}, .made_id = {}, .made_profile_id = {}};
}

// One request that has been let in.
struct Call {
  PassfortState& state;
  const ReceivedRequest& request;
  const ApiRules& rules;
  WallTime now;

  std::string_view profile_id() const { return request.route.profile_id; }
};

ApiEffect Whoami() {
  return Answered({{"auditee_name", "fake-passfort"},
                   {"institution",
                    {{"id", "94e0a7d3-1c2b-4f6e-8a9d-5b4c3d2e1f00"},
                     {"name", "Fake institution"},
                     {"logo_url", nullptr}}},
                   {"user", nullptr}});
}

Json WithRestlessMember(const Call& call, Json json) {
  if (call.rules.behaviour.restless_member) {
    json["restless_member"] = call.state.NextRestlessValue();
  }
  return json;
}

Json Shown(const Call& call, const FakeApplication& application) {
  return WithRestlessMember(call, ApplicationJson(application));
}

Json Shown(const Call& call, const std::vector<FakeApplication>& applications) {
  Json list = Json::array();
  for (const FakeApplication& application : applications) list.push_back(Shown(call, application));
  return list;
}

void MoveOnAfterReading(const Call& call, FakeApplication& application) {
  if (call.rules.behaviour.moves_on.when != MovesOn::When::kOnRead) return;
  PassfortState::MoveOn(application, call.now);
}

void MoveOnAfterReading(const Call& call, std::vector<FakeApplication>& applications) {
  for (FakeApplication& application : applications) MoveOnAfterReading(call, application);
}

ApiEffect List(const Call& call) {
  std::vector<FakeApplication>& applications = call.state.Applications(call.profile_id());
  ApiEffect effect = Answered(Shown(call, applications));
  MoveOnAfterReading(call, applications);
  return effect;
}

ApiEffect Add(const Call& call) {
  std::optional<Refusal> refusal;
  const ApplicationWish wish = ParseWish(call.request.body, refusal);
  if (refusal) return Refused(*refusal);
  const FakeApplication& made = call.state.Add(call.profile_id(), *wish.product,
                                               wish.associated_role, MadeBy::kApi, call.now);
  ApiEffect effect = Answered(Shown(call, made));
  effect.made_id = made.id;
  return effect;
}

ApiEffect Get(const Call& call, FakeApplication& application) {
  ApiEffect effect = Answered(Shown(call, application));
  MoveOnAfterReading(call, application);
  return effect;
}

ApiEffect Decide(const Call& call, FakeApplication& application) {
  const Json wish = Json::parse(call.request.body, nullptr, /*allow_exceptions=*/false);
  if (!wish.is_object()) {
    return Refused({400, kInvalidInputData, "the body is not a JSON object"});
  }
  const std::string status = TextMember(wish, "status");
  if (status.empty()) return Refused({422, kMissingRequiredFields, "status: missing"});
  const auto refusal =
      PassfortState::Decide(application, status, TextMember(wish, "comment"), call.now);
  if (refusal) return Refused(*refusal);
  return Answered(Shown(call, application));
}

ApiEffect Revert(const Call& call) {
  FakeApplication reverted;
  const auto refusal = call.state.Revert(call.profile_id(), call.request.route.application_id,
                                         call.rules.reverted_id, call.now, reverted);
  if (refusal) return Refused(*refusal);
  return Answered(Shown(call, reverted));
}

Json Shown(const Call& call, const FakeProfile& profile,
           const std::vector<FakeApplication>& applications, Json shown) {
  return WithRestlessMember(
      call, ProfileJson(profile, applications, std::move(shown), call.rules.behaviour));
}

void ApplyByItself(const Call& call, const FakeProfile& profile, const ProfileWish& wish) {
  using AutoApply = Behaviour::AutoApply;
  const AutoApply auto_apply = call.rules.behaviour.auto_apply;
  if (auto_apply == AutoApply::kNever) return;
  if (auto_apply == AutoApply::kWhenEmpty && wish.asks_for_applications) return;
  for (const FakeProduct& product : FakeCatalogue()) {
    const bool is_asked_for =
        std::ranges::find(wish.applications, &product, &ApplicationWish::product) !=
        wish.applications.end();
    if (!product.automatically_apply || is_asked_for) continue;
    call.state.Add(profile.id, product, "", MadeBy::kPolicy, call.now);
  }
}

ApiEffect CreateProfile(const Call& call) {
  using InAnswer = Behaviour::ApplicationsInCreateAnswer;
  const Behaviour& behaviour = call.rules.behaviour;
  std::optional<Refusal> refusal;
  const ProfileWish wish = ReadProfileWish(call.request.body, behaviour, refusal);
  if (refusal) return Refused(*refusal);

  const FakeProfile& profile = call.state.CreateProfile(wish.role, wish.collected_data, call.now);
  for (const ApplicationWish& asked : wish.applications) {
    call.state.Add(profile.id, *asked.product, asked.associated_role, MadeBy::kApi, call.now);
  }
  ApplyByItself(call, profile, wish);

  const std::vector<FakeApplication>& made = call.state.Applications(profile.id);
  Json shown = Shown(call, made);
  const InAnswer in_answer = behaviour.applications_in_create_answer;
  if (in_answer == InAnswer::kNone) shown.clear();
  if (in_answer == InAnswer::kWithoutTheLast && !shown.empty()) shown.erase(shown.size() - 1);
  ApiEffect effect =
      Answered(Shown(call, profile, made, std::move(shown)), behaviour.create_status);
  effect.made_profile_id = profile.id;
  return effect;
}

ApiEffect GetProfile(const Call& call) {
  const FakeProfile* const created = call.state.FindCreated(call.profile_id());
  const FakeProfile profile = created == nullptr ? PlainProfile(call.profile_id()) : *created;
  std::vector<FakeApplication>& applications = call.state.Applications(call.profile_id());
  ApiEffect effect = Answered(Shown(call, profile, applications, Shown(call, applications)));
  MoveOnAfterReading(call, applications);
  return effect;
}

void CatchUp(const Call& call) {
  const MovesOn& moves_on = call.rules.behaviour.moves_on;
  if (moves_on.when != MovesOn::When::kEvery) return;
  for (FakeApplication& application : call.state.Applications(call.profile_id())) {
    PassfortState::CatchUp(application, moves_on.every, call.now);
  }
}

ApiEffect CarryOutOnProfile(const Call& call) {
  const Route& route = call.request.route;
  if (!PassfortState::ProfileExists(route.profile_id)) {
    return Refused({404, kNoCode, "no such profile"});
  }
  CatchUp(call);
  if (route.endpoint == Endpoint::kProfileGet) return GetProfile(call);
  if (route.endpoint == Endpoint::kList) return List(call);
  if (route.endpoint == Endpoint::kAdd) return Add(call);

  FakeApplication* const application = call.state.Find(route.profile_id, route.application_id);
  if (application == nullptr) return Refused({404, kNoCode, "no such application"});
  if (route.endpoint == Endpoint::kGet) return Get(call, *application);
  if (route.endpoint == Endpoint::kDecide) return Decide(call, *application);
  return Revert(call);
}

}  // namespace

GivenAnswer RefusalAnswer(const Refusal& refusal) {
  Json error = {{"message", refusal.message}, {"source", "API"}, {"info", Json::object()}};
  if (refusal.code != 0) error["code"] = refusal.code;
  return {refusal.status, Text({{"errors", Json::array({error})}})};
}

ApiEffect CarryOut(PassfortState& state, const ReceivedRequest& request, const ApiRules& rules,
                   WallTime now) {
  if (!request.api_key) return Refused({401, kMissingApiKey, "the header apikey is missing"});
  if (*request.api_key != rules.api_key) return Refused({401, kInvalidApiKey, "unknown API key"});

  const Call call{.state = state, .request = request, .rules = rules, .now = now};
  switch (request.route.endpoint) {
    case Endpoint::kWhoami:
      return Whoami();
    case Endpoint::kProfileCreate:
      return CreateProfile(call);
    case Endpoint::kAny:
    case Endpoint::kUnknown:
      return Refused({404, kNoCode, "no such endpoint"});
    default:
      return CarryOutOnProfile(call);
  }
}

}  // namespace gateway
