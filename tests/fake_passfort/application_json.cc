#include "tests/fake_passfort/application_json.h"

#include <algorithm>
#include <array>
#include <ctime>
#include <nlohmann/json.hpp>
#include <utility>

namespace gateway {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::array<std::string_view, 10> kAssociatedRoles = {
    "AUTHORIZED_PERSON", "UNAUTHORIZED_PERSON",
    "DIRECTOR",          "COMPANY_SECRETARY",
    "SHAREHOLDER",       "PARTNER",
    "TRUSTEE",           "BENEFICIAL_OWNER",
    "RESIGNED_OFFICER",  "OTHER"};

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

}  // namespace

std::string Text(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string DateTime(WallTime time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  std::array<char, 32> text;
  return {text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S", &parts)};
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

std::string TextMember(const Json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

ApplicationWish ParseWish(std::string_view body, std::optional<Refusal>& refusal) {
  const Json json = Json::parse(body, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) {
    refusal = {400, kInvalidInputData, "the body is not a JSON object"};
    return {};
  }
  return ReadWish(json, refusal);
}

ApplicationWish ReadWish(const Json& json, std::optional<Refusal>& refusal) {
  const Json product = json.is_object() ? json.value("product", Json()) : Json();
  if (!product.is_object() || (!product.contains("alias") && !product.contains("id"))) {
    refusal = {422, kMissingRequiredFields, "product: alias or id is needed"};
    return {};
  }
  ApplicationWish wish{
      .product = FindFakeProduct(TextMember(product, "alias"), TextMember(product, "id")),
      .associated_role = TextMember(json, "associated_role"),
      .product_is_unknown = false,
  };
  const bool has_role = !json.value("associated_role", Json()).is_null();
  if (has_role &&
      std::ranges::find(kAssociatedRoles, wish.associated_role) == kAssociatedRoles.end()) {
    refusal = {422, kInvalidInputData, "associated_role: unknown value"};
  } else if (wish.product == nullptr) {
    const char* const what = product.contains("alias") ? "alias" : "id";
    refusal = {422, kInvalidInputData, std::string("product: unknown ") + what};
    wish.product_is_unknown = true;
  }
  return wish;
}

}  // namespace gateway
