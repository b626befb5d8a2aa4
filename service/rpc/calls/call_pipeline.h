#ifndef SERVICE_RPC_CALLS_CALL_PIPELINE_H_
#define SERVICE_RPC_CALLS_CALL_PIPELINE_H_

#include <grpcpp/grpcpp.h>

#include <cstddef>
#include <optional>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "service/base/event_loop.h"
#include "service/base/task.h"
#include "service/base/trace_context.h"
#include "service/http/response_memory.h"
#include "service/observability/log.h"
#include "service/observability/metrics.h"
#include "service/observability/status_report.h"
#include "service/rpc/access/access_control.h"
#include "service/rpc/calls/call_deadline.h"
#include "service/rpc/calls/call_line.h"
#include "service/rpc/calls/call_metrics.h"
#include "service/rpc/calls/concurrency_limiter.h"
#include "service/rpc/calls/large_replies.h"
#include "service/rpc/calls/rpc_call.h"
#include "service/rpc/calls/stream_call.h"
#include "service/rpc/calls/unary_call.h"
#include "service/rpc/calls/unread_replies.h"

namespace gateway {

// The way of every call of a server, whichever service it is for. A gRPC thread checks who calls
// and may that, how often they did, the call's size, its validity, what it is about and whether
// there is room for it, in this order, and hands it to the loop. The loop's thread runs its handler
// and ends it: error details, metrics and one line of access log. A large reply has a thread of its
// own for that (LargeReplies). Limits and drain count the calls of all services together.
//
// Outlives the services and the server.
class CallPipeline final : public StatusSource {
 public:
  struct Options {
    size_t max_in_flight = 0;
    size_t max_request_bytes = 0;
    DeadlineLimits deadlines;
    // Callers have this long to read an answer. While those that wait for it take more than these
    // bytes of memory, the new calls of their connections are refused.
    Milliseconds reply_read_within{30'000};
    size_t max_unread_bytes = size_t{64} * 1024 * 1024;
  };

  // All of them outlive the pipeline.
  struct Dependencies {
    EventLoop& loop;
    TraceIds& trace_ids;
    Log& log;
    Metrics& metrics;
    ResponseMemory& memory;
    const AccessControl& access = AccessControl::ForLocalCallers();
  };

  CallPipeline(Options options, Dependencies dependencies);
  ~CallPipeline() override;
  CallPipeline(const CallPipeline&) = delete;
  CallPipeline& operator=(const CallPipeline&) = delete;

  const Options& options() const { return options_; }
  const CallMetrics& metrics() const { return metrics_; }
  const AccessControl& access() const { return dependencies_.access; }
  // For the calls of the same server that have no pipeline.
  CallLog log() const { return {.trace_ids = dependencies_.trace_ids, .log = dependencies_.log}; }

  // The whole of a method that gRPC calls: what it returns is for gRPC. `handle(call)`, on the
  // loop's thread, makes the Task<CallResult> that answers the call; it returns by the deadline of
  // the call's context, or soon after its stop is requested. `method` is a constant.
  template <typename Request, typename Response, typename Input, typename Handle>
  grpc::ServerUnaryReactor* Start(const UnaryMethod<Request, Response, Input>& method,
                                  grpc::CallbackServerContext& context, const Request& request,
                                  Response& response, Handle handle) {
    // Frees itself in OnDone.
    auto* call = new UnaryCall<Request, Response, Input>(*this, method, context, request, response);
    return Started(call, request.ByteSizeLong(), handle);
  }
  // The same of a method that streams; its handler writes the messages.
  template <typename Request, typename Message, typename Input, typename Handle>
  grpc::ServerWriteReactor<Message>* Start(const StreamMethod<Request, Message, Input>& method,
                                           grpc::CallbackServerContext& context,
                                           const Request& request, Handle handle) {
    auto* call = new StreamCall<Request, Message, Input>(*this, method, context, request);
    return Started(call, request.ByteSizeLong(), handle);
  }

  void Describe(StatusReport& report) const override;

  // To stop, from any thread but the loop's, in this order. New calls are refused from here on.
  void BeginDrain();
  bool IsIdle() { return limiter_.IsEmpty(); }
  // Waits until every call has been given its answer; false if one has not after `longest`.
  bool WaitUntilIdle(Milliseconds longest);
  // Waits until the answers have left too; false if a caller has not read its one after `longest`.
  bool WaitUntilRepliesLeft(Milliseconds longest) { return unread_.WaitUntilEmpty(longest); }
  // Asks every call in flight to end: as DRAINING if nothing was sent, else as OUTCOME_UNKNOWN.
  void StopCalls();

 private:
  friend class RpcCall;

  static CallPipeline& PipelineOf(RpcCall& call) { return call.pipeline_; }

  template <typename Call, typename Handle>
  Call* Started(Call* call, size_t request_bytes, Handle handle) {
    if (Accept(*call, request_bytes)) {
      static_assert(sizeof(handle) <= sizeof(void*), "Post would need memory for each call");
      dependencies_.loop.Post([call, handle] { PipelineOf(*call).Run(*call, handle(*call)); });
    }
    return call;
  }

  // Checks the request and takes a place for it, which is given back with the answer. False: the
  // call was refused, and has ended.
  bool Accept(RpcCall& call, size_t request_bytes);
  std::optional<CallError> Check(RpcCall& call, size_t request_bytes);
  std::optional<CallError> CheckRequest(RpcCall& call, size_t request_bytes);
  // Its caller's place, and one of all that there are.
  std::optional<CallError> TakePlaces(RpcCall& call);
  // The rest happens on the loop's thread, but for large replies.
  void Run(RpcCall& call, Task<CallResult> handling);
  void End(RpcCall& call, CallResult result);
  void EndWithReply(RpcCall& call, const Reply& reply);
  void EndWithLargeReply(RpcCall& call, const Reply& reply, RpcCall::ResultHas result_has);
  // Makes the response fit into a message, or into less beside too many others.
  void Fit(RpcCall& call, const Reply& reply);
  void EndWithError(RpcCall& call, CallError error);
  // The metrics and one log line, before the caller has the answer.
  void ReportReply(const RpcCall& call, const Reply& reply);
  void ReportError(const RpcCall& call, const CallError& error);
  // From here on the caller is waited for, and the memory for responses is not.
  void CountAsUnread(RpcCall& call, size_t memory);
  // Ends a call, together with the others that end in this turn of the loop: gRPC's threads then
  // wake up once for all of them.
  void SendAtEndOfTurn(RpcCall& call, grpc::Status status);
  void FlushReplies();
  // Gives the call's places back and ends it. Any thread.
  void Send(RpcCall& call, grpc::Status status);

  const Options options_;
  const Dependencies dependencies_;
  const CallMetrics metrics_;
  ConcurrencyLimiter limiter_;
  UnreadReplies unread_;
  // Loop thread only: the calls that a handler has, and whether StopCalls came.
  std::unordered_set<RpcCall*> in_flight_;
  bool stopping_ = false;
  // Loop thread only: what the end of the turn sends.
  struct PendingReply {
    RpcCall* call;
    grpc::Status status;
  };
  std::vector<PendingReply> pending_replies_;
  EndOfTurnCallback send_replies_;
  LargeReplies large_replies_;
};

}  // namespace gateway

#endif  // SERVICE_RPC_CALLS_CALL_PIPELINE_H_
