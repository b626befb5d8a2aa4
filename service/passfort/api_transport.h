#ifndef SERVICE_PASSFORT_API_TRANSPORT_H_
#define SERVICE_PASSFORT_API_TRANSPORT_H_

#include <optional>
#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "service/base/call_context.h"
#include "service/base/clock.h"
#include "service/base/task.h"
#include "service/passfort/endpoint.h"

namespace gateway {

// An ApiTransport sends one ApiRequest to an ApiEndpoint (endpoint.h) and returns an ApiResult. The
// typed functions above it return what they know the answer to be: a WriteAttemptOf, for a write.

struct ApiRequest {
  // For the path, checked by whoever made the request. It outlives the call.
  std::string_view profile_id{};
  // Likewise, where the path has one.
  std::string_view application_id{};
  // Of a write: JSON.
  std::string body{};
  // Not a byte of the body leaves the gateway at or after this moment, whatever the connection is
  // doing.
  std::optional<BootTime> send_before{};
};

struct ApiResult {
  ApiOutcome outcome;
  // When the request was handed to the HTTP client. Unset if that never happened.
  std::optional<absl::Time> sent_at{};
};

// One attempt to write and what it came to; a Done is what was made.
template <typename Done>
struct WriteAttemptOf {
  Outcome<Done> outcome;
  // As in ApiResult.
  std::optional<absl::Time> sent_at;
};

// Passfort's REST API 4.0. A call is one HTTP request, or two if Passfort refuses an API key that
// was replaced meanwhile; whether to repeat it otherwise is for others to decide. Loop thread only.
class ApiTransport {
 public:
  virtual ~ApiTransport() = default;

  // `endpoint` and `context` outlive the task. The answer's value belongs to whoever called: it may
  // be moved from.
  virtual Task<ApiResult> Call(const ApiEndpoint& endpoint, ApiRequest request,
                               const CallContext& context [[clang::lifetimebound]]) = 0;
};

}  // namespace gateway

#endif  // SERVICE_PASSFORT_API_TRANSPORT_H_
