#include "service/rpc/request_validation.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

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

void CheckProduct(const pb::AddProductApplicationRequest& request, Violations& violations) {
  const pb::ProductReference& product = request.product();
  if (product.alias().empty() && product.id().empty()) {
    violations.Add("product", "is required: name the product by its alias or its id");
    return;
  }
  if (product.alias().size() > kMaxAliasBytes) {
    violations.Add("product.alias", absl::StrCat("must be at most ", kMaxAliasBytes,
                                                 " bytes long; it has ", product.alias().size()));
  }
  if (HasControlCharacter(product.alias())) {
    violations.Add("product.alias", "must be printable text, without control characters");
  }
  if (!product.id().empty() && !IsUuid(product.id())) {
    violations.Add("product.id", absl::StrCat("must be ", std::string(kUuidForm)));
  }
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

}  // namespace

bool IsUuid(std::string_view text) {
  constexpr std::string_view kPattern = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
  return std::equal(text.begin(), text.end(), kPattern.begin(), kPattern.end(),
                    [](char character, char expected) {
                      return expected == '-'
                                 ? character == '-'
                                 : absl::ascii_isxdigit(static_cast<unsigned char>(character));
                    });
}

Validated<ApplicationDraft> ValidateRequest(const pb::AddProductApplicationRequest& request) {
  Violations violations;
  CheckRequiredId("profile_id", request.profile_id(), violations);
  CheckProduct(request, violations);
  if (!pb::AssociatedRole_IsValid(request.associated_role())) {
    violations.Add("associated_role",
                   absl::StrCat("must be one of the roles of this contract (0 to ",
                                static_cast<int>(pb::AssociatedRole_MAX), ")"));
  }
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

}  // namespace gateway
