#include "service/rpc/access/access_errors.h"

#include <algorithm>
#include <cctype>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
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

ErrorSpec NotAllowed(std::string_view path, const CallerIdentity& caller) {
  ErrorSpec spec{.reason = ErrorReason::kCallerNotAllowed,
                 .metadata = {{"principal", caller.principal}}};
  if (CanBeAMethod(path)) spec.metadata["method"] = std::string(path);
  return spec;
}

}  // namespace

CallError CallerCertificateExpiredError(std::string_view why) {
  CallError error = BuildError({.reason = ErrorReason::kCallerCertificateExpired});
  error.log_fields = {{"certificate", std::string(why)}};
  return error;
}

CallError CallerNotAllowedError(std::string_view path, const CallerIdentity& caller,
                                std::string rule, std::string policy) {
  ErrorSpec spec = NotAllowed(path, caller);
  spec.message =
      "the gateway's authorization policy does not let this caller do this: nothing was sent. Ask "
      "the operator of the gateway for a rule that does.";
  CallError error = BuildError(std::move(spec));
  error.log_fields = {{"rule", std::move(rule)}, {"policy", std::move(policy)}};
  return error;
}

CallError CallerWithoutEntryError(std::string_view path, const CallerIdentity& caller) {
  ErrorSpec spec = NotAllowed(path, caller);
  spec.message =
      "the gateway's callers file has no entry for this caller: nothing was sent. Ask the operator "
      "of the gateway for one.";
  CallError error = BuildError(std::move(spec));
  error.log_fields = {{"callers_file", "no entry"}};
  return error;
}

CallError ProductNotAllowedError(std::string_view path, const CallerIdentity& caller,
                                 const std::string& field, std::string_view request_id) {
  ErrorSpec spec = NotAllowed(path, caller);
  spec.message =
      absl::StrCat("the product in ", field,
                   " is none of those that the gateway's callers file lists for this "
                   "caller: nothing was sent. Ask the operator of the gateway to add it.");
  spec.metadata["field"] = field;
  spec.request_id = request_id;
  CallError error = BuildError(std::move(spec));
  error.log_fields = {{"field", field}};
  return error;
}

CallError CallerOverloadedError(std::string_view request_id) {
  return BuildError({.reason = ErrorReason::kCallerOverloaded, .request_id = request_id});
}

CallError CallerRateReachedError(Milliseconds retry_after) {
  return BuildError({.reason = ErrorReason::kCallerRateReached, .retry_after = retry_after});
}

}  // namespace gateway
