#include "service/tls/x509.h"

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/pemerr.h>
#include <openssl/x509.h>
#include <time.h>

#include <cstddef>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace gateway {
namespace {

struct FreeBio {
  void operator()(BIO* bio) const { BIO_free(bio); }
};
using BioPtr = std::unique_ptr<BIO, FreeBio>;

constexpr std::string_view kFirstLine = "-----BEGIN CERTIFICATE-----";

// `text` is not empty.
BioPtr Reader(std::string_view text) {
  return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

// Without it OpenSSL would ask on the terminal, and wait.
int NoPassphrase(char* /*buffer*/, int /*size*/, int /*is_new*/, void* /*data*/) { return -1; }

// OpenSSL skips a first line that is not whole, as if nothing followed.
bool EndsInAFirstLine(std::string_view pem) {
  const std::string_view last_line = pem.substr(pem.rfind('\n') + 1);
  return !last_line.empty() && kFirstLine.starts_with(last_line);
}

bool HasReachedTheEnd() {
  const unsigned long error = ERR_peek_last_error();
  return ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
}

absl::StatusOr<absl::Time> ToTime(const ASN1_TIME* time) {
  struct tm parts = {};
  if (ASN1_TIME_to_tm(time, &parts) != 1) {
    TakeOpenSslError();
    return absl::InvalidArgumentError("its validity cannot be read");
  }
  return absl::FromTimeT(timegm(&parts));
}

}  // namespace

void FreeX509::operator()(X509* certificate) const { X509_free(certificate); }
void FreeKey::operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
void FreeX509Store::operator()(X509_STORE* store) const { X509_STORE_free(store); }

absl::StatusOr<std::vector<X509Ptr>> ReadCertificates(std::string_view pem) {
  if (pem.empty()) return absl::InvalidArgumentError("it is empty");
  // gRPC would take such a block for a certificate, where other programs skip it.
  if (pem.find("-----BEGIN TRUSTED CERTIFICATE-----") != std::string_view::npos) {
    return absl::InvalidArgumentError(
        "it has a TRUSTED CERTIFICATE, which only OpenSSL knows; write it as a CERTIFICATE");
  }
  const BioPtr text = Reader(pem);
  std::vector<X509Ptr> certificates;
  ERR_clear_error();
  while (X509Ptr certificate{PEM_read_bio_X509(text.get(), nullptr, NoPassphrase, nullptr)}) {
    certificates.push_back(std::move(certificate));
  }
  const bool is_end = HasReachedTheEnd();
  const std::string error = TakeOpenSslError();
  if (!is_end || EndsInAFirstLine(pem)) {
    return absl::InvalidArgumentError(absl::StrCat("certificate ", certificates.size() + 1,
                                                   " in it is broken or cut off (",
                                                   is_end ? "no end" : error, ")"));
  }
  if (certificates.empty()) {
    return absl::InvalidArgumentError("it has no PEM certificate");
  }
  return certificates;
}

absl::StatusOr<KeyPtr> ReadPrivateKey(std::string_view pem) {
  if (pem.empty()) return absl::InvalidArgumentError("it is empty");
  const BioPtr text = Reader(pem);
  ERR_clear_error();
  KeyPtr key(PEM_read_bio_PrivateKey(text.get(), nullptr, NoPassphrase, nullptr));
  const std::string error = TakeOpenSslError();
  if (key != nullptr) return key;
  if (pem.find("ENCRYPTED") != std::string_view::npos) {
    return absl::InvalidArgumentError(
        "the private key is encrypted, and there is no passphrase to give; store it unencrypted");
  }
  if (pem.find("PRIVATE KEY-----") == std::string_view::npos) {
    return absl::InvalidArgumentError("it has no PEM private key");
  }
  return absl::InvalidArgumentError(
      absl::StrCat("the private key in it is broken or cut off (", error, ")"));
}

absl::StatusOr<absl::Time> NotBefore(const X509& certificate) {
  return ToTime(X509_get0_notBefore(&certificate));
}

absl::StatusOr<absl::Time> NotAfter(const X509& certificate) {
  return ToTime(X509_get0_notAfter(&certificate));
}

std::string TakeOpenSslError() {
  const char* const reason = ERR_reason_error_string(ERR_peek_last_error());
  ERR_clear_error();
  return reason != nullptr ? reason : "unknown reason";
}

}  // namespace gateway
