#include "service/rpc/outcome_to_grpc.h"

#include <algorithm>
#include <map>

#include "absl/strings/str_cat.h"
#include "service/passfort/passfort_error_code.h"

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

// "HTTP 422, code 201". Passfort's own words stay in the metadata: they may be about a person, and
// messages end up in logs.
std::string Summary(const ResponseSummary& response) {
  std::string summary = absl::StrCat("HTTP ", response.http_status);
  if (response.code.has_value()) absl::StrAppend(&summary, ", code ", *response.code);
  return summary;
}

std::string InBrackets(const std::optional<ResponseSummary>& response) {
  return response.has_value() ? absl::StrCat(" (", Summary(*response), ")") : "";
}

std::string_view Describe(Ambiguous::Cause cause) {
  switch (cause) {
    case Ambiguous::Cause::kTimeout:
      return "no response arrived in time";
    case Ambiguous::Cause::kConnectionLost:
      return "the connection was lost before the response was complete";
    case Ambiguous::Cause::kResponseTooLarge:
      return "the response exceeded the size limit";
    case Ambiguous::Cause::kServerError:
      return "Passfort, or a proxy in front of it, reported an internal error";
    case Ambiguous::Cause::kUnreadable:
      return "the response was unreadable";
    case Ambiguous::Cause::kStopped:
      return "the gateway stopped waiting for the response";
  }
  return "the response is missing";
}

std::string Rfc3339(absl::Time time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", time, absl::UTCTimeZone());
}

constexpr std::string_view kNoGuarantee =
    "Retrying does not help; a call without request_id works, but without that guarantee.";

// The list of the profile's applications, or the store's row, cannot hold what is there.
std::string TooMuchToCompare(std::string_view what) {
  return absl::StrCat(std::string(what),
                      ", so the gateway cannot guarantee at most one application per request_id: "
                      "nothing was executed. ",
                      std::string(kNoGuarantee));
}

ErrorReason ReasonOf(NotExecuted::Cause cause, Caller caller) {
  switch (cause) {
    case NotExecuted::Cause::kUnreachable:
    case NotExecuted::Cause::kSendGateClosed:  // the way there took longer than the right to send
      return ErrorReason::kPassfortUnreachable;
    case NotExecuted::Cause::kServerError:
      return ErrorReason::kPassfortFailed;
    case NotExecuted::Cause::kUnreadable:
    case NotExecuted::Cause::kResponseTooLarge:
      return ErrorReason::kPassfortAnswerUnreadable;
    case NotExecuted::Cause::kCircuitOpen:
      return ErrorReason::kCircuitOpen;
    case NotExecuted::Cause::kRateLimited:
      return ErrorReason::kRateLimited;
    case NotExecuted::Cause::kNoMemory:
      return ErrorReason::kOverloaded;
    case NotExecuted::Cause::kNoTimeLeft:
      return ErrorReason::kNotSent;
    case NotExecuted::Cause::kStopped:
      return caller == Caller::kGone ? ErrorReason::kCallerGone : ErrorReason::kDraining;
  }
  return ErrorReason::kPassfortUnreachable;
}

CallError ToCallError(const NotExecuted& outcome, const CallInfo& call) {
  ErrorSpec spec{.reason = ReasonOf(outcome.cause, call.caller),
                 .response = outcome.response,
                 .retry_after = outcome.retry_after,
                 .request_id = call.request_id};
  switch (outcome.cause) {
    case NotExecuted::Cause::kUnreachable:
      // 421 and 425: it was reached.
      if (outcome.response.has_value() &&
          (outcome.response->http_status == 421 || outcome.response->http_status == 425)) {
        spec.message =
            absl::StrCat("Passfort did not process the request (", Summary(*outcome.response),
                         "): nothing was executed. It is safe to retry.");
      }
      break;
    case NotExecuted::Cause::kServerError:
    case NotExecuted::Cause::kUnreadable:
      if (outcome.response.has_value()) {
        spec.message = MessageOf(EntryOf(spec.reason), Summary(*outcome.response));
      }
      break;
    case NotExecuted::Cause::kResponseTooLarge:
      spec.message = TooMuchToCompare(
          "the list of the profile's applications is larger or deeper than the gateway reads");
      break;
    case NotExecuted::Cause::kNoMemory:
      spec.message =
          "responses to other calls use all the memory that the gateway has for them: nothing was "
          "executed. It is safe to retry after the delay in RetryInfo.";
      spec.scope = ErrorScope::kRequestId;  // its record was in hand
      break;
    case NotExecuted::Cause::kSendGateClosed:
    case NotExecuted::Cause::kCircuitOpen:
    case NotExecuted::Cause::kRateLimited:
    case NotExecuted::Cause::kNoTimeLeft:
      break;
    case NotExecuted::Cause::kStopped:
      spec.response.reset();
      spec.retry_after.reset();
      break;
  }
  return BuildError(std::move(spec));
}

CallError ToCallError(const Refused& outcome, const CallInfo& call) {
  const std::optional<ErrorReason> reason = ReasonOfRefusal(outcome.response);
  ErrorSpec spec{.reason = reason.value_or(ErrorReason::kPassfortPrecondition),
                 .response = outcome.response,
                 .request_id = call.request_id};
  spec.message =
      reason.has_value()
          ? MessageOf(EntryOf(*reason), Summary(outcome.response))
          : absl::StrCat("Passfort, or a proxy in front of it, does not accept such a request (",
                         Summary(outcome.response),
                         "): nothing was executed. Contact the operator of the gateway.");
  return BuildError(std::move(spec));
}

ErrorReason ReasonOf(IdempotencyError::Cause cause) {
  switch (cause) {
    case IdempotencyError::Cause::kRequestIdReused:
      return ErrorReason::kRequestIdReused;
    case IdempotencyError::Cause::kNeedsStore:
      return ErrorReason::kRequestIdNeedsStore;
    case IdempotencyError::Cause::kStoreUnavailable:
      return ErrorReason::kStoreUnavailable;
    case IdempotencyError::Cause::kStoreFull:
      return ErrorReason::kStoreFull;
    case IdempotencyError::Cause::kTooManySessions:
      return ErrorReason::kOverloaded;
    case IdempotencyError::Cause::kWriteInProgress:
      return ErrorReason::kWriteInProgress;
    case IdempotencyError::Cause::kNoEffect:
      return ErrorReason::kNotCreated;
    case IdempotencyError::Cause::kTooManyToCompare:
      return ErrorReason::kQuotaReached;
  }
  return ErrorReason::kStoreUnavailable;
}

CallError ToCallError(const IdempotencyError& outcome, const CallInfo& call) {
  ErrorSpec spec{.reason = ReasonOf(outcome.cause), .request_id = call.request_id};
  if (outcome.cause == IdempotencyError::Cause::kTooManyToCompare) {
    spec.message = TooMuchToCompare(
        "the profile has more applications than the gateway's store keeps the ids of");
  }
  return BuildError(std::move(spec));
}

// Many more than there are, unless Passfort's ids are no UUIDs. An id is left out rather than cut.
std::string JoinedIds(const std::vector<std::string>& ids) {
  constexpr size_t kMaxIds = 20;
  constexpr size_t kMaxBytes = 1024;
  std::string joined;
  for (size_t i = 0; i < std::min(ids.size(), kMaxIds); ++i) {
    if (ids[i].empty() || joined.size() + 1 + ids[i].size() > kMaxBytes) continue;
    absl::StrAppend(&joined, joined.empty() ? "" : ",", ids[i]);
  }
  return joined;
}

std::string_view IsUnknown() { return EntryOf(ErrorReason::kOutcomeUnknown).effect; }

// Without a request_id: nothing remembers the call, so the caller has to find out.
std::string UnresolvableMessage(const Ambiguous& outcome, const std::string& known_by) {
  return absl::StrCat("the request was sent, but ", std::string(Describe(outcome.cause)),
                      InBrackets(outcome.response), ": ", std::string(IsUnknown()),
                      ". Before retrying, check the profile's applications after ", known_by, ".");
}

// Why the profile's applications do not tell, if it is more than a moment's trouble.
const char* WhyBlind(std::optional<NotExecuted::Cause> unobserved) {
  if (unobserved == NotExecuted::Cause::kResponseTooLarge) {
    return ", because the list of the profile's applications is larger or deeper than the gateway "
           "reads";
  }
  if (unobserved == NotExecuted::Cause::kUnreadable) {
    return ", because what Passfort, or a proxy in front of it, returned is no list of the "
           "profile's applications";
  }
  return "";
}

std::string UnresolvedMessage(const WriteResult& result, absl::Time now) {
  const bool may_still_change = result.known_by.has_value() && *result.known_by > now;
  if (!result.candidate_ids.empty() && !may_still_change) {
    return absl::StrCat(std::string(IsUnknown()), ": ", result.candidate_ids.size(),
                        " applications on the profile may be the result (candidate_ids). Nothing "
                        "will be sent again under this request_id; a retry checks once more.");
  }
  const std::string when =
      result.known_by.has_value() ? absl::StrCat(" (after ", Rfc3339(*result.known_by), ")") : "";
  return absl::StrCat(
      "it is not yet known whether the application was created", WhyBlind(result.unobserved),
      ". Retry with the same request_id: it never creates a second one, and returns the outcome "
      "once it is known",
      when, ".");
}

CallError ToCallError(const Ambiguous& outcome, const WriteResult& result, const CallInfo& call) {
  const bool is_once = !call.request_id.empty();
  std::optional<absl::Time> known_by = result.known_by;
  if (!is_once) known_by = call.now + absl::FromChrono(call.settle_window);

  std::map<std::string, std::string> metadata;
  if (known_by.has_value()) metadata["known_by"] = Rfc3339(*known_by);
  if (result.sent_at.has_value()) metadata["sent_at"] = Rfc3339(*result.sent_at);
  if (is_once) metadata["request_id"] = std::string(call.request_id);
  if (std::string ids = JoinedIds(result.candidate_ids); !ids.empty()) {
    metadata["candidate_ids"] = std::move(ids);
  }
  return BuildError({.reason = ErrorReason::kOutcomeUnknown,
                     .message = is_once ? UnresolvedMessage(result, call.now)
                                        : UnresolvableMessage(outcome, Rfc3339(*known_by)),
                     .phase = CallPhase::kSent,
                     .metadata = std::move(metadata),
                     .response = outcome.response,
                     .request_id = call.request_id});
}

}  // namespace

CallError ToCallError(const WriteResult& result, const CallInfo& call) {
  if (const auto* outcome = std::get_if<NotExecuted>(&result.outcome)) {
    return ToCallError(*outcome, call);
  }
  if (const auto* outcome = std::get_if<Refused>(&result.outcome))
    return ToCallError(*outcome, call);
  if (const auto* outcome = std::get_if<IdempotencyError>(&result.outcome))
    return ToCallError(*outcome, call);
  return ToCallError(std::get<Ambiguous>(result.outcome), result, call);
}

CallError InvalidRequestError(const std::vector<FieldViolation>& violations) {
  std::string list;
  for (const auto& [field, description] : violations) {
    absl::StrAppend(&list, list.empty() ? "" : "; ", field, " ", description);
  }
  const ErrorEntry& entry = EntryOf(ErrorReason::kInvalidRequest);
  return BuildError({.reason = ErrorReason::kInvalidRequest,
                     .message = absl::StrCat(std::string(entry.what), ", ",
                                             std::string(entry.effect), ": ", list, "."),
                     .violations = violations});
}

CallError RequestTooLargeError(size_t max_request_bytes) {
  return BuildError(
      {.reason = ErrorReason::kInvalidRequest,
       .message = absl::StrCat("the request exceeds max_request_bytes (", max_request_bytes,
                               "): nothing was sent. Shorten it and try again."),
       .metadata = {{"max_request_bytes", absl::StrCat(max_request_bytes)}}});
}

CallError OverloadedError(std::string_view request_id) {
  return BuildError({.reason = ErrorReason::kOverloaded, .request_id = request_id});
}

CallError DrainingError(std::string_view request_id) {
  return BuildError({.reason = ErrorReason::kDraining, .request_id = request_id});
}

CallError UnknownMethodError() { return BuildError({.reason = ErrorReason::kUnknownMethod}); }

}  // namespace gateway
