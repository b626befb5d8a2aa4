#include "service/authorization/authorization_policy_file.h"

#include <utility>

#include "absl/status/status.h"
#include "service/authorization/message_text.h"

namespace gateway {

AuthorizationVersion::AuthorizationVersion(uint64_t generation,
                                           std::shared_ptr<const AuthorizationPolicy> policy,
                                           std::shared_ptr<const AuthorizationPolicy> candidate)
    : generation_(generation), policy_(std::move(policy)), candidate_(std::move(candidate)) {}

AuthorizationVersion::Decision AuthorizationVersion::Decide(std::string_view principal,
                                                            std::string_view path) const {
  Decision decision{.policy = policy_->Decide(principal, path), .differing_candidate = {}};
  if (candidate_ == nullptr) return decision;
  // Another rule with the same verdict is no difference: nobody would notice it.
  const AuthorizationDecision candidate = candidate_->Decide(principal, path);
  if (candidate.allowed != decision.policy.allowed) decision.differing_candidate = candidate;
  return decision;
}

AuthorizationPolicyFile::AuthorizationPolicyFile(std::string path, std::vector<std::string> methods)
    : methods_(std::move(methods)),
      method_views_(methods_.begin(), methods_.end()),
      policy_file_({.path = path,
                    .what = "authorization policy",
                    .max_bytes = AuthorizationPolicy::kMaxBytes}),
      candidate_file_({.path = MessageText(path, kCandidateSuffix),
                       .what = "candidate of the authorization policy",
                       .max_bytes = AuthorizationPolicy::kMaxBytes}) {}

absl::StatusOr<std::unique_ptr<AuthorizationPolicyFile>> AuthorizationPolicyFile::Open(
    std::string path, std::vector<std::string> methods) {
  std::unique_ptr<AuthorizationPolicyFile> file(
      new AuthorizationPolicyFile(std::move(path), std::move(methods)));
  absl::StatusOr<PolicyPointer> policy = file->Read(file->policy_file_);
  if (!policy.ok()) return policy.status();
  file->Publish(AuthorizationVersion(1, *std::move(policy), nullptr));
  return file;
}

std::shared_ptr<const AuthorizationVersion> AuthorizationPolicyFile::Current() const {
  const std::lock_guard lock(mutex_);
  return current_;
}

AuthorizationPolicyFile::Refreshed AuthorizationPolicyFile::Refresh() {
  AuthorizationVersion next = *Current();
  const PolicyPointer old_candidate = next.candidate_;
  Refreshed refreshed{.policy = RefreshPolicy(next.policy_),
                      .candidate = RefreshCandidate(next.candidate_)};
  const bool is_new_policy = refreshed.policy.ok() && *refreshed.policy == Change::kNew;
  if (is_new_policy) ++next.generation_;
  if (is_new_policy || next.candidate_ != old_candidate) Publish(std::move(next));
  return refreshed;
}

absl::StatusOr<AuthorizationPolicyFile::Change> AuthorizationPolicyFile::ReportOnce(
    WatchedFile& file, const absl::Status& error) {
  if (!file.IsNewError(error)) return Change::kSame;
  return error;
}

absl::StatusOr<AuthorizationPolicyFile::PolicyPointer> AuthorizationPolicyFile::Read(
    WatchedFile& file) const {
  return file.Read([this](std::string_view text) -> absl::StatusOr<PolicyPointer> {
    absl::StatusOr<AuthorizationPolicy> policy = AuthorizationPolicy::Parse(text, method_views_);
    if (!policy.ok()) return policy.status();
    return std::make_shared<const AuthorizationPolicy>(*std::move(policy));
  });
}

absl::StatusOr<AuthorizationPolicyFile::Change> AuthorizationPolicyFile::RefreshPolicy(
    PolicyPointer& policy) {
  if (policy_file_.IsUnchanged()) return Change::kSame;
  absl::StatusOr<PolicyPointer> read = Read(policy_file_);
  if (!read.ok()) return ReportOnce(policy_file_, read.status());
  if ((*read)->full_digest() == policy->full_digest()) return Change::kSame;
  policy = *std::move(read);
  return Change::kNew;
}

absl::StatusOr<AuthorizationPolicyFile::Change> AuthorizationPolicyFile::RefreshCandidate(
    PolicyPointer& candidate) {
  if (candidate_file_.IsUnchanged()) return Change::kSame;
  absl::StatusOr<PolicyPointer> read = Read(candidate_file_);
  const PolicyPointer old = std::exchange(candidate, nullptr);
  if (!read.ok() && !absl::IsNotFound(read.status())) {
    return ReportOnce(candidate_file_, read.status());
  }
  if (!read.ok()) {
    candidate_file_.ForgetError();
    return old == nullptr ? Change::kSame : Change::kGone;
  }
  candidate = *std::move(read);
  if (old == nullptr || old->full_digest() != candidate->full_digest()) return Change::kNew;
  candidate = old;
  return Change::kSame;
}

void AuthorizationPolicyFile::Publish(AuthorizationVersion version) {
  auto next = std::make_shared<const AuthorizationVersion>(std::move(version));
  // The old version is freed after the lock, if this is its last owner.
  const std::lock_guard lock(mutex_);
  current_.swap(next);
}

}  // namespace gateway
