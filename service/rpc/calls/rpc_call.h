#ifndef SERVICE_RPC_CALLS_RPC_CALL_H_
#define SERVICE_RPC_CALLS_RPC_CALL_H_

#include <google/protobuf/message.h>
#include <grpcpp/grpcpp.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "service/base/call_context.h"
#include "service/base/event_loop.h"
#include "service/base/trace_context.h"
#include "service/callers/caller_usage.h"
#include "service/idempotency/write_result.h"
#include "service/rpc/access/admitted_caller.h"
#include "service/rpc/call_error.h"
#include "service/rpc/calls/unread_replies.h"
#include "service/rpc/outcome_to_grpc.h"
#include "service/rpc/request_validation.h"
#include "service/rpc/requested_products.h"
#include "service/rpc/response_truncation.h"

namespace gateway {

class CallPipeline;

// A method as log and metrics know it. A constant.
struct RpcMethod {
  enum class Effect { kRead, kWrite };

  std::string_view service;  // "package.Service"
  std::string_view name;
  Effect effect;
};

// The end of a call that is OK. Its response is filled in, or is said by ReplyWith.
struct Reply {
  // For the log line and, if the method is a write, for the metric of outcomes.
  std::string_view outcome = "done";
  // Something is missing from it already.
  ReplyTruncation truncation = ReplyTruncation::kNone;
  // As in CallError.
  std::optional<RetryEnd> retry_end = {};
};

// What a handler returns. An error lies elsewhere, because several frames of every call that waits
// have room for a result.
using CallResult = std::variant<Reply, std::unique_ptr<CallError>>;

// One call, whatever its messages are, from its arrival to gRPC's last word about it (`OnDone`,
// which frees it). gRPC's threads and the loop's meet here like this:
// - the thread that brought the call fills it in and posts it; from then on the loop owns it;
// - `OnCancel` (any thread, at any time before `OnDone`) touches `caller_gone_` and `stop_` only;
//   what it posts holds a stop_source of its own, not the call;
// - a call with a large reply is handed on once more, to the thread that makes those;
// - whoever finishes the call (once: the loop, the thread of large replies, or the first thread for
//   a refusal) touches it no more, since `OnDone` may run at once.
class RpcCall : public UnreadReplies::Reply {
 public:
  // What the call asks of others.
  const CallContext& context() const { return context_; }
  const CallerIdentity& identity() const { return admitted_.identity; }
  Caller caller() const { return caller_gone_ ? Caller::kGone : Caller::kWaiting; }
  // Empty: the caller gave none, or the method knows none.
  virtual std::string_view request_id() const = 0;
  // Of a write: its intent, whose that is, and what it costs its caller. Shares the call's place.
  RequestKey request_key() const;
  void AddTrailer(std::string_view name, std::string_view value);
  // Identical calls share a result.
  enum class ResultHas { kOneOwner, kManyOwners };

  // A reply to the call has `result` as its `response`, which is the call's or a part of it. For a
  // handler that returns one.
  void ReplyWith(std::shared_ptr<google::protobuf::Message> result,
                 google::protobuf::Message& response) {
    result_ = std::move(result);
    result_goes_to_ = &response;
  }
  // Loop thread only, where all owners come by it.
  ResultHas OwnersOfResult() const {
    return result_.use_count() > 1 ? ResultHas::kManyOwners : ResultHas::kOneOwner;
  }

 protected:
  RpcCall(CallPipeline& pipeline, const RpcMethod& method,
          grpc::CallbackServerContext& grpc_context);

  // What gRPC says to the reactor that the call is.
  void HandleCancel();
  void HandleDone();

  EventLoop& loop() const;
  // From here on the caller has to read so many bytes, or is given up; until it has.
  void AddUnread(size_t bytes);
  void RemoveUnread();
  // Ends the call without a word of ours. gRPC still waits for FinishWith.
  void Cancel() override { grpc_context_.TryCancel(); }

 private:
  friend class CallPipeline;

  // All that is wrong with the request.
  virtual std::vector<FieldViolation> Validate() = 0;
  // Those that its caller has to be allowed. Of a valid request.
  virtual std::vector<RequestedProduct> Products() const = 0;
  // Takes over what the handler replies with, or copies it. Any thread, if the loop has said how.
  void FillIn(ResultHas result_has);
  // What the result takes, and what is written of it. Others may read it meanwhile.
  size_t MeasureResult() const { return 2 * result_->SpaceUsedLong(); }
  // Makes the response fit into a message of `max_bytes`, and measures it.
  virtual ReplyTruncation FitReply(size_t max_bytes) = 0;
  // What gRPC holds of the response that was measured last.
  virtual size_t MeasureMemory() const = 0;
  // Hands the call to gRPC for good.
  virtual void FinishWith(grpc::Status status) = 0;
  void AddTrailers(const CallError& error);

  CallPipeline& pipeline_;
  const RpcMethod& method_;
  grpc::CallbackServerContext& grpc_context_;
  // Before the deadline, which is counted from it.
  const SteadyTime arrived_at_ = std::chrono::steady_clock::now();
  std::stop_source stop_;
  const TraceContext trace_;
  AdmittedCaller admitted_;  // filled in when the call is admitted
  // One of the caller's, from then on until the answer leaves. Null: it needs none.
  CallerUsage::Place place_;
  const CallContext context_;
  const std::string peer_;
  // Its share of the memory for responses is given back only when the reply counts as unread.
  std::shared_ptr<google::protobuf::Message> result_;
  google::protobuf::Message* result_goes_to_ = nullptr;
  bool has_large_reply_ = false;
  std::atomic<bool> caller_gone_ = false;
};

// What a response takes that was measured when it was made to fit, and what gRPC writes of it.
size_t MemoryOfReply(const google::protobuf::Message& response);

}  // namespace gateway

#endif  // SERVICE_RPC_CALLS_RPC_CALL_H_
