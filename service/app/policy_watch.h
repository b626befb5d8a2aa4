#ifndef SERVICE_APP_POLICY_WATCH_H_
#define SERVICE_APP_POLICY_WATCH_H_

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "service/app/every_second.h"
#include "service/authorization/authorization_policy_file.h"
#include "service/base/event_loop.h"
#include "service/observability/log.h"
#include "service/observability/metrics.h"
#include "service/observability/status_report.h"

namespace gateway {

// Looks every second whether the authorization policy or its candidate has changed, and says in the
// log what came of it.
class PolicyWatch final : public StatusSource {
 public:
  // Reads the policy for the first time; an error says what is wrong with it. All but `path`
  // outlive the watch. Any thread but the loop's, likewise the destructor.
  static absl::StatusOr<std::unique_ptr<PolicyWatch>> Start(std::string path, EventLoop& loop,
                                                            Log& log, Metrics& metrics);

  const AuthorizationPolicyFile& file() const { return *file_; }

  void Describe(StatusReport& report) const override;

 private:
  using Refreshed = absl::StatusOr<AuthorizationPolicyFile::Change>;

  PolicyWatch(std::unique_ptr<AuthorizationPolicyFile> file, EventLoop& loop, Log& log,
              Metrics& metrics);

  // Loop thread only.
  void Look();
  void ReportPolicy(const Refreshed& policy, const std::string& old_digest);
  void ReportCandidate(const Refreshed& candidate);

  const std::unique_ptr<AuthorizationPolicyFile> file_;
  Log& log_;
  const Gauge generation_;
  const EverySecond looks_;  // the last member: it uses the others
};

}  // namespace gateway

#endif  // SERVICE_APP_POLICY_WATCH_H_
