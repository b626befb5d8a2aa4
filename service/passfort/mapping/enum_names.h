#ifndef SERVICE_PASSFORT_MAPPING_ENUM_NAMES_H_
#define SERVICE_PASSFORT_MAPPING_ENUM_NAMES_H_

#include <cstddef>
#include <string_view>

#include "passfort/gateway/v1/product_application.pb.h"
#include "passfort/gateway/v1/profile.pb.h"

namespace gateway {

namespace pb = ::passfort::gateway::v1;

// Enum values by the names Passfort uses. A value that is missing here stays UNSPECIFIED.

template <typename Enum>
struct EnumName {
  std::string_view name;
  Enum value;
};

// Passfort's name for `value`. Empty for UNSPECIFIED and for numbers outside the contract.
template <typename Enum, size_t count>
constexpr std::string_view NameOf(const EnumName<Enum> (&names)[count], Enum value) {
  for (const EnumName<Enum>& known : names) {
    if (known.value == value) return known.name;
  }
  return {};
}

// UNSPECIFIED for a name that is none of them.
template <typename Enum, size_t count>
constexpr Enum ValueOf(const EnumName<Enum> (&names)[count], std::string_view name) {
  for (const EnumName<Enum>& known : names) {
    if (known.name == name) return known.value;
  }
  return Enum{};
}

inline constexpr EnumName<pb::AssociatedRole> kAssociatedRoles[] = {
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

inline constexpr EnumName<pb::ProductApplicationStatus> kStatuses[] = {
    {"APPLIED", pb::PRODUCT_APPLICATION_STATUS_APPLIED},
    {"APPROVED", pb::PRODUCT_APPLICATION_STATUS_APPROVED},
    {"IN_REVIEW", pb::PRODUCT_APPLICATION_STATUS_IN_REVIEW},
    {"REJECTED", pb::PRODUCT_APPLICATION_STATUS_REJECTED},
    {"CANCELLED", pb::PRODUCT_APPLICATION_STATUS_CANCELLED},
};

inline constexpr EnumName<pb::ProductApplicationFlag> kFlags[] = {
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

inline constexpr EnumName<pb::ApprovalBlockerType> kBlockerTypes[] = {
    {"INCOMPLETE_TASK", pb::APPROVAL_BLOCKER_TYPE_INCOMPLETE_TASK},
    {"UNRESOLVED_EVENT", pb::APPROVAL_BLOCKER_TYPE_UNRESOLVED_EVENT},
    {"SUSPENDED_PROFILE", pb::APPROVAL_BLOCKER_TYPE_SUSPENDED_PROFILE},
    {"UNDETERMINED_RISK", pb::APPROVAL_BLOCKER_TYPE_UNDETERMINED_RISK},
};

inline constexpr EnumName<pb::ProfileRole> kProfileRoles[] = {
    {"INDIVIDUAL_CUSTOMER", pb::PROFILE_ROLE_INDIVIDUAL_CUSTOMER},
    {"INDIVIDUAL_ASSOCIATED", pb::PROFILE_ROLE_INDIVIDUAL_ASSOCIATED},
    {"COMPANY_CUSTOMER", pb::PROFILE_ROLE_COMPANY_CUSTOMER},
    {"COMPANY_ASSOCIATED", pb::PROFILE_ROLE_COMPANY_ASSOCIATED},
};

inline constexpr EnumName<pb::ProfileCategory> kProfileCategories[] = {
    {"CUSTOMER", pb::PROFILE_CATEGORY_CUSTOMER},
    {"PREVIOUS_CUSTOMER", pb::PROFILE_CATEGORY_PREVIOUS_CUSTOMER},
    {"APPLICANT", pb::PROFILE_CATEGORY_APPLICANT},
    {"INACTIVE_APPLICANT", pb::PROFILE_CATEGORY_INACTIVE_APPLICANT},
};

inline constexpr EnumName<pb::ProfileStatus> kProfileStatuses[] = {
    {"NORMAL", pb::PROFILE_STATUS_NORMAL},
    {"SUSPENDED", pb::PROFILE_STATUS_SUSPENDED},
    {"BANNED", pb::PROFILE_STATUS_BANNED},
};

}  // namespace gateway

#endif  // SERVICE_PASSFORT_MAPPING_ENUM_NAMES_H_
