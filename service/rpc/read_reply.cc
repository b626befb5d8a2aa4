#include "service/rpc/read_reply.h"

#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"

namespace gateway {
namespace {

// A row with other words of what happened; the views outlive the error that is made of it.
ErrorSpec SpecWith(ErrorEntry entry, const std::optional<ResponseSummary>& response,
                   const CallInfo& call) {
  return {.reason = entry.reason,
          .message = MessageOf(entry, response ? SummaryOf(*response) : ""),
          .response = response,
          .retry_end = call.retry_end};
}

CallError ErrorOf(ErrorReason reason, const NotExecuted& failure, const CallInfo& call,
                  const std::string& what) {
  ErrorEntry entry = EntryOf(reason);
  entry.what = what;
  ErrorSpec spec = SpecWith(entry, failure.response, call);
  spec.fault = failure.fault;
  spec.retry_after = failure.retry_after;
  return BuildError(std::move(spec));
}

}  // namespace

CallError ToReadError(const NotExecuted& failure, bool was_sent, const CallInfo& call,
                      const ReadWords& words) {
  const std::string object(words.object);
  switch (failure.cause) {
    case NotExecuted::Cause::kServerError:
      return ErrorOf(ErrorReason::kPassfortFailed, failure, call,
                     absl::StrCat("Passfort, or a proxy in front of it, reported an internal error "
                                  "when asked for ",
                                  object));
    case NotExecuted::Cause::kUnreadable:
      return ErrorOf(ErrorReason::kPassfortAnswerUnreadable, failure, call,
                     absl::StrCat("what Passfort, or a proxy in front of it, returned is not ",
                                  object, " in a form that the gateway can read"));
    case NotExecuted::Cause::kResponseTooLarge:
      return ErrorOf(ErrorReason::kPassfortAnswerUnreadable, failure, call,
                     absl::StrCat(object, " is larger or deeper than the gateway reads"));
    case NotExecuted::Cause::kNoTimeLeft:
      if (was_sent)
        return BuildError({.reason = ErrorReason::kReadUnanswered, .retry_end = call.retry_end});
      break;
    case NotExecuted::Cause::kUnreachable:
      // A response that broke off is none, but then Passfort was reached.
      if (!failure.response && !IsUnreachable(failure.fault)) {
        return ErrorOf(ErrorReason::kPassfortUnreachable, failure, call,
                       failure.fault == TransportFault::kNone
                           ? "Passfort cannot be reached, or its response broke off"
                           : std::string(FaultWords(failure.fault)));
      }
      break;
    case NotExecuted::Cause::kRateLimited:
    case NotExecuted::Cause::kStopped:
    case NotExecuted::Cause::kSendGateClosed:
    case NotExecuted::Cause::kNoMemory:
    case NotExecuted::Cause::kCircuitOpen:
      break;
  }
  return ToCallError(failure, call);
}

CallError ToReadError(const Refused& refusal, const CallInfo& call, const ReadWords& words) {
  const ResponseSummary& response = refusal.response;
  constexpr int kNotFound = 404;
  if (response.http_status != kNotFound || response.code.has_value() || response.is_foreign) {
    return ToCallError(refusal, call);
  }
  ErrorEntry entry = EntryOf(ErrorReason::kPassfortNotFound);
  entry.what = words.not_found;
  entry.next_step = words.check;
  return BuildError(SpecWith(entry, response, call));
}

}  // namespace gateway
