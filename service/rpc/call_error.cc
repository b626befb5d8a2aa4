#include "service/rpc/call_error.h"

#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace gateway {
namespace {

using grpc::StatusCode;

std::string_view OutcomeOf(const ErrorEntry& entry) {
  if (entry.code == StatusCode::UNKNOWN) return "unknown";
  const bool is_ours_to_end = entry.retry_after.has_value() ||
                              entry.code == StatusCode::DEADLINE_EXCEEDED ||
                              entry.code == StatusCode::CANCELLED;
  return is_ours_to_end ? "not_executed" : "refused";
}

CallPhase PhaseOf(const ErrorEntry& entry, const ErrorSpec& spec) {
  if (entry.phase.has_value()) return *entry.phase;
  return spec.response.has_value() ? CallPhase::kAnswered : spec.phase;
}

ErrorScope ScopeOf(const ErrorEntry& entry, const ErrorSpec& spec) {
  return spec.request_id.empty() ? ErrorScope::kCall : spec.scope.value_or(entry.scope);
}

// Whether another attempt might have done it. The other ends are clear from the reason.
bool GaveUp(RetryEnd end) {
  return end == RetryEnd::kExhausted || end == RetryEnd::kBudgetEmpty ||
         end == RetryEnd::kOutOfTime;
}

google::rpc::ErrorInfo ErrorInfoOf(const ErrorEntry& entry, const ErrorSpec& spec) {
  google::rpc::ErrorInfo info;
  info.set_reason(std::string(entry.name));
  info.set_domain(std::string(kErrorDomain));
  auto& metadata = *info.mutable_metadata();
  for (const auto& [name, value] : spec.metadata) metadata[name] = value;
  metadata["phase"] = std::string(PhaseName(PhaseOf(entry, spec)));
  metadata["scope"] = std::string(ScopeName(ScopeOf(entry, spec)));
  if (spec.retry_end.has_value() && GaveUp(*spec.retry_end)) {
    metadata["retry_end"] = std::string(RetryEndName(*spec.retry_end));
  }
  if (spec.fault != TransportFault::kNone) metadata["cause"] = std::string(FaultName(spec.fault));
  if (spec.response.has_value()) {
    metadata["http_status"] = absl::StrCat(spec.response->http_status);
    if (spec.response->code.has_value())
      metadata["passfort_code"] = absl::StrCat(*spec.response->code);
    if (!spec.response->message.empty()) metadata["passfort_message"] = spec.response->message;
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

CallError BuildError(ErrorSpec spec) {
  const ErrorEntry& entry = EntryOf(spec.reason);
  return BuildError(entry, std::move(spec));
}

CallError BuildError(const ErrorEntry& entry, ErrorSpec spec) {
  if (spec.message.empty()) spec.message = MessageOf(entry, spec.details);

  google::rpc::Status status;
  status.set_code(entry.code);
  status.set_message(spec.message);
  AddDetail(ErrorInfoOf(entry, spec), status);
  if (!spec.violations.empty()) AddDetail(BadRequestOf(spec.violations), status);
  if (entry.retry_after.has_value()) {
    AddDetail(RetryInfoOf(spec.retry_after.value_or(*entry.retry_after)), status);
  }
  if (!spec.request_id.empty()) AddDetail(RequestInfoOf(spec.request_id), status);

  CallError error;
  error.status = grpc::Status(entry.code, spec.message, status.SerializeAsString());
  if (!entry.retry_after.has_value()) error.trailers.emplace_back(kRetryPushbackTrailer, "-1");
  error.reason = entry.name;
  error.phase = PhaseOf(entry, spec);
  error.http_status = spec.response.has_value() ? spec.response->http_status : 0;
  error.outcome = OutcomeOf(entry);
  error.retry_end = spec.retry_end;
  if (spec.fault != TransportFault::kNone) {
    error.log_fields.emplace_back("cause", FaultName(spec.fault));
  }
  return error;
}

}  // namespace gateway
