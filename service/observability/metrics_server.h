#ifndef SERVICE_OBSERVABILITY_METRICS_SERVER_H_
#define SERVICE_OBSERVABILITY_METRICS_SERVER_H_

#include <prometheus/collectable.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "service/observability/metrics.h"

namespace gateway {

// Serves what `sources` collect on `address`, as Metrics::Serve promises.
absl::StatusOr<std::unique_ptr<Metrics::Server>> ServeMetrics(
    const std::string& address, const std::vector<std::weak_ptr<prometheus::Collectable>>& sources);

}  // namespace gateway

#endif  // SERVICE_OBSERVABILITY_METRICS_SERVER_H_
