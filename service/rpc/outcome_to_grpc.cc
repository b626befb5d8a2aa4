#include "service/rpc/outcome_to_grpc.h"

#include <algorithm>
#include <iterator>
#include <map>

#include "absl/strings/str_cat.h"

namespace gateway {
namespace {

using grpc::StatusCode;

// After these a repeat makes sense. Short, because nothing was done and the caller is waiting; not
// shorter, because all callers come back together.
constexpr Milliseconds kRetryAfterUnreachable{1000};
constexpr Milliseconds kRetryAfterRateLimit{1000};  // where Passfort did not say
constexpr Milliseconds kRetryAfterOverload{1000};
constexpr Milliseconds kRetryAfterDraining{1000};
constexpr Milliseconds kRetryAfterNotCreated{1000};
constexpr Milliseconds kRetryAfterStoreAway{1000};
// An unresolved write may hold its profile for more than a minute.
constexpr Milliseconds kRetryAfterWriteInProgress{2000};
// Room comes as records expire.
constexpr Milliseconds kRetryAfterStoreFull{60000};

// What a refusal by Passfort means to the caller. `numbers` is an inclusive range, of Passfort's
// own error codes or of HTTP statuses; the first row that fits counts.
struct RefusalRow {
  int first;
  int last;
  StatusCode code;
  const char* reason;
  const char* what;
  const char* next;
};

constexpr const char* kCorrectTheRequest = "Correct the request before calling again.";
constexpr const char* kAskTheOperator = "Only the gateway's operator can mend this.";

constexpr RefusalRow RejectedInput(int first, int last) {
  return {first,
          last,
          StatusCode::INVALID_ARGUMENT,
          "PASSFORT_REJECTED_INPUT",
          "Passfort refused the values of the request",
          kCorrectTheRequest};
}

constexpr RefusalRow Conflict(int number) {
  return {number,
          number,
          StatusCode::ALREADY_EXISTS,
          "PASSFORT_CONFLICT",
          "Passfort says that this is there already",
          "Look at the profile's applications."};
}

constexpr RefusalRow Precondition(int first, int last) {
  return {first,
          last,
          StatusCode::FAILED_PRECONDITION,
          "PASSFORT_PRECONDITION",
          "Passfort's rules forbid this in the profile's present state",
          "Change that state before calling again."};
}

constexpr RefusalRow QuotaReached(int number) {
  return {number,
          number,
          StatusCode::RESOURCE_EXHAUSTED,
          "QUOTA_REACHED",
          "a quota of the Passfort account is used up",
          "Have it raised at Passfort before calling again."};
}

constexpr RefusalRow CredentialsRefused(int first, int last) {
  return {first,
          last,
          StatusCode::INTERNAL,
          "GATEWAY_CREDENTIALS_REFUSED",
          "Passfort refused the gateway's own API key",
          kAskTheOperator};
}

// By Passfort's error code, which counts before the HTTP status. The codes that are missing here
// are ambiguous or unknown and never make a refusal.
constexpr RefusalRow kByPassfortCode[] = {
    RejectedInput(101, 101),       // MISSING_REQUIRED_FIELDS
    Precondition(102, 103),        // ENTITY_ALREADY_APPROVED, ENTITY_ALREADY_REJECTED
    QuotaReached(104),             // CHARGEABLE_LIMIT_REACHED
    Precondition(105, 106),        // CONSTRAINTS_NOT_SATISFIED, COUNTRY_NOT_SUPPORTED
    QuotaReached(107),             // CHECK_LIMIT_REACHED
    RejectedInput(201, 201),       // INVALID_INPUT_DATA
    Conflict(202),                 // DATA_PRESENT
    CredentialsRefused(203, 204),  // MISSING_API_KEY, INVALID_API_KEY
    Precondition(502, 502),        // PROCESS_NOT_SETUP
};

// By HTTP status.
constexpr RefusalRow kByHttpStatus[] = {
    {307, 308, StatusCode::INTERNAL, "API_URL_REDIRECTS",
     "the address that the gateway has for Passfort redirects elsewhere, and no redirect is "
     "followed",
     kAskTheOperator},
    RejectedInput(400, 400),
    CredentialsRefused(401, 401),
    {403, 403, StatusCode::PERMISSION_DENIED, "PASSFORT_FORBIDDEN",
     "Passfort does not allow this to the gateway's API key or address", kAskTheOperator},
    {404, 404, StatusCode::NOT_FOUND, "PASSFORT_NOT_FOUND",
     "Passfort does not find the profile, or hides it from the gateway's API key",
     "Check profile_id."},
    Conflict(409),
    RejectedInput(413, 413),
    RejectedInput(422, 422),
    // 405, 406, 410, 411, 414, 415, 426 and 431 are about the request as HTTP, which the gateway
    // makes, or about something on the way: nothing that a caller could change.
    {0, 999, StatusCode::FAILED_PRECONDITION, "PASSFORT_PRECONDITION",
     "Passfort, or something before it, does not take such a request", kAskTheOperator},
};

const RefusalRow& RowFor(const PassfortAnswer& answer) {
  const auto fits = [](int number) {
    return [number](const RefusalRow& row) { return row.first <= number && number <= row.last; };
  };
  if (answer.code.has_value()) {
    const auto row =
        std::find_if(std::begin(kByPassfortCode), std::end(kByPassfortCode), fits(*answer.code));
    if (row != std::end(kByPassfortCode)) return *row;
  }
  return *std::find_if(std::begin(kByHttpStatus), std::prev(std::end(kByHttpStatus)),
                       fits(answer.http_status));
}

// "HTTP 422, code 201". Passfort's own words stay in the metadata: they may be about a person, and
// messages end up in logs.
std::string Summary(const PassfortAnswer& answer) {
  std::string summary = absl::StrCat("HTTP ", answer.http_status);
  if (answer.code.has_value()) absl::StrAppend(&summary, ", code ", *answer.code);
  return summary;
}

std::string InBrackets(const std::optional<PassfortAnswer>& answer) {
  return answer.has_value() ? absl::StrCat(" (", Summary(*answer), ")") : "";
}

CallPhase PhaseOf(const std::optional<PassfortAnswer>& answer, CallPhase without_answer) {
  return answer.has_value() ? CallPhase::kAnswered : without_answer;
}

// Of what was decided with the record in hand.
ErrorScope ScopeOf(const EndedCall& call) {
  return call.request_id.empty() ? ErrorScope::kCall : ErrorScope::kRequestId;
}

std::string_view WordsFor(Ambiguous::Cause cause) {
  switch (cause) {
    case Ambiguous::Cause::kTimeout:
      return "no answer came in time";
    case Ambiguous::Cause::kConnectionLost:
      return "the connection was lost before the answer was whole";
    case Ambiguous::Cause::kAnswerTooLarge:
      return "the answer was larger than the gateway reads";
    case Ambiguous::Cause::kServerError:
      return "Passfort, or something before it, reported an error of its own";
    case Ambiguous::Cause::kUnreadable:
      return "the answer could not be understood";
    case Ambiguous::Cause::kStopped:
      return "the gateway stopped waiting for the answer";
  }
  return "the answer is missing";
}

std::string Rfc3339(absl::Time time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", time, absl::UTCTimeZone());
}

CallError ErrorOf(const NotCarriedOut& outcome, const EndedCall& call) {
  ErrorDraft draft{.code = StatusCode::UNAVAILABLE,
                   .reason = "PASSFORT_UNREACHABLE",
                   .message =
                       "Passfort cannot be reached: nothing was done. It is safe to call "
                       "again.",
                   .phase = PhaseOf(outcome.answer, CallPhase::kNotSent),
                   .scope = ScopeOf(call),
                   .answer = outcome.answer,
                   .retry_after = outcome.retry_after.value_or(kRetryAfterUnreachable),
                   .request_id = call.request_id};
  switch (outcome.cause) {
    case NotCarriedOut::Cause::kUnreachable:
      // 421 and 425: it was reached.
      if (outcome.answer.has_value() &&
          (outcome.answer->http_status == 421 || outcome.answer->http_status == 425)) {
        draft.message =
            absl::StrCat("Passfort did not process the request (", Summary(*outcome.answer),
                         "): nothing was done. It is safe to call again.");
      }
      break;
    case NotCarriedOut::Cause::kSendGateClosed:  // the way there took longer than the right to send
      break;
    case NotCarriedOut::Cause::kServerError:
      draft.reason = "PASSFORT_FAILED";
      draft.message = absl::StrCat(
          "Passfort, or something before it, reported an error of its own when it was asked for "
          "the profile's applications",
          InBrackets(outcome.answer), ": nothing was done. It is safe to call again.");
      break;
    case NotCarriedOut::Cause::kUnreadable:
      draft.code = StatusCode::INTERNAL;
      draft.reason = "PASSFORT_ANSWER_UNREADABLE";
      draft.message = absl::StrCat(
          "what Passfort, or something before it, answered is no list of the profile's "
          "applications",
          InBrackets(outcome.answer), ", and a request_id needs one: nothing was done. ",
          kAskTheOperator);
      draft.retry_after.reset();
      break;
    case NotCarriedOut::Cause::kAnswerTooLarge:
      draft.code = StatusCode::INTERNAL;
      draft.reason = "PASSFORT_ANSWER_UNREADABLE";
      draft.message =
          "the list of the profile's applications is larger or deeper than this gateway reads, so "
          "it cannot keep the promise that a request_id asks for: nothing was done, and calling "
          "again changes nothing. A call without a request_id promises less.";
      draft.phase = CallPhase::kAnswered;
      draft.retry_after.reset();
      break;
    case NotCarriedOut::Cause::kCircuitOpen:
      draft.reason = "CIRCUIT_OPEN";
      draft.message =
          "Passfort has been failing and is left alone for a moment: nothing was done. It is safe "
          "to call again.";
      break;
    case NotCarriedOut::Cause::kRateLimited:
      draft.code = StatusCode::RESOURCE_EXHAUSTED;
      draft.reason = "RATE_LIMITED";
      draft.message =
          "Passfort limits the rate of requests: nothing was done. It is safe to call again after "
          "the delay in RetryInfo.";
      draft.retry_after = outcome.retry_after.value_or(kRetryAfterRateLimit);
      break;
    case NotCarriedOut::Cause::kNoMemory:
      draft.code = StatusCode::RESOURCE_EXHAUSTED;
      draft.reason = "OVERLOADED";
      draft.message =
          "answers of Passfort to other calls take all the memory that this gateway has for them: "
          "nothing was done. It is safe to call again after the delay in RetryInfo.";
      draft.retry_after = kRetryAfterOverload;
      break;
    case NotCarriedOut::Cause::kNoTimeLeft:
      draft.code = StatusCode::DEADLINE_EXCEEDED;
      draft.reason = "NOT_SENT";
      draft.message =
          "the deadline left no time to send the request to Passfort: nothing was done. Call again "
          "with a longer deadline.";
      draft.retry_after.reset();
      break;
    case NotCarriedOut::Cause::kStopped:
      if (call.caller != Caller::kGone) return DrainingError(call.request_id);
      draft.code = StatusCode::CANCELLED;
      draft.reason = "CALLER_GONE";
      draft.message = "the caller went away before anything was sent: nothing was done.";
      draft.retry_after.reset();
      break;
  }
  return MakeError(std::move(draft));
}

CallError ErrorOf(const Refused& outcome, const EndedCall& call) {
  const RefusalRow& row = RowFor(outcome.answer);
  return MakeError({.code = row.code,
                    .reason = row.reason,
                    .message = absl::StrCat(row.what, " (", Summary(outcome.answer),
                                            "): nothing was done. ", row.next),
                    .phase = CallPhase::kAnswered,
                    .scope = ScopeOf(call),
                    .answer = outcome.answer,
                    .request_id = call.request_id});
}

// What stood in the way before anything was sent, with its row of the table.
struct NotBegunRow {
  NotBegun::Cause cause;
  StatusCode code;
  const char* reason;
  ErrorScope scope;
  CallPhase phase;
  std::optional<Milliseconds> retry_after;
  const char* message;
};

constexpr NotBegunRow kNotBegun[] = {
    {NotBegun::Cause::kRequestIdReused, StatusCode::INVALID_ARGUMENT, "REQUEST_ID_REUSED",
     ErrorScope::kCall, CallPhase::kNotSent, std::nullopt,
     "another call used this request_id with other values or as another caller: nothing was done "
     "for this one. Use a request_id of its own for each application."},
    {NotBegun::Cause::kNeedsStore, StatusCode::FAILED_PRECONDITION, "REQUEST_ID_NEEDS_STORE",
     ErrorScope::kCall, CallPhase::kNotSent, std::nullopt,
     "this gateway has no store, so it cannot keep the promise that a request_id asks for: nothing "
     "was done. Its operator can set one; a call without a request_id promises less."},
    {NotBegun::Cause::kStoreUnavailable, StatusCode::UNAVAILABLE, "STORE_UNAVAILABLE",
     ErrorScope::kCall, CallPhase::kNotSent, kRetryAfterStoreAway,
     "the store of this gateway did not answer: this call sent nothing. It is safe to call again "
     "with the same request_id."},
    {NotBegun::Cause::kStoreFull, StatusCode::RESOURCE_EXHAUSTED, "STORE_FULL", ErrorScope::kCall,
     CallPhase::kNotSent, kRetryAfterStoreFull,
     "the store of this gateway takes no further request_id: nothing was done. It is safe to call "
     "again after the delay in RetryInfo."},
    {NotBegun::Cause::kTooManyFlows, StatusCode::RESOURCE_EXHAUSTED, "OVERLOADED",
     ErrorScope::kCall, CallPhase::kNotSent, kRetryAfterOverload,
     "this gateway has as many writes under way as it takes, with those whose callers have left: "
     "nothing was done. It is safe to call again after the delay in RetryInfo."},
    {NotBegun::Cause::kWriteInProgress, StatusCode::UNAVAILABLE, "WRITE_IN_PROGRESS",
     ErrorScope::kRequestId, CallPhase::kNotSent, kRetryAfterWriteInProgress,
     "a write under another request_id is under way on this profile: nothing was done. It is safe "
     "to call again with the same request_id."},
    {NotBegun::Cause::kNotCreated, StatusCode::UNAVAILABLE, "NOT_CREATED", ErrorScope::kRequestId,
     CallPhase::kSent, kRetryAfterNotCreated,
     "the request was sent and its answer lost, and the profile's applications show that nothing "
     "was done. It is safe to call again with the same request_id."},
    {NotBegun::Cause::kTooManyToCompare, StatusCode::RESOURCE_EXHAUSTED, "QUOTA_REACHED",
     ErrorScope::kRequestId, CallPhase::kNotSent, std::nullopt,
     "the profile has more applications than the store of this gateway keeps the ids of, so it "
     "cannot keep the promise that a request_id asks for: nothing was done, and calling again "
     "changes nothing. A call without a request_id promises less."},
};

CallError ErrorOf(const NotBegun& outcome, const EndedCall& call) {
  const auto* row = std::find_if(std::begin(kNotBegun), std::prev(std::end(kNotBegun)),
                                 [&](const NotBegunRow& it) { return it.cause == outcome.cause; });
  return MakeError({.code = row->code,
                    .reason = row->reason,
                    .message = row->message,
                    .phase = row->phase,
                    .scope = row->scope,
                    .retry_after = row->retry_after,
                    .request_id = call.request_id});
}

// Many more than there are, unless Passfort's ids are no UUIDs. An id is left out rather than cut.
std::string JoinedIds(const std::vector<std::string>& ids) {
  constexpr size_t kMostIds = 20;
  constexpr size_t kMostBytes = 1024;
  std::string joined;
  for (size_t i = 0; i < std::min(ids.size(), kMostIds); ++i) {
    if (ids[i].empty() || joined.size() + 1 + ids[i].size() > kMostBytes) continue;
    absl::StrAppend(&joined, joined.empty() ? "" : ",", ids[i]);
  }
  return joined;
}

// Without a request_id: nothing remembers the call, so the caller has to find out.
std::string UnknownForGood(const Ambiguous& outcome, const std::string& known_by) {
  const std::string_view words = WordsFor(outcome.cause);
  return absl::StrCat("the request was sent, but ", std::string(words), InBrackets(outcome.answer),
                      ": it is not known whether the application was made. Do not call again "
                      "before the profile's applications were looked at after ",
                      known_by, ".");
}

// Why the profile's applications do not tell, if it is more than a moment's trouble.
const char* WhyBlind(std::optional<NotCarriedOut::Cause> no_list) {
  if (no_list == NotCarriedOut::Cause::kAnswerTooLarge) {
    return ", because the list of the profile's applications is larger or deeper than this gateway "
           "reads";
  }
  if (no_list == NotCarriedOut::Cause::kUnreadable) {
    return ", because what Passfort, or something before it, answered is no list of the profile's "
           "applications";
  }
  return "";
}

std::string UnknownSoFar(const WriteResult& result, absl::Time now) {
  const bool may_still_change = result.known_by.has_value() && *result.known_by > now;
  if (!result.candidate_ids.empty() && !may_still_change) {
    return absl::StrCat(
        "it is not known whether the application was made: ", result.candidate_ids.size(),
        " on the profile may be it (candidate_ids), and nothing is sent again under this "
        "request_id. Calling again looks once more.");
  }
  const std::string when =
      result.known_by.has_value() ? absl::StrCat(" from ", Rfc3339(*result.known_by), " on") : "";
  return absl::StrCat(
      "it is not known yet whether the application was made", WhyBlind(result.no_list),
      ". Call again with the same request_id: that never makes a second one, and tells what became "
      "of this one as soon as it can be known",
      when, ".");
}

CallError ErrorOf(const Ambiguous& outcome, const WriteResult& result, const EndedCall& call) {
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
  return MakeError({.code = StatusCode::UNKNOWN,
                    .reason = "OUTCOME_UNKNOWN",
                    .message = is_once ? UnknownSoFar(result, call.now)
                                       : UnknownForGood(outcome, Rfc3339(*known_by)),
                    .phase = PhaseOf(outcome.answer, CallPhase::kSent),
                    .scope = ScopeOf(call),
                    .metadata = std::move(metadata),
                    .answer = outcome.answer,
                    .request_id = call.request_id});
}

}  // namespace

CallError ErrorOf(const WriteResult& result, const EndedCall& call) {
  if (const auto* outcome = std::get_if<NotCarriedOut>(&result.outcome)) {
    return ErrorOf(*outcome, call);
  }
  if (const auto* outcome = std::get_if<Refused>(&result.outcome)) return ErrorOf(*outcome, call);
  if (const auto* outcome = std::get_if<NotBegun>(&result.outcome)) return ErrorOf(*outcome, call);
  return ErrorOf(std::get<Ambiguous>(result.outcome), result, call);
}

CallError InvalidRequestError(const std::vector<FieldViolation>& violations) {
  std::string list;
  for (const auto& [field, description] : violations) {
    absl::StrAppend(&list, list.empty() ? "" : "; ", field, " ", description);
  }
  return MakeError({.code = StatusCode::INVALID_ARGUMENT,
                    .reason = "INVALID_REQUEST",
                    .message = absl::StrCat("the request is wrong, nothing was done: ", list, "."),
                    .violations = violations});
}

CallError RequestTooLargeError(size_t max_request_bytes) {
  return MakeError({.code = StatusCode::INVALID_ARGUMENT,
                    .reason = "INVALID_REQUEST",
                    .message = absl::StrCat("the request is larger than the ", max_request_bytes,
                                            " bytes that this gateway takes: nothing was done. "
                                            "Shorten it before calling again."),
                    .metadata = {{"max_request_bytes", absl::StrCat(max_request_bytes)}}});
}

CallError OverloadedError(std::string_view request_id) {
  return MakeError({.code = StatusCode::RESOURCE_EXHAUSTED,
                    .reason = "OVERLOADED",
                    .message = "this gateway has as many calls under way as it takes: nothing was "
                               "done. It is safe to call again after the delay in RetryInfo.",
                    .retry_after = kRetryAfterOverload,
                    .request_id = request_id});
}

CallError DrainingError(std::string_view request_id) {
  return MakeError({.code = StatusCode::UNAVAILABLE,
                    .reason = "DRAINING",
                    .message = "this gateway is stopping: nothing was done. It is safe to call "
                               "again; another replica answers.",
                    .retry_after = kRetryAfterDraining,
                    .request_id = request_id});
}

CallError UnknownMethodError() {
  return MakeError({.code = StatusCode::UNIMPLEMENTED,
                    .reason = "UNKNOWN_METHOD",
                    .message = "this gateway has no such method: nothing was done. Server "
                               "reflection lists what it has."});
}

}  // namespace gateway
