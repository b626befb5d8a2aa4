#ifndef SERVICE_PASSFORT_OUTCOME_TABLE_H_
#define SERVICE_PASSFORT_OUTCOME_TABLE_H_

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "passfort/gateway/v1/product_application.pb.h"
#include "service/resilience/outcome.h"

namespace gateway {

namespace pb = ::passfort::gateway::v1;

struct HttpFailure;
struct HttpResponse;
struct HttpResult;
class MessageFilter;

// Passfort did what was asked, and this is its response.
struct ApiResponse {
  // Of the type that the endpoint's reading makes; null if it makes none.
  std::shared_ptr<void> value{};
  // Set if Passfort named an error beside it: worth a log line, never a failure.
  std::optional<int> error_code{};
};

// What one request came to. To read executes nothing, so a read is never Ambiguous: what would be
// that of a write is NotExecuted.
using ApiOutcome = Outcome<ApiResponse>;

// The application exists; here it is.
struct Done {
  // Never null. Apart from the rest, because every frame of a waiting call keeps room for a Done.
  std::shared_ptr<pb::ProductApplication> application = std::make_shared<pb::ProductApplication>();
  // Set if Passfort named an error beside the application: worth a log line, never a failure.
  std::optional<int> error_code;
};

// Whether Passfort speaks of the gateway's own API key.
bool ConcernsApiKey(const ResponseSummary& response);

// What one attempt to create an application came to.
using CreateOutcome = Outcome<Done>;

// The one place where an HTTP exchange becomes an outcome: the table of nine rows in
// outcome_table.cc. Pure functions that never fail. Without a response:
ApiOutcome OutcomeOfFailure(const HttpFailure& failure, const HttpResult& result);
// With one, whose body was read already: as `created`, if it is what the write was to create. `now`
// is for dates in rate-limit headers. Without `messages` the outcome has none of Passfort's words.
ApiOutcome OutcomeOfResponse(const HttpResponse& response, std::optional<ApiResponse> created,
                             absl::Time now, const MessageFilter* messages);

// The code of the error that a response names, if it names one.
std::optional<int> DecidingErrorCode(std::string_view body);

}  // namespace gateway

#endif  // SERVICE_PASSFORT_OUTCOME_TABLE_H_
