#include "service/rpc/call_error.h"

#include <iterator>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace gateway {
namespace {

using grpc::StatusCode;

std::string_view ScopeName(ErrorScope scope) {
  return scope == ErrorScope::kCall ? "CALL" : "REQUEST_ID";
}

std::string_view OutcomeOf(const ErrorDraft& draft) {
  if (draft.code == StatusCode::UNKNOWN) return "unknown";
  const bool is_ours_to_end = draft.retry_after.has_value() ||
                              draft.code == StatusCode::DEADLINE_EXCEEDED ||
                              draft.code == StatusCode::CANCELLED;
  return is_ours_to_end ? "not_carried_out" : "refused";
}

google::rpc::ErrorInfo ErrorInfoOf(const ErrorDraft& draft) {
  google::rpc::ErrorInfo info;
  info.set_reason(draft.reason);
  info.set_domain(std::string(kErrorDomain));
  auto& metadata = *info.mutable_metadata();
  for (const auto& [name, value] : draft.metadata) metadata[name] = value;
  metadata["phase"] = std::string(PhaseName(draft.phase));
  metadata["scope"] = std::string(ScopeName(draft.scope));
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

google::rpc::BadRequest BadRequestOf(const std::vector<FieldViolation>& violations) {
  google::rpc::BadRequest bad_request;
  for (const auto& [field, description] : violations) {
    auto& violation = *bad_request.add_field_violations();
    violation.set_field(field);
    violation.set_description(description);
  }
  return bad_request;
}

google::rpc::RequestInfo RequestInfoOf(std::string_view request_id) {
  google::rpc::RequestInfo info;
  info.set_request_id(std::string(request_id));
  return info;
}

void AddDetail(const google::protobuf::Message& detail, google::rpc::Status& status) {
  // Fails above 2 GiB alone.
  std::ignore = status.add_details()->PackFrom(detail);
}

}  // namespace

CallError MakeError(ErrorDraft draft) {
  google::rpc::Status status;
  status.set_code(draft.code);
  status.set_message(draft.message);
  AddDetail(ErrorInfoOf(draft), status);
  if (!draft.violations.empty()) AddDetail(BadRequestOf(draft.violations), status);
  if (draft.retry_after.has_value()) AddDetail(RetryInfoOf(*draft.retry_after), status);
  if (!draft.request_id.empty()) AddDetail(RequestInfoOf(draft.request_id), status);

  CallError error;
  error.status = grpc::Status(draft.code, draft.message, status.SerializeAsString());
  if (!draft.retry_after.has_value()) {
    error.trailers.emplace_back(kRetryPushbackTrailer, "-1");
  }
  error.reason = draft.reason;
  error.phase = draft.phase;
  error.http_status = draft.answer.has_value() ? draft.answer->http_status : 0;
  error.outcome = OutcomeOf(draft);
  return error;
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
