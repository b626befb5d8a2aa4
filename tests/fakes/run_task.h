#ifndef TESTS_FAKES_RUN_TASK_H_
#define TESTS_FAKES_RUN_TASK_H_

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <utility>

#include "service/base/event_loop.h"
#include "service/base/task.h"

namespace gateway {

// Far beyond what any task under test takes, also under a sanitizer on a busy machine.
inline constexpr std::chrono::seconds kTaskBound{60};

// A task that was started on an event loop; the thread of the test waits for its value.
template <typename T>
class RunningTask {
 public:
  explicit RunningTask(std::future<T> value) : value_(std::move(value)) {}

  // Waits for the end of the task. A task that hangs ends the program: nothing else could free the
  // frame that it still uses. `what` is the text that says which one it was.
  T Wait(const std::string& what) {
    if (value_.wait_for(kTaskBound) != std::future_status::ready) {
      std::fprintf(stderr, "waited %lld s in vain for: %s\n",
                   static_cast<long long>(kTaskBound.count()), what.c_str());
      std::abort();
    }
    return value_.get();
  }

  bool HasEnded() const {
    return value_.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
  }

 private:
  std::future<T> value_;
};

namespace run_task_internal {

template <typename T>
Task<void> Keep(std::shared_ptr<std::function<Task<T>()>> start,
                std::shared_ptr<std::promise<T>> value) {
  // The task is gone, parameters included, before the thread of the test goes on.
  T result = co_await (*start)();
  value->set_value(std::move(result));
}

inline Task<void> Keep(std::shared_ptr<std::function<Task<void>()>> start,
                       std::shared_ptr<std::promise<void>> value) {
  co_await (*start)();
  value->set_value();
}

}  // namespace run_task_internal

// Makes a task by `start` on the loop's thread and runs it there. `start` is kept until the task
// has ended, so a coroutine lambda with captures is safe here. Any thread but the loop's.
template <typename Start>
auto StartTask(EventLoop& loop, Start start) {
  using T = decltype(std::declval<decltype(start())>().await_resume());
  auto value = std::make_shared<std::promise<T>>();
  RunningTask<T> running(value->get_future());
  auto kept = std::make_shared<std::function<Task<T>()>>(std::move(start));
  loop.Post([kept = std::move(kept), value = std::move(value)]() mutable {
    Spawn(run_task_internal::Keep(std::move(kept), std::move(value)));
  });
  return running;
}

// Runs the task that `start` makes to its end and returns its value.
//
//   HttpResult result = RunTask(loop, [&] { return client.Send(request, deadline, {}); });
template <typename Start>
auto RunTask(EventLoop& loop, Start start) {
  return StartTask(loop, std::move(start)).Wait("the task given to RunTask");
}

}  // namespace gateway

#endif  // TESTS_FAKES_RUN_TASK_H_
