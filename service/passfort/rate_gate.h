#ifndef SERVICE_PASSFORT_RATE_GATE_H_
#define SERVICE_PASSFORT_RATE_GATE_H_

#include <array>
#include <cstdint>
#include <optional>
#include <stop_token>
#include <variant>

#include "service/base/clock.h"
#include "service/base/deadline.h"
#include "service/base/task.h"

namespace gateway {

// Whether one endpoint of Passfort may be asked now. An answer 429 closes the gate until the time
// it states. Right after that it lets calls through one by one, so that those who waited do not all
// come at once; each 429 of theirs closes it again for the rest. Loop thread only.
class RateGate {
 public:
  struct Options {
    // Between two calls of one priority, for as long as `recovery` after the gate was closed.
    Milliseconds spacing{10};
    Milliseconds recovery{1000};
    // Closed for so long after a 429 that states no time; doubled by each further one in a row.
    Milliseconds first_guess{1000};
    Milliseconds longest_guess{30000};
  };

  // Reads that find out what became of a write have room of their own: they queue apart from all
  // others, and `HoldOrdinary` does not concern them.
  enum class Priority { kOrdinary, kReserved };

  // The outcomes of a wait.
  struct Entered {};
  struct TooLong {
    Milliseconds retry_after;
  };
  struct Stopped {};
  using Entry = std::variant<Entered, TooLong, Stopped>;

  // `clock` outlives the gate.
  RateGate(Options options, Clock& clock) : options_(options), clock_(clock) {}

  // Goes through if that needs no wait.
  [[nodiscard]] bool TryEnter(Priority priority);
  // Waits for its turn, unless that comes after `until`: says so at once then.
  Task<Entry> Enter(Priority priority, SteadyTime until, std::stop_token stop);

  // An answer 429. True if it closed an open gate.
  bool OnLimited(std::optional<Milliseconds> retry_after);
  // Any other answer.
  void OnPassed() { guesses_in_a_row_ = 0; }
  // Keeps ordinary calls back for `wait`: there is room for few more, and the others need it.
  void HoldOrdinary(Milliseconds wait);

  bool IsClosed() const { return clock_.Now() < closed_until_; }

 private:
  // From when on calls of that priority are let through at all.
  SteadyTime OpensAt(Priority priority) const;
  // When the next call of that priority may go, if it comes at `now`.
  SteadyTime TurnOf(Priority priority, SteadyTime now) const;
  void TakeTurn(Priority priority, SteadyTime turn);
  SteadyTime& NextTurn(Priority priority) { return next_turns_[static_cast<size_t>(priority)]; }

  const Options options_;
  Clock& clock_;
  SteadyTime closed_until_{};
  SteadyTime held_until_{};
  std::array<SteadyTime, 2> next_turns_{};
  int guesses_in_a_row_ = 0;
};

}  // namespace gateway

#endif  // SERVICE_PASSFORT_RATE_GATE_H_
