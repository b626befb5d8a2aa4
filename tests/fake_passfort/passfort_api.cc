#include "tests/fake_passfort/passfort_api.h"

#include <array>
#include <ctime>
#include <nlohmann/json.hpp>
#include <utility>

namespace gateway {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kNoCode = 0;
constexpr int kMissingRequiredFields = 101;
constexpr int kInvalidInputData = 201;
constexpr int kMissingApiKey = 203;
constexpr int kInvalidApiKey = 204;

constexpr std::array<std::string_view, 10> kAssociatedRoles = {
    "AUTHORIZED_PERSON", "UNAUTHORIZED_PERSON",
    "DIRECTOR",          "COMPANY_SECRETARY",
    "SHAREHOLDER",       "PARTNER",
    "TRUSTEE",           "BENEFICIAL_OWNER",
    "RESIGNED_OFFICER",  "OTHER"};

// The API's DateTime: `YYYY-MM-DD hh:mm:ss`. It has no zone; the fake's is UTC.
std::string DateTime(WallTime time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  std::array<char, 32> text;
  return {text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S", &parts)};
}

Json ProductJson(const FakeProduct& product) {
  return {{"id", product.id},
          {"alias", product.alias},
          {"name", product.name},
          {"automatically_apply", false},
          {"automatically_approve", product.automatically_approve},
          {"is_deleted", false}};
}

Json TasksJson(const FakeApplication& application) {
  return Json::array({{{"id", "3d7a333c-418d-72a1-007b-06854dbb28eb"},
                       {"name", "Verify identity"},
                       {"task_type", application.product->task_type}}});
}

Json BlockersJson(const FakeApplication& application) {
  Json blockers = Json::array();
  if (application.flag == "DECIDED" || application.flag == "READY_FOR_DECISION") return blockers;
  blockers.push_back({{"blocker_type", "INCOMPLETE_TASK"},
                      {"task_type", application.product->task_type},
                      {"task_variant", TasksJson(application)[0]}});
  if (application.flag == "AUTOMATING") blockers.push_back({{"blocker_type", "UNDETERMINED_RISK"}});
  return blockers;
}

ApiEffect Refused(int status, int code, std::string message) {
  return {.answer = RefusalAnswer({status, code, std::move(message)}), .made_id = {}};
}

ApiEffect Answered(const Json& body) { return {.answer = {200, Text(body)}, .made_id = {}}; }

ApiEffect Whoami() {
  return Answered({{"auditee_name", "fake-passfort"},
                   {"institution",
                    {{"id", "94e0a7d3-1c2b-4f6e-8a9d-5b4c3d2e1f00"},
                     {"name", "Fake institution"},
                     {"logo_url", nullptr}}},
                   {"user", nullptr}});
}

ApiEffect List(PassfortState& state, const Route& route, WallTime now) {
  Json list = Json::array();
  for (FakeApplication& application : state.Applications(route.profile_id)) {
    list.push_back(ApplicationJson(application));
    PassfortState::MoveOn(application, now);
  }
  return Answered(list);
}

ApiEffect Add(PassfortState& state, const ReceivedRequest& request, WallTime now) {
  std::optional<Refusal> refusal;
  const ApplicationWish wish = ReadWish(request.body, refusal);
  if (refusal) return {.answer = RefusalAnswer(*refusal), .made_id = {}};
  const FakeApplication& made =
      state.Add(request.route.profile_id, *wish.product, wish.associated_role, MadeBy::kApi, now);
  ApiEffect effect = Answered(ApplicationJson(made));
  effect.made_id = made.id;
  return effect;
}

ApiEffect Get(FakeApplication& application, WallTime now) {
  ApiEffect effect = Answered(ApplicationJson(application));
  PassfortState::MoveOn(application, now);
  return effect;
}

ApiEffect Decide(FakeApplication& application, std::string_view body, WallTime now) {
  const Json wish = Json::parse(body, nullptr, /*allow_exceptions=*/false);
  if (!wish.is_object()) return Refused(400, kInvalidInputData, "the body is not a JSON object");
  const auto member = [&wish](const char* name) {
    const auto found = wish.find(name);
    return found != wish.end() && found->is_string() ? found->get<std::string>() : std::string();
  };
  if (member("status").empty()) return Refused(422, kMissingRequiredFields, "status: missing");
  const auto refusal = PassfortState::Decide(application, member("status"), member("comment"), now);
  if (refusal) return {.answer = RefusalAnswer(*refusal), .made_id = {}};
  return Answered(ApplicationJson(application));
}

ApiEffect Revert(PassfortState& state, const Route& route, PassfortState::RevertedId reverted_id,
                 WallTime now) {
  FakeApplication reverted;
  const auto refusal =
      state.Revert(route.profile_id, route.application_id, reverted_id, now, reverted);
  if (refusal) return {.answer = RefusalAnswer(*refusal), .made_id = {}};
  return Answered(ApplicationJson(reverted));
}

}  // namespace

std::string Text(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

GivenAnswer RefusalAnswer(const Refusal& refusal) {
  Json error = {{"message", refusal.message}, {"source", "API"}, {"info", Json::object()}};
  if (refusal.code != 0) error["code"] = refusal.code;
  return {refusal.status, Text({{"errors", Json::array({error})}})};
}

Json ApplicationJson(const FakeApplication& application) {
  Json json = {{"id", application.id},
               {"status", application.status},
               {"flag", application.flag},
               {"product", ProductJson(*application.product)}};
  if (!application.shows_alias) json["product"].erase("alias");
  if (!application.associated_role.empty()) json["associated_role"] = application.associated_role;
  json["required_tasks"] = TasksJson(application);
  json["approval_blockers"] = BlockersJson(application);
  json["history"] = Json::array();
  for (const auto& change : application.history) {
    Json item = {
        {"status", change.status}, {"date", DateTime(change.date)}, {"decisioner", nullptr}};
    if (!change.comment.empty()) item["comment"] = change.comment;
    json["history"].push_back(std::move(item));
  }
  json["flag_history"] = Json::array();
  for (const auto& change : application.flag_history) {
    json["flag_history"].push_back(
        {{"status", change.status}, {"flag", change.flag}, {"date", DateTime(change.date)}});
  }
  json["assignments"] = Json::array();
  json["hidden"] = application.hidden;
  return json;
}

ApplicationWish ReadWish(std::string_view body, std::optional<Refusal>& refusal) {
  const Json json = Json::parse(body, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) {
    refusal = {400, kInvalidInputData, "the body is not a JSON object"};
    return {};
  }
  const Json product = json.value("product", Json());
  if (!product.is_object() || (!product.contains("alias") && !product.contains("id"))) {
    refusal = {422, kMissingRequiredFields, "product: alias or id is needed"};
    return {};
  }
  const auto member = [](const Json& object, const char* name) {
    const auto found = object.find(name);
    return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
  };
  ApplicationWish wish{
      .product = FindFakeProduct(member(product, "alias"), member(product, "id")),
      .associated_role = member(json, "associated_role"),
  };
  if (wish.product == nullptr) {
    const char* const what = product.contains("alias") ? "alias" : "id";
    refusal = {422, kInvalidInputData, std::string("product: unknown ") + what};
  }
  const bool has_role = !json.value("associated_role", Json()).is_null();
  if (has_role &&
      std::ranges::find(kAssociatedRoles, wish.associated_role) == kAssociatedRoles.end()) {
    refusal = {422, kInvalidInputData, "associated_role: unknown value"};
  }
  return wish;
}

ApiEffect CarryOut(PassfortState& state, const ReceivedRequest& request,
                   std::string_view expected_key, PassfortState::RevertedId reverted_id,
                   WallTime now) {
  if (!request.api_key) return Refused(401, kMissingApiKey, "the header apikey is missing");
  if (*request.api_key != expected_key) return Refused(401, kInvalidApiKey, "unknown API key");

  const Route& route = request.route;
  if (route.endpoint == Endpoint::kWhoami) return Whoami();
  if (route.endpoint == Endpoint::kUnknown || route.endpoint == Endpoint::kAny) {
    return Refused(404, kNoCode, "no such endpoint");
  }
  if (!PassfortState::ProfileExists(route.profile_id)) {
    return Refused(404, kNoCode, "no such profile");
  }
  if (route.endpoint == Endpoint::kList) return List(state, route, now);
  if (route.endpoint == Endpoint::kAdd) return Add(state, request, now);

  FakeApplication* const application = state.Find(route.profile_id, route.application_id);
  if (application == nullptr) return Refused(404, kNoCode, "no such application");
  if (route.endpoint == Endpoint::kGet) return Get(*application, now);
  if (route.endpoint == Endpoint::kDecide) return Decide(*application, request.body, now);
  return Revert(state, route, reverted_id, now);
}

}  // namespace gateway
