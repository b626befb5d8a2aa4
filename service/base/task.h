#ifndef SERVICE_BASE_TASK_H_
#define SERVICE_BASE_TASK_H_

#include <coroutine>
#include <exception>
#include <optional>
#include <utility>

namespace gateway {

// A coroutine that starts when it is awaited and hands its value to the one who awaits it.
//
// A Task owns its frame and is awaited at most once. It always runs to its end: whoever waits
// inside one is woken by a deadline or a std::stop_token and returns a value that says so, so no
// frame is ever destroyed half-way. Not thread-safe: a Task lives on the event loop's thread.
// Nothing in this project throws across a Task; an escaping exception ends the process.
template <typename T = void>
class Task;

namespace task_internal {

struct PromiseBase {
  // Resumes whoever awaits the task, without growing the stack.
  struct ResumeWaiter {
    bool await_ready() const noexcept { return false; }
    template <typename Promise>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> ended) const noexcept {
      return ended.promise().waiter;
    }
    void await_resume() const noexcept {}
  };

  std::suspend_always initial_suspend() const noexcept { return {}; }
  ResumeWaiter final_suspend() const noexcept { return {}; }
  [[noreturn]] void unhandled_exception() const noexcept { std::terminate(); }

  std::coroutine_handle<> waiter;
};

template <typename T>
struct Promise : PromiseBase {
  Task<T> get_return_object();
  template <typename U>
  void return_value(U&& result) {
    value.emplace(std::forward<U>(result));
  }
  T Take() { return *std::move(value); }

  std::optional<T> value;
};

template <>
struct Promise<void> : PromiseBase {
  Task<void> get_return_object();
  void return_void() const noexcept {}
  void Take() const noexcept {}
};

}  // namespace task_internal

template <typename T>
class [[nodiscard]] Task {
 public:
  using promise_type = task_internal::Promise<T>;

  Task(Task&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
  Task& operator=(Task&&) = delete;
  ~Task() {
    if (frame_) frame_.destroy();
  }

  bool await_ready() const noexcept { return false; }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> waiter) noexcept {
    frame_.promise().waiter = waiter;
    return frame_;
  }
  T await_resume() { return frame_.promise().Take(); }

 private:
  friend promise_type;
  explicit Task(std::coroutine_handle<promise_type> frame) : frame_(frame) {}

  std::coroutine_handle<promise_type> frame_;
};

namespace task_internal {

template <typename T>
Task<T> Promise<T>::get_return_object() {
  return Task<T>(std::coroutine_handle<Promise>::from_promise(*this));
}

inline Task<void> Promise<void>::get_return_object() {
  return Task<void>(std::coroutine_handle<Promise>::from_promise(*this));
}

// A coroutine nobody waits for: it starts at once and frees itself at its end.
struct Detached {
  struct promise_type {
    Detached get_return_object() const noexcept { return {}; }
    std::suspend_never initial_suspend() const noexcept { return {}; }
    std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    [[noreturn]] void unhandled_exception() const noexcept { std::terminate(); }
  };
};

}  // namespace task_internal

// Runs `task` now, up to its first wait, and on from there as what it waits for arrives. Its owner
// sees to it that the loop runs until the task has ended.
inline void Spawn(Task<void> task) {
  [](Task<void> owned) -> task_internal::Detached { co_await owned; }(std::move(task));
}

// The same, and hands the task's value to `then`.
template <typename T, typename Then>
void Spawn(Task<T> task, Then then) {
  [](Task<T> owned, Then with_value) -> task_internal::Detached { with_value(co_await owned); }(
                                         std::move(task), std::move(then));
}

}  // namespace gateway

#endif  // SERVICE_BASE_TASK_H_
