#ifndef SERVICE_HTTP_CURL_HTTP_CLIENT_H_
#define SERVICE_HTTP_CURL_HTTP_CLIENT_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "service/base/clock.h"
#include "service/base/deadline.h"
#include "service/base/event_loop.h"
#include "service/base/task.h"
#include "service/http/host_resolver.h"
#include "service/http/http_client.h"
#include "service/http/response_memory.h"
#include "service/observability/metrics.h"
#include "service/observability/status_report.h"

namespace gateway {

// HttpClient on libcurl: pooled connections, TLS verified always, no redirects, no cookies, nothing
// from the environment or a .netrc. A POST's body leaves at most once, whatever libcurl would do.
//
// `Send` belongs to the loop's thread; creation and destruction to any other thread or to the
// loop's. No `Send` is in flight when the client is destroyed.
class CurlHttpClient final : public HttpClient, public StatusSource {
 public:
  struct Options {
    // For the lookup of the name, and again for the connection with its TLS handshake.
    Milliseconds connect_timeout{3000};
    // A connection that was idle this long carries no further request (counted in whole seconds,
    // at least one). All of a multi handle are closed once nothing was sent through it for as long.
    Milliseconds idle_connection_timeout{20000};
    size_t max_response_bytes = 1024 * 1024;
    size_t max_header_bytes = 64 * 1024;
    // HTTP/2 where a TLS server offers it, many requests on one connection.
    bool http2 = false;
    // A PEM file of authorities that are trusted besides the system's.
    std::string ca_file{};
    // http://host:port or https://host:port; the only way to a proxy.
    std::string proxy{};
    std::string user_agent{};
    // Names, in any case.
    std::vector<std::string> kept_response_headers{};
    HostResolver::LookUp look_up = SystemLookup;
    // What HttpRequest::send_before is compared with.
    std::function<BootTime()> boot_now = BootNow;
  };

  struct Stats {
    uint64_t connections_opened = 0;
    size_t connections_open = 0;  // now
    uint64_t lookups = 0;
  };

  // `loop`, `memory` and `metrics` outlive the client, which is the only one that uses `memory` to
  // read. InvalidArgument for a bad `ca_file` or `proxy`.
  static absl::StatusOr<std::unique_ptr<CurlHttpClient>> Create(EventLoop& loop,
                                                                ResponseMemory& memory,
                                                                Metrics& metrics, Options options);
  ~CurlHttpClient() override;
  CurlHttpClient(const CurlHttpClient&) = delete;
  CurlHttpClient& operator=(const CurlHttpClient&) = delete;

  Task<HttpResult> Send(HttpRequest request, Deadline deadline, std::stop_token stop) override;

  void Describe(StatusReport& report) const override;

  // Totals since the start. Any thread.
  Stats stats() const;

 private:
  class Core;

  CurlHttpClient(EventLoop& loop, std::unique_ptr<Core> core);

  EventLoop& loop_;
  std::unique_ptr<Core> core_;
};

}  // namespace gateway

#endif  // SERVICE_HTTP_CURL_HTTP_CLIENT_H_
