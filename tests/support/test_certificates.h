#ifndef TESTS_SUPPORT_TEST_CERTIFICATES_H_
#define TESTS_SUPPORT_TEST_CERTIFICATES_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace gateway {

// A certificate and its private key, as PEM.
struct TlsIdentity {
  std::string certificate_pem;
  std::string key_pem;
  // The newest version of TLS that its server speaks, as TLS1_2_VERSION; 0 for the newest of all.
  int newest_tls_version = 0;
};

// One of a certificate's subject alternative names, with any bytes.
struct AlternativeName {
  enum class Kind { kDns, kUri, kEmail, kIp };

  Kind kind = Kind::kDns;
  std::string value;  // an IP address as text
};

// What stands in a certificate. Extensions are as OpenSSL's x509v3_config(5) writes them; an empty
// one is left out.
struct CertificateContent {
  std::string common_name = "passfort-gateway test";
  std::vector<AlternativeName> names = {};
  absl::Time not_before = absl::Now() - absl::Hours(1);
  absl::Time not_after = absl::Now() + absl::Hours(24);
  std::string basic_constraints = "critical,CA:FALSE";
  std::string key_usage = {};
  std::string extended_key_usage = {};
  std::string authority_key_identifier = "keyid";
  std::string key = "P-256";  // or another curve, "RSA-" and a number of bits, or "ED25519"
  std::string digest = "SHA256";
};

// What stands in an authority's certificate.
CertificateContent AuthorityContent(std::string common_name = "passfort-gateway test authority");

// A certificate authority that exists for one test: its key leaves the process only in such files
// as the test writes.
class TestAuthority {
 public:
  TestAuthority() : TestAuthority(AuthorityContent()) {}
  // Signed by itself.
  explicit TestAuthority(const CertificateContent& content);
  // Signed by `issuer`.
  TestAuthority(const CertificateContent& content, const TestAuthority& issuer);
  ~TestAuthority();
  TestAuthority(const TestAuthority&) = delete;
  TestAuthority& operator=(const TestAuthority&) = delete;

  const std::string& certificate_pem() const { return certificate_pem_; }
  std::string key_pem() const;

  // A certificate for these host names and IP addresses.
  TlsIdentity Issue(const std::vector<std::string>& names) const;
  TlsIdentity IssueFor(const CertificateContent& content) const;

 private:
  struct Keys;

  std::unique_ptr<Keys> keys_;
  std::string certificate_pem_;
};

}  // namespace gateway

#endif  // TESTS_SUPPORT_TEST_CERTIFICATES_H_
