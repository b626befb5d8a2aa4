#ifndef SERVICE_RPC_PRODUCT_APPLICATION_SERVICE_H_
#define SERVICE_RPC_PRODUCT_APPLICATION_SERVICE_H_

#include <grpcpp/grpcpp.h>

#include "passfort/gateway/v1/product_application_service.grpc.pb.h"
#include "service/base/clock.h"
#include "service/base/deadline.h"
#include "service/base/task.h"
#include "service/observability/log.h"
#include "service/operations/application_writer.h"
#include "service/operations/resource_reads.h"
#include "service/rpc/calls/call_pipeline.h"

namespace gateway {

// The calls about product applications, as handlers of the pipeline.
//
// Outlives the server it is registered with.
class ProductApplicationService final : public pb::ProductApplicationService::CallbackService {
 public:
  static constexpr const char* kName = pb::ProductApplicationService::service_full_name();

  struct Options {
    // How long after the end of an attempt Passfort may still execute it.
    Milliseconds settle_window{65000};
  };

  // All of them outlive the service; all but `pipeline` and `log` are used on the loop's thread
  // only.
  struct Dependencies {
    CallPipeline& pipeline;
    ApplicationWriter& writer;
    ResourceReads& reads;
    Clock& clock;
    Log& log;
  };

  ProductApplicationService(Options options, Dependencies dependencies)
      : options_(options), dependencies_(dependencies) {}

  grpc::ServerUnaryReactor* AddProductApplication(
      grpc::CallbackServerContext* context, const pb::AddProductApplicationRequest* request,
      pb::AddProductApplicationResponse* response) override;
  grpc::ServerUnaryReactor* GetProductApplication(
      grpc::CallbackServerContext* context, const pb::GetProductApplicationRequest* request,
      pb::GetProductApplicationResponse* response) override;
  grpc::ServerUnaryReactor* ListProductApplications(
      grpc::CallbackServerContext* context, const pb::ListProductApplicationsRequest* request,
      pb::ListProductApplicationsResponse* response) override;

 private:
  using AddCall = UnaryCall<pb::AddProductApplicationRequest, pb::AddProductApplicationResponse,
                            ApplicationDraft>;
  using GetCall = UnaryCall<pb::GetProductApplicationRequest, pb::GetProductApplicationResponse,
                            ApplicationKey>;
  using ListCall = UnaryCall<pb::ListProductApplicationsRequest,
                             pb::ListProductApplicationsResponse, ApplicationQuery>;

  Task<CallResult> Get(GetCall& call);
  Task<CallResult> List(ListCall& call);
  Task<CallResult> Add(AddCall& call);
  CallResult FinishAdd(AddCall& call, WriteResult result);
  Reply ToReply(AddCall& call, WriteResult result);

  const Options options_;
  const Dependencies dependencies_;
};

}  // namespace gateway

#endif  // SERVICE_RPC_PRODUCT_APPLICATION_SERVICE_H_
