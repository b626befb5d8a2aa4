#include "tests/unit/passfort/rebuilt_application.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/struct.pb.h>
#include <google/protobuf/timestamp.pb.h>

#include <nlohmann/json.hpp>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "service/json/json_reader.h"

namespace gateway {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;
using google::protobuf::Struct;
using google::protobuf::Timestamp;
using google::protobuf::Value;
using nlohmann::json;

// Levels below a Struct's root that stay structured.
constexpr int kStructuredLevels = 24;

// Of a message: null if it is no resource.
const FieldDescriptor* UnmappedField(const Descriptor& type) {
  return type.FindFieldByName("unmapped");
}

std::string JsonNameOf(const FieldDescriptor& field) {
  return field.name() == "product_applications" ? "applications" : std::string(field.name());
}

// The field of a member. Null: it has none.
const FieldDescriptor* FieldOf(const Descriptor& type, const std::string& name) {
  const FieldDescriptor* field =
      type.FindFieldByName(name == "applications" ? "product_applications" : name);
  const bool is_of_gateway = name == "unmapped" || name == "etag" || name == "product_applications";
  return is_of_gateway ? nullptr : field;
}

// --- Message -> JSON

json JsonOfStruct(const Struct& source);

json JsonOfValue(const Value& value) {
  switch (value.kind_case()) {
    case Value::kNumberValue:
      return value.number_value();
    case Value::kStringValue:
      return value.string_value();
    case Value::kBoolValue:
      return value.bool_value();
    case Value::kStructValue:
      return JsonOfStruct(value.struct_value());
    case Value::kListValue: {
      json list = json::array();
      for (const Value& element : value.list_value().values()) {
        list.push_back(JsonOfValue(element));
      }
      return list;
    }
    case Value::kNullValue:
      return nullptr;
    case Value::KIND_NOT_SET:
      break;
  }
  // No JSON value at all; a json::binary equals none that can be read.
  return json::binary({});
}

json JsonOfStruct(const Struct& source) {
  json object = json::object();
  for (const auto& [name, value] : source.fields()) {
    object[name] = JsonOfValue(value);
  }
  return object;
}

// "PRODUCT_APPLICATION_STATUS_APPLIED" -> "APPLIED": the prefix ends where the name of the zero
// value has UNSPECIFIED.
std::string JsonNameOfEnumValue(const google::protobuf::EnumValueDescriptor& value) {
  const std::string zero(value.type()->FindValueByNumber(0)->name());
  return std::string(value.name()).substr(zero.size() - std::string("UNSPECIFIED").size());
}

// The typed fields alone; resources inside of it are whole.
json JsonOfMessage(const Message& message) {
  const Descriptor* type = message.GetDescriptor();
  if (type == Struct::descriptor()) {
    return JsonOfStruct(static_cast<const Struct&>(message));
  }
  if (type == Timestamp::descriptor()) {
    const auto seconds = static_cast<const Timestamp&>(message).seconds();
    return absl::FormatTime("%E4Y-%m-%d %H:%M:%S", absl::FromUnixSeconds(seconds),
                            absl::UTCTimeZone());
  }
  const Reflection& reflection = *message.GetReflection();
  std::vector<const FieldDescriptor*> set_fields;
  reflection.ListFields(message, &set_fields);
  json object = json::object();
  for (const FieldDescriptor* field : set_fields) {
    if (field->name() == "unmapped" || field->name() == "etag") {
      continue;
    }
    json& member = object[JsonNameOf(*field)];
    if (field->is_repeated()) {
      const bool is_resource = UnmappedField(*field->message_type()) != nullptr;
      for (int i = 0; i < reflection.FieldSize(message, field); ++i) {
        const Message& element = reflection.GetRepeatedMessage(message, field, i);
        member.push_back(is_resource ? RebuiltJson(element) : JsonOfMessage(element));
      }
      continue;
    }
    switch (field->cpp_type()) {
      case FieldDescriptor::CPPTYPE_MESSAGE:
        member = JsonOfMessage(reflection.GetMessage(message, field));
        break;
      case FieldDescriptor::CPPTYPE_ENUM:
        member = JsonNameOfEnumValue(*reflection.GetEnum(message, field));
        break;
      case FieldDescriptor::CPPTYPE_BOOL:
        member = reflection.GetBool(message, field);
        break;
      default:
        member = reflection.GetString(message, field);
    }
  }
  return object;
}

// --- Merging `unmapped`

void Merge(const Value& kept, json& typed);

void MergeStruct(const Struct& kept, json& typed) {
  for (const auto& [name, value] : kept.fields()) {
    if (typed.is_array()) {
      Merge(value, typed.at(std::stoul(name)));
    } else if (typed.contains(name)) {
      Merge(value, typed[name]);
    } else {
      typed[name] = JsonOfValue(value);
    }
  }
}

void Merge(const Value& kept, json& typed) {
  if (typed.is_structured() && kept.has_struct_value()) {
    MergeStruct(kept.struct_value(), typed);
  } else {
    typed = JsonOfValue(kept);
  }
}

// --- Comparing

bool IsOdd(const json& value) { return value.is_binary() && value.get_binary().has_subtype(); }

bool IsOddString(const json& value) {
  return IsOdd(value) && value.get_binary().subtype() == kOddStringSubtype;
}

std::string BytesOf(const json& binary) {
  return std::string(binary.get_binary().begin(), binary.get_binary().end());
}

// Whether the shortest form of the double next to `integer` is the same number. A long double holds
// each of them, with 64 bits of fraction on x86-64.
bool PrintsBack(const json& integer) {
  const double nearest = integer.get<double>();
  std::string shortest;
  for (int digits = 1; shortest.empty() || std::stod(shortest) != nearest; ++digits) {
    shortest = absl::StrFormat("%.*e", digits - 1, nearest);
  }
  const long double printed = std::stold(shortest);
  return integer.is_number_unsigned() ? printed == integer.get<uint64_t>()
                                      : printed == integer.get<int64_t>();
}

// `value` with the text of odd strings and words in their place.
json WithPlainText(json value) {
  if (IsOdd(value)) return BytesOf(value);
  if (value.is_structured()) {
    for (json& inner : value) inner = WithPlainText(std::move(inner));
  }
  return value;
}

// `original` was read by ReadJson; `level` is how far it is below the root of the Struct that holds
// it.
std::string DifferenceInStruct(const json& original, const json& rebuilt, int level,
                               const std::string& path) {
  if (original.is_structured() && level > kStructuredLevels) {
    const bool same =
        rebuilt.is_string() && ReadJson(rebuilt.get<std::string>()) == WithPlainText(original);
    return same ? "" : absl::StrCat(path, ": not the JSON text of the subtree");
  }
  if (original.is_object() && rebuilt.is_object()) {
    for (const auto& [name, member] : original.items()) {
      if (!rebuilt.contains(name)) {
        return absl::StrCat(path, ".", name, ": lost");
      }
      const std::string difference =
          DifferenceInStruct(member, rebuilt[name], level + 1, absl::StrCat(path, ".", name));
      if (!difference.empty()) {
        return difference;
      }
    }
    return original.size() == rebuilt.size() ? "" : absl::StrCat(path, ": has members more");
  }
  if (original.is_array() && rebuilt.is_array() && original.size() == rebuilt.size()) {
    for (size_t i = 0; i < original.size(); ++i) {
      const std::string difference =
          DifferenceInStruct(original[i], rebuilt[i], level + 1, absl::StrCat(path, "[", i, "]"));
      if (!difference.empty()) {
        return difference;
      }
    }
    return "";
  }
  // Kept as text: digits, odd strings and odd words, and of the integers those that no double
  // prints back.
  json expected = original;
  if (original.is_binary()) {
    expected = BytesOf(original);
  } else if (original.is_number_integer() && !PrintsBack(original)) {
    expected = original.dump();
  }
  const bool same = expected.is_number() == rebuilt.is_number() && expected == rebuilt;
  return same ? "" : absl::StrCat(path, ": ", original.dump(), " became ", rebuilt.dump());
}

bool IsDefault(const json& value, const FieldDescriptor& field) {
  const bool is_empty_text = value.is_string() && value.get_ref<const std::string&>().empty();
  return value.is_null() || (field.is_repeated() && value == json::array()) ||
         (field.cpp_type() == FieldDescriptor::CPPTYPE_STRING && is_empty_text) ||
         (field.cpp_type() == FieldDescriptor::CPPTYPE_BOOL && value == false);
}

// `level` counts from the root of `unmapped`, which is the root of the JSON as well.
std::string Difference(const json& original, const json& rebuilt, const Descriptor& type, int level,
                       const std::string& path) {
  if (!original.is_object() || !rebuilt.is_object() || &type == Timestamp::descriptor()) {
    return DifferenceInStruct(original, rebuilt, level, path);
  }
  for (const auto& [name, member] : original.items()) {
    const std::string member_path = absl::StrCat(path, ".", name);
    const FieldDescriptor* field = FieldOf(type, name);
    if (field != nullptr && IsDefault(member, *field)) {
      if (rebuilt.contains(name)) {
        return absl::StrCat(member_path, ": made from a default");
      }
      continue;
    }
    if (!rebuilt.contains(name)) {
      return absl::StrCat(member_path, ": lost");
    }
    const json& found = rebuilt[name];
    std::string difference;
    if (field == nullptr || field->message_type() == nullptr) {
      difference = DifferenceInStruct(member, found, level + 1, member_path);
    } else if (field->is_repeated() && member.is_array() && found.is_array()) {
      if (member.size() != found.size()) {
        return absl::StrCat(member_path, ": ", member.size(), " elements became ", found.size());
      }
      for (size_t i = 0; i < member.size() && difference.empty(); ++i) {
        const std::string element_path = absl::StrCat(member_path, "[", i, "]");
        const bool is_root = field->message_type() == Struct::descriptor() && member[i].is_object();
        const bool is_resource =
            UnmappedField(*field->message_type()) != nullptr && member[i].is_object();
        difference = is_root ? DifferenceInStruct(member[i], found[i], 0, element_path)
                             : Difference(member[i], found[i], *field->message_type(),
                                          is_resource ? 0 : level + 2, element_path);
      }
    } else if (field->is_repeated()) {
      difference = DifferenceInStruct(member, found, level + 1, member_path);
    } else if (field->message_type() == Struct::descriptor()) {
      difference =
          DifferenceInStruct(member, found, member.is_object() ? 0 : level + 1, member_path);
    } else {
      difference = Difference(member, found, *field->message_type(), level + 1, member_path);
    }
    if (!difference.empty()) {
      return difference;
    }
  }
  for (const auto& [name, member] : rebuilt.items()) {
    if (!original.contains(name)) {
      return absl::StrCat(path, ".", name, ": never sent");
    }
  }
  return "";
}

// What `kept` holds although `typed` holds the same, or for nothing: an empty object below the root
// is kept only if it was sent. An odd string is in both places: a field has no room for what it
// was.
std::string KeptTwice(const Value& kept, const json& typed, const json& original,
                      const std::string& path) {
  if (!kept.has_struct_value() || !typed.is_structured()) {
    return JsonOfValue(kept) == typed && !IsOddString(original)
               ? absl::StrCat(path, ": kept although a field has it")
               : "";
  }
  if (kept.struct_value().fields().empty()) {
    return absl::StrCat(path, ": empty although nothing is kept");
  }
  for (const auto& [name, value] : kept.struct_value().fields()) {
    const bool exists = typed.is_array() || typed.contains(name);
    const auto inside = [&name](const json& around) -> const json& {
      return around.is_array() ? around.at(std::stoul(name)) : around.at(name);
    };
    const std::string twice =
        !exists ? ""
                : KeptTwice(value, inside(typed), inside(original), absl::StrCat(path, ".", name));
    if (!twice.empty()) {
      return twice;
    }
  }
  return "";
}

const Struct& UnmappedOf(const Message& resource) {
  const FieldDescriptor* field = UnmappedField(*resource.GetDescriptor());
  return static_cast<const Struct&>(resource.GetReflection()->GetMessage(resource, field));
}

// The same of the resources inside.
std::string KeptTwiceIn(const Message& resource, const json& original, const std::string& path) {
  const Reflection& reflection = *resource.GetReflection();
  const FieldDescriptor* unmapped = UnmappedField(*resource.GetDescriptor());
  if (reflection.HasField(resource, unmapped)) {
    Value kept;
    *kept.mutable_struct_value() = UnmappedOf(resource);
    const std::string twice =
        KeptTwice(kept, JsonOfMessage(resource), original, absl::StrCat(path, ".unmapped"));
    if (!twice.empty()) return twice;
  }
  const FieldDescriptor* inner = resource.GetDescriptor()->FindFieldByName("product_applications");
  for (int i = 0; inner != nullptr && i < reflection.FieldSize(resource, inner); ++i) {
    const std::string twice = KeptTwiceIn(reflection.GetRepeatedMessage(resource, inner, i),
                                          original.at("applications").at(static_cast<size_t>(i)),
                                          absl::StrCat(path, ".applications[", i, "]"));
    if (!twice.empty()) return twice;
  }
  return "";
}

}  // namespace

json RebuiltJson(const Message& resource) {
  json rebuilt = JsonOfMessage(resource);
  MergeStruct(UnmappedOf(resource), rebuilt);
  return rebuilt;
}

std::string BrokenPromise(const json& original, const Message& resource) {
  const std::string difference =
      Difference(original, RebuiltJson(resource), *resource.GetDescriptor(), 0, "resource");
  return difference.empty() ? KeptTwiceIn(resource, original, "resource") : difference;
}

}  // namespace gateway
