#include "service/rpc/loop_watch.h"

#include <pthread.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <utility>

namespace gateway {
namespace {

using namespace std::chrono_literals;

constexpr Milliseconds kLookEvery = 1s;

// The gauge is the longest turn of this many looks.
constexpr size_t kLooks = 60;

}  // namespace

LoopWatch::LoopWatch(EventLoop& loop, Milliseconds longest, Metrics& metrics,
                     std::function<void(Loop)> on_change)
    : loop_(loop),
      longest_(longest),
      max_turn_(metrics.AddGauge(
          "passfort_gateway_loop_longest_turn_seconds",
          "Maximum time in the last minute that the event loop worked in one go.")),
      on_change_(std::move(on_change)),
      thread_([this] { Watch(); }) {}

LoopWatch::~LoopWatch() {
  {
    const std::lock_guard lock(mutex_);
    is_over_ = true;
    changed_.notify_all();
  }
  thread_.join();
}

void LoopWatch::Watch() {
  pthread_setname_np(pthread_self(), "loop-watch");
  // What the loop is asked for may outlive the watch.
  const auto has_turned = std::make_shared<std::atomic<bool>>(true);
  auto asked_at = std::chrono::steady_clock::now();
  Loop told = Loop::kTurns;
  std::array<std::chrono::nanoseconds, kLooks> turns = {};
  const Milliseconds every = std::min(kLookEvery, std::max(longest_ / 4, 1ms));
  for (size_t look = 0;; ++look) {
    const auto now = std::chrono::steady_clock::now();
    auto turn = loop_.TakeLongestTurn();
    if (has_turned->exchange(false)) {
      asked_at = now;
      loop_.Post([has_turned] { *has_turned = true; });
    } else {
      turn = std::max<std::chrono::nanoseconds>(turn, now - asked_at);
    }
    turns[look % kLooks] = turn;
    max_turn_.Set(std::chrono::duration<double>(*std::ranges::max_element(turns)).count());
    const Loop is = now - asked_at >= longest_ ? Loop::kStands : Loop::kTurns;
    if (is != told) on_change_(is);
    told = is;

    std::unique_lock lock(mutex_);
    if (changed_.wait_for(lock, every, [this] { return is_over_; })) return;
  }
}

}  // namespace gateway
