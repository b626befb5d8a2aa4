#ifndef SERVICE_AUTHORIZATION_AUTHORIZATION_POLICY_FILE_H_
#define SERVICE_AUTHORIZATION_AUTHORIZATION_POLICY_FILE_H_

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "service/authorization/authorization_policy.h"
#include "service/base/watched_file.h"

namespace gateway {

// What is in force at one moment: the policy, and the candidate beside it. Never changes.
class AuthorizationVersion {
 public:
  struct Decision {
    // What counts.
    AuthorizationDecision policy;
    // What the candidate says, if that is not the same: allowed instead of denied, or the reverse.
    // To be counted and logged, nothing else.
    std::optional<AuthorizationDecision> differing_candidate;
  };

  AuthorizationVersion(uint64_t generation, std::shared_ptr<const AuthorizationPolicy> policy,
                       std::shared_ptr<const AuthorizationPolicy> candidate);

  // Allocates nothing. The rules' names live as long as this version.
  Decision Decide(std::string_view principal, std::string_view path) const;

  // 1 for the first policy, and one more with each new one. A new candidate has no number.
  uint64_t generation() const { return generation_; }
  const AuthorizationPolicy& policy() const { return *policy_; }
  const AuthorizationPolicy* candidate() const { return candidate_.get(); }  // null: there is none

 private:
  friend class AuthorizationPolicyFile;

  uint64_t generation_;
  // Shared with the versions before and after: either one may change without the other.
  std::shared_ptr<const AuthorizationPolicy> policy_;
  std::shared_ptr<const AuthorizationPolicy> candidate_;
};

// The authorization policy of a file, and of the file `.candidate` beside it, read again when they
// change. A candidate shows what a new policy would do before it does it: copy it beside the
// policy, watch which calls it would judge differently, then rename it to the policy's name.
class AuthorizationPolicyFile {
 public:
  enum class Change { kSame, kNew, kGone };

  // What a look at the files has found. An error comes once, and not again until the failure is
  // another one or over.
  struct Refreshed {
    // Never kGone: a policy that is missing or bad is an error, and the old one stays.
    absl::StatusOr<Change> policy;
    // A bad candidate is none: what it said before is not what is in the file.
    absl::StatusOr<Change> candidate;
  };

  static constexpr std::string_view kCandidateSuffix = ".candidate";

  // Reads the policy; the candidate is for the first Refresh(). Whoever may write the file decides
  // who may call what, so no one but its owner may. `methods` are as for AuthorizationPolicy.
  static absl::StatusOr<std::unique_ptr<AuthorizationPolicyFile>> Open(
      std::string path, std::vector<std::string> methods);

  // The version to judge a call by: all that is asked about the call has to be asked of this one.
  // Never null. Safe from any thread, beside Refresh() too.
  std::shared_ptr<const AuthorizationVersion> Current() const;

  // Looks whether a file has changed and reads it if so. One thread at a time, such as an event
  // loop's timer: without a change it is two system calls, and it does not wait on pipes.
  Refreshed Refresh();

  // Why the policy, or its candidate, is not used as its file is now; empty: it is. Of the thread
  // of Refresh.
  const std::string& policy_error() const { return policy_file_.last_error(); }
  const std::string& candidate_error() const { return candidate_file_.last_error(); }

 private:
  using PolicyPointer = std::shared_ptr<const AuthorizationPolicy>;

  AuthorizationPolicyFile(std::string path, std::vector<std::string> methods);

  static absl::StatusOr<Change> ReportOnce(WatchedFile& file, const absl::Status& error);
  absl::StatusOr<PolicyPointer> Read(WatchedFile& file) const;
  absl::StatusOr<Change> RefreshPolicy(PolicyPointer& policy);
  absl::StatusOr<Change> RefreshCandidate(PolicyPointer& candidate);
  void Publish(AuthorizationVersion version);

  const std::vector<std::string> methods_;
  const std::vector<std::string_view> method_views_;
  WatchedFile policy_file_;
  WatchedFile candidate_file_;
  // Not std::atomic<std::shared_ptr>: libstdc++'s is a spin lock as well, and one that
  // ThreadSanitizer does not understand. The lock is held for the copy of a pointer.
  mutable std::mutex mutex_;
  std::shared_ptr<const AuthorizationVersion> current_;  // guarded by mutex_
};

}  // namespace gateway

#endif  // SERVICE_AUTHORIZATION_AUTHORIZATION_POLICY_FILE_H_
