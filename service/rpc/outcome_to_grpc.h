#ifndef SERVICE_RPC_OUTCOME_TO_GRPC_H_
#define SERVICE_RPC_OUTCOME_TO_GRPC_H_

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "service/base/deadline.h"
#include "service/operations/application_writer.h"
#include "service/operations/create_profile.h"
#include "service/rpc/call_error.h"
#include "service/rpc/request_validation.h"

namespace gateway {

// The one place that chooses which row of the error catalogue a caller gets, and the words that
// differ from it. Pure functions. Each error, together with its trailers, stays far below the 8 KiB
// at which Java clients break.

enum class Caller { kWaiting, kGone };

// The call that an error ends.
struct CallInfo {
  // Empty: the caller gave none.
  std::string_view request_id = {};
  Caller caller = Caller::kWaiting;
  absl::Time now;
  // How long after the end of an attempt Passfort may still execute it.
  Milliseconds settle_window{65000};
  // Why no further attempt was made; unset if there was none at all.
  std::optional<RetryEnd> retry_end = {};
};

// "HTTP 422, code 201". Passfort's own words stay in the metadata: they may be about a person, and
// messages end up in logs.
std::string SummaryOf(const ResponseSummary& response);

// " (HTTP 502)", or nothing.
std::string InBrackets(const std::optional<ResponseSummary>& response);
// What happened instead of a response: "no response arrived in time".
std::string_view Describe(Ambiguous::Cause cause);
// In UTC, with milliseconds.
std::string Rfc3339(absl::Time time);
// With all digits that a record keeps: by them an attempt is recognised.
std::string SentAtText(absl::Time sent_at);

// What a request to Passfort came to that did nothing; a refusal is in refusal_to_grpc.cc.
CallError ToCallError(const NotExecuted& outcome, const CallInfo& call);
CallError ToCallError(const Refused& outcome, const CallInfo& call);
// What an intent came to, unless it is a Done.
CallError ToCallError(const WriteResult& result, const CallInfo& call);
CallError ToCreateProfileError(const CreateProfileResult& result, const CallInfo& call);

// Why a call that needs the store cannot go on.
ErrorReason StoreFailureReason(const absl::Status& why);

// What the gateway itself refuses before it looks at the intent. All speak of the call alone.
CallError InvalidRequestError(const std::vector<FieldViolation>& violations);
CallError RequestTooLargeError(size_t max_request_bytes);
CallError OverloadedError(std::string_view request_id);
CallError DrainingError(std::string_view request_id);
CallError UnknownMethodError();

// For an error's metadata: many more than there are, unless Passfort's ids are no UUIDs. An id is
// left out rather than cut.
std::string JoinedIds(const std::vector<std::string>& ids);

}  // namespace gateway

#endif  // SERVICE_RPC_OUTCOME_TO_GRPC_H_
