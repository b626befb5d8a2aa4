#ifndef SERVICE_PASSFORT_ENDPOINT_H_
#define SERVICE_PASSFORT_ENDPOINT_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <string_view>
#include <variant>

#include "absl/time/time.h"
#include "service/http/http_client.h"
#include "service/passfort/outcome_table.h"

namespace gateway {

// An ApiEndpoint is what all requests to one endpoint of Passfort have in common, and how a whole
// response is read: by a ResponseReading, into an ApiOutcome. Without a whole response the table of
// outcomes alone decides. An ApiTransport (api_transport.h) sends requests; typed functions above
// it (product_application_client.h) say what to send, and know the type of the answer.

// The outcome of a request that reads.
ApiOutcome ToReadOutcome(ApiOutcome outcome);

// A short stable name for logs and metrics: done, not_executed, refused, ambiguous.
std::string_view OutcomeName(const ApiOutcome& outcome);

struct ReadResponse {
  ApiOutcome outcome;
  // What the log should say of the response. Empty: nothing.
  std::string_view remark{};
};

// The reading of one whole response, in pieces, because a large one would hold the loop for too
// long. The response outlives it.
class ResponseReading {
 public:
  virtual ~ResponseReading() = default;

  // False: there is more to read.
  virtual bool ReadPiece() = 0;
  // What was read, after the last piece; once. `now` is for dates in rate-limit headers. Without
  // `messages` the outcome has none of Passfort's words.
  virtual ReadResponse TakeOutcome(absl::Time now, const MessageFilter* messages) = 0;
  // About the memory that the answer takes.
  virtual size_t BytesOf(const ApiResponse& response) const = 0;
};

// Whether a response can be all of what was asked for, as it is at this moment. 206 is a part by
// definition, and an Age is in what a cache had kept (RFC 9110, 15.3.7; RFC 9111, 5.1).
bool MayBeWhole(const HttpResponse& response);

// A profile holds all that Passfort knows of a customer, and the list of applications all that
// there ever were; both come unpaged.
inline constexpr size_t kMaxLargeBytes = size_t{4} * 1024 * 1024;

struct ApiEndpoint {
  // The method and the template of the path, as logs and metrics name the endpoint:
  // "GET /profiles/{profile_id}/applications".
  std::string_view name;
  HttpMethod method = HttpMethod::kGet;
  // `profile_id` is that of the request; it outlives the reading.
  std::unique_ptr<ResponseReading> (*read)(const HttpResponse& response,
                                           std::string_view profile_id);
  // A response may be as long as this, even where the HTTP client's own limit is lower.
  size_t max_response_bytes = 0;
  // A kept connection may be dead, or lead to a server that is on its way out.
  bool needs_fresh_connection = false;

  // A read that gets little time, which is the gateway's to set: that of a write's list.
  bool is_hurried = false;

  bool is_write() const { return method != HttpMethod::kGet; }
  std::string_view path() const { return name.substr(name.find('/')); }
};

// Reads what a request came to, at once. Never fails.
ReadResponse ReadAtOnce(const ApiEndpoint& endpoint, std::string_view profile_id,
                        const HttpResult& result, absl::Time now, const MessageFilter* messages);

}  // namespace gateway

#endif  // SERVICE_PASSFORT_ENDPOINT_H_
