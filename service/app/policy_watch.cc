#include "service/app/policy_watch.h"

#include <utility>

#include "service/rpc/access/served_methods.h"

namespace gateway {
namespace {

std::string_view DetailOf(const absl::Status& status) {
  return {status.message().data(), status.message().size()};
}

}  // namespace

absl::StatusOr<std::unique_ptr<PolicyWatch>> PolicyWatch::Start(std::string path, EventLoop& loop,
                                                                Log& log, Metrics& metrics) {
  auto file = AuthorizationPolicyFile::Open(std::move(path), ServedMethods());
  if (!file.ok()) {
    return absl::InvalidArgumentError("authorization_policy_file: " +
                                      std::string(DetailOf(file.status())));
  }
  return std::unique_ptr<PolicyWatch>(new PolicyWatch(*std::move(file), loop, log, metrics));
}

PolicyWatch::PolicyWatch(std::unique_ptr<AuthorizationPolicyFile> file, EventLoop& loop, Log& log,
                         Metrics& metrics)
    : file_(std::move(file)),
      log_(log),
      generation_(metrics.AddGauge(
          "passfort_gateway_authorization_policy_generation",
          "Which version of the authorization policy is in force, counted from the start.")),
      looks_(loop, [this] { Look(); }) {}

void PolicyWatch::Describe(StatusReport& report) const {
  const auto current = file_->Current();
  StatusSection& section = report.Section("Callers");
  section.Add("policy in force", "number " + std::to_string(current->generation()) +
                                     " since the start, " +
                                     std::string(current->policy().digest()));
  AddFileState("policy file", file_->policy_error(), section);
  if (current->candidate() != nullptr || !file_->candidate_error().empty()) {
    AddFileState("file of the policy's candidate", file_->candidate_error(), section);
  }
}

void PolicyWatch::Look() {
  const std::string old_digest(file_->Current()->policy().digest());
  const auto refreshed = file_->Refresh();
  ReportPolicy(refreshed.policy, old_digest);
  ReportCandidate(refreshed.candidate);
  generation_.Set(static_cast<double>(file_->Current()->generation()));
}

void PolicyWatch::ReportPolicy(const Refreshed& policy, const std::string& old_digest) {
  if (!policy.ok()) {
    log_.Error("authorization_policy_file: not used, the policy before stays in force",
               {{"detail", DetailOf(policy.status())}, {"policy", old_digest}});
  } else if (*policy == AuthorizationPolicyFile::Change::kNew) {
    log_.Info("authorization policy changed",
              {{"old", old_digest}, {"policy", file_->Current()->policy().digest()}});
  }
}

void PolicyWatch::ReportCandidate(const Refreshed& candidate) {
  using Change = AuthorizationPolicyFile::Change;
  if (!candidate.ok()) {
    log_.Error("the candidate of the authorization policy is not used",
               {{"detail", DetailOf(candidate.status())}});
  } else if (*candidate == Change::kNew) {
    log_.Info("candidate of the authorization policy changed",
              {{"candidate", file_->Current()->candidate()->digest()}});
  } else if (*candidate == Change::kGone) {
    log_.Info("candidate of the authorization policy is gone");
  }
}

}  // namespace gateway
