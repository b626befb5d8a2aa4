#include "service/base/event_loop.h"

#include <pthread.h>
#include <uv.h>

#include <algorithm>
#include <atomic>
#include <cassert>
#include <cstdint>
#include <future>
#include <mutex>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

namespace gateway {

struct DescriptorWatch::Handle {
  uv_poll_t poll = {};
  EventLoop::State* loop = nullptr;
  absl::AnyInvocable<void(unsigned)> on_ready;
  unsigned wanted = kNone;
  unsigned applied = kNone;
  bool change_queued = false;

  void QueueChange();
  // What is still wanted at the end of the turn is waited for again.
  void Stopped() {
    applied = kNone;
    QueueChange();
  }
};

struct Timer::Handle {
  uv_timer_t timer = {};
  absl::AnyInvocable<void()> on_time;
};

struct EventLoop::State {
  uv_loop_t uv = {};
  uv_async_t wake_up = {};
  uv_prepare_t before_wait = {};
  std::vector<DescriptorWatch::Handle*> changed_watches;
  std::vector<EndOfTurnCallback*> requested_ends;
  std::vector<EndOfTurnCallback*> running_ends;  // null where one has run or was cancelled

  std::mutex mutex;
  std::vector<absl::AnyInvocable<void()>> posted;  // guarded by mutex
  bool ending = false;                             // guarded by mutex
  // Whether what is posted must wake the loop up; awake, it looks by itself before it waits. To
  // wake it costs two system calls, and the one who posts a wait for the kernel.
  std::atomic<bool> waiting = false;

  std::vector<absl::AnyInvocable<void()>> running;  // kept for its capacity

  std::atomic<uint64_t> max_turn = 0;  // in nanoseconds, likewise the next two
  uint64_t turn_ended_at = uv_hrtime();
  uint64_t idle_until_then = 0;

  void EndTurn();
  void RunPosted();
  void RunTurnEnd();
  void ApplyWatchChanges();
  void PrepareToPoll();
  void MeasureTurn();
  void WakeUp();
};

namespace {

// libuv counts whole milliseconds of the clock that std::chrono::steady_clock reads too. To round
// the moment itself up, not the time until it, is never early and at most one of them late.
uint64_t MillisecondsUntil(SteadyTime at, const uv_loop_t* loop) {
  const auto due = std::chrono::ceil<Milliseconds>(at.time_since_epoch()).count();
  const auto now = static_cast<Milliseconds::rep>(uv_now(loop));
  return static_cast<uint64_t>(std::max<Milliseconds::rep>(due - now, 0));
}

}  // namespace

// What descriptors and timers brought has been run by now.
void EventLoop::State::EndTurn() {
  RunPosted();
  RunTurnEnd();
  ApplyWatchChanges();
  MeasureTurn();
  PrepareToPoll();
}

// From the end of the turn before to here, without the time that libuv waited in between.
void EventLoop::State::MeasureTurn() {
  const uint64_t now = uv_hrtime();
  const uint64_t idle = uv_metrics_idle_time(&uv);
  const uint64_t took = (now - turn_ended_at) - (idle - idle_until_then);
  turn_ended_at = now;
  idle_until_then = idle;
  // Only this thread makes it longer; who takes it may win the race and miss one turn's part.
  if (took > max_turn.load(std::memory_order_relaxed)) {
    max_turn.store(took, std::memory_order_relaxed);
  }
}

void EventLoop::State::RunPosted() {
  {
    const std::lock_guard lock(mutex);
    running.swap(posted);
  }
  for (auto& work : running) work();
  running.clear();
}

void EventLoop::State::RunTurnEnd() {
  running_ends.swap(requested_ends);
  for (EndOfTurnCallback*& slot : running_ends) {
    EndOfTurnCallback* const turn_end = std::exchange(slot, nullptr);
    if (turn_end == nullptr) continue;
    turn_end->is_requested_ = false;
    turn_end->at_end_();
  }
  running_ends.clear();
}

void EventLoop::State::PrepareToPoll() {
  const std::lock_guard lock(mutex);
  if (!posted.empty() || !requested_ends.empty()) {
    // Not run now: descriptors have their turn first, however much is posted.
    uv_async_send(&wake_up);
  } else if (ending) {
    uv_close(reinterpret_cast<uv_handle_t*>(&wake_up), nullptr);
    uv_close(reinterpret_cast<uv_handle_t*>(&before_wait), nullptr);
  } else {
    waiting = true;
  }
}

void EventLoop::State::WakeUp() {
  if (waiting.exchange(false)) uv_async_send(&wake_up);
}

void EventLoop::State::ApplyWatchChanges() {
  for (auto* watch : changed_watches) {
    watch->change_queued = false;
    if (watch->wanted == watch->applied) continue;
    watch->applied = watch->wanted;
    if (watch->wanted == DescriptorWatch::kNone) {
      uv_poll_stop(&watch->poll);
      continue;
    }
    const int events = ((watch->wanted & DescriptorWatch::kReadable) ? UV_READABLE : 0) |
                       ((watch->wanted & DescriptorWatch::kWritable) ? UV_WRITABLE : 0);
    uv_poll_start(&watch->poll, events, [](uv_poll_t* poll, int status, int ready) {
      auto* handle = static_cast<DescriptorWatch::Handle*>(poll->data);
      handle->loop->waiting = false;
      // libuv has stopped the watch at an error of the descriptor. But there may still be something
      // to read, which need not be read to its end at once.
      if (status < 0) handle->Stopped();
      unsigned came = DescriptorWatch::kNone;
      if (status < 0 || (ready & UV_READABLE)) came |= DescriptorWatch::kReadable;
      if (status < 0 || (ready & UV_WRITABLE)) came |= DescriptorWatch::kWritable;
      handle->on_ready(came);
    });
  }
  changed_watches.clear();
}

absl::StatusOr<std::unique_ptr<EventLoop>> EventLoop::Create() {
  auto state = std::make_unique<State>();
  if (const int error = uv_loop_init(&state->uv); error != 0) {
    return absl::ResourceExhaustedError(absl::StrCat("start the event loop: ", uv_strerror(error)));
  }
  state->uv.data = state.get();
  uv_loop_configure(&state->uv, UV_METRICS_IDLE_TIME);
  // What was posted runs at the end of the turn that this begins.
  const int error = uv_async_init(&state->uv, &state->wake_up, [](uv_async_t*) {});
  if (error != 0) {
    uv_loop_close(&state->uv);
    return absl::ResourceExhaustedError(
        absl::StrCat("start the event loop's wake-up: ", uv_strerror(error)));
  }
  uv_prepare_init(&state->uv, &state->before_wait);
  state->before_wait.data = state.get();
  uv_prepare_start(&state->before_wait,
                   [](uv_prepare_t* prepare) { static_cast<State*>(prepare->data)->EndTurn(); });
  return std::unique_ptr<EventLoop>(new EventLoop(std::move(state)));
}

EventLoop::EventLoop(std::unique_ptr<State> state)
    : state_(std::move(state)), thread_([loop = state_.get()] {
        pthread_setname_np(pthread_self(), "event-loop");
        uv_run(&loop->uv, UV_RUN_DEFAULT);
      }) {}

EventLoop::~EventLoop() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->ending = true;
  }
  state_->WakeUp();
  thread_.join();
  [[maybe_unused]] const int error = uv_loop_close(&state_->uv);
  assert(error == 0 && "a timer or watch outlives its loop");
}

void EventLoop::Post(absl::AnyInvocable<void()> work) {
  {
    const std::lock_guard lock(state_->mutex);
    state_->posted.push_back(std::move(work));
  }
  state_->WakeUp();
}

std::chrono::nanoseconds EventLoop::TakeLongestTurn() {
  return std::chrono::nanoseconds(state_->max_turn.exchange(0, std::memory_order_relaxed));
}

void EventLoop::RunAndWait(absl::AnyInvocable<void()> work) {
  assert(!IsLoopThread());
  std::promise<void> done;
  Post([&work, &done] {
    work();
    done.set_value();
  });
  done.get_future().wait();
}

Timer::Timer(EventLoop& loop, absl::AnyInvocable<void()> on_time) : handle_(new Handle) {
  handle_->on_time = std::move(on_time);
  uv_timer_init(&loop.state_->uv, &handle_->timer);
  handle_->timer.data = handle_;
}

Timer::~Timer() {
  uv_close(reinterpret_cast<uv_handle_t*>(&handle_->timer),
           [](uv_handle_t* closed) { delete static_cast<Handle*>(closed->data); });
}

void Timer::StartAt(SteadyTime at) {
  // libuv counts from the time it last read, which a long turn leaves behind.
  uv_update_time(handle_->timer.loop);
  uv_timer_start(
      &handle_->timer, [](uv_timer_t* timer) { static_cast<Handle*>(timer->data)->on_time(); },
      MillisecondsUntil(at, handle_->timer.loop), 0);
}

void Timer::Stop() { uv_timer_stop(&handle_->timer); }

EndOfTurnCallback::EndOfTurnCallback(EventLoop& loop, absl::AnyInvocable<void()> at_end)
    : loop_(loop), at_end_(std::move(at_end)) {}

EndOfTurnCallback::~EndOfTurnCallback() { Cancel(); }

void EndOfTurnCallback::Request() {
  assert(loop_.IsLoopThread());
  if (is_requested_) return;
  is_requested_ = true;
  loop_.state_->requested_ends.push_back(this);
}

void EndOfTurnCallback::Cancel() {
  if (!is_requested_) return;
  is_requested_ = false;
  std::erase(loop_.state_->requested_ends, this);
  std::ranges::replace(loop_.state_->running_ends, this, nullptr);
}

DescriptorWatch::DescriptorWatch(EventLoop& loop, int descriptor,
                                 absl::AnyInvocable<void(unsigned)> on_ready)
    : handle_(new Handle) {
  handle_->loop = loop.state_.get();
  handle_->on_ready = std::move(on_ready);
  [[maybe_unused]] const int error = uv_poll_init(&loop.state_->uv, &handle_->poll, descriptor);
  assert(error == 0 && "the descriptor cannot be waited for, or is watched already");
  handle_->poll.data = handle_;
}

DescriptorWatch::~DescriptorWatch() {
  if (handle_->change_queued) std::erase(handle_->loop->changed_watches, handle_);
  uv_close(reinterpret_cast<uv_handle_t*>(&handle_->poll),
           [](uv_handle_t* closed) { delete static_cast<Handle*>(closed->data); });
}

void DescriptorWatch::Handle::QueueChange() {
  if (change_queued) return;
  change_queued = true;
  loop->changed_watches.push_back(this);
}

void DescriptorWatch::SetInterest(unsigned events) {
  handle_->wanted = events;
  handle_->QueueChange();
}

}  // namespace gateway
