#ifndef TESTS_SOAK_SOAK_LOAD_H_
#define TESTS_SOAK_SOAK_LOAD_H_

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "tests/fake_passfort/fake_passfort.h"
#include "tests/soak/findings.h"
#include "tests/soak/judge.h"
#include "tests/soak/ledger.h"
#include "tests/soak/replica.h"
#include "tests/soak/tally.h"

namespace gateway::soak {

class PendingCall;

// Callers of every kind: with and without a request_id, patient ones, such that have hardly any
// time, that go away, that call twice at once, that never come back. Who has a request_id and no
// answer calls again later, through whichever replica.
class SoakLoad {
 public:
  struct Options {
    uint32_t seed = 1;
    int callers = 32;
    double max_calls_per_second = 200;
  };
  // The replicas that share one store; all of `Parts` outlive the load.
  using Store = std::vector<const Replica*>;
  struct Parts {
    std::vector<Store> stores;
    FakePassfort& passfort;
    Ledger& ledger;
    Findings& findings;
    Tally& tally;
  };

  SoakLoad(Options options, Parts parts);
  // Ends at once, whatever is open.
  ~SoakLoad();
  SoakLoad(const SoakLoad&) = delete;
  SoakLoad& operator=(const SoakLoad&) = delete;

  // From now on nothing new is wanted, nobody is in a hurry and nobody gives up.
  void BeginNoMore();
  // Waits until every request_id that somebody still wants has come to an end. Each that has not
  // after `bound` is a finding.
  void WaitUntilEnded(std::chrono::milliseconds bound);

  // Request_ids with no end yet.
  size_t open() const;

 private:
  using Time = std::chrono::steady_clock::time_point;
  using Random = std::mt19937;
  enum class Manner { kPatient, kHurried, kGivesUp, kTwice };

  void Work(Random random);
  // The next one to call for; nothing at the end. Keeps to the rate, and sleeps until it is time.
  std::optional<Intent> Next(Random& random);
  Intent NewIntent(Random& random);
  void OpenCrowd(Random& random);
  void ScriptFault(Intent& intent, Random& random);

  void CallFor(Intent intent, Random& random);
  Manner ChooseManner(const Intent& intent, Random& random) const;
  std::vector<CallEnd> CallOnce(const Intent& intent, Manner manner, Random& random) const;
  CallEnd Await(PendingCall& pending, Manner manner, std::chrono::milliseconds time) const;
  // Another intent under the same request_id is refused.
  void Misuse(const Intent& intent, Random& random);
  // A request that is wrong is refused.
  void CallWrongly(Random& random);

  void GoOn(Intent intent, Judge::Verdict verdict, Random& random);
  void ComeBack(Intent intent, std::chrono::milliseconds later);
  void End(Intent intent, Ledger::Expected expected, const char* how);
  bool IsClosing() const;

  const Options options_;
  const Parts parts_;
  Judge judge_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  enum class Phase { kBusy, kClosing, kOver } phase_ = Phase::kBusy;  // guarded by mutex_
  Time next_slot_;                                                    // guarded by mutex_
  std::multimap<Time, Intent> waiting_;                               // guarded by mutex_
  size_t open_ = 0;                                                   // guarded by mutex_
  std::vector<std::thread> threads_;
};

}  // namespace gateway::soak

#endif  // TESTS_SOAK_SOAK_LOAD_H_
