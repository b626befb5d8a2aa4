#ifndef SERVICE_RPC_CALL_ERROR_H_
#define SERVICE_RPC_CALL_ERROR_H_

#include <grpcpp/support/status.h>

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "service/base/deadline.h"
#include "service/base/transport_fault.h"
#include "service/resilience/outcome.h"
#include "service/resilience/retry_end.h"
#include "service/rpc/error_catalog.h"
#include "service/rpc/request_validation.h"

namespace gateway {

// The shape that all errors have, whatever they say: google.rpc.Status details with our ErrorInfo
// in front, and the trailer that keeps clients from repeating by themselves.

inline constexpr std::string_view kErrorDomain = "passfort.gateway";

// gRPC clients and interceptors repeat UNAVAILABLE and RESOURCE_EXHAUSTED by themselves; this
// trailer, with the value "-1", tells them not to (gRFC A6).
inline constexpr std::string_view kRetryPushbackTrailer = "grpc-retry-pushback-ms";

// An error as it goes to the caller.
struct CallError {
  grpc::Status status;
  // Trailing metadata beside the status.
  std::vector<std::pair<std::string, std::string>> trailers;

  // The same facts as in the status's details, for log and metrics.
  std::string_view reason;
  CallPhase phase = CallPhase::kNotSent;
  // Passfort's; 0 if it did not answer.
  int http_status = 0;
  // As in the metric of outcomes: refused, not_executed or unknown.
  std::string_view outcome;
  // Why no further attempt was made; unset if there was none at all.
  std::optional<RetryEnd> retry_end;
  // What the operator needs to know and the caller does not: further fields of the log line.
  std::vector<std::pair<std::string_view, std::string>> log_fields;
};

// What an error adds to the catalogue's row of its reason.
struct ErrorSpec {
  ErrorReason reason;
  // Empty: the row's, with `details` in it.
  std::string message = {};
  std::string details = {};
  // Where the row leaves it open and Passfort did not answer.
  CallPhase phase = CallPhase::kNotSent;
  // Unset: the row's. Without a request_id it is always kCall.
  std::optional<ErrorScope> scope = {};
  std::map<std::string, std::string> metadata = {};
  std::optional<ResponseSummary> response = {};
  // Why there was no response: `cause` in the metadata and in the log. kNone: none is told.
  TransportFault fault = TransportFault::kNone;
  std::optional<RetryEnd> retry_end = {};
  // Unset: the row's. Used only where it is safe to retry.
  std::optional<Milliseconds> retry_after = {};
  // Goes as BadRequest, unless it is empty.
  std::vector<FieldViolation> violations = {};
  // Empty: none was given, or none that could be told.
  std::string_view request_id = {};
};
CallError BuildError(ErrorSpec spec);
// By this row in place of the reason's.
CallError BuildError(const ErrorEntry& entry, ErrorSpec spec);

}  // namespace gateway

#endif  // SERVICE_RPC_CALL_ERROR_H_
