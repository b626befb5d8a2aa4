#ifndef TESTS_CHAOS_HISTORY_VIRTUAL_WORLD_H_
#define TESTS_CHAOS_HISTORY_VIRTUAL_WORLD_H_

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "service/base/deadline.h"
#include "tests/chaos/history/seeded_random.h"

namespace gateway::history {

// Time and what happens in it: a queue of events that one thread carries out one after another.
// Nothing takes time but the waits that somebody puts into the queue, so a minute costs no more
// than what happens in it, and the same seed gives the same history.
class VirtualWorld {
 public:
  // With a trace, `Note` keeps what it is told.
  enum class Trace { kNo, kYes };

  VirtualWorld(uint64_t seed, Trace trace) : chance_(seed), trace_(trace) {}
  VirtualWorld(const VirtualWorld&) = delete;
  VirtualWorld& operator=(const VirtualWorld&) = delete;

  SteadyTime now() const { return now_; }
  // Since the beginning.
  Milliseconds age() const { return std::chrono::duration_cast<Milliseconds>(now_ - kBeginning); }
  SeededRandom& chance() { return chance_; }

  // Events of the same moment come in random order.
  void At(SteadyTime at, std::function<void()> event);
  void After(Milliseconds wait, std::function<void()> event) { At(now_ + wait, std::move(event)); }

  // Carries out what happens until `end`, which is then the time; or until `is_over`, which is
  // asked after each event. May be called from within an event: that is how a stopped process lets
  // the others go on.
  void RunUntil(SteadyTime end, const std::function<bool()>& is_over);
  void RunFor(Milliseconds duration) {
    RunUntil(now_ + duration, [] { return false; });
  }

  // Counts how often something happened; `what` lives for ever. Shows that the faults do come.
  void Count(std::string_view what) { ++counts_[what]; }
  const std::map<std::string_view, int>& counts() const { return counts_; }

  template <typename... Parts>
  void Note(const Parts&... parts) {
    if (trace_ == Trace::kNo) return;
    notes_.push_back(absl::StrCat(absl::Dec(age().count(), absl::kSpacePad6), " ms  ", parts...));
  }
  const std::vector<std::string>& notes() const { return notes_; }

 private:
  static constexpr SteadyTime kBeginning{std::chrono::hours(1)};
  // Moment, place among equals, and a number that makes the key unique.
  struct Key {
    SteadyTime at;
    uint64_t place;
    uint64_t number;
    friend auto operator<=>(const Key&, const Key&) = default;
  };

  SeededRandom chance_;
  const Trace trace_;
  SteadyTime now_ = kBeginning;
  uint64_t events_ = 0;
  std::map<Key, std::function<void()>> queue_;
  std::vector<std::string> notes_;
  std::map<std::string_view, int> counts_;
};

}  // namespace gateway::history

#endif  // TESTS_CHAOS_HISTORY_VIRTUAL_WORLD_H_
