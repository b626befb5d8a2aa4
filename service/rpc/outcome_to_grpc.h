#ifndef SERVICE_RPC_OUTCOME_TO_GRPC_H_
#define SERVICE_RPC_OUTCOME_TO_GRPC_H_

#include <grpcpp/support/status.h>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "service/passfort/outcome.h"
#include "service/rpc/request_check.h"

namespace gateway {

// The one place that chooses what a caller is told: gRPC code, reason, words and details of every
// error. Pure functions. Each error holds google.rpc.Status details with our ErrorInfo in front,
// and together with its trailers stays far below the 8 KiB at which Java clients break.

inline constexpr std::string_view kErrorDomain = "passfort.gateway";

// gRPC clients and interceptors repeat UNAVAILABLE and RESOURCE_EXHAUSTED by themselves; this
// trailer, with the value "-1", tells them not to (gRFC A6).
inline constexpr std::string_view kRetryPushbackTrailer = "grpc-retry-pushback-ms";

// How long after the end of an ambiguous attempt Passfort may still be working on it: its own
// request timeout is 60 s, and 5 s are for the way there and for clocks.
inline constexpr absl::Duration kPassfortSettles = absl::Seconds(65);

// How far a call got; on the wire (ErrorInfo metadata `phase`) and in the log.
enum class CallPhase {
  kNotSent,   // not a byte of a body left the gateway
  kSent,      // sent, no whole answer came
  kAnswered,  // Passfort answered
};
std::string_view PhaseName(CallPhase phase);

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
};

enum class Caller { kWaiting, kGone };

// What Passfort or the way to it came to.
CallError ErrorOf(const NotCarriedOut& outcome, Caller caller);
CallError ErrorOf(const Refused& outcome);
// `sent_at` and `ended_at`: when the attempt was handed over and when its end was known.
CallError ErrorOf(const Ambiguous& outcome, std::optional<absl::Time> sent_at, absl::Time ended_at);

// What the gateway itself refuses.
CallError InvalidRequestError(const std::vector<FieldViolation>& violations);
CallError RequestTooLargeError(size_t max_request_bytes);
CallError RequestIdNotSupportedError(std::string_view request_id);
CallError OverloadedError();
CallError DrainingError();
CallError UnknownMethodError();

// The name of a code, e.g. "INVALID_ARGUMENT".
std::string_view GrpcCodeName(grpc::StatusCode code);

}  // namespace gateway

#endif  // SERVICE_RPC_OUTCOME_TO_GRPC_H_
