#include <gmock/gmock.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <csignal>
#include <future>
#include <memory>
#include <vector>

#include "service/rpc/calls/tsan_annotations.h"
#include "tests/fake_passfort/fake_passfort.h"
#include "tests/support/gateway_caller.h"
#include "tests/support/gateway_process.h"

namespace gateway {
namespace {

// One stream of reflection that asks nothing and stays open.
class ReflectionStream final : public grpc::ClientBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer> {
 public:
  explicit ReflectionStream(const std::shared_ptr<grpc::Channel>& channel) : stub_(channel) {
    stub_.PrepareBidiStreamingCall(
        &context_, "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", {}, this);
    context_.set_deadline(std::chrono::system_clock::now() + kCallBound);
    AnnotateHappensBefore(this);
    StartRead(&answer_);
    StartCall();
  }
  // How it ended.
  grpc::Status Wait() { return ended_.get_future().get(); }

  void OnDone(const grpc::Status& status) override {
    AnnotateHappensAfter(this);
    ended_.set_value(status);
  }

 private:
  grpc::GenericStub stub_;
  grpc::ClientContext context_;
  grpc::ByteBuffer answer_;
  std::promise<grpc::Status> ended_;
};

TEST(ReflectionTest, CanBeSwitchedOff) {
  const GatewayProcess gateway(
      {.api_url = "http://127.0.0.1:1/4.0", .flags = {"--reflection=off"}});
  const GatewayCaller caller(gateway.target());
  const grpc::Status status = ReflectionStream(caller.channel()).Wait();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNIMPLEMENTED);
  EXPECT_EQ(ReasonOf(status), "UNKNOWN_METHOD");
}

// Each took a thread; with 5,000 of them the process had none left, and never ended.
TEST(ReflectionTest, ManyStreamsTakeFewThreadsAndHinderNothing) {
  constexpr int kStreams = 300;
  constexpr int kServed = 8;
  constexpr int kMaxThreads = 60;
  FakePassfort passfort;
  GatewayProcess gateway({.api_url = passfort.url()});
  const GatewayCaller caller(gateway.target());
  std::vector<std::unique_ptr<ReflectionStream>> streams;
  for (int i = 0; i < kStreams; ++i) {
    streams.push_back(std::make_unique<ReflectionStream>(caller.channel()));
  }
  const auto bound = std::chrono::steady_clock::now() + kProcessBound;
  while (gateway.Counter("grpc_server_handled_total", {"ServerReflection"}) < kStreams - kServed) {
    ASSERT_LT(std::chrono::steady_clock::now(), bound) << "waited for refusals";
  }
  EXPECT_LT(gateway.Threads(), kMaxThreads);
  EXPECT_TRUE(caller.Add().status.ok());

  gateway.Signal(SIGTERM);
  EXPECT_EQ(gateway.WaitForExit(), 0);
  for (const auto& stream : streams) EXPECT_FALSE(stream->Wait().ok());
}

}  // namespace
}  // namespace gateway
