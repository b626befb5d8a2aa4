#ifndef SERVICE_TLS_CERTIFICATE_SET_H_
#define SERVICE_TLS_CERTIFICATE_SET_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace gateway {

// Where the server's certificate comes from. All files are PEM.
struct CertificatePaths {
  std::string cert_file;       // the server's certificate, then those of its issuers in order
  std::string key_file;        // its private key, not encrypted
  std::string client_ca_file;  // whose certificates callers may have; empty: callers need none

  friend bool operator==(const CertificatePaths&, const CertificatePaths&) = default;
};

// What belongs together: the server's certificate chain, its key, and the authorities of callers.
// One that ReadCertificateSet returns was good as a whole at that moment.
struct CertificateSet {
  std::string certificate_pem;
  std::string key_pem;
  std::string client_ca_pem;  // empty if there is no file of them

  absl::Time not_after;            // of the server's certificate
  absl::Time client_ca_not_after;  // the earliest of the authorities; InfiniteFuture without any
  std::string digest;              // equal for equal sets only; not for logs
};

// Reads each file once, at most 1 MiB of it, and checks everything that would keep gRPC from
// serving or a caller from connecting: the key fits the certificate and is an RSA key of at least
// 2048 bits or one on P-256, P-384 or P-521; each certificate of the chain is signed by the next;
// the first one is valid at `now`, is no CA and may be a TLS server's; OpenSSL would serve with it;
// each authority is a CA.
//
// An expired authority is no error, since bundles keep old ones for a while.
//
// InvalidArgument names setting and file, and says what is wrong and what to do, without anything
// that the file holds. It reads files, so it blocks for as long as their disk does.
absl::StatusOr<CertificateSet> ReadCertificateSet(const CertificatePaths& paths, absl::Time now);

}  // namespace gateway

#endif  // SERVICE_TLS_CERTIFICATE_SET_H_
