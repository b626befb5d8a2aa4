#include "service/rpc/access/caller_limits.h"

#include <string>

#include "service/rpc/access/access_errors.h"
#include "service/rpc/outcome_to_grpc.h"

namespace gateway {
namespace {

// Where `product` names one that is not the caller's. Empty: it does not.
std::string FieldNotAllowed(const CallerEntry& entry, const RequestedProduct& product) {
  if (!product.alias.empty() && !entry.Allows(product.alias, "")) return product.field + ".alias";
  if (!product.id.empty() && !entry.Allows("", product.id)) return product.field + ".id";
  return "";
}

}  // namespace

std::optional<CallError> CheckRate(const CallerEntry& entry, SteadyTime now) {
  if (!entry.calls_per_minute.has_value()) return std::nullopt;
  const auto wait = entry.usage->TryCountCall(*entry.calls_per_minute, now);
  if (!wait.has_value()) return std::nullopt;
  return CallerRateReachedError(*wait);
}

std::optional<CallError> CheckRequestIdGiven(const CallerEntry& entry,
                                             std::string_view request_id) {
  if (!entry.needs_request_id || !request_id.empty()) return std::nullopt;
  return InvalidRequestError(
      {{.field = "request_id", .description = "is required of this caller for writes"}});
}

std::optional<CallError> CheckProducts(const AdmittedCaller& caller, std::string_view path,
                                       const std::vector<RequestedProduct>& products,
                                       std::string_view request_id) {
  for (const RequestedProduct& product : products) {
    if (const std::string field = FieldNotAllowed(*caller.entry, product); !field.empty()) {
      return ProductNotAllowedError(path, caller.identity, field, request_id);
    }
  }
  return std::nullopt;
}

}  // namespace gateway
