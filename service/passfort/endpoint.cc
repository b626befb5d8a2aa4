#include "service/passfort/endpoint.h"

#include <utility>

namespace gateway {
namespace {

NotExecuted::Cause WhyNotRead(Ambiguous::Cause cause) {
  switch (cause) {
    case Ambiguous::Cause::kTimeout:
      return NotExecuted::Cause::kNoTimeLeft;
    case Ambiguous::Cause::kConnectionLost:
      return NotExecuted::Cause::kUnreachable;
    case Ambiguous::Cause::kResponseTooLarge:
      return NotExecuted::Cause::kResponseTooLarge;
    case Ambiguous::Cause::kServerError:
      return NotExecuted::Cause::kServerError;
    case Ambiguous::Cause::kUnreadable:
      return NotExecuted::Cause::kUnreadable;
    case Ambiguous::Cause::kStopped:
      return NotExecuted::Cause::kStopped;
  }
  return NotExecuted::Cause::kUnreachable;
}

}  // namespace

ApiOutcome ToReadOutcome(ApiOutcome outcome) {
  if (auto* const unknown = std::get_if<Ambiguous>(&outcome)) {
    return NotExecuted{.cause = WhyNotRead(unknown->cause),
                       .response = std::move(unknown->response),
                       .lost_on_reuse = unknown->lost_on_reuse,
                       .fault = unknown->fault};
  }
  return outcome;
}

std::string_view OutcomeName(const ApiOutcome& outcome) {
  struct Namer {
    std::string_view operator()(const ApiResponse&) const { return "done"; }
    std::string_view operator()(const NotExecuted&) const { return "not_executed"; }
    std::string_view operator()(const Refused&) const { return "refused"; }
    std::string_view operator()(const Ambiguous&) const { return "ambiguous"; }
  };
  return std::visit(Namer(), outcome);
}

bool MayBeWhole(const HttpResponse& response) {
  return response.status != 206 && response.Header("age").value_or("0") == "0";
}

ReadResponse ReadAtOnce(const ApiEndpoint& endpoint, std::string_view profile_id,
                        const HttpResult& result, absl::Time now, const MessageFilter* messages) {
  if (const auto* const failure = std::get_if<HttpFailure>(&result.response_or_failure)) {
    ApiOutcome outcome = OutcomeOfFailure(*failure, result);
    return {endpoint.is_write() ? std::move(outcome) : ToReadOutcome(std::move(outcome))};
  }
  const auto reading =
      endpoint.read(std::get<HttpResponse>(result.response_or_failure), profile_id);
  while (!reading->ReadPiece()) {
  }
  return reading->TakeOutcome(now, messages);
}

}  // namespace gateway
