#ifndef TESTS_SOAK_JUDGE_H_
#define TESTS_SOAK_JUDGE_H_

#include <chrono>
#include <cstddef>
#include <string>

#include "tests/soak/fault_catalog.h"
#include "tests/soak/findings.h"
#include "tests/soak/ledger.h"
#include "tests/soak/replica.h"
#include "tests/soak/tally.h"
#include "tests/support/gateway_caller.h"

namespace gateway::soak {

// What a caller wants to be done once, and what it was told so far.
struct Intent {
  Ledger::Entry entry;
  std::string request_id;  // empty: a call without one
  size_t store = 0;        // among the replicas of this one it is known
  const MenuItem* fault = nullptr;
  int calls = 0;
  std::string application_id;  // as told by OK
  bool asks_again = false;     // after OK
  // A call that its caller has given up may be at work in the gateway until then.
  std::chrono::steady_clock::time_point strays_until{};

  bool has_stranger() const { return fault != nullptr && fault->has_stranger; }
};

// How one call went.
struct CallEnd {
  // How long its caller was going to wait.
  enum class Patience {
    kEndless,   // as long as the gateway takes
    kDeadline,  // hardly any time
    kGaveUp,    // went away
  };

  Answered answered;
  Patience patience = Patience::kEndless;
  Replica::Ending cut_short_by = Replica::Ending::kNone;
  bool has_company = false;  // an identical call was in flight at the same time
  int posts_before = 0;      // for the profile, when it began
  std::string replica;
};

// Holds each answer against the contract and against what Passfort has done by then. Any thread;
// the intent is the caller's.
class Judge {
 public:
  enum class Verdict {
    kDone,
    kNotDone,       // nothing was executed under the request_id up to now; a retry may do it
    kNotKnown,      // to be asked again
    kInconclusive,  // a person has to look; asking again brings nothing
  };

  // All outlive the judge.
  Judge(const FakePassfort& passfort, const Ledger& ledger, Findings& findings, Tally& tally)
      : passfort_(passfort), ledger_(ledger), findings_(findings), tally_(tally) {}

  Verdict Hold(Intent& intent, const CallEnd& end);

 private:
  Verdict HoldDone(Intent& intent, const CallEnd& end);
  Verdict HoldNoWordOfOurs(Intent& intent, const CallEnd& end);
  Verdict HoldNotDone(const Intent& intent, const CallEnd& end, const std::string& label);

  const FakePassfort& passfort_;
  const Ledger& ledger_;
  Findings& findings_;
  Tally& tally_;
};

// "UNAVAILABLE CIRCUIT_OPEN", "OK, replayed", "UNAVAILABLE, not our word: ...".
std::string LabelOf(const CallEnd& end);

}  // namespace gateway::soak

#endif  // TESTS_SOAK_JUDGE_H_
