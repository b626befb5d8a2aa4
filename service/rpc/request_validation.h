#ifndef SERVICE_RPC_REQUEST_VALIDATION_H_
#define SERVICE_RPC_REQUEST_VALIDATION_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "passfort/gateway/v1/product_application_service.pb.h"
#include "passfort/gateway/v1/profile_service.pb.h"
#include "service/operations/resource_reads.h"
#include "service/passfort/product_application_client.h"
#include "service/passfort/profile_client.h"

namespace gateway {

inline constexpr size_t kMaxAliasBytes = 256;
inline constexpr size_t kMaxRequestIdBytes = 128;
inline constexpr int kMaxDrafts = 20;

// One thing that is wrong with a request.
struct FieldViolation {
  // Path in the request, e.g. "product.alias".
  std::string field;
  // What is expected. Never repeats the value: it may be about a person.
  std::string description;

  friend bool operator==(const FieldViolation&, const FieldViolation&) = default;
};

// What a valid request asks for, or all that is wrong with it (at least one thing).
template <typename Input>
using Validated = std::variant<Input, std::vector<FieldViolation>>;

// Of a field that has to be given: adds what is wrong with it.
void CheckRequiredRequestId(const std::string& request_id, std::vector<FieldViolation>& violations);

// Passing these is also what keeps an id from rewriting the URL it becomes a part of.
Validated<ApplicationDraft> ValidateRequest(const pb::AddProductApplicationRequest& request);
Validated<ApplicationKey> ValidateGet(const pb::GetProductApplicationRequest& request);
Validated<ApplicationQuery> ValidateList(const pb::ListProductApplicationsRequest& request);
// A profile's id.
Validated<std::string> ValidateGetProfile(const pb::GetProfileRequest& request);
Validated<ProfileDraft> ValidateCreateProfile(const pb::CreateProfileRequest& request);

}  // namespace gateway

#endif  // SERVICE_RPC_REQUEST_VALIDATION_H_
