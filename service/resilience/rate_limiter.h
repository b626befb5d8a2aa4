#ifndef SERVICE_RESILIENCE_RATE_LIMITER_H_
#define SERVICE_RESILIENCE_RATE_LIMITER_H_

#include <array>
#include <cstdint>
#include <list>
#include <optional>
#include <stop_token>
#include <variant>

#include "service/base/call_context.h"
#include "service/base/clock.h"
#include "service/base/deadline.h"
#include "service/base/task.h"

namespace gateway {

// Whether one endpoint of Passfort may be asked now. The gate is open until a 429 pauses it for the
// time that this states. After the pause one call goes through and asks; the others wait for what
// comes of it. Another 429 is another pause. Anything else opens the gate, and all who wait go
// through at once, kReconciliation ones first, then in the order in which they came. Nobody
// overtakes them: who comes while somebody waits, waits too.
//
// As many calls wait as there may be in the gateway (`max_in_flight`); the gate has no limit of its
// own. Loop thread only.
class RateLimiter {
 public:
  struct Options {
    // The pause after a 429 that states no time; doubled by each further one in a row.
    Milliseconds initial_pause{1000};
    Milliseconds max_pause{30000};
    // A limiter refuses at once. The call that asks and was not refused for so long is being worked
    // on, so the gate opens although its response is not there yet.
    Milliseconds refusal_time{2000};
  };

  // What a call that went through reports its end with: whether it is the one that asks.
  enum class Pass : uint64_t { kNormal = 0 };

  // The ends of a wait other than a Pass.
  struct ExceedsDeadline {
    Milliseconds retry_after;
  };
  struct Stopped {};
  using AcquireResult = std::variant<Pass, ExceedsDeadline, Stopped>;

  // `clock` outlives the gate.
  RateLimiter(Options options, Clock& clock) : options_(options), clock_(clock) {}
  // Nobody waits any more, or the clock's loop has ended.
  ~RateLimiter() { Stop(); }
  RateLimiter(const RateLimiter&) = delete;
  RateLimiter& operator=(const RateLimiter&) = delete;

  // Goes through if that needs no wait.
  [[nodiscard]] std::optional<Pass> TryAcquire();
  // Waits for its turn. ExceedsDeadline as soon as it is clear that this does not come by `until`.
  Task<AcquireResult> Acquire(Priority priority, SteadyTime until, std::stop_token stop);

  // How a call that went through ended. Each reports one of the three.
  //
  // Passfort takes no request for `wait`; nothing: it did not say for how long. True if this began
  // a pause, false if there was one.
  bool OnThrottled(Pass pass, std::optional<Milliseconds> wait);
  // Anything else came back, or it was sent and lost.
  void OnAccepted(Pass pass);
  // It says nothing about the limit: it may never have reached Passfort.
  void OnNothing(Pass pass);

  // Whether it was told to wait, or waits for what comes of the call that asks.
  bool IsOpen() const { return state_ == State::kOpen; }

  // Gives up its timer, for good. Those who wait do so until their own end.
  void Stop() { timer_.request_stop(); }

 private:
  enum class State {
    kOpen,
    kPaused,  // until `waits_until_`; the first who comes after that asks
    kAsking,  // `asker_` went through; without a refusal of it by `waits_until_` the gate opens
  };
  struct Waiter {
    SteadyTime until;
    std::optional<AcquireResult> entry{};  // set by who takes it out of its queue
    std::stop_source wake{};
  };
  using Queue = std::list<Waiter*>;

  bool SomebodyWaits() const;
  // A pass for whoever is next, if there is one now.
  std::optional<Pass> TakePass();
  // Lets through whom it can.
  void Advance();
  void Become(State state, SteadyTime until);
  // Ends the waits that would last too long.
  void RefuseTheHurried();
  ExceedsDeadline TooLongUntil(SteadyTime at) const;
  Task<void> AdvanceAt(SteadyTime at, std::stop_token stop);

  const Options options_;
  Clock& clock_;
  State state_ = State::kOpen;
  SteadyTime waits_until_{};
  Pass asker_ = Pass::kNormal;
  uint64_t passes_to_ask_ = 0;
  int consecutive_guesses_ = 0;
  std::array<Queue, 2> waiting_;  // by Priority
  bool is_advancing_ = false;
  std::stop_source timer_;
};

}  // namespace gateway

#endif  // SERVICE_RESILIENCE_RATE_LIMITER_H_
