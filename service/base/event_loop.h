#ifndef SERVICE_BASE_EVENT_LOOP_H_
#define SERVICE_BASE_EVENT_LOOP_H_

#include <chrono>
#include <memory>
#include <thread>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "service/base/deadline.h"

struct uv_loop_s;

namespace gateway {

// One thread that waits for descriptors and timers and runs what others post to it. All of the
// gateway's own work happens there, so what lives on it needs no locks; it must never block.
//
// libuv does the waiting; its header stays in event_loop.cc.
class EventLoop {
 public:
  // Starts the thread. Fails if the process may open no more descriptors.
  static absl::StatusOr<std::unique_ptr<EventLoop>> Create();
  // Runs what was posted before and ends the thread. Timers and watches are gone by then.
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  // Any thread: runs `work` on the loop's thread, later and in the order of posting.
  void Post(absl::AnyInvocable<void()> work);
  // Any thread but the loop's: runs `work` on the loop's thread and waits for its end.
  void RunAndWait(absl::AnyInvocable<void()> work);

  // Any thread: the longest turn since it was asked for last, that is the longest time that the
  // loop worked without a look at its descriptors.
  std::chrono::nanoseconds TakeLongestTurn();

  bool IsLoopThread() const { return std::this_thread::get_id() == thread_.get_id(); }

 private:
  friend class Timer;
  friend class EndOfTurnCallback;
  friend class DescriptorWatch;
  struct State;

  explicit EventLoop(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
  std::thread thread_;
};

// Runs a function once at a time, on the loop's thread. Loop thread only, destruction included.
class Timer {
 public:
  Timer(EventLoop& loop, absl::AnyInvocable<void()> on_time);
  ~Timer();
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  // Resolution 1 ms, never early. Starting again replaces the earlier time.
  void StartAt(SteadyTime at);
  void Stop();

 private:
  struct Handle;
  Handle* handle_;  // owned; libuv frees it after its next turn
};

// Runs a function at the end of the loop's turn, when all that came with the turn has been taken up
// and before the loop waits again: for what is cheaper done in one go. Loop thread only, apart from
// construction, and from destruction while nothing is requested.
class EndOfTurnCallback {
 public:
  EndOfTurnCallback(EventLoop& loop, absl::AnyInvocable<void()> at_end);
  ~EndOfTurnCallback();
  EndOfTurnCallback(const EndOfTurnCallback&) = delete;
  EndOfTurnCallback& operator=(const EndOfTurnCallback&) = delete;

  // Once for each turn, however often it is requested. A request from what runs at the end of a
  // turn is for the next one.
  void Request();
  void Cancel();

 private:
  friend class EventLoop;

  EventLoop& loop_;
  absl::AnyInvocable<void()> at_end_;
  bool is_requested_ = false;
};

// Tells when a descriptor can be read or written. Loop thread only, destruction included.
class DescriptorWatch {
 public:
  enum Events : unsigned { kNone = 0, kReadable = 1, kWritable = 2 };

  // `descriptor` stays open until the watch is gone. `on_ready` gets the events that came, and both
  // of them on an error of the descriptor.
  DescriptorWatch(EventLoop& loop, int descriptor, absl::AnyInvocable<void(unsigned)> on_ready);
  ~DescriptorWatch();
  DescriptorWatch(const DescriptorWatch&) = delete;
  DescriptorWatch& operator=(const DescriptorWatch&) = delete;

  // Replaces the events waited for. Takes effect before the loop waits next, so several changes in
  // one turn cost one system call, and none if the last one is what was wanted before.
  void SetInterest(unsigned events);

 private:
  friend class EventLoop;
  struct Handle;
  Handle* handle_;  // owned; libuv frees it after its next turn
};

}  // namespace gateway

#endif  // SERVICE_BASE_EVENT_LOOP_H_
