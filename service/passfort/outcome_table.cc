#include "service/passfort/outcome_table.h"

#include <utility>

#include "service/http/http_client.h"
#include "service/passfort/http_status.h"
#include "service/passfort/passfort_error.h"
#include "service/passfort/rate_limit_headers.h"

namespace gateway {
namespace {

bool IsClientError(int status) { return status >= 400 && status <= 499; }

// Statuses by which a server refuses a request that it looked at (RFC 9110, section 15.5; 426 and
// 431: RFC 9110 and RFC 6585). What is missing here says nothing about the work, whoever invented
// it: nginx's 499 and haproxy's 460 mean that a client had left, 444 that a connection was closed,
// and 402, 418 and 451 have no meaning in an API like this.
bool IsRefusalOfServer(int status) {
  switch (status) {
    case 307:  // a redirect is never followed: the key would go with it
    case 308:
    case 400:
    case 401:
    case 403:
    case 404:
    case 405:
    case 406:
    case 409:
    case 410:
    case 411:
    case 413:
    case 414:
    case 415:
    case 422:
    case 426:
    case 431:
      return true;
    default:
      return false;
  }
}

// Statuses that say by definition that the request was not processed: 421, the server does not
// answer for this host (RFC 9110, section 15.5.20); 425, it would not risk to process what may be a
// replay (RFC 8470, section 5.2); 429, too many requests (RFC 6585, section 4).
bool WasNotProcessed(int status) { return status == 421 || status == 425 || status == 429; }

// Statuses of a server, or of something before it, that gave up, and those of nobody knows whom:
// the work may have been done.
bool MayHaveBeenDone(int status) {
  return status >= 500 || (status >= 300 && status <= 306) ||
         (IsClientError(status) && !IsRefusalOfServer(status) && !WasNotProcessed(status));
}

}  // namespace

bool ConcernsApiKey(const ResponseSummary& response) {
  return response.http_status == 401 || ConcernsApiKey(response.code);
}

namespace {

NotExecuted::Cause WhyNotExecuted(HttpFailure::Kind kind) {
  switch (kind) {
    case HttpFailure::Kind::kTimeout:
      return NotExecuted::Cause::kNoTimeLeft;
    case HttpFailure::Kind::kStopped:
      return NotExecuted::Cause::kStopped;
    case HttpFailure::Kind::kSendGateClosed:
      return NotExecuted::Cause::kSendGateClosed;
    case HttpFailure::Kind::kNoMemory:
      return NotExecuted::Cause::kNoMemory;
    default:
      return NotExecuted::Cause::kUnreachable;
  }
}

Ambiguous::Cause WhyAmbiguous(HttpFailure::Kind kind) {
  switch (kind) {
    case HttpFailure::Kind::kTimeout:
      return Ambiguous::Cause::kTimeout;
    case HttpFailure::Kind::kTooLarge:
      return Ambiguous::Cause::kResponseTooLarge;
    case HttpFailure::Kind::kStopped:
      return Ambiguous::Cause::kStopped;
    default:
      return Ambiguous::Cause::kConnectionLost;
  }
}

// The error that decides; if none does, the one that tells most.
const std::optional<PassfortError>& DecidingError(const PassfortErrors& errors) {
  if (errors.internal) return errors.internal;
  if (errors.refusal) return errors.refusal;
  return errors.unknown ? errors.unknown : errors.without_code;
}

ResponseSummary SummaryWith(const std::optional<PassfortError>& error, const PassfortErrors& errors,
                            int status) {
  ResponseSummary summary{.http_status = status, .is_foreign = !errors.are_there};
  if (!error) return summary;
  summary.code = error->code;
  // Words about the gateway's own API key may repeat it, and they would reach every caller.
  if (status != 401 && !errors.names_the_key) summary.message = error->message;
  return summary;
}

}  // namespace

ApiOutcome OutcomeOfFailure(const HttpFailure& failure, const HttpResult& result) {
  if (!result.may_have_sent_body) {  // row 2
    return NotExecuted{.cause = WhyNotExecuted(failure.kind),
                       .lost_on_reuse = result.lost_on_reuse,
                       .fault = failure.fault};
  }
  return Ambiguous{.cause = WhyAmbiguous(failure.kind),  // row 3
                   .lost_on_reuse = result.lost_on_reuse,
                   .fault = failure.fault};
}

// The rows are numbered as in docs/errors.md; the first one that fits counts.
ApiOutcome OutcomeOfResponse(const HttpResponse& response, std::optional<ApiResponse> created,
                             absl::Time now, const MessageFilter* messages) {
  const int status = response.status;
  // Row 1: what was to be created is there, whatever else the response holds.
  if (IsSuccess(status) && created) return *std::move(created);
  const PassfortErrors errors = ReadPassfortErrors(response.body, messages);
  ResponseSummary summary = SummaryWith(DecidingError(errors), errors, status);

  // Row 4: a server that gave up, or a status that nobody defined.
  if (MayHaveBeenDone(status)) {
    return Ambiguous{.cause = Ambiguous::Cause::kServerError, .response = std::move(summary)};
  }
  // Row 5: Passfort failed inside, whatever status it chose for that.
  if (errors.internal) {
    return Ambiguous{.cause = Ambiguous::Cause::kServerError, .response = std::move(summary)};
  }
  // Row 9 before its turn: what was too much to read may hold a code of row 5.
  if (errors.end == JsonEnd::kOverLimit) {
    return Ambiguous{.cause = Ambiguous::Cause::kUnreadable, .response = std::move(summary)};
  }
  // Row 6: Passfort said no, also with a 2xx. A code beside it that nobody knows may be one more of
  // row 5, and an id of another type than documented may be that of an application, so then it
  // takes an HTTP status that says no as well.
  const bool is_clear = !errors.unknown.has_value() && !errors.are_beside_an_id;
  if (errors.refusal && (IsClientError(status) || (IsSuccess(status) && is_clear))) {
    return Refused{.response = std::move(summary)};
  }
  // Row 7: not processed.
  if (WasNotProcessed(status)) {
    return NotExecuted{.cause = status == 429 ? NotExecuted::Cause::kRateLimited
                                              : NotExecuted::Cause::kUnreachable,
                       .retry_after = ParseRetryAfter(response, now),
                       .response = std::move(summary)};
  }
  // Row 8: the HTTP status alone says no.
  if (IsRefusalOfServer(status)) return Refused{.response = std::move(summary)};
  // It did not decide because of the one beside it.
  if (errors.refusal && errors.unknown) summary = SummaryWith(errors.unknown, errors, status);
  // Row 9: the rest.
  return Ambiguous{.cause = Ambiguous::Cause::kUnreadable, .response = std::move(summary)};
}

std::optional<int> DecidingErrorCode(std::string_view body) {
  const PassfortErrors errors = ReadPassfortErrors(body, nullptr);
  const std::optional<PassfortError>& error = DecidingError(errors);
  return error ? error->code : std::nullopt;
}

}  // namespace gateway
