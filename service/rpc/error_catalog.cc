#include "service/rpc/error_catalog.h"

#include <algorithm>
#include <iterator>

#include "absl/strings/str_cat.h"

namespace gateway {
namespace {

using enum ErrorReason;
using enum grpc::StatusCode;

constexpr auto kCall = ErrorScope::kCall;
constexpr auto kRequestId = ErrorScope::kRequestId;

constexpr auto kNothingLeft = CallPhase::kNotSent;
constexpr auto kBodySent = CallPhase::kSent;
constexpr auto kResponseCame = CallPhase::kAnswered;
constexpr std::nullopt_t kItDepends = std::nullopt;

// Short, because nothing was executed and the caller is waiting; not shorter, because all callers
// come back together.
constexpr Milliseconds kSoon{1000};
// An unresolved write may hold its profile for more than a minute.
constexpr Milliseconds kAfterAnotherWrite{2000};
// Room comes as records expire.
constexpr Milliseconds kOnceRecordsExpired{60000};
constexpr std::nullopt_t kNever = std::nullopt;

// Said only where no connection was used: over HTTP/2 the headers may have left.
constexpr std::string_view kNothingSent = "nothing was sent";
constexpr std::string_view kNothingChanged = "nothing was changed";
constexpr std::string_view kNothingExecuted = "nothing was executed";
constexpr std::string_view kThisCallExecutedNothing = "this call executed nothing";

constexpr std::string_view kCorrectIt = "Correct the request and try again.";
constexpr std::string_view kContactTheOperator = "Contact the operator of the gateway.";
constexpr std::string_view kRetry = "It is safe to retry.";
constexpr std::string_view kRetryAfterDelay = "It is safe to retry after the delay in RetryInfo.";
constexpr std::string_view kRetryWithTheSameId = "It is safe to retry with the same request_id.";

// In the order of ErrorReason.
constexpr ErrorEntry kCatalog[] = {
    {kInvalidRequest, "INVALID_REQUEST", INVALID_ARGUMENT, kCall, kNothingLeft, kNever,
     "invalid request", kNothingSent, kCorrectIt},
    {kRequestIdReused, "REQUEST_ID_REUSED", INVALID_ARGUMENT, kCall, kNothingLeft, kNever,
     "this request_id was already used with different values or by a different caller",
     "nothing was sent for this call",
     "A further application needs a new request_id; before you repeat an earlier one under a new "
     "request_id, look at the applications of the profile."},
    {kPassfortRejectedInput, "PASSFORT_REJECTED_INPUT", INVALID_ARGUMENT, kRequestId, kResponseCame,
     kNever, "Passfort did not accept the request's values", kNothingExecuted, kCorrectIt},
    {kPassfortNotFound, "PASSFORT_NOT_FOUND", NOT_FOUND, kRequestId, kResponseCame, kNever,
     "no such profile, or it is not visible to the gateway's API key", kNothingExecuted,
     "Check profile_id."},
    {kPassfortForbidden, "PASSFORT_FORBIDDEN", PERMISSION_DENIED, kRequestId, kResponseCame, kNever,
     "the gateway's API key or IP address is not allowed to do this", kNothingExecuted,
     kContactTheOperator},
    {kCallerNotAllowed, "CALLER_NOT_ALLOWED", PERMISSION_DENIED, kCall, kNothingLeft, kNever,
     "the gateway does not let this caller do this", kNothingSent,
     "Ask the operator of the gateway to allow it."},
    {kCallerCertificateExpired, "CALLER_CERTIFICATE_EXPIRED", UNAUTHENTICATED, kCall, kNothingLeft,
     kNever,
     "the certificate that this connection began with has expired, or is not trusted any more",
     kNothingSent, "Connect again with a certificate that is valid."},
    {kPassfortConflict, "PASSFORT_CONFLICT", ALREADY_EXISTS, kRequestId, kResponseCame, kNever,
     "Passfort reports that it already exists", kNothingExecuted, "Look for the one that exists."},
    {kRequestIdNeedsStore, "REQUEST_ID_NEEDS_STORE", FAILED_PRECONDITION, kCall, kNothingLeft,
     kNever,
     "this gateway has no store, so it cannot guarantee at most one application per request_id",
     kNothingSent,
     "Ask the operator to configure one, or call without request_id and without that guarantee."},
    {kPassfortPrecondition, "PASSFORT_PRECONDITION", FAILED_PRECONDITION, kRequestId, kResponseCame,
     kNever, "the profile's current state does not allow this", kNothingExecuted,
     "Change that state and try again."},
    {kGatewayCredentialsRefused, "GATEWAY_CREDENTIALS_REFUSED", INTERNAL, kRequestId, kResponseCame,
     kNever, "Passfort did not accept the gateway's API key", kNothingExecuted,
     kContactTheOperator},
    {kApiUrlRedirects, "API_URL_REDIRECTS", INTERNAL, kRequestId, kResponseCame, kNever,
     "api_url redirects, and the gateway follows no redirects", kNothingExecuted,
     kContactTheOperator},
    {kPassfortAnswerUnreadable, "PASSFORT_ANSWER_UNREADABLE", INTERNAL, kRequestId, kResponseCame,
     kNever, "what Passfort, or a proxy in front of it, returned is not what was asked for",
     kNothingExecuted, kContactTheOperator},
    {kPassfortUnreachable, "PASSFORT_UNREACHABLE", UNAVAILABLE, kRequestId, kItDepends, kSoon,
     "cannot reach Passfort", kNothingExecuted, kRetry},
    {kPassfortFailed, "PASSFORT_FAILED", UNAVAILABLE, kRequestId, kItDepends, kSoon,
     "Passfort, or a proxy in front of it, reported an internal error", kNothingExecuted, kRetry},
    {kCircuitOpen, "CIRCUIT_OPEN", UNAVAILABLE, kRequestId, kNothingLeft, kSoon,
     "Passfort is failing, so requests are paused", kNothingSent, kRetry},
    {kWriteInProgress, "WRITE_IN_PROGRESS", UNAVAILABLE, kRequestId, kNothingLeft,
     kAfterAnotherWrite, "another write to this profile is in progress", kNothingExecuted,
     kRetryWithTheSameId},
    {kNotCreated, "NOT_CREATED", UNAVAILABLE, kRequestId, kBodySent, kSoon,
     "the request was sent and its response lost",
     "the profile's applications show that nothing was created", kRetryWithTheSameId},
    {kDraining, "DRAINING", UNAVAILABLE, kCall, kNothingLeft, kSoon, "the gateway is shutting down",
     kThisCallExecutedNothing, "It is safe to retry; another replica will answer."},
    {kStoreUnavailable, "STORE_UNAVAILABLE", UNAVAILABLE, kCall, kNothingLeft, kSoon,
     "the gateway's store is unavailable", kThisCallExecutedNothing,
     "It is safe to retry, with the same request_id if there is one; if it goes on, contact the "
     "operator of the gateway."},
    {kStoreBroken, "STORE_BROKEN", INTERNAL, kCall, kNothingLeft, kNever,
     "the gateway's store refuses what it needs, and will until somebody repairs it",
     kThisCallExecutedNothing,
     "Contact the operator of the gateway, and retry once it is mended, with the same request_id "
     "if there is one."},
    {kRateLimited, "RATE_LIMITED", RESOURCE_EXHAUSTED, kRequestId, kItDepends, kSoon,
     "Passfort is rate limiting the gateway", kNothingExecuted, kRetryAfterDelay},
    {kOverloaded, "OVERLOADED", RESOURCE_EXHAUSTED, kCall, kNothingLeft, kSoon,
     "the gateway is at its concurrency limit", kNothingSent, kRetryAfterDelay},
    // "For this caller": callers without an entry in the callers file share its limits.
    {kCallerOverloaded, "CALLER_OVERLOADED", RESOURCE_EXHAUSTED, kCall, kNothingLeft, kSoon,
     "the concurrency limit for this caller is reached", kNothingSent, kRetryAfterDelay},
    {kCallerRateReached, "CALLER_RATE_REACHED", RESOURCE_EXHAUSTED, kCall, kNothingLeft, kSoon,
     "the limit of calls per minute for this caller is reached", kNothingSent, kRetryAfterDelay},
    {kStoreFull, "STORE_FULL", RESOURCE_EXHAUSTED, kCall, kNothingLeft, kOnceRecordsExpired,
     "the gateway's store is full", kNothingSent, kRetryAfterDelay},
    {kQuotaReached, "QUOTA_REACHED", RESOURCE_EXHAUSTED, kRequestId, kItDepends, kNever,
     "the Passfort account has reached a quota", kNothingExecuted,
     "Ask Passfort to raise it before retrying."},
    // Before its intent a write may have asked Passfort what there is.
    {kCallerBudgetReached, "CALLER_BUDGET_REACHED", RESOURCE_EXHAUSTED, kCall, kNothingLeft, kNever,
     "the limit of writes per day for this caller is reached", kThisCallExecutedNothing,
     "Retry after resets_at, or ask the operator of the gateway to raise the limit."},
    {kOutcomeUnknown, "OUTCOME_UNKNOWN", UNKNOWN, kRequestId, kItDepends, kNever,
     "the request was sent, but no clear response came",
     "it is unknown whether the application was created",
     "Retry with the same request_id; without one, first check the profile's applications."},
    {kNotSent, "NOT_SENT", DEADLINE_EXCEEDED, kRequestId, kNothingLeft, kNever,
     "the deadline left no time to send the request", kNothingExecuted,
     "Retry with a longer deadline."},
    {kReadUnanswered, "READ_UNANSWERED", DEADLINE_EXCEEDED, kCall, kBodySent, kNever,
     "Passfort did not respond before the deadline", kNothingExecuted,
     "Retry with a longer deadline."},
    {kCallerGone, "CALLER_GONE", CANCELLED, kRequestId, kNothingLeft, kNever,
     "the caller cancelled before the request was sent", kNothingExecuted, ""},
    {kUnknownMethod, "UNKNOWN_METHOD", UNIMPLEMENTED, kCall, kNothingLeft, kNever, "unknown method",
     kNothingSent, "Use server reflection to list the methods."},
    {kRequestNotFound, "REQUEST_NOT_FOUND", NOT_FOUND, kCall, kNothingLeft, kNever,
     "no such request_id", kNothingSent,
     "It was never used, is another caller's, was not executed, or has expired."},
    {kNotSettleable, "NOT_SETTLEABLE", FAILED_PRECONDITION, kCall, kNothingLeft, kNever,
     "what became of this request_id cannot be settled by a person, or not yet", kNothingChanged,
     "Look at its state with GetRequest; if there is a known_by, come again after it."},
    {kSettlementContradicted, "SETTLEMENT_CONTRADICTED", FAILED_PRECONDITION, kCall, kItDepends,
     kNever, "what Passfort or the store shows speaks against it", kNothingChanged,
     "Look again at the profile in the portal, and at candidate_ids."},
    {kSettledMeanwhile, "SETTLED_MEANWHILE", ABORTED, kCall, kItDepends, kNever,
     "the request_id changed while this call looked at it", "this call changed nothing",
     "Look at its state with GetRequest before you settle it."},
};

constexpr bool IsInOrder() {
  for (size_t i = 0; i < std::size(kCatalog); ++i) {
    if (static_cast<size_t>(kCatalog[i].reason) != i) return false;
  }
  return std::size(kCatalog) == static_cast<size_t>(kSettledMeanwhile) + 1;
}
static_assert(IsInOrder());

}  // namespace

std::span<const ErrorEntry> ErrorCatalog() { return kCatalog; }

const ErrorEntry& EntryOf(ErrorReason reason) { return kCatalog[static_cast<size_t>(reason)]; }

std::string MessageOf(const ErrorEntry& entry, std::string_view details) {
  std::string message(entry.what);
  if (!details.empty()) absl::StrAppend(&message, " (", std::string(details), ")");
  absl::StrAppend(&message, ": ", std::string(entry.effect), ".");
  if (!entry.next_step.empty()) absl::StrAppend(&message, " ", std::string(entry.next_step));
  return message;
}

std::string_view PhaseName(CallPhase phase) {
  switch (phase) {
    case CallPhase::kNotSent:
      return "NOT_SENT";
    case CallPhase::kSent:
      return "SENT";
    case CallPhase::kAnswered:
      return "ANSWERED";
  }
  return "NOT_SENT";
}

std::string_view ScopeName(ErrorScope scope) {
  return scope == ErrorScope::kCall ? "CALL" : "REQUEST_ID";
}

std::string_view GrpcCodeName(grpc::StatusCode code) {
  constexpr std::string_view kNames[] = {"OK",
                                         "CANCELLED",
                                         "UNKNOWN",
                                         "INVALID_ARGUMENT",
                                         "DEADLINE_EXCEEDED",
                                         "NOT_FOUND",
                                         "ALREADY_EXISTS",
                                         "PERMISSION_DENIED",
                                         "RESOURCE_EXHAUSTED",
                                         "FAILED_PRECONDITION",
                                         "ABORTED",
                                         "OUT_OF_RANGE",
                                         "UNIMPLEMENTED",
                                         "INTERNAL",
                                         "UNAVAILABLE",
                                         "DATA_LOSS",
                                         "UNAUTHENTICATED"};
  const auto number = static_cast<size_t>(code);
  return number < std::size(kNames) ? kNames[number] : "UNKNOWN";
}

}  // namespace gateway
