#ifndef SERVICE_RESILIENCE_OUTCOME_H_
#define SERVICE_RESILIENCE_OUTCOME_H_

#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>

#include "service/base/deadline.h"
#include "service/base/transport_fault.h"

namespace gateway {

// What the server itself said, for the caller it answers. No more than this ever leaves the
// gateway.
struct ResponseSummary {
  int http_status = 0;
  // `code` of the error object that decided. Not an HTTP status: Passfort has codes of its own.
  std::optional<int> code;
  // Its `message`, as far as callers may see it. Left out where an error is about the gateway's own
  // key, which it may repeat.
  std::string message;
  // The body was no error of the server's, so something else may have answered in its place.
  bool is_foreign = false;
};

// Surely nothing was executed, because of us, of the network or of the server's rate limit.
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
    kCircuitOpen,       // the server fails at present, so it was not asked
  };
  Cause cause = Cause::kUnreachable;
  // When to come again, if the server said so; with kCircuitOpen always.
  std::optional<Milliseconds> retry_after;
  // Set if the server answered.
  std::optional<ResponseSummary> response;
  // A connection that was kept from an earlier request was lost without a response. Says nothing of
  // the server's health.
  bool lost_on_reuse = false;
  // Why there was no response; with kCircuitOpen why requests failed lately. kNone: there was one,
  // or nobody was asked.
  TransportFault fault = TransportFault::kNone;
};

// The server answered no. Nothing was executed.
struct Refused {
  ResponseSummary response;
};

// It may have been executed.
struct Ambiguous {
  enum class Cause {
    kTimeout,
    kConnectionLost,
    kResponseTooLarge,
    kServerError,  // a status of row 4, or one of Passfort's internal error codes
    kUnreadable,   // neither a result nor a refusal
    kStopped,      // the caller went away, or the gateway is draining
  };
  Cause cause = Cause::kConnectionLost;
  // Set if a whole response came.
  std::optional<ResponseSummary> response;
  // As in NotExecuted.
  bool lost_on_reuse = false;
  TransportFault fault = TransportFault::kNone;
};

// What one attempt to write came to; a Done is its result.
template <typename Done>
using Outcome = std::variant<Done, NotExecuted, Refused, Ambiguous>;

// The same, with what `convert` makes of a result.
template <typename To, typename From, typename... Others, typename Convert>
std::variant<To, Others...> MapDone(std::variant<From, Others...> outcome, Convert convert) {
  return std::visit(
      [&](auto& ended) -> std::variant<To, Others...> {
        if constexpr (std::is_same_v<std::decay_t<decltype(ended)>, From>) {
          return convert(std::move(ended));
        } else {
          return std::move(ended);
        }
      },
      outcome);
}

}  // namespace gateway

#endif  // SERVICE_RESILIENCE_OUTCOME_H_
