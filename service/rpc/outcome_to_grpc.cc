#include "service/rpc/outcome_to_grpc.h"

#include <algorithm>
#include <map>

#include "absl/strings/str_cat.h"

namespace gateway {

std::string InBrackets(const std::optional<ResponseSummary>& response) {
  return response.has_value() ? absl::StrCat(" (", SummaryOf(*response), ")") : "";
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

std::string SentAtText(absl::Time sent_at) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E6SZ", sent_at, absl::UTCTimeZone());
}

namespace {

constexpr std::string_view kNoGuarantee =
    "Retrying does not help; a call without request_id works, but without that guarantee.";

// The list of the profile's applications, or the store's row, cannot hold what is there.
std::string TooMuchToCompare(std::string_view what) {
  return absl::StrCat(std::string(what),
                      ", so the gateway cannot guarantee at most one application per request_id: "
                      "nothing was executed. ",
                      std::string(kNoGuarantee));
}

// Why no further attempt was made, if that is news to whoever knows the reason.
std::string_view WhyGivenUp(std::optional<RetryEnd> end) {
  if (end == RetryEnd::kExhausted) return "gave up after another attempt";
  if (end == RetryEnd::kBudgetEmpty) return "gave up: the retry budget is used up";
  if (end == RetryEnd::kOutOfTime) return "gave up: no time for another attempt";
  return "";
}

std::string Joined(std::string first, std::string_view second) {
  if (!first.empty() && !second.empty()) first += "; ";
  return first.append(second);
}

// The row's message, with other words of what happened.
std::string MessageWith(ErrorReason reason, const std::string& details, std::string_view what) {
  ErrorEntry entry = EntryOf(reason);
  entry.what = what;
  return MessageOf(entry, details);
}

ErrorReason ReasonOf(const NotExecuted& outcome, Caller caller) {
  switch (outcome.cause) {
    case NotExecuted::Cause::kUnreachable:
    case NotExecuted::Cause::kSendGateClosed:  // the way there took longer than the right to send
      return ErrorReason::kPassfortUnreachable;
    case NotExecuted::Cause::kServerError:
      return ErrorReason::kPassfortFailed;
    case NotExecuted::Cause::kUnreadable:
    case NotExecuted::Cause::kResponseTooLarge:
      return ErrorReason::kPassfortAnswerUnreadable;
    case NotExecuted::Cause::kCircuitOpen:
      // What is wrong tells more than that nobody tries at the moment.
      return IsUnreachable(outcome.fault) ? ErrorReason::kPassfortUnreachable
                                          : ErrorReason::kCircuitOpen;
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

// What lasts is not mended by a retry, however safe that is.
constexpr std::string_view kRetryOrTell =
    "It is safe to retry; if it goes on, contact the operator of the gateway.";

void AddFault(TransportFault fault, std::string_view further, ErrorSpec& spec) {
  spec.fault = fault;
  spec.details = Joined(std::string(FaultWords(fault)), further);
  if (!IsUnreachable(fault)) return;
  ErrorEntry entry = EntryOf(spec.reason);
  entry.next_step = kRetryOrTell;
  spec.message = MessageOf(entry, spec.details);
}

}  // namespace

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

CallError ToCallError(const NotExecuted& outcome, const CallInfo& call) {
  ErrorSpec spec{.reason = ReasonOf(outcome, call.caller),
                 .response = outcome.response,
                 .retry_end = call.retry_end,
                 .retry_after = outcome.retry_after,
                 .request_id = call.request_id};
  const std::string_view given_up = WhyGivenUp(call.retry_end);
  const std::string details =
      Joined(outcome.response ? SummaryOf(*outcome.response) : "", given_up);
  switch (outcome.cause) {
    case NotExecuted::Cause::kUnreachable:
      AddFault(outcome.fault, given_up, spec);
      // 421 and 425: it was reached.
      if (outcome.response.has_value() &&
          (outcome.response->http_status == 421 || outcome.response->http_status == 425)) {
        spec.message = absl::StrCat("Passfort did not process the request (", details,
                                    "): nothing was executed. It is safe to retry.");
      }
      break;
    // Of the list that a request_id needs.
    case NotExecuted::Cause::kServerError:
      spec.message = MessageWith(spec.reason, details,
                                 "Passfort, or a proxy in front of it, reported an internal error "
                                 "when asked for the profile's applications");
      break;
    case NotExecuted::Cause::kUnreadable:
      spec.message = MessageWith(spec.reason, details,
                                 "a request_id needs the list of the profile's applications, and "
                                 "the response was not one");
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
    case NotExecuted::Cause::kRateLimited:
      spec.details = given_up;
      break;
    case NotExecuted::Cause::kCircuitOpen:
      AddFault(outcome.fault,
               IsUnreachable(outcome.fault) ? "requests are paused until it can be reached" : "",
               spec);
      break;
    case NotExecuted::Cause::kNoTimeLeft:
      break;
    case NotExecuted::Cause::kStopped:
      spec.response.reset();
      spec.retry_after.reset();
      break;
  }
  return BuildError(std::move(spec));
}

namespace {

ErrorReason ReasonOf(IdempotencyError::Cause cause) {
  switch (cause) {
    case IdempotencyError::Cause::kRequestIdReused:
      return ErrorReason::kRequestIdReused;
    case IdempotencyError::Cause::kNeedsStore:
      return ErrorReason::kRequestIdNeedsStore;
    case IdempotencyError::Cause::kStoreUnavailable:
      return ErrorReason::kStoreUnavailable;
    case IdempotencyError::Cause::kStoreBroken:
      return ErrorReason::kStoreBroken;
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
    case IdempotencyError::Cause::kBudgetReached:
      return ErrorReason::kCallerBudgetReached;
  }
  return ErrorReason::kStoreUnavailable;
}

CallError ToCallError(const IdempotencyError& outcome, const CallInfo& call) {
  ErrorSpec spec{.reason = ReasonOf(outcome.cause),
                 .retry_end = call.retry_end,
                 .request_id = call.request_id};
  if (outcome.cause == IdempotencyError::Cause::kTooManyToCompare) {
    spec.message = TooMuchToCompare(
        "the profile has more applications than the gateway's store keeps the ids of");
  }
  if (outcome.resets_at.has_value()) spec.metadata["resets_at"] = Rfc3339(*outcome.resets_at);
  return BuildError(std::move(spec));
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
  if (result.sent_at.has_value()) metadata["sent_at"] = SentAtText(*result.sent_at);
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
                     .retry_end = call.retry_end,
                     .request_id = call.request_id});
}

}  // namespace

CallError ToCallError(const WriteResult& result, const CallInfo& info) {
  CallInfo call = info;
  call.retry_end = result.retry_end;
  if (const auto* outcome = std::get_if<NotExecuted>(&result.outcome)) {
    return ToCallError(*outcome, call);
  }
  if (const auto* outcome = std::get_if<Refused>(&result.outcome))
    return ToCallError(*outcome, call);
  if (const auto* outcome = std::get_if<IdempotencyError>(&result.outcome))
    return ToCallError(*outcome, call);
  return ToCallError(std::get<Ambiguous>(result.outcome), result, call);
}

ErrorReason StoreFailureReason(const absl::Status& why) { return ReasonOf(StoreFailureCause(why)); }

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
