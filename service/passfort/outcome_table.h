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

struct HttpResponse;
struct HttpResult;
class MessageFilter;

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
// outcome_table.cc. A pure function that never fails. `now` is for dates in rate-limit headers.
// Without `messages` the outcome has none of Passfort's words.
CreateOutcome ClassifyWrite(const HttpResult& result, absl::Time now,
                            const MessageFilter* messages);
// The same, of a response whose body was read already: as `application`, if it is one.
CreateOutcome OutcomeOfResponse(const HttpResponse& response,
                                std::optional<pb::ProductApplication> application, absl::Time now,
                                const MessageFilter* messages);

}  // namespace gateway

#endif  // SERVICE_PASSFORT_OUTCOME_TABLE_H_
