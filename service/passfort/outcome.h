#ifndef SERVICE_PASSFORT_OUTCOME_H_
#define SERVICE_PASSFORT_OUTCOME_H_

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "absl/time/time.h"
#include "passfort/gateway/v1/product_application.pb.h"
#include "service/base/deadline.h"

namespace gateway {

namespace pb = ::passfort::gateway::v1;

struct HttpResponse;
struct HttpResult;
class MessageFilter;

// What Passfort itself said, for the caller it answers. No more than this ever leaves the gateway.
struct ResponseSummary {
  int http_status = 0;
  // `code` of the error object that decided. Not an HTTP status: Passfort has codes of its own.
  std::optional<int> code;
  // Its `message`, as far as callers may see it. Left out where an error is about the gateway's own
  // key, which it may repeat.
  std::string message;
};

// The application exists; here it is.
struct Done {
  // Never null. Apart from the rest, because every frame of a waiting call keeps room for a Done.
  std::shared_ptr<pb::ProductApplication> application = std::make_shared<pb::ProductApplication>();
  // Set if Passfort named an error beside the application: worth a log line, never a failure.
  std::optional<int> error_code;
};

// Surely nothing was executed, because of us, of the network or of Passfort's rate limit.
struct NotExecuted {
  enum class Cause {
    kUnreachable,       // no connection, or none that could carry the body; 421 and 425
    kServerError,       // of a read: as of an Ambiguous
    kUnreadable,        // of a read: a whole response that is not what was asked for
    kResponseTooLarge,  // of a read: more than is read, so asking again changes nothing
    kRateLimited,       // 429
    kNoTimeLeft,        // the deadline passed before the body was sent
    kStopped,           // the caller went away, or the gateway is draining
    kSendGateClosed,    // the right to send ended before the body was sent
    kNoMemory,          // the responses of other requests took it until the time was over
    kCircuitOpen,       // Passfort fails at present, so it was not asked
  };
  Cause cause = Cause::kUnreachable;
  // When to come again, if Passfort said so; with kCircuitOpen always.
  std::optional<Milliseconds> retry_after;
  // Set if Passfort answered.
  std::optional<ResponseSummary> answer;
  // A connection that was kept from an earlier request was lost without a response. Says nothing of
  // Passfort's health.
  bool lost_on_reuse = false;
};

// Whether Passfort speaks of the gateway's own API key.
bool ConcernsApiKey(const ResponseSummary& answer);

// Passfort answered no. Nothing was executed.
struct Refused {
  ResponseSummary answer;
};

// It may have been done.
struct Ambiguous {
  enum class Cause {
    kTimeout,
    kConnectionLost,
    kResponseTooLarge,
    kServerError,  // a status of row 4, or one of Passfort's internal error codes
    kUnreadable,   // neither an application nor a refusal
    kStopped,      // the caller went away, or the gateway is draining
  };
  Cause cause = Cause::kConnectionLost;
  // Set if a whole response came.
  std::optional<ResponseSummary> answer;
  // As in NotExecuted.
  bool lost_on_reuse = false;
};

// What one attempt to write came to.
using Outcome = std::variant<Done, NotExecuted, Refused, Ambiguous>;

// The one place where an HTTP exchange becomes an Outcome: the table of nine rows in outcome.cc. A
// pure function that never fails. `now` is for dates in rate-limit headers. Without `messages` the
// outcome has none of Passfort's words.
Outcome ClassifyWrite(const HttpResult& result, absl::Time now, const MessageFilter* messages);
// The same, of a response whose body was read already: as `application`, if it is one.
Outcome OutcomeOfResponse(const HttpResponse& response,
                          std::optional<pb::ProductApplication> application, absl::Time now,
                          const MessageFilter* messages);

// A short stable name for logs and metrics: done, not_executed, refused, ambiguous.
std::string_view OutcomeName(const Outcome& outcome);

}  // namespace gateway

#endif  // SERVICE_PASSFORT_OUTCOME_H_
