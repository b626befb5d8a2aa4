// bench-floor RESPONSE_FILE
//
// The least that the gateway's contract can cost: the same gRPC library in the same way (callback
// API), but the response comes from memory. What the gateway needs above this is its own work.

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <iostream>
#include <optional>
#include <utility>

#include "passfort/gateway/v1/product_application_service.grpc.pb.h"
#include "tests/benchmark/peer_server.h"

namespace gateway::benchmark {
namespace {

class FloorService final : public pb::ProductApplicationService::CallbackService {
 public:
  explicit FloorService(pb::ProductApplication application)
      : application_(std::move(application)) {}

  grpc::ServerUnaryReactor* AddProductApplication(
      grpc::CallbackServerContext* context, const pb::AddProductApplicationRequest* /*request*/,
      pb::AddProductApplicationResponse* response) override {
    *response->mutable_product_application() = application_;
    answered_.fetch_add(1, std::memory_order_relaxed);
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }

  const AnsweredCalls& answered() const { return answered_; }

 private:
  const pb::ProductApplication application_;
  AnsweredCalls answered_ = 0;
};

int Main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: bench-floor RESPONSE_FILE\n";
    return 2;
  }
  std::optional<pb::ProductApplication> application = ProductApplicationInFile(argv[1]);
  if (!application) {
    std::cerr << argv[1] << " holds no JSON object\n";
    return 1;
  }
  FloorService service(*std::move(application));
  grpc::ServerBuilder builder;
  return ServeUntilSignal(builder, service, service.answered());
}

}  // namespace
}  // namespace gateway::benchmark

int main(int argc, char** argv) { return gateway::benchmark::Main(argc, argv); }
