#include "service/passfort/product_application_json.h"

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "service/passfort/application_reader.h"
#include "service/passfort/enum_names.h"
#include "service/passfort/json_equal_names.h"

namespace gateway {
namespace {

using nlohmann::json;

// Text as a JSON string. U+FFFD for what is not UTF-8: no product has such an alias.
std::string Quoted(std::string_view text) {
  return json(text).dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace

std::optional<pb::ProductApplication> ReadProductApplication(std::string_view text,
                                                             size_t max_values) {
  std::optional<pb::ProductApplication> application(std::in_place);
  ApplicationReader reader(*application);
  JsonEnd end = ReadJsonEvents(text, reader, max_values);
  if (reader.found_equal_names()) {
    // The last one counts, but another one was read before.
    application.emplace();
    ApplicationReader second_reader(*application);
    end = ReadLastOfEqualNames(text, second_reader, max_values);
  }
  if (end != JsonEnd::kWhole || application->id().empty()) application.reset();
  return application;
}

std::string CreateApplicationJson(std::string_view product_alias, std::string_view product_id,
                                  pb::AssociatedRole associated_role) {
  std::string body = product_alias.empty()
                         ? absl::StrCat(R"({"product":{"id":)", Quoted(product_id), "}")
                         : absl::StrCat(R"({"product":{"alias":)", Quoted(product_alias), "}");
  const std::string_view role = AssociatedRoleJsonName(associated_role);
  if (!role.empty()) {
    absl::StrAppend(&body, R"(,"associated_role":)", Quoted(role));
  }
  return body + "}";
}

std::string_view AssociatedRoleJsonName(pb::AssociatedRole role) {
  const auto found =
      std::ranges::find(kAssociatedRoles, role, &EnumName<pb::AssociatedRole>::value);
  return found == std::end(kAssociatedRoles) ? std::string_view() : found->name;
}

}  // namespace gateway
