// A server and a client with the patched gRPC in one process: a hundred calls, and some that are
// cancelled. Objects that do not fit the rest of the library crash here, rather than in front of
// callers.
//
// Exit codes: 0 all is well; 1 a call went wrong, or this is Debian's gRPC without the patch.

#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>

#include <chrono>
#include <cstdio>
#include <memory>
#include <string>

extern "C" const char kPassfortGatewayGrpcPatch[] __attribute__((weak));

namespace {

constexpr int kCalls = 100;
constexpr std::chrono::seconds kCallTime{10};

enum class Ending { kAnswered, kCancelled };

grpc::StatusCode Check(grpc::GenericStub& stub, Ending ending) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kCallTime);
  context.AddMetadata("long", std::string(4000, 'x'));
  const grpc::Slice empty_request;
  grpc::CompletionQueue queue;
  const auto call = stub.PrepareUnaryCall(&context, "/grpc.health.v1.Health/Check",
                                          grpc::ByteBuffer(&empty_request, 1), &queue);
  call->StartCall();
  grpc::ByteBuffer response;
  grpc::Status status;
  call->Finish(&response, &status, nullptr);
  if (ending == Ending::kCancelled) context.TryCancel();
  void* tag = nullptr;
  bool ok = false;
  queue.Next(&tag, &ok);
  return status.error_code();
}

int Fail(const char* what) {
  std::fprintf(stderr, "smoke call with the patched gRPC: %s\n", what);
  return 1;
}

}  // namespace

int main() {
  if (kPassfortGatewayGrpcPatch == nullptr)
    return Fail("the program is linked to a gRPC without the patch");
  grpc::EnableDefaultHealthCheckService(true);
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  // As the gateway does. Health alone does not make a server.
  grpc::CallbackGenericService other_methods;
  builder.RegisterCallbackGenericService(&other_methods);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kCalls);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr || port == 0) return Fail("no port on loopback");

  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  const auto channel = grpc::CreateCustomChannel("127.0.0.1:" + std::to_string(port),
                                                 grpc::InsecureChannelCredentials(), arguments);
  grpc::GenericStub stub(channel);
  for (int i = 0; i < kCalls; ++i) {
    Check(stub, Ending::kCancelled);
    if (Check(stub, Ending::kAnswered) != grpc::StatusCode::OK) return Fail("a call went wrong");
  }
  server->Shutdown();
  return 0;
}
