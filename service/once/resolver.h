#ifndef SERVICE_ONCE_RESOLVER_H_
#define SERVICE_ONCE_RESOLVER_H_

#include <deque>
#include <functional>
#include <map>
#include <stop_token>
#include <string>

#include "service/base/task.h"
#include "service/once/once_flow.h"

namespace gateway {

// Settles, in the background, what calls left unsettled: records that are sent and past their
// lease, of any process, also of one that died. It only reads Passfort and never sends. Loop thread
// only.
class Resolver {
 public:
  struct Options {
    // Between two rounds over the store.
    Milliseconds interval{2000};
    // Looks at Passfort at the same time.
    int most_looks = 4;
    // Records that are read from the store at once.
    int page = 100;
    // Between two looks at one record; doubled each time up to the longest.
    Milliseconds first_wait{2000};
    Milliseconds longest_wait{60000};
    // Between two sweeps of what has expired, counted in rounds.
    int rounds_per_sweep = 15;
  };

  // `is_active` tells whether a flow of this process works on a record. `on_swept` is told what the
  // store holds. All parts outlive `Run`.
  Resolver(OnceParts parts, Options options,
           std::function<bool(const std::string& request_id)> is_active,
           std::function<void(const RecordStore::Swept&)> on_swept);

  // Runs until `stop` is requested.
  Task<void> Run(std::stop_token stop);

 private:
  // When a record is looked at again. One that cannot be settled must not keep the others waiting.
  struct Pace {
    Milliseconds wait;
    SteadyTime next;
  };

  Task<void> Round(std::stop_token stop);
  Task<void> LookAtAll(std::deque<Record> due, std::stop_token stop);
  Task<void> LookAtNext(std::deque<Record>& due, int& lookers, std::stop_source all_done,
                        std::stop_token stop);
  bool IsDue(const std::string& request_id) const;
  void SetPace(const Settlement& look);
  Task<void> Sweep();

  const OnceParts parts_;
  const Options options_;
  const std::function<bool(const std::string& request_id)> is_active_;
  const std::function<void(const RecordStore::Swept&)> on_swept_;
  std::map<std::string, Pace, std::less<>> paces_;
};

}  // namespace gateway

#endif  // SERVICE_ONCE_RESOLVER_H_
