#ifndef SERVICE_RPC_UNREAD_ANSWERS_H_
#define SERVICE_RPC_UNREAD_ANSWERS_H_

#include <chrono>
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
// bounds 300 of them held 970 MiB for as long as their connections lived. Safe from any thread but
// where it says otherwise.
class UnreadAnswers {
 public:
  struct Limits {
    size_t answers = 0;
    size_t bytes = 0;
    // An answer is given up after this long.
    Milliseconds longest{0};
  };

  // An answer, from before it is given to gRPC until gRPC is done with its call.
  class Answer {
   public:
    Answer() = default;
    virtual ~Answer() = default;
    Answer(const Answer&) = delete;
    Answer& operator=(const Answer&) = delete;

    // Gives it up. gRPC may be done with the call, and the answer gone, before this returns.
    virtual void Cancel() = 0;

   private:
    friend class UnreadAnswers;
    std::list<Answer*>::iterator place_;
    SteadyTime since_;
    std::string connection_;
    size_t bytes_ = 0;
    bool is_listed_ = false;
  };

  // `loop` and `metrics` outlive it. Not on the loop's thread.
  UnreadAnswers(EventLoop& loop, Limits limits, Metrics& metrics);
  // There are no answers any more, and the loop has run what they posted.
  ~UnreadAnswers();

  // Whether one more may come to be on a connection. Once the limits are reached, only on those of
  // which no answer waits, and only up to twice the limits: who does not read keeps out itself.
  bool HasRoom(const std::string& connection);
  void Add(Answer& answer, const std::string& connection, size_t bytes);
  // After `Add`, once. An answer that is being given up stays until that is done.
  void Remove(Answer& answer);

 private:
  void GiveUpOld();
  void Unlist(Answer& answer);

  EventLoop& loop_;
  const Limits limits_;
  Metrics& metrics_;
  // gRPC may be done with a call while it is cancelled, on the same thread.
  std::recursive_mutex mutex_;
  std::list<Answer*> answers_;  // guarded by mutex_; the oldest first
  size_t bytes_ = 0;            // guarded by mutex_
  // How many answers wait on each connection.
  std::unordered_map<std::string, size_t> by_connection_;  // guarded by mutex_
  bool is_timer_on_ = false;                               // guarded by mutex_
  std::unique_ptr<Timer> give_up_;                         // loop thread only
};

}  // namespace gateway

#endif  // SERVICE_RPC_UNREAD_ANSWERS_H_
