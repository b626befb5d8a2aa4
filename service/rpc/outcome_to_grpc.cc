#include "service/rpc/outcome_to_grpc.h"

#include <algorithm>
#include <iterator>
#include <map>

#include "absl/strings/str_cat.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace gateway {
namespace {

using grpc::StatusCode;

// After these a repeat makes sense. Short, because nothing was done and the caller is waiting; not
// shorter, because all callers come back together.
constexpr Milliseconds kRetryAfterUnreachable{1000};
constexpr Milliseconds kRetryAfterRateLimit{1000};  // where Passfort did not say
constexpr Milliseconds kRetryAfterOverload{1000};
constexpr Milliseconds kRetryAfterDraining{1000};

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

// By Passfort's error code, which counts before the HTTP status. The codes that are missing here are
// ambiguous or unknown and never make a refusal.
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
    Precondition(0, 999),  // every other 4xx
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

// The parts of an error that differ; `Make` puts the rest around them.
struct Draft {
  StatusCode code;
  const char* reason;
  std::string message;
  CallPhase phase = CallPhase::kNotSent;
  std::map<std::string, std::string> metadata = {};
  std::optional<PassfortAnswer> answer = {};
  std::optional<Milliseconds> retry_after = {};
  std::optional<google::rpc::BadRequest> bad_request = {};
  std::optional<google::rpc::RequestInfo> request_info = {};
};

google::rpc::ErrorInfo ErrorInfoOf(const Draft& draft) {
  google::rpc::ErrorInfo info;
  info.set_reason(draft.reason);
  info.set_domain(std::string(kErrorDomain));
  auto& metadata = *info.mutable_metadata();
  for (const auto& [name, value] : draft.metadata) metadata[name] = value;
  metadata["phase"] = std::string(PhaseName(draft.phase));
  if (draft.answer.has_value()) {
    metadata["http_status"] = absl::StrCat(draft.answer->http_status);
    if (draft.answer->code.has_value())
      metadata["passfort_code"] = absl::StrCat(*draft.answer->code);
    if (!draft.answer->message.empty()) metadata["passfort_message"] = draft.answer->message;
  }
  return info;
}

google::rpc::RetryInfo RetryInfoOf(Milliseconds delay) {
  google::rpc::RetryInfo info;
  info.mutable_retry_delay()->set_seconds(delay.count() / 1000);
  info.mutable_retry_delay()->set_nanos(static_cast<int>(delay.count() % 1000) * 1'000'000);
  return info;
}

CallError Make(Draft draft) {
  google::rpc::Status status;
  status.set_code(draft.code);
  status.set_message(draft.message);
  status.add_details()->PackFrom(ErrorInfoOf(draft));
  if (draft.bad_request.has_value()) status.add_details()->PackFrom(*draft.bad_request);
  if (draft.retry_after.has_value()) {
    status.add_details()->PackFrom(RetryInfoOf(*draft.retry_after));
  }
  if (draft.request_info.has_value()) status.add_details()->PackFrom(*draft.request_info);

  CallError error;
  error.status = grpc::Status(draft.code, draft.message, status.SerializeAsString());
  if (!draft.retry_after.has_value()) {
    error.trailers.emplace_back(kRetryPushbackTrailer, "-1");
  }
  error.reason = draft.reason;
  error.phase = draft.phase;
  error.http_status = draft.answer.has_value() ? draft.answer->http_status : 0;
  return error;
}

// "HTTP 422, code 201". Passfort's own words stay in the metadata: they may be about a person, and
// messages end up in logs.
std::string Summary(const PassfortAnswer& answer) {
  std::string summary = absl::StrCat("HTTP ", answer.http_status);
  if (answer.code.has_value()) absl::StrAppend(&summary, ", code ", *answer.code);
  return summary;
}

CallPhase PhaseOf(const std::optional<PassfortAnswer>& answer, CallPhase without_answer) {
  return answer.has_value() ? CallPhase::kAnswered : without_answer;
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
      return "Passfort reported an error of its own";
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

CallError RateLimitedError(const NotCarriedOut& outcome) {
  return Make({.code = StatusCode::RESOURCE_EXHAUSTED,
               .reason = "RATE_LIMITED",
               .message = "Passfort limits the rate of requests: nothing was done. It is safe to "
                          "call again after the delay in RetryInfo.",
               .phase = PhaseOf(outcome.answer, CallPhase::kNotSent),
               .answer = outcome.answer,
               .retry_after = outcome.retry_after.value_or(kRetryAfterRateLimit)});
}

CallError UnreachableError(const NotCarriedOut& outcome) {
  return Make({.code = StatusCode::UNAVAILABLE,
               .reason = "PASSFORT_UNREACHABLE",
               .message = "Passfort cannot be reached: nothing was done. It is safe to call again.",
               .phase = PhaseOf(outcome.answer, CallPhase::kNotSent),
               .answer = outcome.answer,
               .retry_after = kRetryAfterUnreachable});
}

CallError NotSentError(const NotCarriedOut& outcome) {
  return Make({.code = StatusCode::DEADLINE_EXCEEDED,
               .reason = "NOT_SENT",
               .message = "the deadline left no time to send the request to Passfort: nothing was "
                          "done. Call again with a longer deadline.",
               .phase = PhaseOf(outcome.answer, CallPhase::kNotSent),
               .answer = outcome.answer});
}

CallError CallerGoneError() {
  return Make({.code = StatusCode::CANCELLED,
               .reason = "CALLER_GONE",
               .message = "the caller went away before anything was sent: nothing was done."});
}

}  // namespace

CallError ErrorOf(const NotCarriedOut& outcome, Caller caller) {
  switch (outcome.cause) {
    case NotCarriedOut::Cause::kRateLimited:
      return RateLimitedError(outcome);
    case NotCarriedOut::Cause::kNoTimeLeft:
      return NotSentError(outcome);
    case NotCarriedOut::Cause::kStopped:
      return caller == Caller::kGone ? CallerGoneError() : DrainingError();
    case NotCarriedOut::Cause::kUnreachable:
      break;
  }
  return UnreachableError(outcome);
}

CallError ErrorOf(const Refused& outcome) {
  const RefusalRow& row = RowFor(outcome.answer);
  return Make({.code = row.code,
               .reason = row.reason,
               .message = absl::StrCat(row.what, " (", Summary(outcome.answer),
                                       "): nothing was done. ", row.next),
               .phase = CallPhase::kAnswered,
               .answer = outcome.answer});
}

CallError ErrorOf(const Ambiguous& outcome, std::optional<absl::Time> sent_at,
                  absl::Time ended_at) {
  const absl::Time known_by = ended_at + kPassfortSettles;
  std::map<std::string, std::string> metadata = {{"known_by", Rfc3339(known_by)}};
  if (sent_at.has_value()) metadata["sent_at"] = Rfc3339(*sent_at);
  const std::string summary =
      outcome.answer.has_value() ? absl::StrCat(" (", Summary(*outcome.answer), ")") : "";
  const std::string_view words = WordsFor(outcome.cause);
  return Make(
      {.code = StatusCode::UNKNOWN,
       .reason = "OUTCOME_UNKNOWN",
       .message = absl::StrCat("the request was sent, but ", std::string(words), summary,
                               ": it is not known whether the application was made. Do not call "
                               "again before the profile's applications were looked at after ",
                               Rfc3339(known_by), "."),
       .phase = PhaseOf(outcome.answer, CallPhase::kSent),
       .metadata = std::move(metadata),
       .answer = outcome.answer});
}

CallError InvalidRequestError(const std::vector<FieldViolation>& violations) {
  google::rpc::BadRequest bad_request;
  std::string list;
  for (const auto& [field, description] : violations) {
    auto& violation = *bad_request.add_field_violations();
    violation.set_field(field);
    violation.set_description(description);
    absl::StrAppend(&list, list.empty() ? "" : "; ", field, " ", description);
  }
  return Make({.code = StatusCode::INVALID_ARGUMENT,
               .reason = "INVALID_REQUEST",
               .message = absl::StrCat("the request is wrong, nothing was done: ", list, "."),
               .bad_request = std::move(bad_request)});
}

CallError RequestTooLargeError(size_t max_request_bytes) {
  return Make({.code = StatusCode::INVALID_ARGUMENT,
               .reason = "INVALID_REQUEST",
               .message = absl::StrCat("the request is larger than the ", max_request_bytes,
                                       " bytes that this gateway takes: nothing was done. "
                                       "Shorten it before calling again."),
               .metadata = {{"max_request_bytes", absl::StrCat(max_request_bytes)}}});
}

CallError RequestIdNotSupportedError(std::string_view request_id) {
  google::rpc::RequestInfo request_info;
  request_info.set_request_id(std::string(request_id));
  return Make({.code = StatusCode::UNIMPLEMENTED,
               .reason = "REQUEST_ID_NOT_SUPPORTED",
               .message = "this gateway cannot keep the promise that a request_id asks for, so "
                          "nothing was done. Call without it, and do not repeat a call whose "
                          "outcome is not known.",
               .request_info = std::move(request_info)});
}

CallError OverloadedError() {
  return Make({.code = StatusCode::RESOURCE_EXHAUSTED,
               .reason = "OVERLOADED",
               .message = "this gateway has as many calls under way as it takes: nothing was done. "
                          "It is safe to call again after the delay in RetryInfo.",
               .retry_after = kRetryAfterOverload});
}

CallError DrainingError() {
  return Make({.code = StatusCode::UNAVAILABLE,
               .reason = "DRAINING",
               .message = "this gateway is stopping: nothing was done. It is safe to call again; "
                          "another replica answers.",
               .retry_after = kRetryAfterDraining});
}

CallError UnknownMethodError() {
  return Make({.code = StatusCode::UNIMPLEMENTED,
               .reason = "UNKNOWN_METHOD",
               .message = "this gateway has no such method: nothing was done. Server reflection "
                          "lists what it has."});
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
