#include "service/passfort/mapping/profile_json.h"

#include <cmath>
#include <cstdint>
#include <nlohmann/json.hpp>

#include "service/passfort/mapping/enum_names.h"

namespace gateway {
namespace {

using google::protobuf::Struct;
using google::protobuf::Value;
using nlohmann::json;

// Up to here every integer is a double of its own.
constexpr double kMaxExactInteger = 9007199254740992.0;  // 2^53

json ToJson(const Struct& object);

json ToJson(double number) {
  const bool is_integer = std::trunc(number) == number && std::abs(number) <= kMaxExactInteger;
  return is_integer ? json(static_cast<int64_t>(number)) : json(number);
}

json ToJson(const Value& value) {
  switch (value.kind_case()) {
    case Value::kNumberValue:
      return ToJson(value.number_value());
    case Value::kStringValue:
      return value.string_value();
    case Value::kBoolValue:
      return value.bool_value();
    case Value::kStructValue:
      return ToJson(value.struct_value());
    case Value::kListValue: {
      json list = json::array();
      for (const Value& item : value.list_value().values()) list.push_back(ToJson(item));
      return list;
    }
    case Value::kNullValue:
    case Value::KIND_NOT_SET:
      break;
  }
  return nullptr;
}

json ToJson(const Struct& object) {
  json members = json::object();
  for (const auto& [name, value] : object.fields()) members[name] = ToJson(value);
  return members;
}

json ToJson(const pb::ProductApplicationDraft& draft) {
  const pb::ProductReference& product = draft.product();
  json application;
  if (product.alias().empty()) {
    application["product"]["id"] = product.id();
  } else {
    application["product"]["alias"] = product.alias();
  }
  const std::string_view role = NameOf(kAssociatedRoles, draft.associated_role());
  if (!role.empty()) application["associated_role"] = role;
  return application;
}

}  // namespace

std::string CreateProfileJson(const pb::CreateProfileRequest& request) {
  json body = {{"role", NameOf(kProfileRoles, request.role())},
               {"collected_data", ToJson(request.collected_data())}};
  for (const auto& draft : request.product_applications()) {
    body["applications"].push_back(ToJson(draft));
  }
  return body.dump();
}

}  // namespace gateway
