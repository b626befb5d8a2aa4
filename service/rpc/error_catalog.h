#ifndef SERVICE_RPC_ERROR_CATALOG_H_
#define SERVICE_RPC_ERROR_CATALOG_H_

#include <grpcpp/support/status_code_enum.h>

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "service/base/deadline.h"

namespace gateway {

// The one table of errors: what callers can get besides OK, a row for each reason. The docs and the
// proto's comments are checked against it.

enum class ErrorReason {
  kInvalidRequest,
  kRequestIdReused,
  kPassfortRejectedInput,
  kPassfortNotFound,
  kPassfortForbidden,
  kCallerNotAllowed,
  kCallerCertificateExpired,
  kPassfortConflict,
  kRequestIdNeedsStore,
  kPassfortPrecondition,
  kGatewayCredentialsRefused,
  kApiUrlRedirects,
  kPassfortAnswerUnreadable,
  kPassfortUnreachable,
  kPassfortFailed,
  kCircuitOpen,
  kWriteInProgress,
  kNotCreated,
  kDraining,
  kStoreUnavailable,
  kStoreBroken,
  kRateLimited,
  kOverloaded,
  kCallerOverloaded,
  kCallerRateReached,
  kStoreFull,
  kQuotaReached,
  kCallerBudgetReached,
  kOutcomeUnknown,
  kNotSent,
  kReadUnanswered,
  kCallerGone,
  kUnknownMethod,
  kRequestNotFound,
  kNotSettleable,
  kSettlementContradicted,
  kSettledMeanwhile,
};

// How far a call got; on the wire (ErrorInfo metadata `phase`) and in the log.
enum class CallPhase {
  kNotSent,   // not a byte of a body left the gateway
  kSent,      // sent, or perhaps sent; no whole response came
  kAnswered,  // Passfort answered
};
std::string_view PhaseName(CallPhase phase);

// What an error speaks of; on the wire (ErrorInfo metadata `scope`).
enum class ErrorScope {
  kCall,       // the call at hand alone
  kRequestId,  // all calls made under its request_id so far
};
std::string_view ScopeName(ErrorScope scope);

struct ErrorEntry {
  ErrorReason reason;
  // On the wire, in the log and in metrics.
  std::string_view name;
  grpc::StatusCode code;
  // kRequestId is said only to a call that has a request_id.
  ErrorScope scope;
  // Unset: it depends on how the call went.
  std::optional<CallPhase> phase;
  // RetryInfo's delay, where Passfort states none. Set if it is safe to retry, and exactly then;
  // every other error tells clients not to.
  std::optional<Milliseconds> retry_after;
  // The message reads "<what>: <effect>. <next_step>".
  std::string_view what;
  std::string_view effect;
  std::string_view next_step;
};

std::span<const ErrorEntry> ErrorCatalog();
const ErrorEntry& EntryOf(ErrorReason reason);

// The message of a row. `details` go in brackets behind what happened, for example the HTTP status.
std::string MessageOf(const ErrorEntry& entry, std::string_view details = "");

// The name of a code, e.g. "INVALID_ARGUMENT".
std::string_view GrpcCodeName(grpc::StatusCode code);

}  // namespace gateway

#endif  // SERVICE_RPC_ERROR_CATALOG_H_
