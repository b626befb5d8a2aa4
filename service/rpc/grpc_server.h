#ifndef SERVICE_RPC_GRPC_SERVER_H_
#define SERVICE_RPC_GRPC_SERVER_H_

#include <grpcpp/grpcpp.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "service/base/deadline.h"
#include "service/base/event_loop.h"
#include "service/observability/metrics.h"
#include "service/observability/status_report.h"
#include "service/rpc/calls/call_pipeline.h"

namespace gateway {

// The port that callers use: our services, health, reflection and, if asked for, channelz.
class GrpcServer final : public StatusSource {
 public:
  enum class Channelz { kOff, kOn };
  enum class Reflection { kOff, kOn };

  struct Options {
    // "host:port", "[v6]:port" or "unix:/path"; port 0 takes a free one.
    std::string listen;
    // A caller's connection is renewed after this long (gRPC adds jitter of 10 %), so that new
    // replicas get their share.
    Milliseconds max_connection_age{0};
    // More are refused; see ConnectionAcceptor.
    size_t max_connections = 1000;
    // A connection that has not said by then what HTTP/2 begins with is closed.
    Milliseconds handshake_timeout{10'000};
    // Not healthy once the loop has not turned for this long.
    Milliseconds max_turn{30'000};
    // Once on, channelz answers on every server that the process starts later.
    Channelz channelz = Channelz::kOff;
    Reflection reflection = Reflection::kOn;
    // Null: plain text.
    std::shared_ptr<grpc::ServerCredentials> credentials;
    // A HealthServer beside it; empty: none.
    std::string health_listen;
    // Told from any thread whether the server is healthy: at the start, and when that changes.
    std::function<void(bool is_serving)> on_health = [](bool) {};
  };

  // A service of ours, all of whose calls go through the server's pipeline.
  struct Service {
    std::string name;  // "package.Service"
    grpc::Service& implementation;
  };

  // Serves at once, healthy. Fails if the address is taken. All but `options` outlive the server.
  static absl::StatusOr<std::unique_ptr<GrpcServer>> Start(const Options& options,
                                                           const std::vector<Service>& services,
                                                           CallPipeline& pipeline, EventLoop& loop,
                                                           Metrics& metrics);
  // Drains with no time for calls in flight, unless `Drain` was called.
  ~GrpcServer() override;
  GrpcServer(const GrpcServer&) = delete;
  GrpcServer& operator=(const GrpcServer&) = delete;

  int port() const { return port_; }
  // 0: there is none.
  int health_port() const;

  // Stops in bounded time with every call answered. Not healthy any more, no new connections, and
  // every caller is told to go elsewhere; what they send until they know is still served. Calls in
  // flight end by themselves within `drain_timeout` and are stopped after it. Once, and not on the
  // loop's thread.
  //
  // Fails if a call did not end although it was asked to. The port is left as it is then, because
  // gRPC would wait for that call for ever; the process had better exit without destructors.
  absl::Status Drain(Milliseconds drain_timeout);
  // After `Drain`: whether gRPC came to its end too. If not, its threads still use the server,
  // which is then left as it is; the process had better exit without destructors, as nothing is
  // owed to anybody.
  bool has_grpc_ended() const { return has_grpc_ended_; }

  void Describe(StatusReport& report) const override;

 private:
  class Parts;

  GrpcServer(std::unique_ptr<Parts> parts, CallPipeline& pipeline, int port,
             size_t max_connections);

  // Or until it makes no sense to wait any longer, or `end`.
  void WaitUntilCallersLeft(Deadline end);

  std::unique_ptr<Parts> parts_;
  CallPipeline& pipeline_;
  const int port_;
  const Gauge connections_;
  const Gauge longest_turn_;
  const size_t max_connections_;
  bool drained_ = false;
  bool has_grpc_ended_ = false;
};

}  // namespace gateway

#endif  // SERVICE_RPC_GRPC_SERVER_H_
