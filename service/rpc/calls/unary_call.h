#ifndef SERVICE_RPC_CALLS_UNARY_CALL_H_
#define SERVICE_RPC_CALLS_UNARY_CALL_H_

#include <grpcpp/grpcpp.h>

#include <cstddef>
#include <tuple>
#include <utility>

#include "service/rpc/calls/request_call.h"
#include "service/rpc/calls/tsan_annotations.h"
#include "service/rpc/response_truncation.h"

namespace gateway {

// For responses that are small whatever is in them.
template <typename Response>
ReplyTruncation AlwaysFits(Response& response, size_t /*max_bytes*/) {
  std::ignore = response.ByteSizeLong();  // the size is looked at later
  return ReplyTruncation::kNone;
}

// All that the pipeline has to know of a method with one request and one response. A constant.
template <typename Request, typename Response, typename Input>
struct UnaryMethod {
  RpcMethod rpc;
  typename RequestCall<Request, Input>::Validation validate;
  typename RequestCall<Request, Input>::ProductsOf products = nullptr;
  // Makes a response fit into `max_bytes`, and measures it. On the loop's thread or that of large
  // replies.
  ReplyTruncation (*truncate)(Response&, size_t max_bytes) = AlwaysFits<Response>;
};

// A call of such a method, as its handler sees it.
template <typename Request, typename Response, typename Input>
class UnaryCall final : public grpc::ServerUnaryReactor, public RequestCall<Request, Input> {
 public:
  using Method = UnaryMethod<Request, Response, Input>;

  UnaryCall(CallPipeline& pipeline, const Method& method, grpc::CallbackServerContext& grpc_context,
            const Request& request, Response& response)
      : RequestCall<Request, Input>(pipeline, method.rpc, method.validate, method.products,
                                    grpc_context, request),
        method_(method),
        response_(response) {
    AnnotateHappensBefore(this);
  }

  Response& response() { return response_; }

  void OnCancel() override {
    AnnotateHappensAfter(this);
    this->HandleCancel();
  }
  void OnDone() override {
    this->HandleDone();
    delete this;
  }
  // gRPC's word for reactions so short that they may run where their cause is noticed, instead of
  // on another thread that is woken up for them. It counts this as its own business, but nothing
  // else says so.
  bool InternalInlineable() override { return true; }

 private:
  ReplyTruncation FitReply(size_t max_bytes) override {
    return method_.truncate(response_, max_bytes);
  }
  size_t MeasureMemory() const override { return MemoryOfReply(response_); }
  void FinishWith(grpc::Status status) override { this->Finish(std::move(status)); }

  const Method& method_;
  Response& response_;
};

}  // namespace gateway

#endif  // SERVICE_RPC_CALLS_UNARY_CALL_H_
