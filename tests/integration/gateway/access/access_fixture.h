#ifndef TESTS_INTEGRATION_GATEWAY_ACCESS_ACCESS_FIXTURE_H_
#define TESTS_INTEGRATION_GATEWAY_ACCESS_ACCESS_FIXTURE_H_

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/fake_passfort/fake_passfort.h"
#include "tests/support/gateway_caller.h"
#include "tests/support/gateway_process.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_certificates.h"

namespace gateway {

inline constexpr char kOnboarding[] = "spiffe://bank.example/ns/onboarding/sa/app";

inline AlternativeName Uri(std::string value) {
  return {.kind = AlternativeName::Kind::kUri, .value = std::move(value)};
}

inline AlternativeName Dns(std::string value) {
  return {.kind = AlternativeName::Kind::kDns, .value = std::move(value)};
}

// What a caller's certificate says that is good.
inline CertificateContent CallerContent(std::vector<AlternativeName> names = {Uri(kOnboarding)}) {
  return {.names = std::move(names), .extended_key_usage = "clientAuth"};
}

// Files as Kubernetes, cert-manager and SPIRE mount them: each name leads through `..data` to a
// folder, and a change replaces `..data` in one step.
class MountedFiles {
 public:
  using Contents = std::map<std::string, std::string>;

  explicit MountedFiles(const Contents& contents) {
    Change(contents);
    for (const auto& [name, text] : contents) {
      std::filesystem::create_symlink("..data/" + name, File(name));
    }
  }

  // A name that is missing has no file from now on.
  void Change(const Contents& contents) {
    const std::string folder = "..version" + std::to_string(++versions_);
    std::filesystem::create_directory(File(folder));
    for (const auto& [name, text] : contents) {
      const std::string file = File(folder + "/" + name);
      std::ofstream(file) << text;
      std::filesystem::permissions(file, std::filesystem::perms::owner_read);
    }
    std::filesystem::create_directory_symlink(folder, File("..data_tmp"));
    std::filesystem::rename(File("..data_tmp"), File("..data"));
    if (versions_ > 1) {
      std::filesystem::remove_all(File("..version" + std::to_string(versions_ - 1)));
    }
  }

  std::string File(const std::string& name) const { return folder_.File(name); }

 private:
  const TemporaryFolder folder_;
  int versions_ = 0;
};

// A gateway that serves TLS, and asks its callers for certificates of `authority`.
class MutualTlsFixture {
 public:
  explicit MutualTlsFixture(std::vector<std::string> flags = {})
      : gateway({.api_url = passfort.url(), .flags = WithTls(std::move(flags))}) {}

  // A good set. The certificate's names tell tests that the new one is served.
  MountedFiles::Contents GoodSet(const std::vector<std::string>& more_names = {}) const {
    std::vector<std::string> names = {"127.0.0.1", "localhost"};
    names.insert(names.end(), more_names.begin(), more_names.end());
    const TlsIdentity server = authority.Issue(names);
    return {{"tls.crt", server.certificate_pem},
            {"tls.key", server.key_pem},
            {"ca.crt", authority.certificate_pem()}};
  }

  // A connection of its own, with this certificate; none for an empty one.
  GatewayCaller CallerWith(const TlsIdentity& identity) const {
    return GatewayCaller(gateway.target(),
                         grpc::SslCredentials({.pem_root_certs = authority.certificate_pem(),
                                               .pem_private_key = identity.key_pem,
                                               .pem_cert_chain = identity.certificate_pem}));
  }
  GatewayCaller CallerWith(const CertificateContent& content) const {
    return CallerWith(authority.IssueFor(content));
  }

  FakePassfort passfort;
  TestAuthority authority;
  MountedFiles certificates{GoodSet()};
  GatewayProcess gateway;

 private:
  std::vector<std::string> WithTls(std::vector<std::string> flags) const {
    flags.push_back("--tls_cert_file=" + certificates.File("tls.crt"));
    flags.push_back("--tls_key_file=" + certificates.File("tls.key"));
    flags.push_back("--tls_client_ca_file=" + certificates.File("ca.crt"));
    return flags;
  }
};

}  // namespace gateway

#endif  // TESTS_INTEGRATION_GATEWAY_ACCESS_ACCESS_FIXTURE_H_
