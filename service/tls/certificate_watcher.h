#ifndef SERVICE_TLS_CERTIFICATE_WATCHER_H_
#define SERVICE_TLS_CERTIFICATE_WATCHER_H_

#include <array>
#include <memory>
#include <string>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "service/base/clock.h"
#include "service/base/deadline.h"
#include "service/base/event_loop.h"
#include "service/base/small_file.h"
#include "service/observability/log.h"
#include "service/observability/metrics.h"
#include "service/observability/status_report.h"
#include "service/tls/certificate_set.h"
#include "service/tls/certificate_stage.h"
#include "service/tls/folder_watch.h"

namespace gateway {

// Follows the files of the server's certificates, which are replaced while the gateway runs: each
// good set that differs is staged for gRPC and told. A set that is not good changes nothing but a
// log line and a counter, since a server that goes on with its old certificate is better than none.
//
// It looks when something changes in the files' folders, kSettleTime later, because three files are
// seldom replaced at once; and every kLookEvery in any case, for changes that inotify does not see.
// A look at files that have not changed is three system calls. It runs on the event loop and reads
// files there, as ApiKeySource does: they are small, and in memory or on a local disk.
class CertificateWatcher final : public StatusSource {
 public:
  static constexpr Milliseconds kLookEvery{10'000};
  static constexpr Milliseconds kSettleTime{200};

  struct Options {
    CertificatePaths paths;
    Milliseconds look_every = kLookEvery;
    Milliseconds settle_time = kSettleTime;
  };
  // All of these outlive the watcher. Nobody else publishes on the stage.
  struct Dependencies {
    EventLoop& loop;
    CertificateStage& stage;
    Clock& clock;
    Log& log;
    Metrics& metrics;
  };
  // Called on the loop's thread with a set that has just been staged.
  using OnNewSet = absl::AnyInvocable<void(const CertificateSet& set)>;

  // Reads the first set and tells it like the later ones, before it returns. An error says why that
  // set is refused or cannot be staged; the start had better end then. Any thread but the loop's,
  // likewise the destructor.
  static absl::StatusOr<std::unique_ptr<CertificateWatcher>> Start(Options options,
                                                                   Dependencies dependencies,
                                                                   OnNewSet on_new_set);
  ~CertificateWatcher() override;
  CertificateWatcher(const CertificateWatcher&) = delete;
  CertificateWatcher& operator=(const CertificateWatcher&) = delete;

  void Describe(StatusReport& report) const override;

 private:
  using Identities = std::array<FileIdentity, 3>;

  CertificateWatcher(Options options, Dependencies dependencies, OnNewSet on_new_set);

  // Everything below is the loop thread's.
  absl::Status ReadFirstSet();
  void StartLooking();
  void WatchFolders();
  void RenewFolders();
  void WarnOfFolders(const absl::Status& why);
  void OnTime();
  void OnSettled();
  void Look();
  Identities LookAtFiles() const;
  absl::StatusOr<CertificateSet> Read();
  absl::Status Use(CertificateSet set);
  void ReportFailure(const absl::Status& failure);
  void ReportNewSet();
  void ShowExpiry();

  const Options options_;
  const Dependencies dependencies_;
  OnNewSet on_new_set_;
  const CounterFamily refused_sets_;
  const Gauge not_after_;
  const Gauge client_ca_not_after_;
  const Gauge expired_;

  CertificateSet current_;
  int generation_ = 0;               // of current_, counted from the start
  Identities identities_;            // of the files before they were last read
  std::string last_reported_error_;  // empty: the last look was fine
  bool has_warned_of_folders_ = false;
  std::unique_ptr<FolderWatch> folders_;  // null without inotify
  std::unique_ptr<Timer> next_look_;
  std::unique_ptr<Timer> settled_;
};

}  // namespace gateway

#endif  // SERVICE_TLS_CERTIFICATE_WATCHER_H_
