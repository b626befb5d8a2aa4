#ifndef TESTS_SUPPORT_TEST_CERTIFICATES_H_
#define TESTS_SUPPORT_TEST_CERTIFICATES_H_

#include <memory>
#include <string>
#include <vector>

namespace gateway {

// A certificate and its private key, as PEM.
struct TlsIdentity {
  std::string certificate_pem;
  std::string key_pem;
  // The newest version of TLS that its server speaks, as TLS1_2_VERSION; 0 for the newest of all.
  int newest_tls_version = 0;
};

// A certificate authority that exists for one test: its key never leaves the process.
class TestAuthority {
 public:
  TestAuthority();
  ~TestAuthority();
  TestAuthority(const TestAuthority&) = delete;
  TestAuthority& operator=(const TestAuthority&) = delete;

  const std::string& certificate_pem() const { return certificate_pem_; }

  // A certificate for these host names and IP addresses.
  TlsIdentity Issue(const std::vector<std::string>& names) const;

 private:
  struct Keys;

  std::unique_ptr<Keys> keys_;
  std::string certificate_pem_;
};

}  // namespace gateway

#endif  // TESTS_SUPPORT_TEST_CERTIFICATES_H_
