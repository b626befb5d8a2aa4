#ifndef SERVICE_RPC_UNKNOWN_METHODS_H_
#define SERVICE_RPC_UNKNOWN_METHODS_H_

#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/grpcpp.h>

#include "service/rpc/access/access_control.h"
#include "service/rpc/access/admitted_caller.h"
#include "service/rpc/calls/call_metrics.h"
#include "service/rpc/error_catalog.h"
#include "service/rpc/outcome_to_grpc.h"

namespace gateway {

// Answers calls to methods that do not exist; gRPC's own answer has no details. Of what is counted
// of every call it counts the failure, since it knows the caller.
class UnknownMethods final : public grpc::CallbackGenericService {
 public:
  // Both outlive the server.
  UnknownMethods(const AccessControl& access, const CallMetrics& metrics)
      : access_(access), metrics_(metrics) {}

  grpc::ServerGenericBidiReactor* CreateReactor(
      grpc::GenericCallbackServerContext* context) override {
    class Refusal final : public grpc::ServerGenericBidiReactor {
     public:
      Refusal(grpc::GenericCallbackServerContext& context, const CallError& error) {
        for (const auto& [name, value] : error.trailers) context.AddTrailingMetadata(name, value);
        Finish(error.status);
      }
      void OnDone() override { delete this; }
    };
    return new Refusal(*context, Refuse(*context));  // frees itself in OnDone
  }

 private:
  CallError Refuse(const grpc::GenericCallbackServerContext& context) const {
    AdmittedCaller caller;
    if (auto denial = access_.AdmitUnknown(context, context.method(), caller)) return *denial;
    CallError error = UnknownMethodError();
    metrics_.failed.Increment({kUnknownMethodLabel, GrpcCodeName(error.status.error_code()),
                               error.reason, caller.identity.name});
    return error;
  }

  const AccessControl& access_;
  const CallMetrics& metrics_;
};

}  // namespace gateway

#endif  // SERVICE_RPC_UNKNOWN_METHODS_H_
