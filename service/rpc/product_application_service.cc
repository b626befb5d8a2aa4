#include "service/rpc/product_application_service.h"

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "service/rpc/outcome_to_grpc.h"
#include "service/rpc/product_mismatch.h"
#include "service/rpc/read_reply.h"
#include "service/rpc/request_validation.h"
#include "service/rpc/response_truncation.h"

namespace gateway {
namespace {

constexpr UnaryMethod<pb::AddProductApplicationRequest, pb::AddProductApplicationResponse,
                      ApplicationDraft>
    kAddProductApplication = {.rpc = {.service = ProductApplicationService::kName,
                                      .name = "AddProductApplication",
                                      .effect = RpcMethod::Effect::kWrite},
                              .validate = ValidateRequest,
                              .products = RequestedProducts,
                              .truncate = TruncateToFit};

constexpr UnaryMethod<pb::GetProductApplicationRequest, pb::GetProductApplicationResponse,
                      ApplicationKey>
    kGetProductApplication = {.rpc = {.service = ProductApplicationService::kName,
                                      .name = "GetProductApplication",
                                      .effect = RpcMethod::Effect::kRead},
                              .validate = ValidateGet,
                              .truncate = TruncateToFit};
constexpr ReadWords kGetWords = {
    .object = "the application",
    .not_found = "no such profile or application, or it is not visible to the gateway's API key",
    .check = "Check profile_id and product_application_id."};

constexpr UnaryMethod<pb::ListProductApplicationsRequest, pb::ListProductApplicationsResponse,
                      ApplicationQuery>
    kListProductApplications = {.rpc = {.service = ProductApplicationService::kName,
                                        .name = "ListProductApplications",
                                        .effect = RpcMethod::Effect::kRead},
                                .validate = ValidateList,
                                .truncate = TruncateToFit};
constexpr ReadWords kListWords = {
    .object = "the list of the profile's applications",
    .not_found = "no such profile, or it is not visible to the gateway's API key",
    .check = "Check profile_id."};

// Of an OK that is not the first answer to the first call.
constexpr std::string_view kReplayedTrailer = "gateway-replayed";
constexpr std::string_view kOutcomeTrailer = "gateway-outcome";

std::string_view SourceName(WriteResult::Source source) {
  switch (source) {
    case WriteResult::Source::kReceived:
      return "created";
    case WriteResult::Source::kReconciled:
      return "reconciled";
    case WriteResult::Source::kExisting:
      return "existing";
    case WriteResult::Source::kSettled:
      return "settled";
  }
  return "created";
}

}  // namespace

grpc::ServerUnaryReactor* ProductApplicationService::AddProductApplication(
    grpc::CallbackServerContext* context, const pb::AddProductApplicationRequest* request,
    pb::AddProductApplicationResponse* response) {
  return dependencies_.pipeline.Start(kAddProductApplication, *context, *request, *response,
                                      [this](AddCall& call) { return Add(call); });
}

grpc::ServerUnaryReactor* ProductApplicationService::GetProductApplication(
    grpc::CallbackServerContext* context, const pb::GetProductApplicationRequest* request,
    pb::GetProductApplicationResponse* response) {
  return dependencies_.pipeline.Start(kGetProductApplication, *context, *request, *response,
                                      [this](GetCall& call) { return Get(call); });
}

grpc::ServerUnaryReactor* ProductApplicationService::ListProductApplications(
    grpc::CallbackServerContext* context, const pb::ListProductApplicationsRequest* request,
    pb::ListProductApplicationsResponse* response) {
  return dependencies_.pipeline.Start(kListProductApplications, *context, *request, *response,
                                      [this](ListCall& call) { return List(call); });
}

Task<CallResult> ProductApplicationService::Get(GetCall& call) {
  co_return EndRead(call,
                    co_await dependencies_.reads.GetApplication(call.TakeInput(), call.context()),
                    *call.response().mutable_product_application(), kGetWords);
}

Task<CallResult> ProductApplicationService::List(ListCall& call) {
  co_return EndRead(call,
                    co_await dependencies_.reads.ListApplications(call.TakeInput(), call.context()),
                    call.response(), kListWords);
}

Task<CallResult> ProductApplicationService::Add(AddCall& call) {
  // One expression, because what has a name here takes memory while the call waits.
  co_return FinishAdd(call, co_await dependencies_.writer.Add(call.TakeInput(), call.request_key(),
                                                              call.context()));
}

CallResult ProductApplicationService::FinishAdd(AddCall& call, WriteResult result) {
  if (std::holds_alternative<Done>(result.outcome)) return ToReply(call, std::move(result));
  return std::make_unique<CallError>(
      ToCallError(result, {.request_id = call.request_id(),
                           .caller = call.caller(),
                           .now = dependencies_.clock.WallNow(),
                           .settle_window = options_.settle_window}));
}

// Whatever else the application holds, the call is OK: it was made.
Reply ProductApplicationService::ToReply(AddCall& call, WriteResult result) {
  Done& done = std::get<Done>(result.outcome);
  if (IsOtherProduct(call.request().product(), done.application->product())) {
    call.AddTrailer("gateway-product-mismatch", "true");
    dependencies_.log.Warn(
        "Passfort returned a different product than the caller gave",
        {{"method", kAddProductApplication.rpc.name}, {"trace_id", call.context().trace_id()}});
  }
  const bool is_replay = result.replay == WriteResult::Replay::kYes;
  if (is_replay) call.AddTrailer(kReplayedTrailer, "true");
  if (result.source != WriteResult::Source::kReceived) {
    call.AddTrailer(kOutcomeTrailer, SourceName(result.source));
  }
  call.ReplyWith(std::move(done.application), *call.response().mutable_product_application());
  return {.outcome = is_replay ? "replayed" : SourceName(result.source),
          .truncation = result.is_truncated ? ReplyTruncation::kTruncated : ReplyTruncation::kNone,
          .retry_end = result.retry_end};
}

}  // namespace gateway
