#ifndef SERVICE_HTTP_RESPONSE_MEMORY_H_
#define SERVICE_HTTP_RESPONSE_MEMORY_H_

#include <atomic>
#include <coroutine>
#include <cstddef>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <stop_token>
#include <string_view>

#include "service/base/deadline.h"
#include "service/base/event_loop.h"
#include "service/base/one_shot.h"
#include "service/base/task.h"
#include "service/observability/metrics.h"

namespace gateway {

// The memory that large responses take: their bodies as they arrive, and what is made of them until
// it is a response to a caller, which may be many times as much. It is bounded like this:
//
// - With half of `max_bytes` taken, what comes is read from one connection at a time, to the end of
//   its response; TCP keeps the rest where it comes from.
// - With half of it taken by results, a whole response waits before anything is made of it.
// - With all of it taken nothing more is sent (WaitForRoom), and what comes for a write is read one
//   by one too. Those halves are there so that calls with small responses seldom wait, and what
//   Passfort says to a write does not wait for lists.
//
// So no more than twice `max_bytes` are ever taken, and one response more. What was sent is waited
// for, never given up. Responses below kSmallResponseBytes are not counted.
class ResponseMemory {
 public:
  // Most responses are smaller. Reading as many bytes of JSON takes 0.3 ms at most, and 400 KiB.
  static constexpr size_t kSmallResponseBytes = 4096;

  enum class Use { kBody, kResult };
  enum class Entry { kRoom, kTooLate, kStopped };

  // A part that is taken, and given back at its end. Any thread.
  class Share {
   public:
    Share(ResponseMemory& memory, Use use) : memory_(memory), use_(use) {}
    ~Share() { Set(0); }
    Share(const Share&) = delete;
    Share& operator=(const Share&) = delete;

    // What it was before: memory, or a guess at it.
    enum class Before { kTaken, kEstimate };
    void Set(size_t bytes, Before before = Before::kTaken);

   private:
    ResponseMemory& memory_;
    const Use use_;
    size_t bytes_ = 0;
  };

  // The work on one whole large response: its body counts, and no other one is handed on, for as
  // long as this lives. To read its JSON takes milliseconds, so whoever does that waits for the
  // next turn now and then. Loop thread only.
  class Reading {
   public:
    // Goes on in a later turn of the loop; each has room for a piece of one reading.
    struct NextTurn {
      ResponseMemory& memory;

      bool await_ready() const noexcept { return false; }
      void await_suspend(std::coroutine_handle<> waiter) const { memory.AddPiece(waiter); }
      void await_resume() const noexcept {}
    };

    Reading(ResponseMemory& memory, size_t body_bytes);
    ~Reading();
    Reading(const Reading&) = delete;
    Reading& operator=(const Reading&) = delete;

    NextTurn WaitForNextTurn() { return {memory_}; }

   private:
    ResponseMemory& memory_;
    Share body_;
  };

  // Both outlive it. Not on the loop's thread, likewise its destruction.
  ResponseMemory(EventLoop& loop, size_t max_bytes, Metrics& metrics);
  ~ResponseMemory();
  ResponseMemory(const ResponseMemory&) = delete;
  ResponseMemory& operator=(const ResponseMemory&) = delete;

  // Any thread, likewise the next five.
  size_t max_bytes() const { return max_bytes_; }
  bool HasRoom() const { return bodies_ + results_ < max_bytes_; }
  bool HasRoomToRead() const { return bodies_ + results_ < max_bytes_ / 2; }
  bool HasRoomForResult() const { return results_ < max_bytes_ / 2; }
  // Not even one that is there already may be made into more than the least.
  bool IsFullOfResults() const { return results_ >= max_bytes_; }
  // Whether the bodies are far beyond the bound: the way they come on cannot be held back.
  bool IsOverrun() const { return bodies_ >= 2 * max_bytes_; }

  // Loop thread only, likewise all below: whether a request may be sent at once.
  bool MaySend() const { return HasRoom() && senders_.empty(); }
  // Waits until one may, in the order of coming.
  Task<Entry> WaitForRoom(SteadyTime until, std::stop_token stop);

  bool IsReading() const { return readings_ > 0; }

  // `on_room` is called, not from within anything else, after something was given back or a
  // reading has ended.
  void SetReader(std::function<void()> on_room) { on_room_ = std::move(on_room); }
  // `what` had to wait for the memory that others take: "send", "read" or "result".
  void CountWait(std::string_view what) const { waits_.Increment({what}); }

 private:
  void Change(Use use, size_t from, size_t to, Share::Before before);
  // To those who wait for it, soon.
  void ReportRoom();
  void LetIn();
  // Returns some of what was given back to the system, and the rest in later turns.
  void ReturnSome();
  void AddPiece(std::coroutine_handle<> waiter);
  void RunPiece();

  EventLoop& loop_;
  const size_t max_bytes_;
  const Gauge bytes_;
  const CounterFamily waits_;
  const CounterFamily refusals_;
  std::atomic<size_t> bodies_ = 0;
  std::atomic<size_t> results_ = 0;
  std::atomic<size_t> given_back_ = 0;  // and not yet returned to the system
  std::atomic<bool> is_posted_ = false;
  bool is_returning_ = false;  // loop thread only
  std::function<void()> on_room_ = [] {};
  std::list<OneShot<Entry>> senders_;
  int readings_ = 0;
  std::deque<std::coroutine_handle<>> pieces_;
  EndOfTurnCallback next_piece_;
};

// `result`, which takes about `bytes` of `memory` for as long as somebody has it. Before it is
// recounted it counts as no more than half of the bound: others wait, but no reply is shortened for
// it.
std::shared_ptr<void> CountResult(std::shared_ptr<void> result, size_t bytes,
                                  ResponseMemory& memory);
// As it was estimated; 0 for a result that was not counted.
size_t CountedBytes(const std::shared_ptr<const void>& result);
// Somebody knows better how much a counted result takes. Any thread, one at a time.
void RecountResult(const std::shared_ptr<const void>& result, size_t bytes);

}  // namespace gateway

#endif  // SERVICE_HTTP_RESPONSE_MEMORY_H_
