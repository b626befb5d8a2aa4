// What callers of CreateProfile are told: other words where the catalogue speaks of applications.

#include <map>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "service/rpc/outcome_to_grpc.h"

namespace gateway {
namespace {

// Unlike an application, a profile cannot be looked for: a person has to.
std::string UnknownProfileMessage(const Ambiguous& outcome, const CreateProfileResult& result,
                                  const CallInfo& call) {
  const bool is_once = !call.request_id.empty();
  if (is_once && !result.stays_unknown) {
    return "it is not yet known whether the profile was created. Retry with the same request_id: "
           "it "
           "never creates a second one, and returns the outcome if it ever becomes known.";
  }
  const absl::Time quiet = result.sent_at.value_or(call.now) + absl::FromChrono(call.settle_window);
  const std::string when = quiet > call.now ? absl::StrCat(", not before ", Rfc3339(quiet)) : "";
  const std::string why = is_once ? "no clear response came" : std::string(Describe(outcome.cause));
  return absl::StrCat("the request was sent, but ", why, InBrackets(outcome.response),
                      ": it is unknown whether the profile was created. ",
                      is_once ? "Nothing will be sent again under this request_id: look for the "
                                "profile in Passfort's portal"
                              : "Before retrying, look for it in Passfort's portal",
                      when,
                      is_once ? "; if it is not there, create it under another request_id." : ".");
}

CallError UnknownProfileError(const Ambiguous& outcome, const CreateProfileResult& result,
                              const CallInfo& call) {
  std::map<std::string, std::string> metadata;
  if (result.sent_at.has_value()) metadata["sent_at"] = Rfc3339(*result.sent_at);
  if (!call.request_id.empty()) metadata["request_id"] = std::string(call.request_id);
  return BuildError({.reason = ErrorReason::kOutcomeUnknown,
                     .message = UnknownProfileMessage(outcome, result, call),
                     .phase = CallPhase::kSent,
                     .metadata = std::move(metadata),
                     .response = outcome.response,
                     .retry_end = result.retry_end,
                     .request_id = call.request_id});
}

// What the catalogue says of an application or its profile, where that is not what it is about.
std::string ProfileMessage(const CreateProfileResult& result) {
  if (const auto* error = std::get_if<IdempotencyError>(&result.outcome)) {
    if (error->cause == IdempotencyError::Cause::kRequestIdReused) {
      return "this request_id was used before, by another caller or for another request: this call "
             "executed nothing. Use a new request_id for each profile.";
    }
    if (error->cause == IdempotencyError::Cause::kWriteInProgress) {
      return "another call with this request_id is in progress: this call executed nothing. It is "
             "safe to retry.";
    }
  }
  const auto* refused = std::get_if<Refused>(&result.outcome);
  constexpr int kNotFound = 404;
  if (refused != nullptr && refused->response.http_status == kNotFound && !refused->response.code &&
      !refused->response.is_foreign) {
    return "Passfort does not know something that the request names (HTTP 404): nothing was "
           "executed. Check its values.";
  }
  return "";
}

}  // namespace

CallError ToCreateProfileError(const CreateProfileResult& result, const CallInfo& call) {
  if (const auto* outcome = std::get_if<Ambiguous>(&result.outcome)) {
    return UnknownProfileError(*outcome, result, call);
  }
  CallError error =
      ToCallError(MapDone<Done>(result, [](const CreatedProfile&) { return Done{}; }), call);
  if (const std::string message = ProfileMessage(result); !message.empty()) {
    error.status = grpc::Status(error.status.error_code(), message, error.status.error_details());
  }
  return error;
}

}  // namespace gateway
