#ifndef SERVICE_RPC_CALLS_LARGE_REPLIES_H_
#define SERVICE_RPC_CALLS_LARGE_REPLIES_H_

#include <google/protobuf/message.h>

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "service/rpc/calls/rpc_call.h"

namespace gateway {

// Ends the calls whose replies take milliseconds to copy, to measure, to write and to free, on a
// thread of its own, where they hold up no other call. One after the other, so that each counts as
// unread before the next one takes memory. No more wait than there are calls in flight.
class LargeReplies {
 public:
  // `end(call, reply, result_has)` is called on that thread, for each call once.
  using End = std::function<void(RpcCall&, const Reply&, RpcCall::ResultHas)>;

  explicit LargeReplies(End end) : end_(std::move(end)), thread_([this] { Run(); }) {}
  // All calls have ended.
  ~LargeReplies();
  LargeReplies(const LargeReplies&) = delete;
  LargeReplies& operator=(const LargeReplies&) = delete;

  void Add(RpcCall& call, const Reply& reply, RpcCall::ResultHas result_has);
  // Frees what is in a response when gRPC is done with its call: gRPC would do it on a thread that
  // brings calls. Comes before the next reply.
  void Free(google::protobuf::Message& response);

 private:
  struct Entry {
    RpcCall* call;
    Reply reply;
    RpcCall::ResultHas result_has;
  };

  void Run();

  const End end_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Entry> entries_;                                        // guarded by mutex_
  std::vector<std::unique_ptr<google::protobuf::Message>> garbage_;  // guarded by mutex_
  bool is_over_ = false;                                             // guarded by mutex_
  std::thread thread_;
};

}  // namespace gateway

#endif  // SERVICE_RPC_CALLS_LARGE_REPLIES_H_
