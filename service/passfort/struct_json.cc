#include "service/passfort/struct_json.h"

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "service/passfort/json_reader.h"

namespace gateway {
namespace {

using nlohmann::json;

template <typename Integer>
void SetInteger(Integer integer, google::protobuf::Value& value) {
  const double nearest = static_cast<double>(integer);
  // 2^63 or 2^64 for the largest ones: casting that back would be undefined.
  const bool fits = nearest < std::ldexp(1.0, std::numeric_limits<Integer>::digits);
  if (fits && static_cast<Integer>(nearest) == integer) {
    value.set_number_value(nearest);
  } else {
    value.set_string_value(absl::StrCat(integer));
  }
}

void FillStruct(json::object_t& object, int level, google::protobuf::Struct& result) {
  auto& fields = *result.mutable_fields();
  for (auto& [name, member] : object) {
    ValueFromJson(std::move(member), level, fields[name]);
  }
}

}  // namespace

void ValueFromJson(json source, int level, google::protobuf::Value& value) {
  if (source.is_structured() && level > kMaxStructLevels) {
    value.set_string_value(WriteJson(source));
    return;
  }
  switch (source.type()) {
    case json::value_t::boolean:
      value.set_bool_value(source.get<bool>());
      return;
    case json::value_t::number_integer:
      SetInteger(source.get<json::number_integer_t>(), value);
      return;
    case json::value_t::number_unsigned:
      SetInteger(source.get<json::number_unsigned_t>(), value);
      return;
    case json::value_t::number_float:
      value.set_number_value(source.get<double>());
      return;
    case json::value_t::binary: {
      const auto& digits = source.get_binary();
      value.set_string_value(std::string(digits.begin(), digits.end()));
      return;
    }
    case json::value_t::string:
      value.set_string_value(std::move(source.get_ref<std::string&>()));
      return;
    case json::value_t::array: {
      auto& list = *value.mutable_list_value();
      for (auto& element : source.get_ref<json::array_t&>()) {
        ValueFromJson(std::move(element), level + 1, *list.add_values());
      }
      return;
    }
    case json::value_t::object:
      FillStruct(source.get_ref<json::object_t&>(), level + 1, *value.mutable_struct_value());
      return;
    case json::value_t::null:
    case json::value_t::discarded:
      value.set_null_value(google::protobuf::NULL_VALUE);
  }
}

void StructFromJson(json source, google::protobuf::Struct& result) {
  FillStruct(source.get_ref<json::object_t&>(), 1, result);
}

}  // namespace gateway
