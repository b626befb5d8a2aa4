#ifndef TESTS_INTEGRATION_RPC_ECHO_SERVICE_H_
#define TESTS_INTEGRATION_RPC_ECHO_SERVICE_H_

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <memory>
#include <semaphore>
#include <stop_token>
#include <string>
#include <variant>
#include <vector>

#include "service/base/clock.h"
#include "service/base/event_loop.h"
#include "service/base/task.h"
#include "service/rpc/calls/call_pipeline.h"
#include "tests/integration/rpc/echo_service.grpc.pb.h"
#include "tests/integration/rpc/scripted_writer.h"

namespace gateway {

namespace test_pb = ::passfort::gateway::test::v1;

inline std::variant<std::string, std::vector<FieldViolation>> ValidateEcho(
    const test_pb::EchoRequest& request) {
  if (!request.text().empty()) return request.text();
  return std::vector<FieldViolation>{{.field = "text", .description = "is required"}};
}

inline constexpr UnaryMethod<test_pb::EchoRequest, test_pb::EchoResponse, std::string> kEcho = {
    .rpc = {.service = test_pb::EchoService::service_full_name(),
            .name = "Echo",
            .effect = RpcMethod::Effect::kRead},
    .validate = ValidateEcho};

inline std::variant<test_pb::RepeatRequest, std::vector<FieldViolation>> ValidateRepeat(
    const test_pb::RepeatRequest& request) {
  if (!request.text().empty()) return request;
  return std::vector<FieldViolation>{{.field = "text", .description = "is required"}};
}

inline constexpr StreamMethod<test_pb::RepeatRequest, test_pb::EchoResponse, test_pb::RepeatRequest>
    kRepeat = {.rpc = {.service = test_pb::EchoService::service_full_name(),
                       .name = "Repeat",
                       .effect = RpcMethod::Effect::kRead},
               .validate = ValidateRepeat};

// What a further RPC takes: a method, and a handler that knows nothing of limits, log and metrics.
// It answers with the text, once it is released.
class EchoService final : public test_pb::EchoService::CallbackService {
 public:
  static constexpr const char* kName = test_pb::EchoService::service_full_name();

  EchoService(CallPipeline& pipeline, EventLoop& loop, Clock& clock)
      : pipeline_(pipeline), loop_(loop), clock_(clock) {}

  grpc::ServerUnaryReactor* Echo(grpc::CallbackServerContext* context,
                                 const test_pb::EchoRequest* request,
                                 test_pb::EchoResponse* response) override {
    return pipeline_.Start(kEcho, *context, *request, *response,
                           [this](auto& call) { return Answer(call); });
  }

  grpc::ServerWriteReactor<test_pb::EchoResponse>* Repeat(
      grpc::CallbackServerContext* context, const test_pb::RepeatRequest* request) override {
    return pipeline_.Start(kRepeat, *context, *request,
                           [this](auto& call) { return SendAll(call); });
  }

  // Any thread but the loop's: until a call has come to the handler, each call once.
  void WaitUntilAsked() { EXPECT_TRUE(asked_.try_acquire_for(kTestBound)); }
  // Any thread: calls, and those to come, are answered.
  void Release() {
    loop_.Post([this] { release_.request_stop(); });
  }

 private:
  Task<CallResult> Answer(
      UnaryCall<test_pb::EchoRequest, test_pb::EchoResponse, std::string>& call) {
    asked_.release();
    co_await WaitForRelease(call.context());
    if (call.context().stop.stop_requested()) {
      co_return std::make_unique<CallError>(DrainingError(call.request_id()));
    }
    call.response().set_text(call.TakeInput());
    co_return Reply{};
  }

  Task<CallResult> SendAll(
      StreamCall<test_pb::RepeatRequest, test_pb::EchoResponse, test_pb::RepeatRequest>& call) {
    const test_pb::RepeatRequest asked = call.TakeInput();
    asked_.release();
    test_pb::EchoResponse message;
    message.set_text(asked.text());
    for (int i = 0; i < asked.times(); ++i) {
      if (!co_await call.Write(message)) co_return EndOf(call);
    }
    if (asked.waits()) co_await WaitForRelease(call.context());
    if (asked.fails() || !release_.stop_requested()) co_return EndOf(call);
    co_return Reply{};
  }

  // Stopped by its caller or by a drain, out of time, or failed.
  std::unique_ptr<CallError> EndOf(const RpcCall& call) {
    NotExecuted end{.cause = NotExecuted::Cause::kUnreachable};
    if (call.context().stop.stop_requested()) {
      end.cause = NotExecuted::Cause::kStopped;
    } else if (call.context().deadline.HasPassed(clock_.Now())) {
      end.cause = NotExecuted::Cause::kNoTimeLeft;
    }
    return std::make_unique<CallError>(
        ToCallError({.outcome = end}, {.caller = call.caller(), .now = clock_.WallNow()}));
  }

  Task<void> WaitForRelease(const CallContext& context) {
    std::stop_source either;
    const std::stop_callback on_stop(context.stop, [&either] { either.request_stop(); });
    const std::stop_callback on_release(release_.get_token(), [&either] { either.request_stop(); });
    co_await clock_.SleepUntil(context.deadline.at(), either.get_token());
  }

  CallPipeline& pipeline_;
  EventLoop& loop_;
  Clock& clock_;
  std::counting_semaphore<> asked_{0};
  std::stop_source release_;  // loop thread only
};

}  // namespace gateway

#endif  // TESTS_INTEGRATION_RPC_ECHO_SERVICE_H_
