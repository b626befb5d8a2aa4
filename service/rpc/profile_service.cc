#include "service/rpc/profile_service.h"

#include "service/rpc/read_reply.h"
#include "service/rpc/request_validation.h"
#include "service/rpc/response_truncation.h"

namespace gateway {
namespace {

constexpr UnaryMethod<pb::GetProfileRequest, pb::GetProfileResponse, std::string> kGetProfileCall =
    {.rpc = {.service = ProfileService::kName,
             .name = "GetProfile",
             .effect = RpcMethod::Effect::kRead},
     .validate = ValidateGetProfile,
     .truncate = TruncateToFit};
constexpr ReadWords kGetWords = {
    .object = "the profile",
    .not_found = "no such profile, or it is not visible to the gateway's API key",
    .check = "Check profile_id."};

}  // namespace

grpc::ServerUnaryReactor* ProfileService::GetProfile(grpc::CallbackServerContext* context,
                                                     const pb::GetProfileRequest* request,
                                                     pb::GetProfileResponse* response) {
  return dependencies_.pipeline.Start(kGetProfileCall, *context, *request, *response,
                                      [this](GetCall& call) { return Get(call); });
}

Task<CallResult> ProfileService::Get(GetCall& call) {
  co_return EndRead(call, co_await dependencies_.reads.GetProfile(call.TakeInput(), call.context()),
                    *call.response().mutable_profile(), kGetWords);
}

}  // namespace gateway
