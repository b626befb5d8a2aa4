#ifndef SERVICE_HTTP_HTTP_CLIENT_H_
#define SERVICE_HTTP_HTTP_CLIENT_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "service/base/clock.h"
#include "service/base/deadline.h"
#include "service/base/task.h"
#include "service/base/transport_fault.h"

namespace gateway {

// An HttpClient sends an HttpRequest and returns an HttpResult: a whole HttpResponse, whatever its
// status, or an HttpFailure with its kind and cause, and in both cases whether the request's body
// may have been sent.

enum class HttpMethod { kGet, kPost };

// Headers in the order they are sent.
using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

struct HttpRequest {
  HttpMethod method = HttpMethod::kGet;
  // Absolute and escaped: it goes on the wire as it is.
  std::string url{};
  // Shared, because every request to one service has the same ones. Never null.
  std::shared_ptr<const HttpHeaders> headers{};
  // Of this request alone; sent before the others.
  HttpHeaders own_headers{};
  // Sent with kPost only, at most once, whatever becomes of the connection.
  std::string body{};
  // The send gate: the body is given to libcurl to send before this moment or not at all. What was
  // given may wait in a full socket until the deadline, and is thrown away then.
  std::optional<BootTime> send_before{};
  // The response's body may be as long as this, even where the client's own limit is lower.
  size_t response_bytes_allowed = 0;
  // Takes no connection that an earlier request used.
  bool needs_fresh_connection = false;
};

// A whole response, whatever its status.
struct HttpResponse {
  int status = 0;
  std::string body;
  // Of the headers that arrived, those the client was told to keep; names in lower case.
  HttpHeaders headers;

  // The last value of `lower_case_name`.
  std::optional<std::string_view> Header(std::string_view lower_case_name) const {
    for (auto header = headers.rbegin(); header != headers.rend(); ++header) {
      if (header->first == lower_case_name) return header->second;
    }
    return std::nullopt;
  }
};

// Why no whole response came.
struct HttpFailure {
  enum class Kind {
    kResolve,         // the host's name has no address
    kConnect,         // no connection, also to a proxy
    kTls,             // no TLS session, or the certificate does not hold
    kTimeout,         // the deadline passed
    kConnectionLost,  // closed, reset or broken off before the response was whole
    kProtocol,        // what came is not HTTP
    kTooLarge,        // the response's body or headers exceed the limit
    kStopped,         // the caller's stop token
    kSendGateClosed,  // `send_before` came before the body was sent
    kNoMemory,        // the responses of other requests took it until the deadline
    kOther,
  };

  Kind kind = Kind::kOther;
  // The same in detail, in words for people.
  TransportFault fault = TransportFault::kInternal;
};

struct HttpResult {
  std::variant<HttpResponse, HttpFailure> response_or_failure;
  // Whether a byte of the request's body may have left the gateway. This alone tells "definitely
  // not executed" from "not known": it turns true when the transport asks to send the body and may
  // (a GET counts as asked from the start of its transfer), and error numbers have no say in it.
  bool may_have_sent_body = false;
  // The connection had carried a request before and was lost before a byte of the response. It may
  // have been dead already, so this says nothing of the server's health.
  bool lost_on_reuse = false;
};

// Sends HTTP requests without waiting for anything but its own coroutine. Loop thread only.
class HttpClient {
 public:
  virtual ~HttpClient() = default;

  // Sends `request` once. Returns by `deadline`, or as soon as `stop` is requested; the transfer is
  // aborted then, so nothing more of it leaves the gateway.
  virtual Task<HttpResult> Send(HttpRequest request, Deadline deadline, std::stop_token stop) = 0;
};

}  // namespace gateway

#endif  // SERVICE_HTTP_HTTP_CLIENT_H_
