#include "service/rpc/grpc_server.h"

#include <grpcpp/ext/channelz_service_plugin.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/impl/server_builder_option.h>
#include <grpcpp/impl/server_builder_plugin.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "service/rpc/builtin_service_metrics.h"
#include "service/rpc/calls/concurrency_limiter.h"
#include "service/rpc/connections/connection_acceptor.h"
#include "service/rpc/connections/connection_ages.h"
#include "service/rpc/connections/listen_sockets.h"
#include "service/rpc/grpc_shutdown.h"
#include "service/rpc/health_server.h"
#include "service/rpc/health_service.h"
#include "service/rpc/loop_watch.h"
#include "service/rpc/unknown_methods.h"

namespace gateway {
namespace {

constexpr const char* kReflectionService = "grpc.reflection.v1alpha.ServerReflection";
constexpr const char* kChannelzService = "grpc.channelz.v1.Channelz";

// gRPC refuses what is larger by itself, with RESOURCE_EXHAUSTED and without our details. So it
// lets a little more through than we take, and a request that is just too large gets our own
// answer.
constexpr size_t kReceivedBeyondLimit = size_t{16} * 1024;

// Twice gRPC's default: a caller's tokens and baggage are its own business.
constexpr int kMaxMetadataBytes = 16 * 1024;

// Room for what is read at once. A call keeps all that was read together with its metadata, and
// gRPC's default is 4 MiB. See BoundGrpcReads too.
constexpr int kMaxReadBytes = 4 * 1024;

// The end of a connection cuts what is in flight when the grace is over: a call that began at the
// last moment gets its full deadline and the way back.
constexpr Milliseconds kGraceBeyondDeadline{5000};

// Reflection is served by gRPC's own threads, one for each stream; more streams are refused.
constexpr int kReflectionThreads = 8;

// How long a caller may take to learn that it is to go elsewhere, once nothing of its own is in
// flight any more. Callers that live answer at once, and their connections end with that.
constexpr Milliseconds kGoodbyeWithin{1000};
constexpr Milliseconds kLookAtConnectionsEvery{10};

// How long calls may take to end once they are asked to: they only have to abort a transfer.
constexpr Milliseconds kStopTimeout{5000};

// How long answers may take to leave. Callers that read have theirs at once, but on a machine that
// is short of processors gRPC's threads have to wait for one. A shutdown of gRPC would cut what has
// not left, and the caller of a write that was sent would not learn that its outcome is unknown.
constexpr Milliseconds kRepliesLeaveWithin{3000};

// For streams (health watches, reflection) to be told.
constexpr std::chrono::seconds kShutdownGrace{1};
constexpr std::chrono::seconds kGrpcEndsWithin{5};

// gRPC's reflection library adds itself to every server of a program that it is linked into.
class WithoutReflection final : public grpc::ServerBuilderOption {
 public:
  void UpdateArguments(grpc::ChannelArguments*) override {}
  void UpdatePlugins(std::vector<std::unique_ptr<grpc::ServerBuilderPlugin>>* plugins) override {
    std::erase_if(*plugins,
                  [](const auto& plugin) { return plugin->name() == "proto_server_reflection"; });
  }
};

int ToInt(size_t value) {
  return static_cast<int>(std::min<size_t>(value, std::numeric_limits<int>::max()));
}

int ToInt(Milliseconds value) { return ToInt(static_cast<size_t>(value.count())); }

void SetLimits(const GrpcServer::Options& options, const CallPipeline::Options& calls,
               grpc::ServerBuilder& builder) {
  builder.SetMaxReceiveMessageSize(ToInt(calls.max_request_bytes + kReceivedBeyondLimit));
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, kMaxMetadataBytes);
  builder.AddChannelArgument(GRPC_ARG_TCP_MAX_READ_CHUNK_SIZE, kMaxReadBytes);
  // gRPC inflates a message before it looks at its size: 917 kB became 981 MiB. A compressed
  // request ends as UNIMPLEMENTED, and clients compress only if they are told to.
  builder.SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_DEFLATE, false);
  builder.SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_GZIP, false);
  builder.AddChannelArgument(GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION, 0);
  // One client channel is one connection: what it has beyond its places waits in the client.
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS,
                             ToInt(ConcurrencyLimiter::PlacesOfOneConnection(calls.max_in_flight)));
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_MS, ConnectionAgeArgument());
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_GRACE_MS,
                             ToInt(calls.deadlines.max_deadline + kGraceBeyondDeadline));
  // Calls take up to a minute without a byte, so clients ask whether their connection lives. gRPC
  // would end it, and the calls on it, if they ask often.
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PING_STRIKES, 0);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS,
                             ToInt(options.handshake_timeout));
#ifdef GRPC_ARG_ENABLE_DEADLINE_CHECKS  // newer versions of gRPC have no such timer
  // Every call ends by its own deadline, before the caller's; a second timer and its state in each
  // waiting call would only cost memory.
  builder.AddChannelArgument(GRPC_ARG_ENABLE_DEADLINE_CHECKS, 0);
#endif
  // Answers are never compressed; the filter that could would cost each call time and memory.
  builder.AddChannelArgument(GRPC_ARG_ENABLE_PER_MESSAGE_COMPRESSION, 0);
  builder.AddChannelArgument(GRPC_ARG_ENABLE_CHANNELZ,
                             options.channelz == GrpcServer::Channelz::kOn ? 1 : 0);
  // Reflection alone is served by threads of its own: one that waits is enough.
  builder.SetResourceQuota(grpc::ResourceQuota("reflection").SetMaxThreads(kReflectionThreads));
  builder.SetSyncServerOption(grpc::ServerBuilder::NUM_CQS, 1);
  builder.SetSyncServerOption(grpc::ServerBuilder::MIN_POLLERS, 1);
  builder.SetSyncServerOption(grpc::ServerBuilder::MAX_POLLERS, 1);
}

void CountBuiltinCalls(const GrpcServer::Options& options,
                       const std::vector<GrpcServer::Service>& services,
                       const CallPipeline& pipeline, grpc::ServerBuilder& builder) {
  std::vector<std::string> counted = {HealthService::kName, kReflectionService};
  if (options.channelz == GrpcServer::Channelz::kOn) counted.push_back(kChannelzService);
  std::vector<std::string> counting_themselves;
  for (const auto& service : services) counting_themselves.push_back(service.name);
  std::vector<std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>> creators;
  creators.push_back(std::make_unique<BuiltinServiceMetrics>(pipeline.metrics(), pipeline.log(),
                                                             counted, counting_themselves));
  builder.experimental().SetInterceptorCreators(std::move(creators));
}

}  // namespace

class GrpcServer::Parts {
 public:
  Parts(const CallPipeline& pipeline, const std::vector<std::string>& services)
      : unknown_methods(pipeline.access(), pipeline.metrics(), pipeline.log()),
        health_service(pipeline.access(), services) {}

  UnknownMethods unknown_methods;
  HealthService health_service;
  std::unique_ptr<grpc::experimental::ExternalConnectionAcceptor> connections;
  std::unique_ptr<grpc::Server> server;
  std::unique_ptr<ConnectionAcceptor> acceptor;
  std::unique_ptr<HealthServer> health;  // null: there is none
  std::unique_ptr<LoopWatch> loop_watch;
};

absl::StatusOr<std::unique_ptr<GrpcServer>> GrpcServer::Start(const Options& options,
                                                              const std::vector<Service>& services,
                                                              CallPipeline& pipeline,
                                                              EventLoop& loop, Metrics& metrics) {
  auto sockets = ListenSockets::Open(options.listen);
  if (!sockets.ok()) return sockets.status();
  const int port = sockets->port();
  StartConnectionAges(options.max_connection_age);
  grpc::EnableDefaultHealthCheckService(false);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  if (options.channelz == Channelz::kOn) grpc::channelz::experimental::InitChannelzService();

  std::vector<std::string> names;
  for (const Service& service : services) names.push_back(service.name);
  auto parts = std::make_unique<Parts>(pipeline, names);
  grpc::ServerBuilder builder;
  if (options.reflection == Reflection::kOff) {
    builder.SetOption(std::make_unique<WithoutReflection>());
  }
  using From = grpc::ServerBuilder::experimental_type::ExternalConnectionType;
  parts->connections = builder.experimental().AddExternalConnectionAcceptor(
      From::FROM_FD,
      options.credentials != nullptr ? options.credentials : grpc::InsecureServerCredentials());
  for (const Service& service : services) builder.RegisterService(&service.implementation);
  builder.RegisterService(&parts->health_service);
  builder.RegisterCallbackGenericService(&parts->unknown_methods);
  SetLimits(options, pipeline.options(), builder);
  CountBuiltinCalls(options, services, pipeline, builder);
  parts->server = builder.BuildAndStart();
  if (parts->server == nullptr) return absl::InternalError("gRPC cannot build a server");
  parts->acceptor = std::make_unique<ConnectionAcceptor>(
      loop, *std::move(sockets), options.max_connections,
      ConnectionMetrics{
          .open = metrics.AddGauge("passfort_gateway_connections",
                                   "Callers' connections that are open."),
          .refused = metrics.AddCounter(
              "passfort_gateway_connections_refused_total",
              "Callers' connections that were closed at once, or could not be accepted.",
              {"reason"})},
      [grpc = parts->connections.get()](int listener, int descriptor) {
        grpc::experimental::ExternalConnectionAcceptor::NewConnectionParameters connection;
        connection.listener_fd = listener;
        connection.fd = descriptor;
        grpc->HandleNewConnection(&connection);
      });
  if (!options.health_listen.empty()) {
    auto health = HealthServer::Start(options.health_listen, names, loop, metrics);
    if (!health.ok()) return health.status();
    parts->health = *std::move(health);
  }
  parts->health_service.ReportStateTo(options.on_health);
  parts->loop_watch = std::make_unique<LoopWatch>(
      loop, options.max_turn, metrics,
      [health = &parts->health_service, more = parts->health.get()](LoopWatch::Loop is) {
        health->SetServing(is == LoopWatch::Loop::kTurns);
        if (more != nullptr) more->SetServing(is == LoopWatch::Loop::kTurns);
      });
  return std::unique_ptr<GrpcServer>(
      new GrpcServer(std::move(parts), pipeline, port, options.max_connections));
}

GrpcServer::GrpcServer(std::unique_ptr<Parts> parts, CallPipeline& pipeline, int port,
                       size_t max_connections)
    : parts_(std::move(parts)),
      pipeline_(pipeline),
      port_(port),
      connections_(parts_->acceptor->open()),
      longest_turn_(parts_->loop_watch->max_turn()),
      max_connections_(max_connections) {}

GrpcServer::~GrpcServer() {
  if (!drained_) Drain(Milliseconds(0)).IgnoreError();
  if (has_grpc_ended_) return;
  parts_->loop_watch.reset();
  parts_->acceptor.reset();
  // Its destructor would wait for ever.
  [[maybe_unused]] const Parts* left_to_grpc = parts_.release();
}

// Of the gauges alone: the parts belong to other threads.
void GrpcServer::Describe(StatusReport& report) const {
  AddUse("connections of callers", connections_.value().value_or(0), max_connections_,
         report.Section("Load"));
  const double turn = longest_turn_.value().value_or(0);
  report.Section("Load").Add("longest turn of the event loop in the last minute",
                             absl::StrCat(std::ceil(turn * 1000), " ms"),
                             turn < 1 ? StatusLevel::kGood : StatusLevel::kNotice);
}

int GrpcServer::health_port() const {
  return parts_->health == nullptr ? 0 : parts_->health->port();
}

absl::Status GrpcServer::Drain(Milliseconds drain_timeout) {
  drained_ = true;
  const Deadline end(std::chrono::steady_clock::now() + drain_timeout);
  parts_->loop_watch.reset();
  parts_->health_service.BeginDrain();
  if (parts_->health != nullptr) parts_->health->BeginDrain();
  parts_->acceptor->Close();
  EndConnectionAges();
  WaitUntilCallersLeft(end);

  pipeline_.BeginDrain();
  const auto left = std::chrono::ceil<Milliseconds>(end.TimeLeft(std::chrono::steady_clock::now()));
  if (!pipeline_.WaitUntilIdle(left)) {
    pipeline_.StopCalls();
    if (!pipeline_.WaitUntilIdle(kStopTimeout)) {
      return absl::DeadlineExceededError("drain: a call did not end although it was asked to stop");
    }
  }
  pipeline_.WaitUntilRepliesLeft(kRepliesLeaveWithin);
  // All our calls are finished: with one that is not, Shutdown may never return (grpc#39114).
  has_grpc_ended_ = ShutDownWithin(*parts_->server, kShutdownGrace, kGrpcEndsWithin);
  return absl::OkStatus();
}

// A connection ends when its caller knows and its calls are answered. Until then calls may arrive,
// and are taken. What keeps a connection beyond that is a stream that never ends (a health watch)
// or a caller that does not answer: neither has a call of ours that could be refused.
void GrpcServer::WaitUntilCallersLeft(Deadline end) {
  SteadyTime idle_since = std::chrono::steady_clock::now();
  while (parts_->acceptor->CountOpen() > 0) {
    const SteadyTime now = std::chrono::steady_clock::now();
    if (!pipeline_.IsIdle()) idle_since = now;
    if (end.HasPassed(now) || now - idle_since >= kGoodbyeWithin) return;
    std::this_thread::sleep_for(kLookAtConnectionsEvery);
  }
}

}  // namespace gateway
