#ifndef SERVICE_RPC_REQUEST_VALIDATION_H_
#define SERVICE_RPC_REQUEST_VALIDATION_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "passfort/gateway/v1/product_application_service.pb.h"
#include "service/passfort/product_application_client.h"

namespace gateway {

inline constexpr size_t kMaxAliasBytes = 256;
inline constexpr size_t kMaxRequestIdBytes = 128;

// One thing that is wrong with a request.
struct FieldViolation {
  // Path in the request, e.g. "product.alias".
  std::string field;
  // What is expected. Never repeats the value: it may be about a person.
  std::string description;

  friend bool operator==(const FieldViolation&, const FieldViolation&) = default;
};

// Either all that is wrong with `request` (at least one thing), or the draft it asks for. Passing
// this is also what keeps an id from rewriting the URL it becomes a part of.
std::variant<ApplicationDraft, std::vector<FieldViolation>> ValidateRequest(
    const pb::AddProductApplicationRequest& request);

// 8-4-4-4-12 hexadecimal digits in either case, and nothing else. The version and variant bits do
// not count: Passfort's own samples break them.
bool IsUuid(std::string_view text);

}  // namespace gateway

#endif  // SERVICE_RPC_REQUEST_VALIDATION_H_
