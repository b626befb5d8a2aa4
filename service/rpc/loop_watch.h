#ifndef SERVICE_RPC_LOOP_WATCH_H_
#define SERVICE_RPC_LOOP_WATCH_H_

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "service/base/deadline.h"
#include "service/base/event_loop.h"
#include "service/observability/metrics.h"

namespace gateway {

// Notices on a thread of its own that the loop stands still, which the loop cannot tell by itself,
// and keeps the gauge of its longest turn.
class LoopWatch {
 public:
  enum class Loop { kTurns, kStands };

  // `on_change` is called on the watch's thread: kStands once the loop has not turned for
  // `longest`, kTurns when it does again. `loop` and `metrics` outlive the watch.
  LoopWatch(EventLoop& loop, Milliseconds longest, Metrics& metrics,
            std::function<void(Loop)> on_change);
  ~LoopWatch();
  LoopWatch(const LoopWatch&) = delete;
  LoopWatch& operator=(const LoopWatch&) = delete;

  // The gauge of the longest turn.
  const Gauge& max_turn() const { return max_turn_; }

 private:
  void Watch();

  EventLoop& loop_;
  const Milliseconds longest_;
  const Gauge max_turn_;
  const std::function<void(Loop)> on_change_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool is_over_ = false;  // guarded by mutex_
  std::thread thread_;
};

}  // namespace gateway

#endif  // SERVICE_RPC_LOOP_WATCH_H_
