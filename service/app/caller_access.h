#ifndef SERVICE_APP_CALLER_ACCESS_H_
#define SERVICE_APP_CALLER_ACCESS_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "service/app/callers_watch.h"
#include "service/app/policy_watch.h"
#include "service/base/clock.h"
#include "service/base/event_loop.h"
#include "service/base/trace_context.h"
#include "service/callers/callers_file.h"
#include "service/observability/log.h"
#include "service/observability/metrics.h"
#include "service/rpc/access/access_control.h"
#include "service/tls/certificate_set.h"
#include "service/tls/certificate_stage.h"
#include "service/tls/certificate_watcher.h"
#include "service/tls/client_verifier.h"

namespace grpc {
class ServerCredentials;
}

namespace gateway {

// Who may connect and call, by files that are read again when they change: the gateway's
// certificate, the authorities of its callers', the authorization policy, and the callers file.
class CallerAccess final : public StatusSource {
 public:
  struct Options {
    // `cert_file` empty: plain text, every caller is "local" and may call everything.
    CertificatePaths certificates;
    std::string trust_domain;              // empty: any
    bool serves_builtin_services = false;  // reflection or channelz
    std::string policy_file;               // empty: every caller may call everything
    std::string callers_file;              // empty: callers share all that the gateway has
    CallersFile::Options callers;
  };
  // All of them outlive it.
  struct Dependencies {
    EventLoop& loop;
    Clock& clock;
    TraceIds& trace_ids;
    Log& log;
    Metrics& metrics;
  };

  // Reads all files for the first time: an error names the setting and what is wrong. Any thread
  // but the loop's, likewise the destructor, which comes after the server's.
  static absl::StatusOr<std::unique_ptr<CallerAccess>> Open(Options options,
                                                            Dependencies dependencies);

  // For the one server of this process. Null: plain text.
  const std::shared_ptr<grpc::ServerCredentials>& credentials() const { return credentials_; }
  const AccessControl& control() const;

  void Describe(StatusReport& report) const override;

  // For an exit without destructors: no key is left in a file. gRPC may go on serving meanwhile.
  void RemoveStagedKey();

 private:
  CallerAccess() = default;

  absl::Status ReadPolicy(const Options& options, Dependencies dependencies);
  absl::Status ReadCallers(const Options& options, Dependencies dependencies);
  absl::Status ReadCertificates(Options options, Dependencies dependencies);

  std::unique_ptr<PolicyWatch> policy_;       // null: there is none
  std::unique_ptr<CallersWatch> callers_;     // likewise
  std::unique_ptr<ClientVerifier> verifier_;  // null: callers show no certificates
  std::unique_ptr<AccessControl> control_;    // likewise
  std::unique_ptr<CertificateStage> stage_;
  std::unique_ptr<CertificateWatcher> watcher_;
  std::shared_ptr<grpc::ServerCredentials> credentials_;
};

}  // namespace gateway

#endif  // SERVICE_APP_CALLER_ACCESS_H_
