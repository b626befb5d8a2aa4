#include "service/rpc/request_validation.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "service/base/uuid.h"
#include "service/json/struct_json.h"
#include "service/passfort/mapping/profile_json.h"

namespace gateway {
namespace {

constexpr std::string_view kUuidForm = "a UUID: 8-4-4-4-12 hexadecimal digits joined by hyphens";

// `text` is UTF-8 already: the parser refuses a proto3 string that is not. So the control
// characters are U+0000 to U+001F and U+007F as single bytes, and U+0080 to U+009F behind a byte
// C2.
bool HasControlCharacter(std::string_view text) {
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte < 0x20 || byte == 0x7f) return true;
    if (byte == 0xc2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xa0) {
      return true;
    }
  }
  return false;
}

bool IsVisibleAscii(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char character) { return character > ' ' && character < '\x7f'; });
}

class Violations {
 public:
  void Add(std::string_view field, std::string description) {
    list_.push_back({.field = std::string(field), .description = std::move(description)});
  }
  bool empty() const { return list_.empty(); }
  std::vector<FieldViolation> Take() && { return std::move(list_); }

 private:
  std::vector<FieldViolation> list_;
};

void CheckRequiredId(std::string_view field, std::string_view id, Violations& violations) {
  if (id.empty()) {
    violations.Add(field, absl::StrCat("is required: ", std::string(kUuidForm)));
  } else if (!IsUuid(id)) {
    violations.Add(field, absl::StrCat("must be ", std::string(kUuidForm)));
  }
}

// `field` is the path of `product` in the request.
void CheckProduct(const std::string& field, const pb::ProductReference& product,
                  Violations& violations) {
  if (product.alias().empty() && product.id().empty()) {
    violations.Add(field, "is required: name the product by its alias or its id");
    return;
  }
  if (product.alias().size() > kMaxAliasBytes) {
    violations.Add(field + ".alias", absl::StrCat("must be at most ", kMaxAliasBytes,
                                                  " bytes long; it has ", product.alias().size()));
  }
  if (HasControlCharacter(product.alias())) {
    violations.Add(field + ".alias", "must be printable text, without control characters");
  }
  if (!product.id().empty() && !IsUuid(product.id())) {
    violations.Add(field + ".id", absl::StrCat("must be ", std::string(kUuidForm)));
  }
}

void CheckAssociatedRole(const std::string& field, pb::AssociatedRole role,
                         Violations& violations) {
  if (pb::AssociatedRole_IsValid(role)) return;
  violations.Add(field, absl::StrCat("must be one of the roles of this contract (0 to ",
                                     static_cast<int>(pb::AssociatedRole_MAX), ")"));
}

void CheckRequestId(const std::string& request_id, Violations& violations) {
  if (request_id.size() > kMaxRequestIdBytes) {
    violations.Add("request_id", absl::StrCat("must be at most ", kMaxRequestIdBytes,
                                              " characters long; it has ", request_id.size()));
  }
  if (!IsVisibleAscii(request_id)) {
    violations.Add("request_id", "must be visible ASCII characters only, without spaces");
  }
}

// What Passfort's collected_data needs to agree with the role. Nothing for a role that is none.
std::optional<std::string_view> EntityTypeOf(pb::ProfileRole role) {
  switch (role) {
    case pb::PROFILE_ROLE_INDIVIDUAL_CUSTOMER:
    case pb::PROFILE_ROLE_INDIVIDUAL_ASSOCIATED:
      return "INDIVIDUAL";
    case pb::PROFILE_ROLE_COMPANY_CUSTOMER:
    case pb::PROFILE_ROLE_COMPANY_ASSOCIATED:
      return "COMPANY";
    default:
      return std::nullopt;
  }
}

void CheckEntityType(const pb::CreateProfileRequest& request, Violations& violations) {
  const auto expected = EntityTypeOf(request.role());
  if (!expected) {
    violations.Add("role", "is required: one of the roles of this contract");
    return;
  }
  const auto& members = request.collected_data().fields();
  const auto member = members.find("entity_type");
  if (member == members.end() || member->second.string_value() != *expected) {
    violations.Add("collected_data.entity_type",
                   absl::StrCat("must be \"", std::string(*expected), "\", as the role has it"));
  }
}

// What no JSON, or no other side, could hold. Stops at the first: names in there are the caller's,
// so no path is given.
bool IsPrintable(const google::protobuf::Struct& object, int levels_left);

bool IsPrintable(const google::protobuf::Value& value, int levels_left) {
  if (value.has_number_value()) return std::isfinite(value.number_value());
  if (value.has_struct_value()) {
    return levels_left > 0 && IsPrintable(value.struct_value(), levels_left - 1);
  }
  if (!value.has_list_value()) return true;
  return levels_left > 0 &&
         std::ranges::all_of(value.list_value().values(), [levels_left](const auto& item) {
           return IsPrintable(item, levels_left - 1);
         });
}

bool IsPrintable(const google::protobuf::Struct& object, int levels_left) {
  return std::ranges::all_of(object.fields(), [levels_left](const auto& member) {
    return IsPrintable(member.second, levels_left);
  });
}

}  // namespace

Validated<ApplicationDraft> ValidateRequest(const pb::AddProductApplicationRequest& request) {
  Violations violations;
  CheckRequiredId("profile_id", request.profile_id(), violations);
  CheckProduct("product", request.product(), violations);
  CheckAssociatedRole("associated_role", request.associated_role(), violations);
  CheckRequestId(request.request_id(), violations);

  if (!violations.empty()) return std::move(violations).Take();
  return ApplicationDraft{.profile_id = request.profile_id(),
                          .product_alias = request.product().alias(),
                          .product_id = request.product().id(),
                          .associated_role = request.associated_role()};
}

Validated<ApplicationKey> ValidateGet(const pb::GetProductApplicationRequest& request) {
  Violations violations;
  CheckRequiredId("profile_id", request.profile_id(), violations);
  CheckRequiredId("product_application_id", request.product_application_id(), violations);
  if (!violations.empty()) return std::move(violations).Take();
  return ApplicationKey{.profile_id = request.profile_id(),
                        .application_id = request.product_application_id()};
}

Validated<ApplicationQuery> ValidateList(const pb::ListProductApplicationsRequest& request) {
  Violations violations;
  CheckRequiredId("profile_id", request.profile_id(), violations);
  if (!violations.empty()) return std::move(violations).Take();
  return ApplicationQuery{.profile_id = request.profile_id(),
                          .include_hidden = request.include_hidden()};
}

Validated<std::string> ValidateGetProfile(const pb::GetProfileRequest& request) {
  Violations violations;
  CheckRequiredId("profile_id", request.profile_id(), violations);
  if (!violations.empty()) return std::move(violations).Take();
  return request.profile_id();
}

Validated<ProfileDraft> ValidateCreateProfile(const pb::CreateProfileRequest& request) {
  Violations violations;
  CheckEntityType(request, violations);
  if (!IsPrintable(request.collected_data(), kMaxStructLevels - 1)) {
    violations.Add("collected_data", absl::StrCat("must hold finite numbers only, and be at most ",
                                                  kMaxStructLevels, " levels deep"));
  }
  if (request.product_applications_size() > kMaxDrafts) {
    violations.Add("product_applications",
                   absl::StrCat("must be at most ", kMaxDrafts, "; there are ",
                                request.product_applications_size()));
  }
  for (int i = 0; i < std::min(request.product_applications_size(), kMaxDrafts); ++i) {
    const auto& draft = request.product_applications(i);
    const std::string field = absl::StrCat("product_applications[", i, "]");
    CheckProduct(field + ".product", draft.product(), violations);
    CheckAssociatedRole(field + ".associated_role", draft.associated_role(), violations);
  }
  CheckRequestId(request.request_id(), violations);
  if (!violations.empty()) return std::move(violations).Take();
  ProfileDraft profile{.body = CreateProfileJson(request)};
  for (const auto& draft : request.product_applications()) {
    absl::StrAppend(&profile.unsent, draft.product().id(), "/");
  }
  return profile;
}

void CheckRequiredRequestId(const std::string& request_id,
                            std::vector<FieldViolation>& violations) {
  Violations found;
  if (request_id.empty()) found.Add("request_id", "is required");
  CheckRequestId(request_id, found);
  for (FieldViolation& violation : std::move(found).Take()) {
    violations.push_back(std::move(violation));
  }
}

}  // namespace gateway
