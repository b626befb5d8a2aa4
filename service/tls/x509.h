#ifndef SERVICE_TLS_X509_H_
#define SERVICE_TLS_X509_H_

#include <openssl/types.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace gateway {

// What the rest of the folder reads certificates and keys with. Texts are PEM. Errors say what is
// wrong in plain words, and hold nothing of a text.

struct FreeX509 {
  void operator()(X509* certificate) const;
};
struct FreeKey {
  void operator()(EVP_PKEY* key) const;
};
struct FreeX509Store {
  void operator()(X509_STORE* store) const;
};
using X509Ptr = std::unique_ptr<X509, FreeX509>;
using KeyPtr = std::unique_ptr<EVP_PKEY, FreeKey>;
using X509StorePtr = std::unique_ptr<X509_STORE, FreeX509Store>;

// Every certificate of `pem`, at least one. Other blocks and text between them are skipped. A
// broken certificate is an error, and so is a text that was cut off, wherever that can be seen.
absl::StatusOr<std::vector<X509Ptr>> ReadCertificates(std::string_view pem);

// The first private key of `pem`. Never asks for a passphrase.
absl::StatusOr<KeyPtr> ReadPrivateKey(std::string_view pem);

// The first moment at which the certificate is valid, and the first at which it no longer is: as
// for OpenSSL, the second that `notAfter` names does not count any more.
absl::StatusOr<absl::Time> NotBefore(const X509& certificate);
absl::StatusOr<absl::Time> NotAfter(const X509& certificate);

// The latest of OpenSSL's errors on this thread in its words, and takes all of them away.
std::string TakeOpenSslError();

}  // namespace gateway

#endif  // SERVICE_TLS_X509_H_
