#ifndef SERVICE_RPC_CALLS_UNARY_CALL_H_
#define SERVICE_RPC_CALLS_UNARY_CALL_H_

#include <grpcpp/grpcpp.h>

#include <cstddef>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "service/rpc/calls/rpc_call.h"
#include "service/rpc/calls/tsan_annotations.h"
#include "service/rpc/request_validation.h"
#include "service/rpc/response_truncation.h"

namespace gateway {

// For responses that are small whatever is in them.
template <typename Response>
ReplyTruncation AlwaysFits(Response& response, size_t /*max_bytes*/) {
  response.ByteSizeLong();  // the size is looked at later
  return ReplyTruncation::kNone;
}

// All that the pipeline has to know of a method with one request and one response. A constant.
template <typename Request, typename Response, typename Input>
struct UnaryMethod {
  RpcMethod rpc;
  // What a valid request asks for, or all that is wrong with it. On gRPC's thread.
  std::variant<Input, std::vector<FieldViolation>> (*validate)(const Request&);
  // Makes a response fit into `max_bytes`, and measures it. On the loop's thread.
  ReplyTruncation (*truncate)(Response&, size_t max_bytes) = AlwaysFits<Response>;
};

// A call of such a method, as its handler sees it.
template <typename Request, typename Response, typename Input>
class UnaryCall final : public grpc::ServerUnaryReactor, public RpcCall {
 public:
  using Method = UnaryMethod<Request, Response, Input>;

  UnaryCall(CallPipeline& pipeline, const Method& method, grpc::CallbackServerContext& grpc_context,
            const Request& request, Response& response)
      : RpcCall(pipeline, method.rpc, grpc_context),
        method_(method),
        request_(request),
        response_(response) {
    AnnotateHappensBefore(this);
  }

  const Request& request() const { return request_; }
  // What `validate` made of it. Once.
  Input TakeInput() { return std::move(input_); }
  Response& response() { return response_; }
  std::string_view request_id() const override {
    if constexpr (requires { request_.request_id(); }) return request_.request_id();
    return {};
  }

  void OnCancel() override {
    AnnotateHappensAfter(this);
    HandleCancel();
  }
  void OnDone() override {
    HandleDone();
    delete this;
  }
  // gRPC's word for reactions so short that they may run where their cause is noticed, instead of
  // on another thread that is woken up for them. It counts this as its own business, but nothing
  // else says so.
  bool InternalInlineable() override { return true; }

 private:
  std::vector<FieldViolation> Validate() override {
    auto checked = method_.validate(request_);
    if (auto* violations = std::get_if<std::vector<FieldViolation>>(&checked)) {
      return std::move(*violations);
    }
    input_ = std::get<Input>(std::move(checked));
    return {};
  }
  FittedReply FitReply(size_t max_bytes) override {
    const ReplyTruncation truncation = method_.truncate(response_, max_bytes);
    return {.truncation = truncation, .memory = MemoryOfReply(response_)};
  }
  void FinishWith(grpc::Status status) override { Finish(std::move(status)); }

  const Method& method_;
  const Request& request_;
  Response& response_;
  Input input_;
};

}  // namespace gateway

#endif  // SERVICE_RPC_CALLS_UNARY_CALL_H_
