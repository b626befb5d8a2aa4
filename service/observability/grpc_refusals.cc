#include "service/observability/grpc_refusals.h"

#include <prometheus/client_metric.h>
#include <prometheus/metric_type.h>

#include <cstdint>

// The patch defines it: the name of a kind and how many there were, null after the last one.
extern "C" const char* PassfortGatewayGrpcRefusals(int kind, uint64_t* count) __attribute__((weak));

namespace gateway {

std::vector<prometheus::MetricFamily> CollectGrpcRefusals() {
  if (PassfortGatewayGrpcRefusals == nullptr) return {};
  prometheus::MetricFamily family;
  family.name = "passfort_gateway_grpc_refusals_total";
  family.help = "Connections and calls that gRPC itself refused, before the gateway saw a call.";
  family.type = prometheus::MetricType::Counter;
  uint64_t count = 0;
  for (int kind = 0; const char* reason = PassfortGatewayGrpcRefusals(kind, &count); ++kind) {
    prometheus::ClientMetric metric;
    metric.label.push_back({"reason", reason});
    metric.counter.value = static_cast<double>(count);
    family.metric.push_back(metric);
  }
  return {family};
}

}  // namespace gateway
