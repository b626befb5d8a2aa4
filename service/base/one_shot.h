#ifndef SERVICE_BASE_ONE_SHOT_H_
#define SERVICE_BASE_ONE_SHOT_H_

#include <coroutine>
#include <optional>
#include <utility>

namespace gateway {

// A value that a callback brings to one waiting coroutine. The first `Set` counts, later ones do
// nothing, so a timer and a stop request may race for the same OneShot. Loop thread only.
template <typename T>
class OneShot {
 public:
  OneShot() = default;
  OneShot(const OneShot&) = delete;
  OneShot& operator=(const OneShot&) = delete;

  // Resumes the waiting coroutine before it returns; the OneShot may be gone by then.
  void Set(T value) {
    if (value_.has_value()) return;
    value_.emplace(std::move(value));
    if (waiter_) std::exchange(waiter_, nullptr).resume();
  }

  bool await_ready() const noexcept { return value_.has_value(); }
  void await_suspend(std::coroutine_handle<> waiter) noexcept { waiter_ = waiter; }
  T await_resume() { return *std::move(value_); }

 private:
  std::optional<T> value_;
  std::coroutine_handle<> waiter_;
};

}  // namespace gateway

#endif  // SERVICE_BASE_ONE_SHOT_H_
