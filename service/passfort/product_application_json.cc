#include "service/passfort/product_application_json.h"

#include <google/protobuf/struct.pb.h>

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "service/passfort/json_date.h"
#include "service/passfort/struct_json.h"

namespace gateway {
namespace {

using nlohmann::json;

// --- Enum values by the names Passfort uses. A value that is missing here stays UNSPECIFIED.

template <typename Enum>
struct EnumName {
  std::string_view name;
  Enum value;
};

constexpr EnumName<pb::AssociatedRole> kAssociatedRoles[] = {
    {"AUTHORIZED_PERSON", pb::ASSOCIATED_ROLE_AUTHORIZED_PERSON},
    {"UNAUTHORIZED_PERSON", pb::ASSOCIATED_ROLE_UNAUTHORIZED_PERSON},
    {"DIRECTOR", pb::ASSOCIATED_ROLE_DIRECTOR},
    {"COMPANY_SECRETARY", pb::ASSOCIATED_ROLE_COMPANY_SECRETARY},
    {"SHAREHOLDER", pb::ASSOCIATED_ROLE_SHAREHOLDER},
    {"PARTNER", pb::ASSOCIATED_ROLE_PARTNER},
    {"TRUSTEE", pb::ASSOCIATED_ROLE_TRUSTEE},
    {"BENEFICIAL_OWNER", pb::ASSOCIATED_ROLE_BENEFICIAL_OWNER},
    {"RESIGNED_OFFICER", pb::ASSOCIATED_ROLE_RESIGNED_OFFICER},
    {"OTHER", pb::ASSOCIATED_ROLE_OTHER},
};

constexpr EnumName<pb::ProductApplicationStatus> kStatuses[] = {
    {"APPLIED", pb::PRODUCT_APPLICATION_STATUS_APPLIED},
    {"APPROVED", pb::PRODUCT_APPLICATION_STATUS_APPROVED},
    {"IN_REVIEW", pb::PRODUCT_APPLICATION_STATUS_IN_REVIEW},
    {"REJECTED", pb::PRODUCT_APPLICATION_STATUS_REJECTED},
    {"CANCELLED", pb::PRODUCT_APPLICATION_STATUS_CANCELLED},
};

constexpr EnumName<pb::ProductApplicationFlag> kFlags[] = {
    {"AUTOMATING", pb::PRODUCT_APPLICATION_FLAG_AUTOMATING},
    {"DECIDED", pb::PRODUCT_APPLICATION_FLAG_DECIDED},
    {"WAITING_ON_COLLECTION_STEPS", pb::PRODUCT_APPLICATION_FLAG_WAITING_ON_COLLECTION_STEPS},
    {"WAITING_ON_CHECKS", pb::PRODUCT_APPLICATION_FLAG_WAITING_ON_CHECKS},
    {"REQUIRES_MANUAL_TASK_COMPLETION",
     pb::PRODUCT_APPLICATION_FLAG_REQUIRES_MANUAL_TASK_COMPLETION},
    {"READY_FOR_DECISION", pb::PRODUCT_APPLICATION_FLAG_READY_FOR_DECISION},
    {"REQUIRES_RISK_SCORE", pb::PRODUCT_APPLICATION_FLAG_REQUIRES_RISK_SCORE},
    {"RECALCULATING_RISK", pb::PRODUCT_APPLICATION_FLAG_RECALCULATING_RISK},
    {"WAITING_ON_ESCALATION", pb::PRODUCT_APPLICATION_FLAG_WAITING_ON_ESCALATION},
    {"REQUIRES_DATA", pb::PRODUCT_APPLICATION_FLAG_REQUIRES_DATA},
    {"NEARING_EXPIRY", pb::PRODUCT_APPLICATION_FLAG_NEARING_EXPIRY},
};

constexpr EnumName<pb::ApprovalBlockerType> kBlockerTypes[] = {
    {"INCOMPLETE_TASK", pb::APPROVAL_BLOCKER_TYPE_INCOMPLETE_TASK},
    {"UNRESOLVED_EVENT", pb::APPROVAL_BLOCKER_TYPE_UNRESOLVED_EVENT},
    {"SUSPENDED_PROFILE", pb::APPROVAL_BLOCKER_TYPE_SUSPENDED_PROFILE},
    {"UNDETERMINED_RISK", pb::APPROVAL_BLOCKER_TYPE_UNDETERMINED_RISK},
};

// --- What the typed fields do not hold.

// A place in `unmapped`. The objects that lead to it are made when the first value is kept there,
// so an answer without surprises leaves `unmapped` unset.
class Place {
 public:
  explicit Place(pb::ProductApplication& application) : application_(&application) {}
  Place(Place& parent, std::string_view name)
      : parent_(&parent), name_(name), level_(parent.level_ + 1) {}

  void Keep(std::string_view name, json value) {
    ValueFromJson(std::move(value), level_ + 1, Member(name));
  }

 private:
  google::protobuf::Value& Member(std::string_view name) {
    if (object_ == nullptr) {
      object_ = parent_ == nullptr ? application_->mutable_unmapped()
                                   : parent_->Member(name_).mutable_struct_value();
    }
    return (*object_->mutable_fields())[std::string(name)];
  }

  pb::ProductApplication* application_ = nullptr;
  Place* parent_ = nullptr;
  std::string_view name_;
  // How far this object is below `unmapped` itself.
  int level_ = 0;
  google::protobuf::Struct* object_ = nullptr;
};

// Whether a field would print back the JSON value it was read from.
enum class Reading { kWhole, kKeepJson };

// One member of a JSON object and how it is read into its field. `read` gets the member's value,
// which is no null, and the member's own place for what it holds deeper down. It leaves the value
// as it was if it says kKeepJson.
template <typename Message>
struct Member {
  std::string_view name;
  Reading (*read)(json& value, Message& message, Place& place);
};

template <typename Message>
using Members = std::span<const Member<Message>>;

template <typename Message>
void ReadMembers(json& object, Members<Message> members, Message& message, Place& place) {
  for (auto& [name, value] : object.get_ref<json::object_t&>()) {
    const auto member = std::ranges::find(members, name, &Member<Message>::name);
    if (member == members.end()) {
      place.Keep(name, std::move(value));
      continue;
    }
    // Null, absent and default are the same to the typed side.
    if (value.is_null()) {
      continue;
    }
    Place member_place(place, name);
    if (member->read(value, message, member_place) == Reading::kKeepJson) {
      place.Keep(name, std::move(value));
    }
  }
}

// --- Readers: one for each kind of field. `Field` is the generated accessor.

template <auto Field, typename Message>
Reading String(json& value, Message& message, Place&) {
  if (!value.is_string()) {
    return Reading::kKeepJson;
  }
  *(message.*Field)() = std::move(value.get_ref<std::string&>());
  return Reading::kWhole;
}

template <auto Field, typename Message>
Reading Bool(json& value, Message& message, Place&) {
  if (!value.is_boolean()) {
    return Reading::kKeepJson;
  }
  (message.*Field)(value.get<bool>());
  return Reading::kWhole;
}

template <auto Field, const auto& Names, typename Message>
Reading Enum(json& value, Message& message, Place&) {
  if (!value.is_string()) {
    return Reading::kKeepJson;
  }
  for (const auto& [name, number] : Names) {
    if (name == value.get_ref<const std::string&>()) {
      (message.*Field)(number);
      return Reading::kWhole;
    }
  }
  return Reading::kKeepJson;
}

template <auto Field, typename Message>
Reading Date(json& value, Message& message, Place&) {
  if (!value.is_string()) {
    return Reading::kKeepJson;
  }
  const auto date = ReadJsonDate(value.get_ref<const std::string&>());
  if (!date) {
    return Reading::kKeepJson;
  }
  *(message.*Field)() = date->instant;
  return date->is_plain ? Reading::kWhole : Reading::kKeepJson;
}

template <auto Field, const auto& FieldMembers, typename Message>
Reading Object(json& value, Message& message, Place& place) {
  if (!value.is_object()) {
    return Reading::kKeepJson;
  }
  ReadMembers(value, Members(FieldMembers), *(message.*Field)(), place);
  return Reading::kWhole;
}

// Calls `read_object` for each element with the message that stands for it. An element that is no
// object leaves that message empty and is kept under its index.
template <auto Field, typename Message, typename ReadObject>
Reading ReadList(json& value, Message& message, Place& place, ReadObject read_object) {
  if (!value.is_array()) {
    return Reading::kKeepJson;
  }
  int index = 0;
  for (json& element : value.get_ref<json::array_t&>()) {
    auto& element_message = *(message.*Field)();
    const std::string name = std::to_string(index++);
    if (!element.is_object()) {
      place.Keep(name, std::move(element));
      continue;
    }
    Place element_place(place, name);
    read_object(element, element_message, element_place);
  }
  return Reading::kWhole;
}

template <auto Field, const auto& ElementMembers, typename Message>
Reading Objects(json& value, Message& message, Place& place) {
  return ReadList<Field>(value, message, place, [](json& object, auto& element, Place& at) {
    ReadMembers(object, Members(ElementMembers), element, at);
  });
}

template <auto Field, typename Message>
Reading Structs(json& value, Message& message, Place& place) {
  return ReadList<Field>(value, message, place, [](json& object, auto& element, Place&) {
    StructFromJson(std::move(object), element);
  });
}

// --- Which member goes where. What is not in these tables goes to `unmapped`.

constexpr Member<pb::User> kUser[] = {
    {"id", String<&pb::User::mutable_id>},
    {"name", String<&pb::User::mutable_name>},
    {"email", String<&pb::User::mutable_email>},
};

constexpr Member<pb::Product> kProduct[] = {
    {"id", String<&pb::Product::mutable_id>},
    {"alias", String<&pb::Product::mutable_alias>},
    {"name", String<&pb::Product::mutable_name>},
    {"automatically_apply", Bool<&pb::Product::set_automatically_apply>},
    {"automatically_approve", Bool<&pb::Product::set_automatically_approve>},
    {"is_deleted", Bool<&pb::Product::set_is_deleted>},
};

constexpr Member<pb::RequiredTask> kRequiredTask[] = {
    {"id", String<&pb::RequiredTask::mutable_id>},
    {"task_type", String<&pb::RequiredTask::mutable_task_type>},
    {"name", String<&pb::RequiredTask::mutable_name>},
    {"description", String<&pb::RequiredTask::mutable_description>},
    {"alias", String<&pb::RequiredTask::mutable_alias>},
};

constexpr Member<pb::ApprovalBlocker> kApprovalBlocker[] = {
    {"blocker_type", Enum<&pb::ApprovalBlocker::set_blocker_type, kBlockerTypes>},
    {"event_id", String<&pb::ApprovalBlocker::mutable_event_id>},
    {"task_type", String<&pb::ApprovalBlocker::mutable_task_type>},
    {"task_variant", Object<&pb::ApprovalBlocker::mutable_task_variant, kRequiredTask>},
};

constexpr Member<pb::StatusChange> kStatusChange[] = {
    {"status", Enum<&pb::StatusChange::set_status, kStatuses>},
    {"date", Date<&pb::StatusChange::mutable_date>},
    {"decisioner", Object<&pb::StatusChange::mutable_decisioner, kUser>},
    {"comment", String<&pb::StatusChange::mutable_comment>},
};

constexpr Member<pb::FlagChange> kFlagChange[] = {
    {"status", Enum<&pb::FlagChange::set_status, kStatuses>},
    {"flag", Enum<&pb::FlagChange::set_flag, kFlags>},
    {"date", Date<&pb::FlagChange::mutable_date>},
};

constexpr Member<pb::ProductApplication> kProductApplication[] = {
    {"id", String<&pb::ProductApplication::mutable_id>},
    {"product", Object<&pb::ProductApplication::mutable_product, kProduct>},
    {"associated_role", Enum<&pb::ProductApplication::set_associated_role, kAssociatedRoles>},
    {"status", Enum<&pb::ProductApplication::set_status, kStatuses>},
    {"flag", Enum<&pb::ProductApplication::set_flag, kFlags>},
    {"required_tasks", Objects<&pb::ProductApplication::add_required_tasks, kRequiredTask>},
    {"approval_blockers",
     Objects<&pb::ProductApplication::add_approval_blockers, kApprovalBlocker>},
    {"assignments", Structs<&pb::ProductApplication::add_assignments>},
    {"history", Objects<&pb::ProductApplication::add_history, kStatusChange>},
    {"flag_history", Objects<&pb::ProductApplication::add_flag_history, kFlagChange>},
    {"hidden", Bool<&pb::ProductApplication::set_hidden>},
};

// Text as a JSON string. U+FFFD for what is not UTF-8: no product has such an alias.
std::string Quoted(std::string_view text) {
  return json(text).dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace

void ProductApplicationFromJson(json source, pb::ProductApplication& application) {
  Place place(application);
  ReadMembers(source, Members(kProductApplication), application, place);
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
