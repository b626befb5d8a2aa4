#include "service/rpc/operations_service.h"

#include <iterator>
#include <memory>
#include <string_view>
#include <utility>
#include <variant>

#include "service/rpc/operations_reply.h"

namespace gateway {
namespace {

// None of them writes to Passfort.
constexpr UnaryMethod<operations_pb::ListUnresolvedRequestsRequest,
                      operations_pb::ListUnresolvedRequestsResponse, RecordStore::UnresolvedQuery>
    kListCall = {.rpc = {.service = OperationsService::kName,
                         .name = "ListUnresolvedRequests",
                         .effect = RpcMethod::Effect::kRead},
                 .validate = ValidateListUnresolved};
constexpr UnaryMethod<operations_pb::GetRequestRequest, operations_pb::GetRequestResponse,
                      std::string>
    kGetCall = {.rpc = {.service = OperationsService::kName,
                        .name = "GetRequest",
                        .effect = RpcMethod::Effect::kRead},
                .validate = ValidateGetRequest};
constexpr UnaryMethod<operations_pb::SettleRequestRequest, operations_pb::SettleRequestResponse,
                      SettlementDraft>
    kSettleCall = {.rpc = {.service = OperationsService::kName,
                           .name = "SettleRequest",
                           .effect = RpcMethod::Effect::kRead},
                   .validate = ValidateSettleRequest};

// Whom the policy lets call it sees the records of all callers.
constexpr std::string_view kSeesAllPath =
    "/passfort.gateway.operations.v1.OperationsService/ListUnresolvedRequests";

CallResult ToResult(CallError error) { return std::make_unique<CallError>(std::move(error)); }

// The caller's name in the callers file, or else its principal, or what it is called without one.
std::string NameOf(const RpcCall& call) {
  const RequestKey key = call.request_key();
  if (const auto name = CallerName(key.caller)) return std::string(*name);
  return key.caller.empty() ? call.identity().name : key.caller;
}

}  // namespace

grpc::ServerUnaryReactor* OperationsService::ListUnresolvedRequests(
    grpc::CallbackServerContext* context,
    const operations_pb::ListUnresolvedRequestsRequest* request,
    operations_pb::ListUnresolvedRequestsResponse* response) {
  return dependencies_.pipeline.Start(kListCall, *context, *request, *response,
                                      [this](ListCall& call) { return List(call); });
}

grpc::ServerUnaryReactor* OperationsService::GetRequest(
    grpc::CallbackServerContext* context, const operations_pb::GetRequestRequest* request,
    operations_pb::GetRequestResponse* response) {
  return dependencies_.pipeline.Start(kGetCall, *context, *request, *response,
                                      [this](GetCall& call) { return Get(call); });
}

grpc::ServerUnaryReactor* OperationsService::SettleRequest(
    grpc::CallbackServerContext* context, const operations_pb::SettleRequestRequest* request,
    operations_pb::SettleRequestResponse* response) {
  return dependencies_.pipeline.Start(kSettleCall, *context, *request, *response,
                                      [this](SettleCall& call) { return Settle(call); });
}

Task<CallResult> OperationsService::List(ListCall& call) {
  RecordStore::UnresolvedQuery query = call.TakeInput();
  const int limit = query.limit;
  const auto page = co_await dependencies_.records.ListUnresolved(std::move(query),
                                                                  StoreDeadline(call.context()));
  if (!page.ok()) co_return ToResult(StoreError(page.status()));
  for (const Record& record : *page) {
    *call.response().add_requests() =
        ToRequest(record, dependencies_.clock.WallNow(), options_.settle_window);
  }
  if (std::ssize(*page) == limit) {
    call.response().set_next_page_token(PageTokenAfter(page->back(), call.request().state()));
  }
  co_return Reply{};
}

Task<CallResult> OperationsService::Get(GetCall& call) {
  const auto found =
      co_await dependencies_.records.Find(call.TakeInput(), StoreDeadline(call.context()));
  if (!found.ok()) co_return ToResult(StoreError(found.status()));
  if (!found->has_value() || !MaySee(**found, call)) {
    co_return ToResult(RequestNotFoundError(call.request_id()));
  }
  *call.response().mutable_request() =
      ToRequest(**found, dependencies_.clock.WallNow(), options_.settle_window);
  co_return Reply{};
}

Task<CallResult> OperationsService::Settle(SettleCall& call) {
  SettlementDraft draft = call.TakeInput();
  const bool is_executed = draft.word.is_executed();
  draft.word.name = NameOf(call);
  const SettlementResult result =
      co_await dependencies_.settler.Settle(std::move(draft.request_id), std::move(draft.operation),
                                            std::move(draft.word), call.context());
  const auto* const settled = std::get_if<SettledRecord>(&result);
  if (settled == nullptr) {
    co_return ToResult(ToSettlementError(result, {.request_id = call.request_id(),
                                                  .caller = call.caller(),
                                                  .now = dependencies_.clock.WallNow()}));
  }
  *call.response().mutable_request() =
      ToRequest(settled->record, dependencies_.clock.WallNow(), options_.settle_window);
  co_return Reply{.outcome = is_executed ? "settled_executed" : "settled_not_executed"};
}

bool OperationsService::MaySee(const Record& record, const GetCall& call) const {
  return call.request_key().Owns(record) ||
         dependencies_.pipeline.access().MayCall(kSeesAllPath, call.identity());
}

Deadline OperationsService::StoreDeadline(const CallContext& context) const {
  return Earlier(context.deadline, Deadline(dependencies_.clock.Now() + options_.store_timeout));
}

}  // namespace gateway
