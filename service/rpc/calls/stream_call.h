#ifndef SERVICE_RPC_CALLS_STREAM_CALL_H_
#define SERVICE_RPC_CALLS_STREAM_CALL_H_

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <cstddef>
#include <stop_token>
#include <utility>

#include "service/base/deadline.h"
#include "service/base/event_loop.h"
#include "service/base/one_shot.h"
#include "service/base/task.h"
#include "service/rpc/calls/request_call.h"
#include "service/rpc/calls/tsan_annotations.h"

namespace gateway {

// All that the pipeline has to know of a method with one request and a stream of messages back. A
// constant.
template <typename Request, typename Message, typename Input>
struct StreamMethod {
  RpcMethod rpc;
  typename RequestCall<Request, Input>::Validation validate;
};

// How long a stop leaves a write that is under way. It takes microseconds if the caller reads, but
// gRPC's threads may have to wait for a processor, and the caller would lose the reason of the end.
inline constexpr Milliseconds kWriteGrace{2000};

// A call of such a method, as its handler sees it. The stream ends with what the handler returns.
template <typename Request, typename Message, typename Input>
class StreamCall final : public grpc::ServerWriteReactor<Message>,
                         public RequestCall<Request, Input> {
 public:
  using Method = StreamMethod<Request, Message, Input>;

  StreamCall(CallPipeline& pipeline, const Method& method,
             grpc::CallbackServerContext& grpc_context, const Request& request)
      : RequestCall<Request, Input>(pipeline, method.rpc, method.validate, nullptr, grpc_context,
                                    request) {
    AnnotateHappensBefore(this);
  }

  // Sends a message, and returns once the caller's connection has taken it. One at a time. False:
  // the caller is gone or does not read, or the call is to stop, and the handler has to return. A
  // message that is not read counts as an unread reply, with the same limits; once a stop is
  // requested it is waited for no longer than kWriteGrace. Loop thread only.
  Task<bool> Write(Message message) {
    const std::stop_token stop = this->context().stop;
    if (stop.stop_requested()) co_return false;
    message_ = std::move(message);
    message_.ByteSizeLong();
    OneShot<bool> written;
    written_ = &written;
    this->AddUnread(MemoryOfReply(message_));
    this->StartWrite(&message_);
    bool is_written = false;
    {
      // Most writes end by themselves at once, and then the caller gets the error that the handler
      // returns; one that reads nothing cannot get any.
      Timer give_up(this->loop(), [this] { this->Cancel(); });
      const std::stop_callback on_stop(
          stop, [&give_up] { give_up.StartAt(std::chrono::steady_clock::now() + kWriteGrace); });
      is_written = co_await written;
    }
    this->RemoveUnread();
    co_return is_written && !stop.stop_requested();
  }

  void OnWriteDone(bool ok) override {
    AnnotateHappensAfter(this);
    // Nobody takes it: a cancel is on its way, and may come after this.
    if (!ok) this->HandleCancel();
    this->loop().Post([this, ok] { std::exchange(written_, nullptr)->Set(ok); });
  }
  void OnCancel() override {
    AnnotateHappensAfter(this);
    this->HandleCancel();
  }
  void OnDone() override {
    this->HandleDone();
    delete this;
  }
  // As of a UnaryCall.
  bool InternalInlineable() override { return true; }

 private:
  // Each message was counted by itself.
  ReplyTruncation FitReply(size_t /*max_bytes*/) override { return ReplyTruncation::kNone; }
  size_t MeasureMemory() const override { return 0; }
  void FinishWith(grpc::Status status) override { this->Finish(std::move(status)); }

  Message message_;  // gRPC's from StartWrite to OnWriteDone
  OneShot<bool>* written_ = nullptr;
};

}  // namespace gateway

#endif  // SERVICE_RPC_CALLS_STREAM_CALL_H_
