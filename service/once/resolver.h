#ifndef SERVICE_ONCE_RESOLVER_H_
#define SERVICE_ONCE_RESOLVER_H_

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <stop_token>
#include <string>

#include "service/base/task.h"
#include "service/once/once_flow.h"

namespace gateway {

// Settles, in the background, what calls left unsettled: records that are sent and past their
// lease, of any process, also of one that died. It only reads Passfort and never sends. It sleeps
// until a record that it knows of, or one that a flow of this process may have left, can be due.
// Loop thread only.
class Resolver {
 public:
  struct Options {
    // Between two looks at the store, while there is something to look for.
    Milliseconds interval{2000};
    // The same, while there is nothing: other processes may leave records too, and die.
    Milliseconds longest_interval{30000};
    // Looks at Passfort at the same time.
    int most_looks = 4;
    // Records that are read from the store at once.
    int page = 100;
    // Between two looks at one record; doubled each time up to the longest.
    Milliseconds first_wait{2000};
    Milliseconds longest_wait{60000};
    // From the end of a flow to the next sweep of what has expired, which also counts what is
    // there.
    Milliseconds sweep_after{30000};
  };

  // `is_active` tells whether a flow of this process works on a record. `on_swept` is told what the
  // store holds. All parts outlive `Run`.
  Resolver(OnceParts parts, Options options,
           std::function<bool(const std::string& request_id)> is_active,
           std::function<void(const RecordStore::Swept&)> on_swept);

  // Runs until `stop` is requested.
  Task<void> Run(std::stop_token stop);
  // A flow of this process has ended, and may have left its record unsettled.
  void FlowEnded();

 private:
  // When a record is looked at again. One that cannot be settled must not keep the others waiting.
  struct Pace {
    Milliseconds wait;
    SteadyTime next;
  };

  Task<void> SleepUntilNextRound(std::stop_token stop);
  // The next round comes soon after `at`, unless there is a reason for an earlier one.
  void LookAfter(SteadyTime at);
  void SweepBy(SteadyTime at) { next_sweep_ = std::min(next_sweep_, at); }
  Task<void> Round(std::stop_token stop);
  Task<void> LookAtAll(std::deque<Record> due, std::stop_token stop);
  Task<void> LookAtNext(std::deque<Record>& due, int& lookers, std::stop_source all_done,
                        std::stop_token stop);
  bool IsDue(const std::string& request_id);
  void SetPace(const Settlement& look);
  Task<void> Sweep();

  const OnceParts parts_;
  const Options options_;
  const std::function<bool(const std::string& request_id)> is_active_;
  const std::function<void(const RecordStore::Swept&)> on_swept_;
  std::map<std::string, Pace, std::less<>> paces_;
  SteadyTime next_round_ = SteadyTime::min();
  SteadyTime next_sweep_ = SteadyTime::min();
  // Ends the sleep before the next round, for one that is to come earlier.
  std::stop_source is_earlier_;
};

}  // namespace gateway

#endif  // SERVICE_ONCE_RESOLVER_H_
