#include "service/rpc/grpc_server.h"

#include <grpcpp/ext/channelz_service_plugin.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "grpc/health/v1/health.pb.h"
#include "service/rpc/other_calls_metrics.h"
#include "service/rpc/outcome_to_grpc.h"

namespace gateway {
namespace {

constexpr const char* kReflectionService = "grpc.reflection.v1alpha.ServerReflection";
constexpr const char* kChannelzService = "grpc.channelz.v1.Channelz";

// gRPC refuses what is larger by itself, with RESOURCE_EXHAUSTED and without our details. So what
// it lets through is more than what we take, and the usual oversize request gets our own answer.
constexpr size_t kReceiveLimitFactor = 16;

// The end of a connection cuts what is under way when the grace is over: a call that began at the
// last moment gets its full deadline and the way back.
constexpr Milliseconds kGraceBeyondDeadline{5000};

// Clients may ask this often whether an idle-looking connection lives: calls take up to a minute
// without a byte. gRPC's own limit of 5 minutes would end their connection, and the calls on it.
constexpr Milliseconds kShortestPingInterval{10'000};

// How long calls may take to end once they are asked to: they only have to abort a transfer.
constexpr Milliseconds kCallsStopWithin{5000};

// For answers to leave and streams (health watches, reflection) to be told.
constexpr std::chrono::seconds kShutdownGrace{1};

// Answers calls to methods that do not exist; gRPC's own answer has no details.
class UnknownMethods final : public grpc::CallbackGenericService {
 public:
  grpc::ServerGenericBidiReactor* CreateReactor(
      grpc::GenericCallbackServerContext* context) override {
    class Refusal final : public grpc::ServerGenericBidiReactor {
     public:
      explicit Refusal(grpc::GenericCallbackServerContext& context) {
        const CallError error = UnknownMethodError();
        for (const auto& [name, value] : error.trailers) context.AddTrailingMetadata(name, value);
        Finish(error.status);
      }
      void OnDone() override { delete this; }
    };
    return new Refusal(*context);  // frees itself in OnDone
  }
};

int ToInt(size_t value) {
  return static_cast<int>(std::min<size_t>(value, std::numeric_limits<int>::max()));
}

int ToInt(Milliseconds value) { return ToInt(static_cast<size_t>(value.count())); }

void SetLimits(const GrpcServer::Options& options,
               const ProductApplicationService::Options& service, grpc::ServerBuilder& builder) {
  builder.SetMaxReceiveMessageSize(ToInt(service.max_request_bytes * kReceiveLimitFactor));
  // One client channel is one connection, and it may use the gateway alone.
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, ToInt(service.max_in_flight));
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_MS, ToInt(options.max_connection_age));
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_GRACE_MS,
                             ToInt(service.deadlines.max_deadline + kGraceBeyondDeadline));
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                             ToInt(kShortestPingInterval));
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  // Two gateways on one port would share its calls in silence.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  // Every call ends by its own deadline, before the caller's; a second timer and its state in each
  // waiting call would only cost memory.
  builder.AddChannelArgument(GRPC_ARG_ENABLE_DEADLINE_CHECKS, 0);
  // Answers are never compressed; the filter that could would cost each call time and memory.
  builder.AddChannelArgument(GRPC_ARG_ENABLE_PER_MESSAGE_COMPRESSION, 0);
  builder.AddChannelArgument(GRPC_ARG_ENABLE_CHANNELZ,
                             options.channelz == GrpcServer::Channelz::kOn ? 1 : 0);
  // Reflection alone is served by threads of its own: one that waits is enough.
  builder.SetSyncServerOption(grpc::ServerBuilder::NUM_CQS, 1);
  builder.SetSyncServerOption(grpc::ServerBuilder::MIN_POLLERS, 1);
  builder.SetSyncServerOption(grpc::ServerBuilder::MAX_POLLERS, 1);
}

void CountOtherCalls(const GrpcServer::Options& options, Metrics& metrics,
                     grpc::ServerBuilder& builder) {
  // Naming the descriptor also keeps the linker from dropping health.proto, without which
  // reflection would list the health service but not describe it.
  std::vector<std::string> counted = {
      std::string(
          grpc::health::v1::HealthCheckRequest::descriptor()->file()->service(0)->full_name()),
      kReflectionService};
  if (options.channelz == GrpcServer::Channelz::kOn) counted.push_back(kChannelzService);
  std::vector<std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>> creators;
  creators.push_back(std::make_unique<OtherCallsMetrics>(
      metrics, counted,
      std::vector<std::string>{pb::ProductApplicationService::service_full_name()}));
  builder.experimental().SetInterceptorCreators(std::move(creators));
}

}  // namespace

class GrpcServer::Parts {
 public:
  UnknownMethods unknown_methods;
  std::unique_ptr<grpc::Server> server;
};

absl::StatusOr<std::unique_ptr<GrpcServer>> GrpcServer::Start(const Options& options,
                                                              ProductApplicationService& service,
                                                              Metrics& metrics) {
  grpc::EnableDefaultHealthCheckService(true);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  if (options.channelz == Channelz::kOn) grpc::channelz::experimental::InitChannelzService();

  auto parts = std::make_unique<Parts>();
  int port = 0;
  grpc::ServerBuilder builder;
  builder.AddListeningPort(options.listen, grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(&service);
  builder.RegisterCallbackGenericService(&parts->unknown_methods);
  SetLimits(options, service.options(), builder);
  CountOtherCalls(options, metrics, builder);
  parts->server = builder.BuildAndStart();
  if (parts->server == nullptr || port == 0) {
    return absl::UnavailableError(
        absl::StrCat("listen on ", options.listen,
                     ": the address is in use, is not one of this machine, or is not allowed"));
  }
  parts->server->GetHealthCheckService()->SetServingStatus(
      pb::ProductApplicationService::service_full_name(), true);
  return std::unique_ptr<GrpcServer>(new GrpcServer(std::move(parts), service, port));
}

GrpcServer::GrpcServer(std::unique_ptr<Parts> parts, ProductApplicationService& service, int port)
    : parts_(std::move(parts)), service_(service), port_(port) {}

GrpcServer::~GrpcServer() {
  if (!drained_) Drain(Milliseconds(0)).IgnoreError();
}

absl::Status GrpcServer::Drain(Milliseconds drain_timeout) {
  drained_ = true;
  parts_->server->GetHealthCheckService()->Shutdown();
  service_.BeginDrain();
  if (!service_.WaitUntilIdle(drain_timeout)) {
    service_.StopCalls();
    if (!service_.WaitUntilIdle(kCallsStopWithin)) {
      return absl::DeadlineExceededError("drain: a call did not end although it was asked to stop");
    }
  }
  // All our calls are finished: with one that is not, Shutdown may never return (grpc#39114).
  parts_->server->Shutdown(std::chrono::system_clock::now() + kShutdownGrace);
  return absl::OkStatus();
}

}  // namespace gateway
