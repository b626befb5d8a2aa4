#include "service/tls/certificate_watcher.h"

#include <cstddef>
#include <string_view>
#include <utility>
#include <vector>

namespace gateway {
namespace {

std::string FolderOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

std::vector<std::string> FoldersOf(const CertificatePaths& paths) {
  std::vector<std::string> folders = {FolderOf(paths.cert_file), FolderOf(paths.key_file)};
  if (!paths.client_ca_file.empty()) folders.push_back(FolderOf(paths.client_ca_file));
  return folders;
}

std::string ToText(absl::Time time) { return absl::FormatTime(time, absl::UTCTimeZone()); }

// Certificates of a day are renewed by then too.
constexpr absl::Duration kNearEnd = absl::Hours(6);

}  // namespace

absl::StatusOr<std::unique_ptr<CertificateWatcher>> CertificateWatcher::Start(
    Options options, Dependencies dependencies, OnNewSet on_new_set) {
  std::unique_ptr<CertificateWatcher> watcher(
      new CertificateWatcher(std::move(options), dependencies, std::move(on_new_set)));
  absl::Status first;
  dependencies.loop.RunAndWait([&watcher, &first] {
    first = watcher->ReadFirstSet();
    if (first.ok()) watcher->StartLooking();
  });
  if (!first.ok()) return first;
  return watcher;
}

CertificateWatcher::CertificateWatcher(Options options, Dependencies dependencies,
                                       OnNewSet on_new_set)
    : options_(std::move(options)),
      dependencies_(dependencies),
      on_new_set_(std::move(on_new_set)),
      refused_sets_(dependencies.metrics.AddCounter(
          "passfort_gateway_tls_refused_sets_total",
          "Times that the TLS certificate files were read and not used; they are read again and "
          "again while they are bad.")),
      not_after_(dependencies.metrics.AddGauge(
          "passfort_gateway_tls_certificate_not_after_seconds",
          "When the server's certificate in use ends, in seconds since 1970.")),
      client_ca_not_after_(dependencies.metrics.AddGauge(
          "passfort_gateway_tls_client_ca_not_after_seconds",
          "When the first of the callers' authorities in use ends, in seconds since 1970.")),
      expired_(dependencies.metrics.AddGauge(
          "passfort_gateway_tls_certificate_expired",
          "1 while the server's certificate in use has expired, else 0.")) {}

CertificateWatcher::~CertificateWatcher() {
  dependencies_.loop.RunAndWait([this] {
    folders_.reset();
    settled_.reset();
    next_look_.reset();
  });
}

absl::Status CertificateWatcher::ReadFirstSet() {
  identities_ = LookAtFiles();
  auto set = Read();
  if (!set.ok()) return set.status();
  return Use(*std::move(set));
}

void CertificateWatcher::StartLooking() {
  settled_ = std::make_unique<Timer>(dependencies_.loop, [this] { OnSettled(); });
  next_look_ = std::make_unique<Timer>(dependencies_.loop, [this] { OnTime(); });
  WatchFolders();
  // At once, for what changed between the first look and the watch.
  OnTime();
}

void CertificateWatcher::WatchFolders() {
  auto folders = FolderWatch::Create(dependencies_.loop, FoldersOf(options_.paths), [this] {
    settled_->StartAt(dependencies_.clock.Now() + options_.settle_time);
  });
  if (!folders.ok()) return WarnOfFolders(folders.status());
  folders_ = *std::move(folders);
}

void CertificateWatcher::RenewFolders() {
  if (folders_ == nullptr) return;
  if (const auto renewed = folders_->Renew(); !renewed.ok()) WarnOfFolders(renewed);
}

void CertificateWatcher::WarnOfFolders(const absl::Status& why) {
  if (std::exchange(has_warned_of_folders_, true)) return;
  const std::string detail(why.message());
  dependencies_.log.Warn(
      "TLS certificates: changes of the files are not noticed at once, only at a look every few "
      "seconds",
      {{"detail", detail},
       {"look_every_seconds", std::chrono::duration<double>(options_.look_every).count()}});
}

void CertificateWatcher::OnTime() {
  next_look_->StartAt(dependencies_.clock.Now() + options_.look_every);
  RenewFolders();
  Look();
  dependencies_.stage.RemovePrevious(dependencies_.clock.WallNow());
}

void CertificateWatcher::OnSettled() {
  // Before the look: what changes during it is a change again.
  folders_->Rearm();
  Look();
}

void CertificateWatcher::Look() {
  ShowExpiry();
  const Identities identities = LookAtFiles();
  // After a failure the files are read in any case: they may be good by now as they are.
  if (last_reported_error_.empty() && identities == identities_) return;
  identities_ = identities;
  auto set = Read();
  if (!set.ok()) return ReportFailure(set.status());
  const bool is_new = set->digest != current_.digest;
  if (is_new) {
    if (const auto used = Use(*std::move(set)); !used.ok()) return ReportFailure(used);
  }
  if (is_new || !last_reported_error_.empty()) ReportNewSet();
  last_reported_error_.clear();
}

CertificateWatcher::Identities CertificateWatcher::LookAtFiles() const {
  const CertificatePaths& paths = options_.paths;
  return {IdentityOfFile(paths.cert_file), IdentityOfFile(paths.key_file),
          paths.client_ca_file.empty() ? FileIdentity() : IdentityOfFile(paths.client_ca_file)};
}

absl::StatusOr<CertificateSet> CertificateWatcher::Read() {
  return ReadCertificateSet(options_.paths, dependencies_.clock.WallNow());
}

absl::Status CertificateWatcher::Use(CertificateSet set) {
  const absl::Time now = dependencies_.clock.WallNow();
  if (const auto staged = dependencies_.stage.Publish(set, now); !staged.ok()) return staged;
  current_ = std::move(set);
  ++generation_;
  not_after_.Set(static_cast<double>(absl::ToUnixSeconds(current_.not_after)));
  if (!current_.client_ca_pem.empty()) {
    client_ca_not_after_.Set(
        static_cast<double>(absl::ToUnixSeconds(current_.client_ca_not_after)));
  }
  ShowExpiry();
  on_new_set_(current_);
  return absl::OkStatus();
}

void CertificateWatcher::ReportFailure(const absl::Status& failure) {
  refused_sets_.Increment();
  const std::string error(failure.message());
  if (std::exchange(last_reported_error_, error) == error) return;
  dependencies_.log.Error(
      "TLS certificates: the files as they are now are not used; the set from before stays",
      {{"detail", error}, {"not_after", ToText(current_.not_after)}});
}

void CertificateWatcher::ReportNewSet() {
  dependencies_.log.Info(last_reported_error_.empty()
                             ? "TLS certificates: a new set is in use"
                             : "TLS certificates: the files are good again, and in use",
                         {{"not_after", ToText(current_.not_after)}});
}

void CertificateWatcher::Describe(StatusReport& report) const {
  const auto level_of = [now = dependencies_.clock.WallNow()](absl::Time end) {
    if (end <= now) return StatusLevel::kBad;
    return end - now < kNearEnd ? StatusLevel::kNotice : StatusLevel::kGood;
  };
  StatusSection& section = report.Section("Certificates");
  section.Add("the gateway's own ends", UtcText(absl::ToChronoTime(current_.not_after)),
              level_of(current_.not_after));
  if (!current_.client_ca_pem.empty()) {
    section.Add("the first of the callers' authorities ends",
                UtcText(absl::ToChronoTime(current_.client_ca_not_after)),
                level_of(current_.client_ca_not_after));
  }
  section.Add("set in use", "number " + std::to_string(generation_) + " since the start");
  AddFileState("files", last_reported_error_, section);
}

void CertificateWatcher::ShowExpiry() {
  expired_.Set(dependencies_.clock.WallNow() >= current_.not_after ? 1 : 0);
}

}  // namespace gateway
