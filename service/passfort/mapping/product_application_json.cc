#include "service/passfort/mapping/product_application_json.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "service/passfort/mapping/enum_names.h"

namespace gateway {
namespace {

using nlohmann::json;

// Text as a JSON string. U+FFFD for what is not UTF-8: no product has such an alias.
std::string Quoted(std::string_view text) {
  return json(text).dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace

std::optional<pb::ProductApplication> ReadProductApplication(std::string_view text) {
  ProductApplicationReading reading(text);
  while (!reading.ReadPiece()) {
  }
  return reading.TakeResult();
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
  return NameOf(kAssociatedRoles, role);
}

}  // namespace gateway
