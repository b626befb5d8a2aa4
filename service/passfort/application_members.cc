#include "service/passfort/application_members.h"

#include <google/protobuf/struct.pb.h>

#include <optional>
#include <string>

#include "passfort/gateway/v1/product_application.pb.h"
#include "service/passfort/enum_names.h"
#include "service/passfort/json_date.h"

namespace gateway {
namespace {

using google::protobuf::Message;

// The message that the generated accessor `Accessor` belongs to.
template <typename Result, typename Class, typename... Arguments>
Class ClassOf(Result (Class::*accessor)(Arguments...));

template <auto Accessor>
auto& Downcast(Message& message) {
  return static_cast<decltype(ClassOf(Accessor))&>(message);
}

// --- How the kinds of fields are read. `Accessor` is the generated accessor.

template <auto Accessor>
Reading ReadString(const JsonScalar& value, Message& message) {
  const auto* text = std::get_if<std::string_view>(&value);
  if (text == nullptr) {
    return Reading::kKeepJson;
  }
  (Downcast<Accessor>(message).*Accessor)()->assign(*text);
  return Reading::kWhole;
}

template <auto Accessor>
Reading ReadBool(const JsonScalar& value, Message& message) {
  const auto* truth = std::get_if<bool>(&value);
  if (truth == nullptr) {
    return Reading::kKeepJson;
  }
  (Downcast<Accessor>(message).*Accessor)(*truth);
  return Reading::kWhole;
}

template <auto Accessor, const auto& Names>
Reading ReadEnum(const JsonScalar& value, Message& message) {
  const auto* text = std::get_if<std::string_view>(&value);
  if (text == nullptr) {
    return Reading::kKeepJson;
  }
  for (const auto& [name, number] : Names) {
    if (name == *text) {
      (Downcast<Accessor>(message).*Accessor)(number);
      return Reading::kWhole;
    }
  }
  return Reading::kKeepJson;
}

template <auto Accessor>
Reading ReadDate(const JsonScalar& value, Message& message) {
  const auto* text = std::get_if<std::string_view>(&value);
  const auto date = text == nullptr ? std::nullopt : ReadJsonDate(*text);
  if (!date) {
    return Reading::kKeepJson;
  }
  *(Downcast<Accessor>(message).*Accessor)() = date->instant;
  return date->is_plain ? Reading::kWhole : Reading::kKeepJson;
}

template <auto Accessor>
Message& OpenMessage(Message& message) {
  return *(Downcast<Accessor>(message).*Accessor)();
}

// --- The kinds of fields.

template <auto Accessor>
constexpr Field String = {.read = ReadString<Accessor>};

template <auto Accessor>
constexpr Field Bool = {.read = ReadBool<Accessor>};

template <auto Accessor, const auto& Names>
constexpr Field Enum = {.read = ReadEnum<Accessor, Names>};

template <auto Accessor>
constexpr Field Date = {.read = ReadDate<Accessor>};

template <auto Accessor, const auto& FieldMembers>
constexpr Field Object = {
    .open = OpenMessage<Accessor>, .container = JsonContainer::kObject, .members = FieldMembers};

template <auto Accessor, const auto& ElementMembers>
constexpr Field Objects = {
    .open = OpenMessage<Accessor>, .container = JsonContainer::kList, .members = ElementMembers};

template <auto Accessor>
constexpr Field Structs = {.open = OpenMessage<Accessor>, .container = JsonContainer::kList};

// --- Which member goes where. What is not in these tables goes to `unmapped`.

constexpr Member kUser[] = {
    {"id", String<&pb::User::mutable_id>},
    {"name", String<&pb::User::mutable_name>},
    {"email", String<&pb::User::mutable_email>},
};

constexpr Member kProduct[] = {
    {"id", String<&pb::Product::mutable_id>},
    {"alias", String<&pb::Product::mutable_alias>},
    {"name", String<&pb::Product::mutable_name>},
    {"automatically_apply", Bool<&pb::Product::set_automatically_apply>},
    {"automatically_approve", Bool<&pb::Product::set_automatically_approve>},
    {"is_deleted", Bool<&pb::Product::set_is_deleted>},
};

constexpr Member kRequiredTask[] = {
    {"id", String<&pb::RequiredTask::mutable_id>},
    {"task_type", String<&pb::RequiredTask::mutable_task_type>},
    {"name", String<&pb::RequiredTask::mutable_name>},
    {"description", String<&pb::RequiredTask::mutable_description>},
    {"alias", String<&pb::RequiredTask::mutable_alias>},
};

constexpr Member kApprovalBlocker[] = {
    {"blocker_type", Enum<&pb::ApprovalBlocker::set_blocker_type, kBlockerTypes>},
    {"event_id", String<&pb::ApprovalBlocker::mutable_event_id>},
    {"task_type", String<&pb::ApprovalBlocker::mutable_task_type>},
    {"task_variant", Object<&pb::ApprovalBlocker::mutable_task_variant, kRequiredTask>},
};

constexpr Member kStatusChange[] = {
    {"status", Enum<&pb::StatusChange::set_status, kStatuses>},
    {"date", Date<&pb::StatusChange::mutable_date>},
    {"decisioner", Object<&pb::StatusChange::mutable_decisioner, kUser>},
    {"comment", String<&pb::StatusChange::mutable_comment>},
};

constexpr Member kFlagChange[] = {
    {"status", Enum<&pb::FlagChange::set_status, kStatuses>},
    {"flag", Enum<&pb::FlagChange::set_flag, kFlags>},
    {"date", Date<&pb::FlagChange::mutable_date>},
};

constexpr Member kProductApplication[] = {
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

}  // namespace

Members ApplicationMembers() { return kProductApplication; }

}  // namespace gateway
