#ifndef SERVICE_RPC_CALLS_UNREAD_REPLIES_H_
#define SERVICE_RPC_CALLS_UNREAD_REPLIES_H_

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "service/base/deadline.h"
#include "service/base/event_loop.h"
#include "service/observability/metrics.h"

namespace gateway {

// The answers that gRPC has and that have not left it, because their callers do not read. Without
// bounds 300 of them held 970 MiB for as long as their connections lived. They are bounded like
// this:
//
// - Each is given up after `longest`.
// - At the limits a connection gets no more than its share (HasRoom), so a caller that does not
//   read keeps out itself, and nobody else.
// - At twice the limits, which takes many such callers, the oldest ones are given up. An answer
//   that is read leaves at once, so those are not the ones that somebody reads.
//
// Safe from any thread but where it says otherwise.
class UnreadReplies {
 public:
  struct Limits {
    size_t answers = 0;
    size_t bytes = 0;  // of memory
    Milliseconds longest{0};
  };

  // An answer, from before it is given to gRPC until gRPC is done with its call.
  class Reply {
   public:
    Reply() = default;
    virtual ~Reply() = default;
    Reply(const Reply&) = delete;
    Reply& operator=(const Reply&) = delete;

    // Gives it up. gRPC may be done with the call, and the answer gone, before this returns.
    virtual void Cancel() = 0;

   private:
    friend class UnreadReplies;
    std::list<Reply*>::iterator place_;
    SteadyTime since_;
    std::string connection_;
    size_t bytes_ = 0;
    bool is_listed_ = false;
  };

  // `loop` and `metrics` outlive it. Not on the loop's thread.
  UnreadReplies(EventLoop& loop, Limits limits, Metrics& metrics);
  // There are no answers any more, and the loop has run what they posted.
  ~UnreadReplies();

  // Whether a connection may have one more: always below a limit, and then if it has less than an
  // eighth of it.
  bool HasRoom(const std::string& connection);
  // The same for an answer that is there already: how many wait does not matter.
  bool HasRoomForLargeOne(const std::string& connection);
  void Add(Reply& reply, const std::string& connection, size_t bytes);
  // After `Add`; then it may be added again. A reply that is being given up stays until that is
  // done.
  void Remove(Reply& reply);
  // Waits until all that were added have left, or were given up, at most for `longest`.
  bool WaitUntilEmpty(Milliseconds longest);

 private:
  struct Taken {
    size_t answers = 0;
    size_t bytes = 0;
  };

  bool HasBytesFor(const Taken& connection) const;
  Taken OfConnection(const std::string& connection) const;
  void GiveUpOld();
  void GiveUpOldest();
  void Unlist(Reply& reply);

  EventLoop& loop_;
  const Limits limits_;
  const CounterFamily unread_;
  // gRPC may be done with a call while it is cancelled, on the same thread.
  std::recursive_mutex mutex_;
  std::condition_variable_any empty_;
  std::list<Reply*> replies_;  // guarded by mutex_; the oldest first
  Taken all_;                  // guarded by mutex_
  // Of those that have an answer here.
  std::unordered_map<std::string, Taken> by_connection_;  // guarded by mutex_
  bool is_timer_on_ = false;                              // guarded by mutex_
  std::unique_ptr<Timer> give_up_;                        // loop thread only
};

}  // namespace gateway

#endif  // SERVICE_RPC_CALLS_UNREAD_REPLIES_H_
