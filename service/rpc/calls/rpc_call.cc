#include "service/rpc/calls/rpc_call.h"

#include <google/protobuf/message.h>

#include <optional>
#include <utility>

#include "service/rpc/calls/call_deadline.h"
#include "service/rpc/calls/call_pipeline.h"
#include "service/rpc/calls/call_trace.h"

namespace gateway {
namespace {

std::optional<std::chrono::nanoseconds> TimeLeft(const grpc::CallbackServerContext& context) {
  const auto deadline = context.deadline();
  if (deadline == std::chrono::system_clock::time_point::max()) return std::nullopt;
  return deadline - std::chrono::system_clock::now();
}

}  // namespace

RpcCall::RpcCall(CallPipeline& pipeline, const RpcMethod& method,
                 grpc::CallbackServerContext& grpc_context)
    : pipeline_(pipeline),
      method_(method),
      grpc_context_(grpc_context),
      trace_(TraceOf(grpc_context.client_metadata(), pipeline.dependencies_.trace_ids)),
      context_{.deadline =
                   CallDeadline(arrived_at_, TimeLeft(grpc_context), pipeline.options_.deadlines),
               .stop = stop_.get_token(),
               .trace = &trace_,
               .caller = &admitted_.identity},
      peer_(grpc_context.peer()) {}

RequestKey RpcCall::request_key() const {
  const auto& [name, principal] = identity();
  RequestKey key{.request_id = std::string(request_id()),
                 .caller = principal,
                 .principal = principal,
                 .place = place_};
  // Outlives a change of principals, and is none itself.
  if (admitted_.HasEntryOfItsOwn()) key.caller = OfNamedCaller(name);
  if (const CallerEntry* entry = admitted_.entry.get();
      entry != nullptr && entry->writes_per_day.has_value()) {
    key.budget = WriteBudget{.account = entry->name, .writes_per_day = *entry->writes_per_day};
  }
  return key;
}

void RpcCall::AddTrailer(std::string_view name, std::string_view value) {
  grpc_context_.AddTrailingMetadata(std::string(name), std::string(value));
}

void RpcCall::AddTrailers(const CallError& error) {
  for (const auto& [name, value] : error.trailers) AddTrailer(name, value);
}

void RpcCall::HandleCancel() {
  caller_gone_ = true;
  // It resumes the coroutines that wait for it, which is the loop's business.
  pipeline_.dependencies_.loop.Post([stop = stop_]() mutable { stop.request_stop(); });
}

void RpcCall::HandleDone() {
  RemoveUnread();
  if (has_large_reply_) pipeline_.large_replies_.Free(*result_goes_to_);
}

void RpcCall::FillIn(ResultHas result_has) {
  if (result_ == nullptr) return;
  if (result_has == ResultHas::kOneOwner) {
    result_->GetReflection()->Swap(result_.get(), result_goes_to_);
  } else {
    result_goes_to_->CopyFrom(*result_);
  }
}

EventLoop& RpcCall::loop() const { return pipeline_.dependencies_.loop; }

void RpcCall::AddUnread(size_t bytes) { pipeline_.unread_.Add(*this, peer_, bytes); }

void RpcCall::RemoveUnread() { pipeline_.unread_.Remove(*this); }

size_t MemoryOfReply(const google::protobuf::Message& response) {
  // To walk through it would show in the cost of a call, and most are small.
  constexpr size_t kMeasuredBytes = 2048;
  const auto bytes_written = static_cast<size_t>(response.GetCachedSize());
  if (bytes_written < kMeasuredBytes) return bytes_written;
  // Many small pieces take half as much again as they say.
  return response.SpaceUsedLong() * 3 / 2 + bytes_written;
}

}  // namespace gateway
