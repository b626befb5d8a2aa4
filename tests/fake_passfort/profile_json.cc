#include "tests/fake_passfort/profile_json.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <utility>

namespace gateway {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::array<std::string_view, 4> kRoles = {"INDIVIDUAL_CUSTOMER", "INDIVIDUAL_ASSOCIATED",
                                                    "COMPANY_CUSTOMER", "COMPANY_ASSOCIATED"};

constexpr std::string_view kPlainCollectedData =
    R"({"entity_type": "INDIVIDUAL",
        "personal_details": {"name": {"given_names": ["Ada", "May"], "family_name": "Okafor"},
                             "dob": "1990-04-17", "nationality": "GBR"},
        "contact_details": {"email": "ada@example.com"},
        "address_history": [{"address": {"type": "FREEFORM", "country": "GBR",
                                         "text": "1 High Street, Leeds"}}]})";
constexpr WallTime kPlainCreationDate{std::chrono::seconds(1'570'110'496)};  // 2019-10-03 13:48:16

void RewriteAddresses(Json& json) {
  for (Json& member : json) {
    if (member.is_structured()) RewriteAddresses(member);
  }
  if (!json.is_object() || TextMember(json, "type") != "FREEFORM") return;
  Json structured = {{"type", "STRUCTURED"}};
  if (json.contains("country")) structured["country"] = json["country"];
  if (json.contains("text")) structured["original_freeform_address"] = json["text"];
  json = std::move(structured);
}

// A company's name is found from its number if it was not sent.
std::string DisplayName(const Json& collected_data) {
  const Json metadata = collected_data.value("metadata", Json::object());
  if (TextMember(collected_data, "entity_type") == "COMPANY" && metadata.is_object()) {
    const std::string name = TextMember(metadata, "name");
    return name.empty() ? "Company " + TextMember(metadata, "number") : name;
  }
  const Json::json_pointer given("/personal_details/name/given_names");
  const Json::json_pointer family("/personal_details/name/family_name");
  std::string name;
  if (collected_data.contains(given) && collected_data[given].is_array()) {
    for (const Json& part : collected_data[given]) {
      if (part.is_string()) name.append(part.get<std::string>()).append(" ");
    }
  }
  const bool has_family = collected_data.contains(family) && collected_data[family].is_string();
  if (has_family) return name + collected_data[family].get<std::string>();
  if (!name.empty()) name.pop_back();
  return name;
}

// One task for each type that the applications need.
Json ProfileTasksJson(const std::vector<FakeApplication>& applications) {
  Json tasks = Json::object();
  for (const FakeApplication& application : applications) {
    const Json json = ApplicationJson(application);
    for (const Json& needed : json["required_tasks"]) {
      const std::string type = needed["task_type"].get<std::string>();
      const bool is_complete = json["approval_blockers"].empty();
      const bool is_still_complete =
          is_complete && (!tasks.contains(type) || tasks[type]["is_complete"].get<bool>());
      tasks[type] = {{"id", needed["id"]},
                     {"type", type},
                     {"state", is_still_complete ? "COMPLETED_PASS" : "INCOMPLETE"},
                     {"is_complete", is_still_complete},
                     {"is_expired", false},
                     {"is_skipped", false},
                     {"is_deleted", false},
                     {"check_ids", Json::array()},
                     {"form_instance_ids", Json::array()}};
    }
  }
  return tasks;
}

std::optional<Refusal> Problem(const Json& json) {
  if (!json.is_object()) return Refusal{400, kInvalidInputData, "the body is not a JSON object"};
  const std::string role = TextMember(json, "role");
  if (role.empty()) return Refusal{422, kMissingRequiredFields, "role: missing"};
  if (std::ranges::find(kRoles, role) == kRoles.end()) {
    return Refusal{422, kInvalidInputData, "role: unknown value"};
  }
  const Json data = json.value("collected_data", Json());
  if (!data.is_object()) return Refusal{422, kMissingRequiredFields, "collected_data: missing"};
  const std::string entity_type = TextMember(data, "entity_type");
  if (entity_type.empty()) {
    return Refusal{422, kMissingRequiredFields, "collected_data.entity_type: missing"};
  }
  if (entity_type != "INDIVIDUAL" && entity_type != "COMPANY") {
    return Refusal{422, kInvalidInputData, "collected_data.entity_type: unknown value"};
  }
  const Json applications = json.value("applications", Json());
  if (!applications.is_null() && !applications.is_array()) {
    return Refusal{422, kInvalidInputData, "applications: not a list"};
  }
  return std::nullopt;
}

}  // namespace

ProfileWish ReadProfileWish(std::string_view body, const Behaviour& behaviour,
                            std::optional<Refusal>& refusal) {
  const Json json = Json::parse(body, nullptr, /*allow_exceptions=*/false);
  refusal = Problem(json);
  if (refusal) return {};
  ProfileWish wish{.role = TextMember(json, "role"),
                   .collected_data = Text(json["collected_data"]),
                   .applications = {},
                   .asks_for_applications = false};
  const Json applications = json.value("applications", Json());
  if (applications.is_null()) return wish;
  wish.asks_for_applications = !applications.empty() || !behaviour.empty_list_is_none;
  for (const Json& application : applications) {
    std::optional<Refusal> own_refusal;
    ApplicationWish own = ReadWish(application, own_refusal);
    if (!own_refusal) {
      wish.applications.push_back(std::move(own));
    } else if (!own.product_is_unknown ||
               behaviour.unknown_product == Behaviour::UnknownProduct::kRefuseAll) {
      refusal = own_refusal;
      return {};
    }
  }
  return wish;
}

FakeProfile PlainProfile(std::string_view profile_id) {
  return {.id = LowerCase(profile_id),
          .role = "INDIVIDUAL_CUSTOMER",
          .collected_data = std::string(kPlainCollectedData),
          .creation_date = kPlainCreationDate};
}

Json ProfileJson(const FakeProfile& profile, const std::vector<FakeApplication>& applications,
                 Json shown, const Behaviour& behaviour) {
  Json collected_data = Json::parse(profile.collected_data);
  const std::string display_name = DisplayName(collected_data);
  if (behaviour.rewrites_addresses) RewriteAddresses(collected_data);
  const Json tasks_by_type = ProfileTasksJson(applications);
  Json tasks = Json::array();
  Json task_types = Json::array();
  int complete_tasks = 0;
  for (const auto& [type, task] : tasks_by_type.items()) {
    task_types.push_back(type);
    complete_tasks += task["is_complete"].get<bool>() ? 1 : 0;
    tasks.push_back(task);
  }
  Json json = {
      {"id", profile.id},
      {"role", profile.role},
      {"display_name", display_name},
      {"category", "APPLICANT"},
      {"status", "NORMAL"},
      {"creation_date", DateTime(profile.creation_date)},
      {"applications", std::move(shown)},
      {"collected_data", std::move(collected_data)},
      {"checks", Json::array()},
      {"collection_steps", Json::array()},
      {"document_images", Json::array()},
      {"events", Json::array()},
      {"has_associates", false},
      {"has_collection_steps", false},
      {"linked_to", Json::array()},
      {"risk", Json::object()},
      {"tags", Json::array()},
      {"task_progress", {{"completed_count", complete_tasks}, {"total_count", tasks.size()}}},
      {"task_types", std::move(task_types)},
      {"tasks", std::move(tasks)},
      {"unresolved_event_types", Json::array()}};
  if (!behaviour.shows_creation_date) json.erase("creation_date");
  return json;
}

}  // namespace gateway
