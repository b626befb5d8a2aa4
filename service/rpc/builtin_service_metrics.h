#ifndef SERVICE_RPC_BUILTIN_SERVICE_METRICS_H_
#define SERVICE_RPC_BUILTIN_SERVICE_METRICS_H_

#include <grpcpp/support/server_interceptor.h>

#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "service/rpc/calls/call_line.h"
#include "service/rpc/calls/call_metrics.h"

namespace gateway {

// Counts the calls of the services that gRPC itself brings (health, reflection, channelz), and
// under one label those to methods that do not exist. The former get their line at level debug:
// probes call all the time, and nothing hangs on them. Services that count their own calls are left
// alone, because an interceptor costs every call it sees.
class BuiltinServiceMetrics final : public grpc::experimental::ServerInterceptorFactoryInterface {
 public:
  // Full names of services; their descriptors are linked into the program. `metrics` outlives the
  // server.
  BuiltinServiceMetrics(const CallMetrics& metrics, CallLog log,
                        const std::vector<std::string>& counted,
                        const std::vector<std::string>& counting_themselves);

  grpc::experimental::Interceptor* CreateServerInterceptor(
      grpc::experimental::ServerRpcInfo* info) override;

 private:
  struct Labels {
    std::string service;
    std::string method;
    enum class CountedBy { kUs, kItself } counted_by;
  };

  const CallMetrics& metrics_;
  const CallLog log_;
  // By the path on the wire, "/package.Service/Method".
  std::unordered_map<std::string, Labels> labels_;
};

}  // namespace gateway

#endif  // SERVICE_RPC_BUILTIN_SERVICE_METRICS_H_
