#ifndef TESTS_INTEGRATION_GATEWAY_SECRECY_MIXED_CALLS_H_
#define TESTS_INTEGRATION_GATEWAY_SECRECY_MIXED_CALLS_H_

#include <cstddef>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "tests/fake_passfort/fake_passfort.h"
#include "tests/support/gateway_caller.h"

namespace gateway {

inline constexpr char kPerson[] = "PersonCanary";

// What its caller knows of a call.
struct CallMade {
  // The one that it named; empty: none, or none in proper form.
  std::string trace_id;
  // False: the caller gave up first, and the gateway may never have seen the call.
  bool is_answered = false;
  // Of the answer; empty: OK.
  std::string reason;
  std::string phase;
};

// Calls of all kinds by several callers at once, each with profiles of its own, while Passfort
// misbehaves: reads and writes that are right and wrong, repeated by several callers at once, to
// methods that do not exist, beyond the gateway's places, with too little time, and given up. What
// is about a person in them has kPerson in it.
class MixedCalls {
 public:
  // Makes about `calls` calls. Both outlive it.
  MixedCalls(FakePassfort& passfort, const std::string& target, int calls)
      : passfort_(passfort), target_(target), calls_(calls) {}

  void Run();

  const std::vector<CallMade>& made() const { return made_; }
  // By reason; "OK" of those that succeeded, "given up" of those without an answer.
  std::map<std::string, int> Ends() const;
  // All that errors told.
  const std::string& errors() const { return errors_; }
  // How many answers had a person in them: else no canary was planted.
  int shown_persons() const { return shown_persons_; }

 private:
  class OneCaller;

  void Note(CallMade made, const grpc::Status& status, const grpc::ClientContext& context,
            bool shows_person);

  FakePassfort& passfort_;
  const std::string target_;
  const int calls_;
  std::mutex mutex_;
  // Guarded by mutex_ while they run.
  std::vector<CallMade> made_;
  std::string errors_;
  int shown_persons_ = 0;
};

}  // namespace gateway

#endif  // TESTS_INTEGRATION_GATEWAY_SECRECY_MIXED_CALLS_H_
