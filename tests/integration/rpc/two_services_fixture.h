#ifndef TESTS_INTEGRATION_RPC_TWO_SERVICES_FIXTURE_H_
#define TESTS_INTEGRATION_RPC_TWO_SERVICES_FIXTURE_H_

#include <grpcpp/grpcpp.h>

#include <functional>
#include <future>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/integration/rpc/echo_service.h"
#include "tests/integration/rpc/rpc_fixture.h"

namespace gateway {

inline constexpr char kTraceId[] = "4bf92f3577b34da6a3ce929d0e0e4736";
inline constexpr char kTraceparent[] = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

inline CallPipeline::Options RoomForOneCall() {
  auto options = SomeOptions();
  options.max_in_flight = 1;
  return options;
}

struct Echoed {
  grpc::Status status;
  std::multimap<std::string, std::string> trailers;
  std::string text;

  ReceivedError error() const { return {.status = status, .trailers = trailers}; }
};

struct Repeated {
  grpc::Status status;
  std::multimap<std::string, std::string> trailers;
  std::vector<std::string> texts;

  ReceivedError error() const { return {.status = status, .trailers = trailers}; }
};

// A server with the product's own service and one more.
class TwoServices : public RpcFixture {
 public:
  explicit TwoServices(CallPipeline::Options options = SomeOptions())
      : RpcFixture(options, AccessControl::ForLocalCallers()) {
    server = *GrpcServer::Start(
        SomeServerOptions(),
        {{ProductApplicationService::kName, service}, {EchoService::kName, echo}}, pipeline, *loop,
        metrics);
  }
  // The server calls `echo`.
  ~TwoServices() { server.reset(); }

  Echoed Echo(const std::string& text = "hello") const {
    test_pb::EchoRequest request;
    request.set_text(text);
    test_pb::EchoResponse response;
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + kTestBound);
    context.AddMetadata("traceparent", kTraceparent);
    Echoed echoed;
    echoed.status = test_pb::EchoService::NewStub(Connect())->Echo(&context, request, &response);
    echoed.trailers = Received(echoed.status, context).trailers;
    echoed.text = response.text();
    return echoed;
  }
  // All that a stream brings. `on_message` is called after each message.
  Repeated Repeat(
      const test_pb::RepeatRequest& request,
      const std::function<void(grpc::ClientContext&)>& on_message = [](auto&) {}) const {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + kTestBound);
    context.AddMetadata("traceparent", kTraceparent);
    const auto stub = test_pb::EchoService::NewStub(Connect());
    const auto reader = stub->Repeat(&context, request);
    Repeated repeated;
    test_pb::EchoResponse message;
    while (reader->Read(&message)) {
      repeated.texts.push_back(message.text());
      on_message(context);
    }
    repeated.status = reader->Finish();
    repeated.trailers = Received(repeated.status, context).trailers;
    return repeated;
  }
  std::future<Repeated> StartRepeat(const test_pb::RepeatRequest& request) const {
    return std::async(std::launch::async, [this, request] { return Repeat(request); });
  }
  std::future<Echoed> StartEcho() const {
    return std::async(std::launch::async, [this] { return Echo(); });
  }

  EchoService echo{pipeline, *loop, clock};
};

}  // namespace gateway

#endif  // TESTS_INTEGRATION_RPC_TWO_SERVICES_FIXTURE_H_
