#ifndef TESTS_INTEGRATION_RPC_RPC_FIXTURE_H_
#define TESTS_INTEGRATION_RPC_RPC_FIXTURE_H_

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "passfort/gateway/v1/product_application_service.grpc.pb.h"
#include "service/base/clock.h"
#include "service/base/event_loop.h"
#include "service/base/random.h"
#include "service/observability/metrics.h"
#include "service/rpc/calls/call_pipeline.h"
#include "service/rpc/grpc_server.h"
#include "service/rpc/product_application_service.h"
#include "service/rpc/profile_service.h"
#include "tests/integration/rpc/recording_log.h"
#include "tests/integration/rpc/scripted_reads.h"
#include "tests/integration/rpc/scripted_writer.h"
#include "tests/support/grpc_errors.h"

namespace gateway {

inline constexpr char kProfileId[] = "a2c4393a-e219-67a4-5ab4-2186952e9038";
inline constexpr char kProductId[] = "BBBBBBBB-0000-11EC-9621-0242AC130002";
inline constexpr char kServiceName[] = "passfort.gateway.v1.ProductApplicationService";
inline constexpr char kProfileServiceName[] = "passfort.gateway.v1.ProfileService";

inline pb::AddProductApplicationRequest ARequest() {
  pb::AddProductApplicationRequest request;
  request.set_profile_id(kProfileId);
  request.mutable_product()->set_alias("forexo_basic");
  return request;
}

inline CallPipeline::Options SomeOptions() {
  return {.max_in_flight = 100,
          .max_request_bytes = 64 * 1024,
          .deadlines = {.default_deadline = std::chrono::seconds(65),
                        .max_deadline = std::chrono::seconds(120)}};
}

inline GrpcServer::Options SomeServerOptions() {
  return {.listen = "127.0.0.1:0",
          .max_connection_age = std::chrono::minutes(5),
          .channelz = GrpcServer::Channelz::kOff};
}

// What one call came to.
struct Answered {
  grpc::Status status;
  std::multimap<std::string, std::string> trailers;
  pb::AddProductApplicationResponse response;

  ReceivedError error() const { return {.status = status, .trailers = trailers}; }
};

// A gRPC server on a free port before a scripted writer: the whole gRPC face, and nothing of
// Passfort.
class RpcFixture {
 public:
  // `access` outlives the fixture.
  explicit RpcFixture(CallPipeline::Options options = SomeOptions(),
                      GrpcServer::Options server_options = SomeServerOptions(),
                      const AccessControl& access = AccessControl::ForLocalCallers())
      : RpcFixture(options, access) {
    server = *StartServer(server_options);
  }

  // One more than `server` if it is called again.
  absl::StatusOr<std::unique_ptr<GrpcServer>> StartServer(const GrpcServer::Options& options) {
    return GrpcServer::Start(
        options, {{ProductApplicationService::kName, service}, {ProfileService::kName, profiles}},
        pipeline, *loop, metrics);
  }

  std::string address() const { return absl::StrCat("127.0.0.1:", server->port()); }

  // A connection of its own.
  std::shared_ptr<grpc::Channel> Connect() const {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    arguments.SetMaxReceiveMessageSize(4 * 1024 * 1024);
    return grpc::CreateCustomChannel(address(), grpc::InsecureChannelCredentials(), arguments);
  }

  Answered Add(const pb::AddProductApplicationRequest& request = ARequest()) const {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + kTestBound);
    return AddWith(context, request);
  }
  Answered AddWith(grpc::ClientContext& context,
                   const pb::AddProductApplicationRequest& request = ARequest()) const {
    Answered answered;
    answered.status = pb::ProductApplicationService::NewStub(Connect())->AddProductApplication(
        &context, request, &answered.response);
    answered.trailers = Received(answered.status, context).trailers;
    return answered;
  }
  // The same, while the test goes on. With many at a time gRPC 1.51's client may lose one: it reads
  // errno some calls after connect(), and abseil, which waits for a mutex for the first time, has
  // looked for a file in between. So a connection that fails is tried again.
  std::future<Answered> StartAdd() const {
    return std::async(std::launch::async, [this] {
      grpc::ClientContext context;
      context.set_deadline(std::chrono::system_clock::now() + kTestBound);
      context.set_wait_for_ready(true);
      return AddWith(context);
    });
  }

  // The value of a counter, 0 if it has none. `labels` as in `name="value"`.
  double Counter(const std::string& name, const std::vector<std::string>& labels) const {
    const std::vector<std::string> lines = absl::StrSplit(metrics.Text(), '\n');
    for (const std::string& line : lines) {
      if (!absl::StartsWith(line, name + "{")) continue;
      bool fits = true;
      for (const auto& label : labels) fits = fits && absl::StrContains(line, label);
      if (fits) return std::stod(line.substr(line.rfind(' ') + 1));
    }
    return 0;
  }

  std::unique_ptr<EventLoop> loop = *EventLoop::Create();
  LoopClock clock{*loop};
  const std::unique_ptr<RandomSource> random = MakeSystemRandom();
  TraceIds trace_ids{*random};
  ScriptedWriter writer{*loop, clock};
  RecordingLog log;
  Metrics metrics;
  ResponseMemory memory{*loop, size_t{64} * 1024 * 1024, metrics};
  CallPipeline pipeline;
  ScriptedReads reads{clock, *random};
  ProductApplicationService service{{}, {pipeline, writer, reads.reads, clock, log}};
  ProfileService profiles{{}, {pipeline, reads.writer, reads.reads, clock}};
  std::unique_ptr<GrpcServer> server;

 protected:
  // For a fixture that starts `server` itself.
  RpcFixture(CallPipeline::Options options, const AccessControl& access)
      : pipeline(options, {*loop, trace_ids, log, metrics, memory, access}) {}
};

}  // namespace gateway

#endif  // TESTS_INTEGRATION_RPC_RPC_FIXTURE_H_
