#ifndef SERVICE_RPC_OPERATIONS_SERVICE_H_
#define SERVICE_RPC_OPERATIONS_SERVICE_H_

#include <grpcpp/grpcpp.h>

#include <string>

#include "passfort/gateway/operations/v1/operations_service.grpc.pb.h"
#include "service/base/clock.h"
#include "service/base/task.h"
#include "service/idempotency/settler.h"
#include "service/idempotency/store/record_store.h"
#include "service/rpc/calls/call_pipeline.h"
#include "service/rpc/operations_validation.h"

namespace gateway {

// What operators see and settle, as handlers of the pipeline.
//
// Outlives the server it is registered with.
class OperationsService final : public operations_pb::OperationsService::CallbackService {
 public:
  static constexpr const char* kName = operations_pb::OperationsService::service_full_name();

  struct Options {
    // How long after the end of an attempt Passfort may still execute it.
    Milliseconds settle_window{65000};
    Milliseconds store_timeout{5000};
  };

  // All of them outlive the service; all but `pipeline` are used on the loop's thread only.
  struct Dependencies {
    CallPipeline& pipeline;
    RecordStore& records;
    Settler& settler;
    Clock& clock;
  };

  OperationsService(Options options, Dependencies dependencies)
      : options_(options), dependencies_(dependencies) {}

  grpc::ServerUnaryReactor* ListUnresolvedRequests(
      grpc::CallbackServerContext* context,
      const operations_pb::ListUnresolvedRequestsRequest* request,
      operations_pb::ListUnresolvedRequestsResponse* response) override;
  grpc::ServerUnaryReactor* GetRequest(grpc::CallbackServerContext* context,
                                       const operations_pb::GetRequestRequest* request,
                                       operations_pb::GetRequestResponse* response) override;
  grpc::ServerUnaryReactor* SettleRequest(grpc::CallbackServerContext* context,
                                          const operations_pb::SettleRequestRequest* request,
                                          operations_pb::SettleRequestResponse* response) override;

 private:
  using ListCall =
      UnaryCall<operations_pb::ListUnresolvedRequestsRequest,
                operations_pb::ListUnresolvedRequestsResponse, RecordStore::UnresolvedQuery>;
  using GetCall =
      UnaryCall<operations_pb::GetRequestRequest, operations_pb::GetRequestResponse, std::string>;
  using SettleCall = UnaryCall<operations_pb::SettleRequestRequest,
                               operations_pb::SettleRequestResponse, SettlementDraft>;

  Task<CallResult> List(ListCall& call);
  Task<CallResult> Get(GetCall& call);
  Task<CallResult> Settle(SettleCall& call);
  // Whether the caller sees the record.
  bool MaySee(const Record& record, const GetCall& call) const;
  Deadline StoreDeadline(const CallContext& context) const;

  const Options options_;
  const Dependencies dependencies_;
};

}  // namespace gateway

#endif  // SERVICE_RPC_OPERATIONS_SERVICE_H_
