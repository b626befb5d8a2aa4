#ifndef SERVICE_RPC_UNKNOWN_METHODS_H_
#define SERVICE_RPC_UNKNOWN_METHODS_H_

#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/grpcpp.h>

#include "service/rpc/access/access_control.h"
#include "service/rpc/outcome_to_grpc.h"

namespace gateway {

// Answers calls to methods that do not exist; gRPC's own answer has no details.
class UnknownMethods final : public grpc::CallbackGenericService {
 public:
  explicit UnknownMethods(const AccessControl& access) : access_(access) {}

  grpc::ServerGenericBidiReactor* CreateReactor(
      grpc::GenericCallbackServerContext* context) override {
    class Refusal final : public grpc::ServerGenericBidiReactor {
     public:
      Refusal(grpc::GenericCallbackServerContext& context, const AccessControl& access) {
        const CallError error =
            access.AdmitUnknown(context, context.method()).value_or(UnknownMethodError());
        for (const auto& [name, value] : error.trailers) context.AddTrailingMetadata(name, value);
        Finish(error.status);
      }
      void OnDone() override { delete this; }
    };
    return new Refusal(*context, access_);  // frees itself in OnDone
  }

 private:
  const AccessControl& access_;
};

}  // namespace gateway

#endif  // SERVICE_RPC_UNKNOWN_METHODS_H_
