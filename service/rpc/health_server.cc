#include "service/rpc/health_server.h"

#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/impl/server_builder_option.h>
#include <grpcpp/impl/server_builder_plugin.h>

#include <chrono>
#include <optional>
#include <utility>

#include "service/observability/metrics.h"
#include "service/rpc/connections/connection_acceptor.h"
#include "service/rpc/connections/listen_sockets.h"
#include "service/rpc/grpc_shutdown.h"
#include "service/rpc/health_service.h"
#include "service/rpc/unknown_methods.h"

namespace gateway {
namespace {

// Probes, and a person who looks.
constexpr size_t kMaxConnections = 32;
constexpr int kMaxStreams = 16;
// The name of a service.
constexpr int kMaxRequestBytes = 1024;
constexpr int kMaxMetadataBytes = 8 * 1024;
constexpr int kHandshakeMs = 5000;
// A probe takes milliseconds. Who only keeps a connection, or a watch, makes room for the next.
constexpr int kMaxIdleMs = 5000;
constexpr int kMaxAgeMs = 60'000;
constexpr int kGraceMs = 5000;
constexpr std::chrono::seconds kShutdownGrace{1};
constexpr std::chrono::seconds kGrpcEndsWithin{5};

// Reflection and channelz would come along with everything that the process serves.
class WithoutPlugins final : public grpc::ServerBuilderOption {
 public:
  void UpdateArguments(grpc::ChannelArguments*) override {}
  void UpdatePlugins(std::vector<std::unique_ptr<grpc::ServerBuilderPlugin>>* plugins) override {
    plugins->clear();
  }
};

}  // namespace

class HealthServer::Parts {
 public:
  explicit Parts(const std::vector<std::string>& services)
      : health_service(AccessControl::ForLocalCallers(), services) {}

  // Of its calls nobody needs to know: those of callers have these names.
  Metrics unseen;
  CallMetrics unseen_calls{unseen};
  UnknownMethods unknown_methods{AccessControl::ForLocalCallers(), unseen_calls, std::nullopt};
  HealthService health_service;
  std::unique_ptr<grpc::experimental::ExternalConnectionAcceptor> connections;
  std::unique_ptr<grpc::Server> server;
  std::unique_ptr<ConnectionAcceptor> acceptor;
  int port = 0;
};

absl::StatusOr<std::unique_ptr<HealthServer>> HealthServer::Start(
    const std::string& listen, const std::vector<std::string>& services, EventLoop& loop,
    Metrics& metrics) {
  auto sockets = ListenSockets::Open(listen);
  if (!sockets.ok()) return sockets.status();
  auto parts = std::make_unique<Parts>(services);
  parts->port = sockets->port();
  grpc::EnableDefaultHealthCheckService(false);
  grpc::ServerBuilder builder;
  builder.SetOption(std::make_unique<WithoutPlugins>());
  using From = grpc::ServerBuilder::experimental_type::ExternalConnectionType;
  parts->connections = builder.experimental().AddExternalConnectionAcceptor(
      From::FROM_FD, grpc::InsecureServerCredentials());
  builder.RegisterService(&parts->health_service);
  builder.RegisterCallbackGenericService(&parts->unknown_methods);
  builder.SetMaxReceiveMessageSize(kMaxRequestBytes);
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, kMaxMetadataBytes);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kMaxStreams);
  builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, kHandshakeMs);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_IDLE_MS, kMaxIdleMs);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_MS, kMaxAgeMs);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_GRACE_MS, kGraceMs);
  builder.AddChannelArgument(GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION, 0);
  parts->server = builder.BuildAndStart();
  if (parts->server == nullptr) return absl::InternalError("gRPC cannot build a server");
  parts->acceptor = std::make_unique<ConnectionAcceptor>(
      loop, *std::move(sockets), kMaxConnections,
      ConnectionMetrics{
          .open = metrics.AddGauge("passfort_gateway_health_connections",
                                   "Connections to health_listen that are open."),
          .refused = metrics.AddCounter(
              "passfort_gateway_health_connections_refused_total",
              "Connections to health_listen that were closed at once, or could not be accepted.",
              {"reason"})},
      [grpc = parts->connections.get()](int listener, int descriptor) {
        grpc::experimental::ExternalConnectionAcceptor::NewConnectionParameters connection;
        connection.listener_fd = listener;
        connection.fd = descriptor;
        grpc->HandleNewConnection(&connection);
      });
  return std::unique_ptr<HealthServer>(new HealthServer(std::move(parts)));
}

HealthServer::HealthServer(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

HealthServer::~HealthServer() {
  parts_->acceptor->Close();
  if (ShutDownWithin(*parts_->server, kShutdownGrace, kGrpcEndsWithin)) return;
  parts_->acceptor.reset();
  // Its destructor would wait for ever.
  [[maybe_unused]] const Parts* left_to_grpc = parts_.release();
}

void HealthServer::SetServing(bool is_serving) { parts_->health_service.SetServing(is_serving); }

void HealthServer::BeginDrain() { parts_->health_service.BeginDrain(); }

int HealthServer::port() const { return parts_->port; }

}  // namespace gateway
