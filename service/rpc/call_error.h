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
#include "service/passfort/outcome.h"
#include "service/rpc/request_check.h"

namespace gateway {

// The shape that all errors have, whatever they say: google.rpc.Status details with our ErrorInfo
// in front, and the trailer that keeps clients from repeating by themselves.

inline constexpr std::string_view kErrorDomain = "passfort.gateway";

// gRPC clients and interceptors repeat UNAVAILABLE and RESOURCE_EXHAUSTED by themselves; this
// trailer, with the value "-1", tells them not to (gRFC A6).
inline constexpr std::string_view kRetryPushbackTrailer = "grpc-retry-pushback-ms";

// How far a call got; on the wire (ErrorInfo metadata `phase`) and in the log.
enum class CallPhase {
  kNotSent,   // not a byte of a body left the gateway
  kSent,      // sent, or perhaps sent; no whole answer came
  kAnswered,  // Passfort answered
};
std::string_view PhaseName(CallPhase phase);

// What an error speaks of; on the wire (ErrorInfo metadata `scope`).
enum class ErrorScope {
  kCall,       // the call at hand alone
  kRequestId,  // all calls made under its request_id so far
};

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
  // As in the metric of outcomes: refused, not_carried_out or unknown.
  std::string_view outcome;
};

// The parts in which errors differ.
struct ErrorDraft {
  grpc::StatusCode code;
  // Lives as long as the process.
  const char* reason;
  std::string message;
  CallPhase phase = CallPhase::kNotSent;
  ErrorScope scope = ErrorScope::kCall;
  std::map<std::string, std::string> metadata = {};
  std::optional<PassfortAnswer> answer = {};
  // Set if the call is safe to repeat, and exactly then.
  std::optional<Milliseconds> retry_after = {};
  // Goes as BadRequest, unless it is empty.
  std::vector<FieldViolation> violations = {};
  // Empty: none was given, or none that could be told.
  std::string_view request_id = {};
};
CallError MakeError(ErrorDraft draft);

// The name of a code, e.g. "INVALID_ARGUMENT".
std::string_view GrpcCodeName(grpc::StatusCode code);

}  // namespace gateway

#endif  // SERVICE_RPC_CALL_ERROR_H_
