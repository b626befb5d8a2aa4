#ifndef SERVICE_OBSERVABILITY_METRICS_SERVER_H_
#define SERVICE_OBSERVABILITY_METRICS_SERVER_H_

#include <memory>
#include <string>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "service/observability/metrics.h"

namespace gateway {

// Answers GET /metrics on `address` with `text()`, as Metrics::Serve promises. `text` is called on
// the server's own thread.
//
// HTTP as far as a scrape needs it, one request a connection. Connections wait on one event loop,
// so a silent one costs a descriptor and nothing else. There are at most 64: the oldest that has
// not got an answer on its way makes room for a new one. So however many are silent, a scrape that
// sends its request at once is answered at once.
absl::StatusOr<std::unique_ptr<Metrics::Server>> ServeMetrics(
    const std::string& address, absl::AnyInvocable<std::string()> text);

}  // namespace gateway

#endif  // SERVICE_OBSERVABILITY_METRICS_SERVER_H_
