#include "service/passfort/outcome.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "service/http/http_client.h"
#include "service/passfort/json_reader.h"
#include "service/passfort/passfort_error.h"
#include "service/passfort/product_application_json.h"
#include "service/passfort/rate_limit.h"

namespace gateway {
namespace {

bool IsSuccess(int status) { return status >= 200 && status <= 299; }
bool IsClientError(int status) { return status >= 400 && status <= 499; }

// Statuses of a server, or of something before it, that gave up: the work may have been done.
bool MayHaveBeenDone(int status) {
  return status == 408 || status >= 500 || (status >= 300 && status <= 306);
}

// Whether Passfort speaks of the gateway's own API key: its words may repeat the key, and they
// would reach every caller.
bool IsAboutTheKey(const PassfortAnswer& answer) {
  constexpr int kMissingApiKey = 203;
  constexpr int kInvalidApiKey = 204;
  return answer.http_status == 401 || answer.code == kMissingApiKey ||
         answer.code == kInvalidApiKey;
}

NotCarriedOut::Cause WhyNotCarriedOut(HttpFailure::Kind kind) {
  switch (kind) {
    case HttpFailure::Kind::kTimeout:
      return NotCarriedOut::Cause::kNoTimeLeft;
    case HttpFailure::Kind::kStopped:
      return NotCarriedOut::Cause::kStopped;
    case HttpFailure::Kind::kSendGateClosed:
      return NotCarriedOut::Cause::kSendGateClosed;
    default:
      return NotCarriedOut::Cause::kUnreachable;
  }
}

Ambiguous::Cause WhyAmbiguous(HttpFailure::Kind kind) {
  switch (kind) {
    case HttpFailure::Kind::kTimeout:
      return Ambiguous::Cause::kTimeout;
    case HttpFailure::Kind::kTooLarge:
      return Ambiguous::Cause::kAnswerTooLarge;
    case HttpFailure::Kind::kStopped:
      return Ambiguous::Cause::kStopped;
    default:
      return Ambiguous::Cause::kConnectionLost;
  }
}

Outcome OutcomeOfFailure(const HttpFailure& failure, bool body_requested) {
  if (!body_requested) return NotCarriedOut{.cause = WhyNotCarriedOut(failure.kind)};  // row 2
  return Ambiguous{.cause = WhyAmbiguous(failure.kind)};                               // row 3
}

std::optional<PassfortError> ErrorIn(const HttpResponse& response) {
  const auto body = ReadJson(response.body);
  return body ? FirstError(*body) : std::nullopt;
}

Done DoneWith(pb::ProductApplication application, const HttpResponse& response) {
  Done done;
  *done.application = std::move(application);
  // The contract has no field for errors, so `unmapped` tells whether to look for one.
  if (done.application->unmapped().fields().contains("errors")) {
    const auto error = ErrorIn(response);
    if (error) done.error_code = error->code;
  }
  return done;
}

// The rows are numbered as in docs/outcomes.md; the first one that fits counts.
Outcome OutcomeOfResponse(const HttpResponse& response, absl::Time now) {
  const int status = response.status;
  // Row 1: an application is there, whatever else the answer holds.
  if (IsSuccess(status)) {
    if (auto application = ReadProductApplication(response.body)) {
      return DoneWith(*std::move(application), response);
    }
  }
  PassfortAnswer answer{.http_status = status};
  if (const auto error = ErrorIn(response)) {
    answer.code = error->code;
    if (!IsAboutTheKey(answer)) answer.message = error->message;
  }
  const auto code_class = answer.code ? ClassOfCode(*answer.code) : PassfortCodeClass::kUnknown;

  // Row 4: a server that gave up.
  if (MayHaveBeenDone(status)) {
    return Ambiguous{.cause = Ambiguous::Cause::kServerError, .answer = std::move(answer)};
  }
  // Row 5: Passfort failed inside, whatever status it chose for that.
  if (code_class == PassfortCodeClass::kInternal) {
    return Ambiguous{.cause = Ambiguous::Cause::kServerError, .answer = std::move(answer)};
  }
  // Row 6: Passfort said no, also with a 2xx.
  if (code_class == PassfortCodeClass::kRefusal && (IsSuccess(status) || IsClientError(status))) {
    return Refused{.answer = std::move(answer)};
  }
  // Row 7: too many requests, so this one was not worked on.
  if (status == 429) {
    return NotCarriedOut{.cause = NotCarriedOut::Cause::kRateLimited,
                         .retry_after = RetryAfter(response, now),
                         .answer = std::move(answer)};
  }
  // Row 8: the HTTP status alone says no. A redirect is never followed: the key would go with it.
  if (IsClientError(status) || status == 307 || status == 308) {
    return Refused{.answer = std::move(answer)};
  }
  // Row 9: the rest.
  return Ambiguous{.cause = Ambiguous::Cause::kUnreadable, .answer = std::move(answer)};
}

}  // namespace

Outcome OutcomeOfWrite(const HttpResult& result, absl::Time now) {
  if (const auto* failure = std::get_if<HttpFailure>(&result.answer)) {
    return OutcomeOfFailure(*failure, result.body_requested);
  }
  return OutcomeOfResponse(std::get<HttpResponse>(result.answer), now);
}

std::string_view OutcomeName(const Outcome& outcome) {
  struct Namer {
    std::string_view operator()(const Done&) const { return "done"; }
    std::string_view operator()(const NotCarriedOut&) const { return "not_carried_out"; }
    std::string_view operator()(const Refused&) const { return "refused"; }
    std::string_view operator()(const Ambiguous&) const { return "ambiguous"; }
  };
  return std::visit(Namer(), outcome);
}

}  // namespace gateway
