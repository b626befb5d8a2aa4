#ifndef SERVICE_RPC_HEALTH_SERVER_H_
#define SERVICE_RPC_HEALTH_SERVER_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "service/base/event_loop.h"
#include "service/observability/metrics.h"

namespace gateway {

// A second port that answers gRPC's health checks in plain text and nothing else: for probes, which
// have no certificate. It takes few connections and small requests.
class HealthServer {
 public:
  // `listen` as for GrpcServer. Serves at once, healthy. `loop` and `metrics` outlive it.
  static absl::StatusOr<std::unique_ptr<HealthServer>> Start(
      const std::string& listen, const std::vector<std::string>& services, EventLoop& loop,
      Metrics& metrics);
  // Bounded in time.
  ~HealthServer();
  HealthServer(const HealthServer&) = delete;
  HealthServer& operator=(const HealthServer&) = delete;

  // Of the server as a whole and of each service. Any thread.
  void SetServing(bool is_serving);
  // Not healthy for good; watchers are told. Any thread.
  void BeginDrain();

  int port() const;

 private:
  class Parts;

  explicit HealthServer(std::unique_ptr<Parts> parts);

  std::unique_ptr<Parts> parts_;
};

}  // namespace gateway

#endif  // SERVICE_RPC_HEALTH_SERVER_H_
