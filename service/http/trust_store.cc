#include "service/http/trust_store.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <optional>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace gateway {
namespace {

std::optional<std::string> ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  return std::string(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
}

// Adds every certificate of `pem`, in which other things may stand as well. Returns how many there
// were, or nothing if one of them is broken.
std::optional<int> AddCertificates(std::string_view pem, X509_STORE* store) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> text(
      BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), &BIO_free);
  for (int count = 0;; ++count) {
    const std::unique_ptr<X509, decltype(&X509_free)> certificate(
        PEM_read_bio_X509(text.get(), nullptr, nullptr, nullptr), &X509_free);
    if (certificate == nullptr) {
      const bool is_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
      ERR_clear_error();
      return is_end ? std::optional(count) : std::nullopt;
    }
    X509_STORE_add_cert(store, certificate.get());
  }
}

absl::Status CannotRead(const std::string& file, std::string_view why) {
  return absl::InvalidArgumentError(
      absl::StrCat("read the CA file ", file, ": ", std::string(why)));
}

}  // namespace

absl::StatusOr<TrustStore> TrustStore::Load(const std::string& system_file,
                                            const std::string& extra_file) {
  const std::shared_ptr<X509_STORE> store(X509_STORE_new(), &X509_STORE_free);
  // As libcurl does: whoever trusts an intermediate authority need not trust the one above it.
  X509_STORE_set_flags(store.get(), X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_TRUSTED_FIRST);

  if (const auto system = ReadFile(system_file); system.has_value()) {
    if (!AddCertificates(*system, store.get())) {
      return CannotRead(system_file, "a broken PEM certificate in it");
    }
  }
  if (!extra_file.empty()) {
    const auto further = ReadFile(extra_file);
    if (!further) return CannotRead(extra_file, std::strerror(errno));
    const auto count = AddCertificates(*further, store.get());
    if (!count) return CannotRead(extra_file, "a broken PEM certificate in it");
    if (count == 0) return CannotRead(extra_file, "no PEM certificate in it");
  }
  return TrustStore(store);
}

void TrustStore::Apply(SSL_CTX* tls) const { SSL_CTX_set1_cert_store(tls, store_.get()); }

int TrustStore::size() const { return sk_X509_OBJECT_num(X509_STORE_get0_objects(store_.get())); }

}  // namespace gateway
