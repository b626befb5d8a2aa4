#include "service/rpc/access/access_errors.h"

#include <string>
#include <utility>

#include "service/rpc/error_catalog.h"

namespace gateway {

CallError CallerCertificateExpiredError(std::string_view why) {
  CallError error = BuildError({.reason = ErrorReason::kCallerCertificateExpired});
  error.log_fields = {{"certificate", std::string(why)}};
  return error;
}

CallError CallerNotAllowedError(std::string_view path, const CallerIdentity& caller,
                                std::string rule, std::string policy) {
  CallError error =
      BuildError({.reason = ErrorReason::kCallerNotAllowed,
                  .metadata = {{"method", std::string(path)}, {"principal", caller.principal}}});
  error.log_fields = {{"rule", std::move(rule)}, {"policy", std::move(policy)}};
  return error;
}

}  // namespace gateway
