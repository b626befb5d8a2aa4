#ifndef SERVICE_APP_EVERY_SECOND_H_
#define SERVICE_APP_EVERY_SECOND_H_

#include <functional>
#include <memory>

#include "service/base/event_loop.h"

namespace gateway {

// Takes a look at something every second, on the loop's thread: the first one before the
// constructor returns, none after the destructor. Both on any thread but the loop's.
class EverySecond {
 public:
  // `loop` outlives it.
  EverySecond(EventLoop& loop, std::function<void()> look);
  ~EverySecond();
  EverySecond(const EverySecond&) = delete;
  EverySecond& operator=(const EverySecond&) = delete;

 private:
  void Look();

  EventLoop& loop_;
  const std::function<void()> look_;
  std::unique_ptr<Timer> next_;  // loop thread only
};

}  // namespace gateway

#endif  // SERVICE_APP_EVERY_SECOND_H_
