#include "service/passfort/mapping/product_application_json.h"

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "service/json/json_duplicate_keys.h"
#include "service/passfort/mapping/application_reader.h"
#include "service/passfort/mapping/enum_names.h"

namespace gateway {
namespace {

using nlohmann::json;

// Text as a JSON string. U+FFFD for what is not UTF-8: no product has such an alias.
std::string Quoted(std::string_view text) {
  return json(text).dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace

ProductApplicationReading::ProductApplicationReading(std::string_view text, size_t max_values)
    : text_(text), max_values_(max_values), json_(text, reader_, max_values) {}

bool ProductApplicationReading::ReadPiece() {
  const std::optional<JsonEnd> end = json_.ReadPiece();
  end_ = end.value_or(end_);
  return end.has_value();
}

std::optional<pb::ProductApplication> ProductApplicationReading::TakeResult() {
  if (reader_.found_duplicate_keys()) {
    // The last one counts, but another one was read before.
    application_.emplace();
    ApplicationReader second_reader(*application_);
    end_ = ReadLastOfEqualNames(text_, second_reader, max_values_);
  }
  if (end_ != JsonEnd::kWhole || application_->id().empty()) application_.reset();
  return std::move(application_);
}

std::optional<pb::ProductApplication> ReadProductApplication(std::string_view text,
                                                             size_t max_values) {
  ProductApplicationReading reading(text, max_values);
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
  const auto found =
      std::ranges::find(kAssociatedRoles, role, &EnumName<pb::AssociatedRole>::value);
  return found == std::end(kAssociatedRoles) ? std::string_view() : found->name;
}

}  // namespace gateway
