#ifndef SERVICE_OBSERVABILITY_PROCESS_METRICS_H_
#define SERVICE_OBSERVABILITY_PROCESS_METRICS_H_

#include <prometheus/collectable.h>

#include <vector>

namespace gateway {

// What Prometheus expects of every process, under the usual names: start time, CPU, memory,
// descriptors and threads. Read from /proc at each scrape, so it costs nothing in between; what
// cannot be read is left out.
class ProcessMetrics final : public prometheus::Collectable {
 public:
  std::vector<prometheus::MetricFamily> Collect() const override;
};

}  // namespace gateway

#endif  // SERVICE_OBSERVABILITY_PROCESS_METRICS_H_
