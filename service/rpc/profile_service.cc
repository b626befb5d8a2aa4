#include "service/rpc/profile_service.h"

#include <algorithm>
#include <cstdint>

#include "absl/strings/str_cat.h"
#include "service/rpc/outcome_to_grpc.h"
#include "service/rpc/product_mismatch.h"
#include "service/rpc/read_reply.h"
#include "service/rpc/request_validation.h"
#include "service/rpc/response_truncation.h"

namespace gateway {
namespace {

constexpr UnaryMethod<pb::CreateProfileRequest, pb::CreateProfileResponse, ProfileDraft>
    kCreateProfileCall = {.rpc = {.service = ProfileService::kName,
                                  .name = "CreateProfile",
                                  .effect = RpcMethod::Effect::kWrite},
                          .validate = ValidateCreateProfile,
                          .products = RequestedProducts,
                          .truncate = TruncateToFit};
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

// How many of the products that were asked for the profile surely shows no application for. Which
// is for which cannot always be told: a product may come without what it was asked for by.
int64_t CountMissing(const pb::CreateProfileRequest& request, const pb::Profile& profile) {
  const int64_t too_few = request.product_applications_size() - profile.product_applications_size();
  const int64_t without =
      std::ranges::count_if(request.product_applications(), [&profile](const auto& draft) {
        return std::ranges::all_of(profile.product_applications(),
                                   [&draft](const auto& application) {
                                     return IsOtherProduct(draft.product(), application.product());
                                   });
      });
  return std::max(too_few, without);
}

}  // namespace

grpc::ServerUnaryReactor* ProfileService::CreateProfile(grpc::CallbackServerContext* context,
                                                        const pb::CreateProfileRequest* request,
                                                        pb::CreateProfileResponse* response) {
  return dependencies_.pipeline.Start(kCreateProfileCall, *context, *request, *response,
                                      [this](CreateCall& call) { return Create(call); });
}

Task<CallResult> ProfileService::Create(CreateCall& call) {
  co_return FinishCreate(call, co_await dependencies_.writer.Create(
                                   call.TakeInput(), call.request_key(), call.context()));
}

// Whatever else the profile holds, the call is OK: it was made.
CallResult ProfileService::FinishCreate(CreateCall& call, CreateProfileResult result) {
  auto* const created = std::get_if<CreatedProfile>(&result.outcome);
  if (created == nullptr) {
    return std::make_unique<CallError>(
        ToCreateProfileError(result, {.request_id = call.request_id(),
                                      .caller = call.caller(),
                                      .now = dependencies_.clock.WallNow(),
                                      .settle_window = options_.executed_within}));
  }
  const bool is_replay = result.replay == Replay::kYes;
  if (is_replay) call.AddTrailer("gateway-replayed", "true");
  if (result.source == ResultSource::kSettled) call.AddTrailer("gateway-outcome", "settled");
  // The store knows no products, and what is there today says little about what was made.
  const int64_t missing = is_replay ? 0 : CountMissing(call.request(), *created->profile);
  if (missing > 0) call.AddTrailer("gateway-applications-missing", absl::StrCat(missing));
  call.ReplyWith(std::move(created->profile), *call.response().mutable_profile());
  return Reply{
      .outcome = is_replay ? "replayed" : "created",
      .truncation = result.is_truncated ? ReplyTruncation::kTruncated : ReplyTruncation::kNone,
      .retry_end = result.retry_end};
}

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
