#ifndef SERVICE_RPC_PROFILE_SERVICE_H_
#define SERVICE_RPC_PROFILE_SERVICE_H_

#include <grpcpp/grpcpp.h>

#include <string>

#include "passfort/gateway/v1/profile_service.grpc.pb.h"
#include "service/base/clock.h"
#include "service/base/task.h"
#include "service/operations/create_profile.h"
#include "service/operations/resource_reads.h"
#include "service/rpc/calls/call_pipeline.h"

namespace gateway {

// The calls about profiles, as handlers of the pipeline.
//
// Outlives the server it is registered with.
class ProfileService final : public pb::ProfileService::CallbackService {
 public:
  static constexpr const char* kName = pb::ProfileService::service_full_name();

  // All of them outlive the service; `writer`, `reads` and `clock` are used on the
  // loop's thread only.
  struct Dependencies {
    CallPipeline& pipeline;
    ProfileWriter& writer;
    ResourceReads& reads;
    Clock& clock;
  };

  struct Options {
    // How long after the moment in which it was sent Passfort may still execute a create.
    Milliseconds executed_within{130000};
  };

  ProfileService(Options options, Dependencies dependencies)
      : options_(options), dependencies_(dependencies) {}

  grpc::ServerUnaryReactor* CreateProfile(grpc::CallbackServerContext* context,
                                          const pb::CreateProfileRequest* request,
                                          pb::CreateProfileResponse* response) override;
  grpc::ServerUnaryReactor* GetProfile(grpc::CallbackServerContext* context,
                                       const pb::GetProfileRequest* request,
                                       pb::GetProfileResponse* response) override;

 private:
  using GetCall = UnaryCall<pb::GetProfileRequest, pb::GetProfileResponse, std::string>;

  using CreateCall = UnaryCall<pb::CreateProfileRequest, pb::CreateProfileResponse, ProfileDraft>;

  Task<CallResult> Create(CreateCall& call);
  CallResult FinishCreate(CreateCall& call, CreateProfileResult result);
  Task<CallResult> Get(GetCall& call);

  const Options options_;
  const Dependencies dependencies_;
};

}  // namespace gateway

#endif  // SERVICE_RPC_PROFILE_SERVICE_H_
