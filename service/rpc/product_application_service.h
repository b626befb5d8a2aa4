#ifndef SERVICE_RPC_PRODUCT_APPLICATION_SERVICE_H_
#define SERVICE_RPC_PRODUCT_APPLICATION_SERVICE_H_

#include <grpcpp/grpcpp.h>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "passfort/gateway/v1/product_application_service.grpc.pb.h"
#include "service/base/call_context.h"
#include "service/base/clock.h"
#include "service/base/event_loop.h"
#include "service/base/task.h"
#include "service/http/response_memory.h"
#include "service/observability/log.h"
#include "service/observability/metrics.h"
#include "service/passfort/application_writer.h"
#include "service/rpc/call_deadline.h"
#include "service/rpc/concurrency_limiter.h"
#include "service/rpc/outcome_to_grpc.h"
#include "service/rpc/unread_replies.h"

namespace gateway {

// AddProductApplication as gRPC callers see it: check, call, answer. gRPC's threads check a request
// and hand it to the loop; the loop's thread runs it and finishes it.
//
// Outlives the server it is registered with.
class ProductApplicationService final : public pb::ProductApplicationService::CallbackService {
 public:
  struct Options {
    size_t max_in_flight = 0;
    size_t max_request_bytes = 0;
    DeadlineLimits deadlines;
    // How long after the end of an attempt Passfort may still execute it.
    Milliseconds settle_window{65000};
    // Callers have this long to read an answer. While those that wait for it take more than these
    // bytes of memory, the new calls of their connections are refused.
    Milliseconds answer_read_within{30'000};
    size_t max_unread_bytes = size_t{64} * 1024 * 1024;
  };

  // All of them outlive the service; `clock` and `writer` are used on the loop's thread only.
  struct Parts {
    EventLoop& loop;
    Clock& clock;
    TraceIds& trace_ids;
    ApplicationWriter& writer;
    Log& log;
    Metrics& metrics;
    ResponseMemory& memory;
  };

  ProductApplicationService(Options options, Parts parts);
  ~ProductApplicationService() override;

  grpc::ServerUnaryReactor* AddProductApplication(
      grpc::CallbackServerContext* context, const pb::AddProductApplicationRequest* request,
      pb::AddProductApplicationResponse* response) override;

  const Options& options() const { return options_; }

  // To stop, from any thread but the loop's, in this order. New calls are refused from here on.
  void BeginDrain();
  bool IsIdle() { return gate_.IsEmpty(); }
  // Waits until every call has its answer; false if one has not after `longest`.
  bool WaitUntilIdle(Milliseconds longest);
  // Asks every call in flight to end: as DRAINING if nothing was sent, else as OUTCOME_UNKNOWN.
  void StopCalls();

 private:
  class Call;

  // Checks the request and takes a place for it, which is given back with the answer. Or the error
  // that refuses it.
  std::optional<CallError> Accept(const pb::AddProductApplicationRequest& request, Call& call);
  // The rest happens on the loop's thread.
  Task<void> Run(Call& call);
  // What the caller gave of alias and id.
  struct AskedProduct {
    std::string alias;
    std::string id;
  };
  static bool IsOtherProduct(const AskedProduct& asked, const pb::Product& answered);
  void ReplyDone(Call& call, WriteResult result, const AskedProduct& asked);
  void ReplyError(Call& call, const WriteResult& result);
  // Gives the call's place back and ends it, together with the others that end in this turn of the
  // loop: gRPC's threads then wake up once for all of them. It counts as an answer that is not read
  // yet.
  void Answer(Call& call, grpc::Status status);
  void FlushReplies();
  // One log line and the metrics, before the caller has the answer.
  void ReportDone(const Call& call, std::string_view outcome);
  void ReportError(const Call& call, const CallError& error);

  const Options options_;
  const Parts parts_;
  ConcurrencyLimiter gate_;
  UnreadReplies unread_;
  // Loop thread only: the calls that wait for the writer, and whether StopCalls came.
  std::unordered_set<Call*> in_flight_;
  bool stopping_ = false;
  // Loop thread only: what the end of the turn sends.
  struct Ended {
    Call* call;
    grpc::Status status;
  };
  std::vector<Ended> ended_;
  EndOfTurnCallback send_answers_;
};

}  // namespace gateway

#endif  // SERVICE_RPC_PRODUCT_APPLICATION_SERVICE_H_
