#ifndef TESTS_CHAOS_RETRYING_LOAD_H_
#define TESTS_CHAOS_RETRYING_LOAD_H_

#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "tests/chaos/cluster.h"

namespace gateway {

// Callers as they should be: each has one intent after another, calls with its request_id, and
// repeats the call through another gateway until it is answered, whatever happens to the calls. A
// part of the calls has so little time that the caller goes away before their end, and a part of
// what was answered is asked for again.
//
// What it is told is held against what Passfort has done by then; a lie fails the test.
class RetryingLoad {
 public:
  // What became of the calls.
  struct Sums {
    int done = 0;        // intents that were answered
    int replayed = 0;    // answers that were given again
    int reconciled = 0;  // answers that were found
    int broken = 0;      // calls that nobody answered
    int unknown = 0;     // calls whose response was that it is not known
    int without_store = 0;
    int not_done = 0;
  };

  // Both outlive the load.
  RetryingLoad(const GatewayCluster& cluster, const FakePassfort& passfort, int callers);
  ~RetryingLoad();
  RetryingLoad(const RetryingLoad&) = delete;
  RetryingLoad& operator=(const RetryingLoad&) = delete;

  // Begins no more intents and waits for the responses to those begun; every one made one
  // application, and its responses named that one.
  Sums Finish();

 private:
  struct Caller {
    size_t number;  // turns to the gateways with it
    int calls;      // under the present request_id
    std::minstd_rand random;
  };
  struct Done {
    Intent intent;
    std::string application_id;
  };

  void CallUntilStopped(Caller caller);
  // The application's id; empty if there was no response in `kCallBound` after `Finish`: as long as
  // the faults go on, one intent may have bad luck again and again.
  std::string AddUntilAnswered(Caller& caller, const Intent& intent);
  // Whether an intent without a response has had enough time for one.
  bool IsOverdue();
  void Hold(const Answered& answered, const Intent& intent, int calls);

  const GatewayCluster& cluster_;
  const FakePassfort& passfort_;
  std::mutex mutex_;
  std::optional<std::chrono::steady_clock::time_point> stopped_at_;  // guarded by mutex_
  Sums sums_;                                                        // guarded by mutex_
  std::vector<Done> done_;                                           // guarded by mutex_
  std::vector<std::thread> threads_;
};

}  // namespace gateway

#endif  // TESTS_CHAOS_RETRYING_LOAD_H_
