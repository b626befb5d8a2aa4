#ifndef SERVICE_RPC_HEALTH_SERVICE_H_
#define SERVICE_RPC_HEALTH_SERVICE_H_

#include <grpcpp/grpcpp.h>

#include <cstddef>
#include <functional>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "grpc/health/v1/health.grpc.pb.h"
#include "service/rpc/access/access_control.h"

namespace gateway {

// Whether the process serves (grpc.health.v1), for whom the access control lets ask. gRPC brings
// such a service along, but it asks nobody who calls, and the processor of metadata by which that
// could be done from outside costs every call of all services a seventh of its time.
//
// Outlives the server that it is registered with. Safe from any thread.
class HealthService final : public grpc::health::v1::Health::CallbackService {
 public:
  // A watch is a call that stays: clients that balance over many addresses have one for each.
  static constexpr size_t kMaxWatches = 1000;

  // `services` are those that there is a state of beside that of the whole, which is the same.
  // `access` outlives the service.
  HealthService(const AccessControl& access, const std::vector<std::string>& services);

  static constexpr const char* kName = grpc::health::v1::Health::service_full_name();

  // Told of the state now, and from here on whenever something was said of it; with a mutex held,
  // so it only takes note. At most once, before the server begins.
  void ReportStateTo(std::function<void(bool is_serving)> listener);

  // It serves at first.
  void SetServing(bool is_serving);
  // From here on it serves no more, whatever is said.
  void BeginDrain();

  grpc::ServerUnaryReactor* Check(grpc::CallbackServerContext* context,
                                  const grpc::health::v1::HealthCheckRequest* request,
                                  grpc::health::v1::HealthCheckResponse* response) override;
  grpc::ServerWriteReactor<grpc::health::v1::HealthCheckResponse>* Watch(
      grpc::CallbackServerContext* context,
      const grpc::health::v1::HealthCheckRequest* request) override;

 private:
  using Status = grpc::health::v1::HealthCheckResponse::ServingStatus;
  class OpenWatch;

  std::optional<grpc::Status> Refuse(grpc::CallbackServerContext& context,
                                     std::string_view method) const;
  bool Knows(const std::string& service) const { return services_.contains(service); }
  Status status() const;  // of what is known; with mutex_
  void Report();          // with mutex_

  const AccessControl& access_;
  const std::set<std::string> services_;
  std::mutex mutex_;
  bool is_serving_ = true;                            // guarded by mutex_
  bool is_draining_ = false;                          // guarded by mutex_
  std::set<OpenWatch*> watches_;                      // guarded by mutex_
  std::function<void(bool)> listener_ = [](bool) {};  // guarded by mutex_
};

}  // namespace gateway

#endif  // SERVICE_RPC_HEALTH_SERVICE_H_
