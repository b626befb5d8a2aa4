#ifndef SERVICE_HTTP_TRUST_STORE_H_
#define SERVICE_HTTP_TRUST_STORE_H_

#include <openssl/types.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace gateway {

// Every certificate authority that is trusted: the system's and further ones. Read once and shared
// by all connections: the system's 140 take some 10 ms of CPU and 1 MiB, which libcurl, left to
// itself, spends on each of its multi handles, and again after every idle time. A change of the
// files counts from the next start on.
class TrustStore {
 public:
  // `system_file` may be missing, or without a certificate; `extra_file`, unless empty, must be a
  // PEM file with a certificate. InvalidArgument for a certificate that cannot be read.
  static absl::StatusOr<TrustStore> Load(const std::string& system_file,
                                         const std::string& extra_file);

  // Lets `tls`, the settings of a TLS client, trust these and nobody else. Any thread.
  void Apply(SSL_CTX* tls) const;

  // How many authorities there are.
  int size() const;

 private:
  explicit TrustStore(std::shared_ptr<X509_STORE> store) : store_(std::move(store)) {}

  std::shared_ptr<X509_STORE> store_;
};

}  // namespace gateway

#endif  // SERVICE_HTTP_TRUST_STORE_H_
