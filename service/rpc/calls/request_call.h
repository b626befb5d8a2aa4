#ifndef SERVICE_RPC_CALLS_REQUEST_CALL_H_
#define SERVICE_RPC_CALLS_REQUEST_CALL_H_

#include <grpcpp/grpcpp.h>

#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "service/rpc/calls/rpc_call.h"
#include "service/rpc/request_validation.h"

namespace gateway {

// A call with one request, whatever comes back.
template <typename Request, typename Input>
class RequestCall : public RpcCall {
 public:
  // What a valid request asks for, or all that is wrong with it. On gRPC's thread.
  using Validation = std::variant<Input, std::vector<FieldViolation>> (*)(const Request&);

  // What a valid request asks for applications for. Null: nothing, ever.
  using ProductsOf = std::vector<RequestedProduct> (*)(const Request&);

  const Request& request() const { return request_; }
  // What the validation made of it. Once.
  Input TakeInput() { return std::move(input_); }
  std::string_view request_id() const override {
    if constexpr (requires { request_.request_id(); }) return request_.request_id();
    return {};
  }

 protected:
  RequestCall(CallPipeline& pipeline, const RpcMethod& method, Validation validate,
              ProductsOf products, grpc::CallbackServerContext& grpc_context,
              const Request& request)
      : RpcCall(pipeline, method, grpc_context),
        validate_(validate),
        products_(products),
        request_(request) {}

 private:
  std::vector<FieldViolation> Validate() override {
    auto checked = validate_(request_);
    if (auto* violations = std::get_if<std::vector<FieldViolation>>(&checked)) {
      return std::move(*violations);
    }
    input_ = std::get<Input>(std::move(checked));
    return {};
  }

  std::vector<RequestedProduct> Products() const override {
    if (products_ == nullptr) return {};
    return products_(request_);
  }

  const Validation validate_;
  const ProductsOf products_;
  const Request& request_;
  Input input_;
};

}  // namespace gateway

#endif  // SERVICE_RPC_CALLS_REQUEST_CALL_H_
