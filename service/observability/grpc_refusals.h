#ifndef SERVICE_OBSERVABILITY_GRPC_REFUSALS_H_
#define SERVICE_OBSERVABILITY_GRPC_REFUSALS_H_

#include <prometheus/metric_family.h>

#include <vector>

namespace gateway {

// passfort_gateway_grpc_refusals_total: connections and calls that gRPC itself refused, by reason,
// as cmake/grpc/grpc-1.51.1.patch counts them. Nothing with another gRPC. Safe from any thread.
std::vector<prometheus::MetricFamily> CollectGrpcRefusals();

}  // namespace gateway

#endif  // SERVICE_OBSERVABILITY_GRPC_REFUSALS_H_
