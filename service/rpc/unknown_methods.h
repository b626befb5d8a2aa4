#ifndef SERVICE_RPC_UNKNOWN_METHODS_H_
#define SERVICE_RPC_UNKNOWN_METHODS_H_

#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/grpcpp.h>

#include <chrono>
#include <optional>

#include "service/rpc/access/access_control.h"
#include "service/rpc/access/admitted_caller.h"
#include "service/rpc/access/caller_limits.h"
#include "service/rpc/calls/call_line.h"
#include "service/rpc/calls/call_metrics.h"
#include "service/rpc/calls/call_trace.h"
#include "service/rpc/error_catalog.h"
#include "service/rpc/outcome_to_grpc.h"

namespace gateway {

// Answers calls to methods that do not exist; gRPC's own answer has no details. Of what is counted
// of every call it counts the failure, since it knows the caller.
class UnknownMethods final : public grpc::CallbackGenericService {
 public:
  // Both outlive the server. Without `log` the calls have no lines.
  UnknownMethods(const AccessControl& access, const CallMetrics& metrics,
                 std::optional<CallLog> log)
      : access_(access), metrics_(metrics), log_(log) {}

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
    const auto arrived_at = std::chrono::steady_clock::now();
    std::optional<TraceContext> trace;
    if (log_) trace = TraceOf(context.client_metadata(), log_->trace_ids);
    const std::string_view trace_id = trace ? trace->trace_id() : std::string_view();
    AdmittedCaller caller;
    auto denial =
        access_.AdmitUnknown(context, {.path = context.method(), .trace_id = trace_id}, caller);
    // They count as other calls do, or a caller could make any number of them.
    if (!denial && caller.entry != nullptr) denial = CheckRate(*caller.entry, arrived_at);
    const CallError error = denial ? *std::move(denial) : UnknownMethodError();
    metrics_.failed.Increment({kUnknownMethodLabel, GrpcCodeName(error.status.error_code()),
                               error.reason, caller.identity.name});
    // Without the path, which may be anything.
    if (log_) {
      LogFailedCall({.method = kUnknownMethodLabel,
                     .error = error,
                     .took = std::chrono::steady_clock::now() - arrived_at,
                     .trace_id = trace_id,
                     .caller = caller},
                    log_->log);
    }
    return error;
  }

  const AccessControl& access_;
  const CallMetrics& metrics_;
  const std::optional<CallLog> log_;
};

}  // namespace gateway

#endif  // SERVICE_RPC_UNKNOWN_METHODS_H_
