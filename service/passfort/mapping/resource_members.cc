#include "service/passfort/mapping/resource_members.h"

#include <google/protobuf/struct.pb.h>

#include <iterator>
#include <optional>
#include <string>

#include "passfort/gateway/v1/product_application.pb.h"
#include "passfort/gateway/v1/product_application_service.pb.h"
#include "passfort/gateway/v1/profile.pb.h"
#include "service/passfort/mapping/enum_names.h"
#include "service/passfort/mapping/json_date.h"

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
  if (const auto* text = std::get_if<std::string_view>(&value)) {
    (Downcast<Accessor>(message).*Accessor)()->assign(*text);
    return Reading::kWhole;
  }
  // As good as a field can have it. An id counts, whatever it holds.
  if (const auto* odd = std::get_if<OddString>(&value)) {
    (Downcast<Accessor>(message).*Accessor)()->assign(odd->text);
  }
  return Reading::kKeepJson;
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
  const auto number = ValueOf(Names, *text);
  if (number == decltype(number){}) return Reading::kKeepJson;
  (Downcast<Accessor>(message).*Accessor)(number);
  return Reading::kWhole;
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
constexpr Field kString = {.read = ReadString<Accessor>};

template <auto Accessor>
constexpr Field kBool = {.read = ReadBool<Accessor>};

template <auto Accessor, const auto& Names>
constexpr Field kEnum = {.read = ReadEnum<Accessor, Names>};

template <auto Accessor>
constexpr Field kDate = {.read = ReadDate<Accessor>};

template <const auto& Table>
constexpr Members Checked() {
  static_assert(std::size(Table) <= kMaxMembers);
  return Table;
}

template <auto Accessor, const auto& Table>
constexpr Field kObject = {.open = OpenMessage<Accessor>,
                           .container = JsonContainer::kObject,
                           .members = Checked<Table>()};

template <auto Accessor, const auto& Table>
constexpr Field kObjects = {
    .open = OpenMessage<Accessor>, .container = JsonContainer::kList, .members = Checked<Table>()};

template <auto Accessor, const auto& Type>
constexpr Field kResources = {
    .open = OpenMessage<Accessor>, .container = JsonContainer::kList, .resource = &Type};

template <auto Accessor>
constexpr Field kStruct = {.open = OpenMessage<Accessor>};

template <auto Accessor>
constexpr Field kStructs = {.open = OpenMessage<Accessor>, .container = JsonContainer::kList};

// --- Which member goes where. What is not in these tables goes to `unmapped`.

constexpr Member kUser[] = {
    {"id", kString<&pb::User::mutable_id>},
    {"name", kString<&pb::User::mutable_name>},
    {"email", kString<&pb::User::mutable_email>},
};

constexpr Member kProduct[] = {
    {"id", kString<&pb::Product::mutable_id>},
    {"alias", kString<&pb::Product::mutable_alias>},
    {"name", kString<&pb::Product::mutable_name>},
    {"automatically_apply", kBool<&pb::Product::set_automatically_apply>},
    {"automatically_approve", kBool<&pb::Product::set_automatically_approve>},
    {"is_deleted", kBool<&pb::Product::set_is_deleted>},
};

constexpr Member kRequiredTask[] = {
    {"id", kString<&pb::RequiredTask::mutable_id>},
    {"task_type", kString<&pb::RequiredTask::mutable_task_type>},
    {"name", kString<&pb::RequiredTask::mutable_name>},
    {"description", kString<&pb::RequiredTask::mutable_description>},
    {"alias", kString<&pb::RequiredTask::mutable_alias>},
};

constexpr Member kApprovalBlocker[] = {
    {"blocker_type", kEnum<&pb::ApprovalBlocker::set_blocker_type, kBlockerTypes>},
    {"event_id", kString<&pb::ApprovalBlocker::mutable_event_id>},
    {"task_type", kString<&pb::ApprovalBlocker::mutable_task_type>},
    {"task_variant", kObject<&pb::ApprovalBlocker::mutable_task_variant, kRequiredTask>},
};

constexpr Member kStatusChange[] = {
    {"status", kEnum<&pb::StatusChange::set_status, kStatuses>},
    {"date", kDate<&pb::StatusChange::mutable_date>},
    {"decisioner", kObject<&pb::StatusChange::mutable_decisioner, kUser>},
    {"comment", kString<&pb::StatusChange::mutable_comment>},
};

constexpr Member kFlagChange[] = {
    {"status", kEnum<&pb::FlagChange::set_status, kStatuses>},
    {"flag", kEnum<&pb::FlagChange::set_flag, kFlags>},
    {"date", kDate<&pb::FlagChange::mutable_date>},
};

constexpr Member kProductApplication[] = {
    {"id", kString<&pb::ProductApplication::mutable_id>},
    {"product", kObject<&pb::ProductApplication::mutable_product, kProduct>},
    {"associated_role", kEnum<&pb::ProductApplication::set_associated_role, kAssociatedRoles>},
    {"status", kEnum<&pb::ProductApplication::set_status, kStatuses>},
    {"flag", kEnum<&pb::ProductApplication::set_flag, kFlags>},
    {"required_tasks", kObjects<&pb::ProductApplication::add_required_tasks, kRequiredTask>},
    {"approval_blockers",
     kObjects<&pb::ProductApplication::add_approval_blockers, kApprovalBlocker>},
    {"assignments", kStructs<&pb::ProductApplication::add_assignments>},
    {"history", kObjects<&pb::ProductApplication::add_history, kStatusChange>},
    {"flag_history", kObjects<&pb::ProductApplication::add_flag_history, kFlagChange>},
    {"hidden", kBool<&pb::ProductApplication::set_hidden>},
};

template <typename Type>
google::protobuf::Struct& UnmappedOf(Message& message) {
  return *static_cast<Type&>(message).mutable_unmapped();
}

std::string& EtagOf(Message& message) {
  return *static_cast<pb::ProductApplication&>(message).mutable_etag();
}

constexpr Resource kApplication = {.members = Checked<kProductApplication>(),
                                   .unmapped = UnmappedOf<pb::ProductApplication>,
                                   .etag = EtagOf};

constexpr Member kProfileMembers[] = {
    {"id", kString<&pb::Profile::mutable_id>},
    {"role", kEnum<&pb::Profile::set_role, kProfileRoles>},
    {"display_name", kString<&pb::Profile::mutable_display_name>},
    {"category", kEnum<&pb::Profile::set_category, kProfileCategories>},
    {"status", kEnum<&pb::Profile::set_status, kProfileStatuses>},
    {"creation_date", kDate<&pb::Profile::mutable_creation_date>},
    {"applications", kResources<&pb::Profile::add_product_applications, kApplication>},
    {"collected_data", kStruct<&pb::Profile::mutable_collected_data>},
};

constexpr Resource kProfile = {.members = Checked<kProfileMembers>(),
                               .unmapped = UnmappedOf<pb::Profile>};

constexpr const Field& kApplicationList =
    kResources<&pb::ListProductApplicationsResponse::add_product_applications, kApplication>;

}  // namespace

const Resource& ApplicationResource() { return kApplication; }
const Resource& ProfileResource() { return kProfile; }
const Field& ApplicationListField() { return kApplicationList; }

}  // namespace gateway
