#ifndef SERVICE_RPC_PROFILE_SERVICE_H_
#define SERVICE_RPC_PROFILE_SERVICE_H_

#include <grpcpp/grpcpp.h>

#include <string>

#include "passfort/gateway/v1/profile_service.grpc.pb.h"
#include "service/base/task.h"
#include "service/operations/resource_reads.h"
#include "service/rpc/calls/call_pipeline.h"

namespace gateway {

// The calls about profiles, as handlers of the pipeline.
//
// Outlives the server it is registered with.
class ProfileService final : public pb::ProfileService::CallbackService {
 public:
  static constexpr const char* kName = pb::ProfileService::service_full_name();

  // All of them outlive the service; `reads` is used on the loop's thread only.
  struct Dependencies {
    CallPipeline& pipeline;
    ResourceReads& reads;
  };

  explicit ProfileService(Dependencies dependencies) : dependencies_(dependencies) {}

  grpc::ServerUnaryReactor* GetProfile(grpc::CallbackServerContext* context,
                                       const pb::GetProfileRequest* request,
                                       pb::GetProfileResponse* response) override;

 private:
  using GetCall = UnaryCall<pb::GetProfileRequest, pb::GetProfileResponse, std::string>;

  Task<CallResult> Get(GetCall& call);

  const Dependencies dependencies_;
};

}  // namespace gateway

#endif  // SERVICE_RPC_PROFILE_SERVICE_H_
