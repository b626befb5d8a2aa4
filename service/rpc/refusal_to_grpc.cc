#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "service/passfort/passfort_error_code.h"
#include "service/rpc/outcome_to_grpc.h"

namespace gateway {
namespace {

// What a refusal by Passfort means to the caller, by Passfort's error code, which counts before the
// HTTP status. The codes that are missing here are ambiguous or unknown and never make a refusal.
struct CodeRow {
  PassfortErrorCode code;
  ErrorReason reason;
};
constexpr CodeRow kByPassfortCode[] = {
    {PassfortErrorCode::kMissingRequiredFields, ErrorReason::kPassfortRejectedInput},
    {PassfortErrorCode::kEntityAlreadyApproved, ErrorReason::kPassfortPrecondition},
    {PassfortErrorCode::kEntityAlreadyRejected, ErrorReason::kPassfortPrecondition},
    {PassfortErrorCode::kChargeableLimitReached, ErrorReason::kQuotaReached},
    {PassfortErrorCode::kConstraintsNotSatisfied, ErrorReason::kPassfortPrecondition},
    {PassfortErrorCode::kCountryNotSupported, ErrorReason::kPassfortPrecondition},
    {PassfortErrorCode::kCheckLimitReached, ErrorReason::kQuotaReached},
    {PassfortErrorCode::kInvalidInputData, ErrorReason::kPassfortRejectedInput},
    {PassfortErrorCode::kDataPresent, ErrorReason::kPassfortConflict},
    {PassfortErrorCode::kMissingApiKey, ErrorReason::kGatewayCredentialsRefused},
    {PassfortErrorCode::kInvalidApiKey, ErrorReason::kGatewayCredentialsRefused},
    {PassfortErrorCode::kProcessNotSetup, ErrorReason::kPassfortPrecondition},
};

struct StatusRow {
  int http_status;
  ErrorReason reason;
};
constexpr StatusRow kByHttpStatus[] = {
    {307, ErrorReason::kApiUrlRedirects},       {308, ErrorReason::kApiUrlRedirects},
    {400, ErrorReason::kPassfortRejectedInput}, {401, ErrorReason::kGatewayCredentialsRefused},
    {403, ErrorReason::kPassfortForbidden},     {404, ErrorReason::kPassfortNotFound},
    {409, ErrorReason::kPassfortConflict},      {413, ErrorReason::kPassfortRejectedInput},
    {422, ErrorReason::kPassfortRejectedInput},
};

// Nothing: the status is of the rest, as 405, 406, 410, 411, 414, 415, 426 and 431. They are about
// the request as HTTP, which the gateway makes, or about something on the way.
std::optional<ErrorReason> ReasonOfRefusal(const ResponseSummary& response) {
  for (const auto& [code, reason] : kByPassfortCode) {
    if (response.code == code) return reason;
  }
  for (const auto& [http_status, reason] : kByHttpStatus) {
    if (response.http_status == http_status) return reason;
  }
  return std::nullopt;
}

// What is at api_url may not be Passfort's API at all, so this says nothing of the profile.
std::string ForeignNotFoundMessage() {
  return absl::StrCat(
      "HTTP 404, and not in the form of Passfort's errors: ",
      std::string(EntryOf(ErrorReason::kPassfortNotFound).effect),
      ". Ask the operator of the gateway to check api_url, which ends in /4.0; if it is right, "
      "Passfort does not know the ids of the request.");
}

}  // namespace

std::string SummaryOf(const ResponseSummary& response) {
  std::string summary = absl::StrCat("HTTP ", response.http_status);
  if (response.code.has_value()) absl::StrAppend(&summary, ", code ", *response.code);
  return summary;
}

CallError ToCallError(const Refused& outcome, const CallInfo& call) {
  const std::optional<ErrorReason> reason = ReasonOfRefusal(outcome.response);
  ErrorSpec spec{.reason = reason.value_or(ErrorReason::kPassfortPrecondition),
                 .response = outcome.response,
                 .retry_end = call.retry_end,
                 .request_id = call.request_id};
  if (reason == ErrorReason::kPassfortNotFound && outcome.response.is_foreign) {
    spec.message = ForeignNotFoundMessage();
    return BuildError(std::move(spec));
  }
  spec.message =
      reason.has_value()
          ? MessageOf(EntryOf(*reason), SummaryOf(outcome.response))
          : absl::StrCat("Passfort, or a proxy in front of it, does not accept such a request (",
                         SummaryOf(outcome.response),
                         "): nothing was executed. Contact the operator of the gateway.");
  return BuildError(std::move(spec));
}

}  // namespace gateway
