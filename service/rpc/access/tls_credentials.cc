#include "service/rpc/access/tls_credentials.h"

#include <grpcpp/security/auth_metadata_processor.h>
#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_certificate_verifier.h>
#include <grpcpp/security/tls_credentials_options.h>

#include <functional>
#include <string_view>

#include "absl/time/clock.h"

namespace gateway {
namespace {

using grpc::experimental::ExternalCertificateVerifier;
using grpc::experimental::FileWatcherCertificateProvider;
using grpc::experimental::TlsCustomVerificationCheckRequest;
using grpc::experimental::TlsServerCredentialsOptions;

constexpr unsigned kRefreshSeconds = 1;

std::string_view View(grpc::string_ref text) { return {text.data(), text.size()}; }

// At the handshake, after gRPC has verified the chain: whoever has no one identity would be refused
// at every call, and learns it sooner so.
class IdentityAtHandshake final : public ExternalCertificateVerifier {
 public:
  explicit IdentityAtHandshake(ClientVerifier& verifier) : verifier_(verifier) {}

  bool Verify(TlsCustomVerificationCheckRequest* request,
              std::function<void(grpc::Status)> /*callback*/, grpc::Status* result) override {
    const auto client = verifier_.Verify(View(request->peer_cert()),
                                         View(request->peer_cert_full_chain()), absl::Now());
    *result = client.ok() ? grpc::Status::OK
                          : grpc::Status(grpc::StatusCode::UNAUTHENTICATED,
                                         std::string(client.status().message()));
    return true;
  }
  void Cancel(TlsCustomVerificationCheckRequest*) override {}

 private:
  ClientVerifier& verifier_;
};

// Sees all calls before they are anybody's. Our services ask by themselves, so that a denial gets
// details; those of gRPC have only this.
class BuiltinServices final : public grpc::AuthMetadataProcessor {
 public:
  explicit BuiltinServices(const AccessControl& access) : access_(access) {}

  bool IsBlocking() const override { return false; }

  grpc::Status Process(const InputMetadata& metadata, grpc::AuthContext* peer, OutputMetadata*,
                       OutputMetadata*) override {
    const auto found = metadata.find(":path");
    const std::string_view path = found == metadata.end() ? "" : View(found->second);
    if (!path.starts_with("/grpc.") || path.starts_with("/grpc.health.")) return grpc::Status::OK;
    return access_.AdmitBuiltin(*peer, path, metadata);
  }

 private:
  const AccessControl& access_;
};

// A template, so that only what this version of gRPC has is compiled: newer ones do it in another
// way, and deprecate that of 1.51.
template <typename Options = TlsServerCredentialsOptions>
Options OptionsFor(const CertificatePaths& staged) {
  const auto files = std::make_shared<FileWatcherCertificateProvider>(
      staged.key_file, staged.cert_file, staged.client_ca_file, kRefreshSeconds);
  const bool has_authorities = !staged.client_ca_file.empty();
  if constexpr (requires { Options::Create(files); }) {
    Options options = *Options::Create(files);  // fails for null alone
    if (has_authorities) options.set_root_certificate_provider(files);
    return options;
  } else {
    Options options(files);
    options.watch_identity_key_cert_pairs();
    if (has_authorities) options.watch_root_certs();
    return options;
  }
}

}  // namespace

std::shared_ptr<grpc::ServerCredentials> TlsCredentials(const CertificatePaths& staged) {
  // There is no file of authorities, and gRPC would wait for it.
  return grpc::experimental::TlsServerCredentials(
      OptionsFor({.cert_file = staged.cert_file, .key_file = staged.key_file}));
}

std::shared_ptr<grpc::ServerCredentials> MutualTlsCredentials(const CertificatePaths& staged,
                                                              ClientVerifier& verifier,
                                                              const AccessControl* builtin) {
  TlsServerCredentialsOptions options = OptionsFor(staged);
  options.set_cert_request_type(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  options.set_certificate_verifier(
      ExternalCertificateVerifier::Create<IdentityAtHandshake>(verifier));
  // Callers' names for us are their business.
  options.set_check_call_host(false);
  auto credentials = grpc::experimental::TlsServerCredentials(options);
  if (builtin != nullptr) {
    credentials->SetAuthMetadataProcessor(std::make_shared<BuiltinServices>(*builtin));
  }
  return credentials;
}

}  // namespace gateway
