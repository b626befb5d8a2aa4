#ifndef SERVICE_OBSERVABILITY_METRICS_SERVER_H_
#define SERVICE_OBSERVABILITY_METRICS_SERVER_H_

#include <memory>
#include <string>
#include <string_view>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"

namespace gateway {

// What is answered for a path.
struct HttpPage {
  std::string status;  // "200 OK"
  std::string content_type;
  std::string body;
};

// Serves what operators look at, until it is destroyed.
//
// HTTP as far as that needs it: GET and HEAD, one request a connection. Connections wait on one
// event loop, so a silent one costs a descriptor and nothing else. There are at most 64: the oldest
// that has not got an answer on its way makes room for a new one. So however many are silent, a
// scrape that sends its request at once is answered at once.
class MetricsServer {
 public:
  // The page at `path`, which has no query. Called on the server's own thread.
  using Pages = absl::AnyInvocable<HttpPage(std::string_view path)>;

  // `address` is "host:port" with a name or an IPv4 address, or "[IPv6]:port"; port 0 takes a free
  // one. A name stands for its IPv4 address.
  static absl::StatusOr<std::unique_ptr<MetricsServer>> Start(const std::string& address,
                                                              Pages pages);

  virtual ~MetricsServer() = default;
  virtual int port() const = 0;
};

}  // namespace gateway

#endif  // SERVICE_OBSERVABILITY_METRICS_SERVER_H_
