#ifndef SERVICE_RPC_PRODUCT_MISMATCH_H_
#define SERVICE_RPC_PRODUCT_MISMATCH_H_

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "passfort/gateway/v1/product_application.pb.h"
#include "passfort/gateway/v1/product_application_service.pb.h"

namespace gateway {

namespace pb = ::passfort::gateway::v1;

// Whether Passfort answered with another product than the one asked for. An id decides wherever
// both sides have one; an alias, which Passfort may write in its own way, only where they have not.
inline bool IsOtherProduct(const pb::ProductReference& asked, const pb::Product& answered) {
  if (!asked.id().empty() && !answered.id().empty()) {
    return !absl::EqualsIgnoreCase(asked.id(), answered.id());
  }
  const absl::string_view alias = absl::StripAsciiWhitespace(asked.alias());
  const absl::string_view answered_alias = absl::StripAsciiWhitespace(answered.alias());
  return !alias.empty() && !answered_alias.empty() &&
         !absl::EqualsIgnoreCase(alias, answered_alias);
}

}  // namespace gateway

#endif  // SERVICE_RPC_PRODUCT_MISMATCH_H_
