// What callers of CreateProfile are told: other words where the catalogue speaks of applications.

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "service/rpc/outcome_to_grpc.h"

namespace gateway {
namespace {

// From then on Passfort does not execute it any more.
absl::Time LookFrom(const CreateProfileResult& result, const CallInfo& call) {
  return result.sent_at.value_or(call.now) + absl::FromChrono(call.settle_window);
}

// Unlike an application, a profile cannot be looked for: a person has to.
std::string UnknownProfileMessage(const Ambiguous& outcome, const CreateProfileResult& result,
                                  const CallInfo& call) {
  const bool is_once = !call.request_id.empty();
  if (is_once && !result.stays_unknown) {
    return "it is not yet known whether the profile was created. Retry with the same request_id: "
           "that never creates a second one, and returns the outcome if it ever becomes known.";
  }
  const absl::Time quiet = LookFrom(result, call);
  const std::string when = quiet > call.now ? absl::StrCat(", not before ", Rfc3339(quiet)) : "";
  // The process may have ended between intent and request, and nobody can tell any more.
  const std::string what =
      is_once ? "the request may have been sent, and no clear response came"
              : absl::StrCat("the request was sent, but ", std::string(Describe(outcome.cause)));
  return absl::StrCat(
      what, InBrackets(outcome.response), ": it is unknown whether the profile was created. ",
      is_once ? "Nothing will be sent again under this request_id: look for the "
                "profile in Passfort's portal"
              : "Before retrying, look for it in Passfort's portal",
      when, is_once ? "; if it is not there, create it under another request_id." : ".");
}

CallError UnknownProfileError(const Ambiguous& outcome, const CreateProfileResult& result,
                              const CallInfo& call) {
  std::map<std::string, std::string> metadata;
  if (result.sent_at.has_value()) metadata["sent_at"] = SentAtText(*result.sent_at);
  if (!call.request_id.empty()) metadata["request_id"] = std::string(call.request_id);
  if (call.request_id.empty() || result.stays_unknown) {
    metadata["final"] = "true";
    metadata["look_from"] = Rfc3339(LookFrom(result, call));
  }
  return BuildError({.reason = ErrorReason::kOutcomeUnknown,
                     .message = UnknownProfileMessage(outcome, result, call),
                     .phase = CallPhase::kSent,
                     .metadata = std::move(metadata),
                     .response = outcome.response,
                     .retry_end = result.retry_end,
                     .request_id = call.request_id});
}

// In place of what was `told` from the catalogue, where that speaks of an application or of its
// profile.
std::string ProfileMessage(const CreateProfileResult& result, std::string_view told) {
  if (const auto* error = std::get_if<IdempotencyError>(&result.outcome)) {
    if (error->cause == IdempotencyError::Cause::kRequestIdReused) {
      return "this request_id was used before, by another caller or for another request: this call "
             "executed nothing. A further profile needs a new request_id; before you repeat an "
             "earlier call under a new request_id, look for its profile in Passfort's portal.";
    }
    if (error->cause == IdempotencyError::Cause::kWriteInProgress) {
      return "another call with this request_id is in progress: this call executed nothing. It is "
             "safe to retry.";
    }
    if (error->cause == IdempotencyError::Cause::kNeedsStore) {
      return "this gateway has no store, so it cannot guarantee at most one profile for a "
             "request_id: nothing was sent. Ask the operator to configure one, or call without "
             "request_id and without that guarantee.";
    }
  }
  const auto* refused = std::get_if<Refused>(&result.outcome);
  constexpr int kNotFound = 404;
  if (refused != nullptr && refused->response.http_status == kNotFound && !refused->response.code &&
      !refused->response.is_foreign) {
    return "Passfort does not know something that the request names (HTTP 404): nothing was "
           "executed. Check its values.";
  }
  if (refused != nullptr && told == MessageOf(EntryOf(ErrorReason::kPassfortPrecondition),
                                              SummaryOf(refused->response))) {
    return absl::StrCat("Passfort's current state does not allow this (",
                        SummaryOf(refused->response),
                        "): nothing was executed. Change that state and try again.");
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
  if (const std::string message = ProfileMessage(result, error.status.error_message());
      !message.empty()) {
    error.status = grpc::Status(error.status.error_code(), message, error.status.error_details());
  }
  return error;
}

}  // namespace gateway
