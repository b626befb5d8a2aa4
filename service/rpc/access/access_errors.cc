#include "service/rpc/access/access_errors.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <string>
#include <utility>

#include "service/rpc/error_catalog.h"

namespace gateway {
namespace {

// What a caller made up is not sent back: it may be long, or no text.
bool CanBeAMethod(std::string_view path) {
  constexpr size_t kLongest = 200;
  return path.size() <= kLongest && std::ranges::all_of(path, [](unsigned char c) {
           return std::isalnum(c) != 0 || c == '/' || c == '.' || c == '_';
         });
}

}  // namespace

CallError CallerCertificateExpiredError(std::string_view why) {
  CallError error = BuildError({.reason = ErrorReason::kCallerCertificateExpired});
  error.log_fields = {{"certificate", std::string(why)}};
  return error;
}

CallError CallerNotAllowedError(std::string_view path, const CallerIdentity& caller,
                                std::string rule, std::string policy) {
  std::map<std::string, std::string> metadata = {{"principal", caller.principal}};
  if (CanBeAMethod(path)) metadata["method"] = std::string(path);
  CallError error =
      BuildError({.reason = ErrorReason::kCallerNotAllowed, .metadata = std::move(metadata)});
  error.log_fields = {{"rule", std::move(rule)}, {"policy", std::move(policy)}};
  return error;
}

}  // namespace gateway
