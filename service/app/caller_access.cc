#include "service/app/caller_access.h"

#include <string_view>
#include <utility>

#include "service/rpc/access/tls_credentials.h"

namespace gateway {

absl::StatusOr<std::unique_ptr<CallerAccess>> CallerAccess::Open(Options options,
                                                                 Dependencies dependencies) {
  auto access = std::unique_ptr<CallerAccess>(new CallerAccess());
  if (options.certificates.cert_file.empty()) return access;
  if (auto read = access->ReadPolicy(options, dependencies); !read.ok()) return read;
  if (auto read = access->ReadCallers(options, dependencies); !read.ok()) return read;
  if (!options.certificates.client_ca_file.empty()) {
    access->verifier_ = std::make_unique<ClientVerifier>(options.trust_domain);
    access->control_ = std::make_unique<AccessControl>(AccessControl::Dependencies{
        .verifier = *access->verifier_,
        .policies = access->policy_ == nullptr ? nullptr : &access->policy_->file(),
        .callers = access->callers_ == nullptr ? nullptr : &access->callers_->file(),
        .trace_ids = dependencies.trace_ids,
        .metrics = dependencies.metrics,
        .log = dependencies.log});
  }
  if (auto read = access->ReadCertificates(std::move(options), dependencies); !read.ok()) {
    return read;
  }
  return access;
}

void CallerAccess::Describe(StatusReport& report) const {
  if (watcher_ != nullptr) watcher_->Describe(report);
  if (policy_ != nullptr) policy_->Describe(report);
  if (callers_ != nullptr) callers_->Describe(report);
}

absl::Status CallerAccess::ReadPolicy(const Options& options, Dependencies dependencies) {
  if (options.policy_file.empty()) return absl::OkStatus();
  auto policy = PolicyWatch::Start(options.policy_file, dependencies.loop, dependencies.log,
                                   dependencies.metrics);
  if (!policy.ok()) return policy.status();
  policy_ = *std::move(policy);
  return absl::OkStatus();
}

absl::Status CallerAccess::ReadCallers(const Options& options, Dependencies dependencies) {
  if (options.callers_file.empty()) return absl::OkStatus();
  auto callers = CallersWatch::Start(options.callers_file, options.callers, dependencies.loop,
                                     dependencies.log, dependencies.metrics);
  if (!callers.ok()) return callers.status();
  callers_ = *std::move(callers);
  return absl::OkStatus();
}

absl::Status CallerAccess::ReadCertificates(Options options, Dependencies dependencies) {
  const bool serves_builtin = options.serves_builtin_services;
  auto stage = CertificateStage::Create();
  if (!stage.ok()) return stage.status();
  stage_ = *std::move(stage);
  auto watcher = CertificateWatcher::Start(
      {.paths = std::move(options.certificates)},
      {.loop = dependencies.loop,
       .stage = *stage_,
       .clock = dependencies.clock,
       .log = dependencies.log,
       .metrics = dependencies.metrics},
      [this, &log = dependencies.log](const CertificateSet& set) {
        if (verifier_ == nullptr) return;
        if (const auto used = verifier_->SetBundle(set.client_ca_pem); !used.ok()) {
          log.Error("tls_client_ca_file: not used",
                    {{"detail", std::string_view(used.message().data(), used.message().size())}});
        }
      });
  if (!watcher.ok()) return watcher.status();
  watcher_ = *std::move(watcher);
  const AccessControl* const builtin = serves_builtin ? control_.get() : nullptr;
  credentials_ = verifier_ == nullptr
                     ? TlsCredentials(stage_->current())
                     : MutualTlsCredentials(stage_->current(), *verifier_, builtin);
  return absl::OkStatus();
}

void CallerAccess::RemoveStagedKey() {
  watcher_.reset();
  stage_.reset();
}

const AccessControl& CallerAccess::control() const {
  return control_ == nullptr ? AccessControl::ForLocalCallers() : *control_;
}

}  // namespace gateway
