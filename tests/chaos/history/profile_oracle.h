#ifndef TESTS_CHAOS_HISTORY_PROFILE_ORACLE_H_
#define TESTS_CHAOS_HISTORY_PROFILE_ORACLE_H_

#include <string>
#include <vector>

#include "tests/chaos/history/callers.h"
#include "tests/chaos/history/simulated_passfort.h"
#include "tests/chaos/history/simulated_store.h"

namespace gateway::history {

// What is true of creating profiles beyond what the Oracle asks of all calls: invariant (l).
// Nothing shows whether a lost POST made a profile, so none may follow it.
class ProfileOracle {
 public:
  // All outlive it; `findings` gets what it finds.
  ProfileOracle(const Callers& callers, const SimulatedPassfort& passfort,
                const SimulatedStore& store, std::vector<std::string>& findings)
      : callers_(callers), passfort_(passfort), store_(store), findings_(findings) {}

  void JudgeAll();
  // As Oracle::JudgeRepeat.
  void JudgeRepeat(const Call& call);

 private:
  void JudgePost(const Post& post);
  void JudgeOk(const Call& call, const Given& given);
  void JudgeUnknown(const Call& call);
  void JudgeAfterUnknown(const Call& call);
  void JudgeReads();

  // Whether both are of one intent, which a request_id stands for until its record expires.
  bool IsSameIntent(const Call& call, const Call& later) const;
  bool IsSameIntent(const Post& post, const Post& later) const;
  // `post` has left.
  bool IsOfIntent(const Post& post, const Call& call) const;
  // Whether anything happened that may leave a create of the request_id without an outcome.
  bool HasReason(const Call& call) const;
  // Whether Passfort's answer was in the store before anybody could take its POST for lost.
  bool WasStoredInTime(const Post& post) const;
  void Report(std::string finding) { findings_.push_back("(l) " + std::move(finding)); }

  const Callers& callers_;
  const SimulatedPassfort& passfort_;
  const SimulatedStore& store_;
  std::vector<std::string>& findings_;
};

}  // namespace gateway::history

#endif  // TESTS_CHAOS_HISTORY_PROFILE_ORACLE_H_
