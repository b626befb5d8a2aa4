#include "service/tls/certificate_set.h"

#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "service/base/sha256.h"
#include "service/base/small_file.h"
#include "service/tls/x509.h"

namespace gateway {
namespace {

constexpr size_t kMaxFileBytes = 1024 * 1024;
// Chains of servers have up to four. Each costs the check of a signature.
constexpr size_t kMaxChain = 10;
constexpr int kMinRsaBits = 2048;
// What OpenSSL asks of a peer at the level that Debian sets: nothing signed by SHA-1.
constexpr int kMinSignatureBits = 112;
// The curves that every TLS 1.2 and 1.3 client takes, by OpenSSL's names.
constexpr std::array<std::string_view, 3> kCurves = {"prime256v1", "secp384r1", "secp521r1"};

struct FreeSslContext {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};

absl::Status Invalid(const std::string& what) { return absl::InvalidArgumentError(what); }

// Adds what `status`, an error, is about.
absl::Status About(std::string_view setting, const std::string& path, const absl::Status& status) {
  return Invalid(absl::StrCat(std::string(setting), " ", path, ": ", status.message()));
}

bool IsStrong(EVP_PKEY* key) {
  if (EVP_PKEY_is_a(key, "RSA") == 1) return EVP_PKEY_get_bits(key) >= kMinRsaBits;
  if (EVP_PKEY_is_a(key, "EC") != 1) return false;
  std::array<char, 64> name = {};
  size_t size = 0;
  if (EVP_PKEY_get_group_name(key, name.data(), name.size(), &size) != 1) return false;
  return std::ranges::count(kCurves, std::string_view(name.data(), size)) == 1;
}

absl::Status CheckKeyOfLeaf(X509* leaf) {
  EVP_PKEY* const key = X509_get0_pubkey(leaf);
  if (key != nullptr && IsStrong(key)) return absl::OkStatus();
  TakeOpenSslError();
  return Invalid(
      "the certificate's key is too weak or of an unusual kind; use ECDSA with P-256, or RSA with "
      "at least 2048 bits");
}

absl::Status CheckValidity(const X509& leaf, absl::Time now) {
  const auto from = NotBefore(leaf);
  if (!from.ok()) return from.status();
  const auto until = NotAfter(leaf);
  if (!until.ok()) return until.status();
  const absl::TimeZone utc = absl::UTCTimeZone();
  if (now < *from) {
    return Invalid(absl::StrCat("the certificate is valid only from ", absl::FormatTime(*from, utc),
                                " on; look at this machine's clock, or wait"));
  }
  if (now >= *until) {
    return Invalid(absl::StrCat("the certificate expired at ", absl::FormatTime(*until, utc),
                                "; have a new one issued"));
  }
  return absl::OkStatus();
}

// What a client looks at, apart from names and trust.
absl::Status CheckPurpose(X509* leaf) {
  if ((X509_get_extension_flags(leaf) & EXFLAG_INVALID) != 0) {
    return Invalid("the certificate has an extension that cannot be read; have a new one issued");
  }
  if (X509_check_ca(leaf) != 0) {
    return Invalid(
        "the first certificate is a CA's; the server's own certificate comes first, then those of "
        "its issuers");
  }
  // All bits are set if the extension is absent.
  if ((X509_get_extended_key_usage(leaf) & XKU_SSL_SERVER) == 0) {
    return Invalid(
        "the certificate is not for servers: its extended key usage lacks serverAuth; have one "
        "issued that has it");
  }
  if (X509_check_purpose(leaf, X509_PURPOSE_SSL_SERVER, 0) != 1) {
    return Invalid(
        "the certificate's key usage does not allow a TLS server; have one issued with "
        "digitalSignature");
  }
  return absl::OkStatus();
}

bool IsSignedBy(X509* certificate, X509* issuer) {
  EVP_PKEY* const key = X509_get0_pubkey(issuer);
  const bool is_signed = key != nullptr && X509_check_issued(issuer, certificate) == X509_V_OK &&
                         X509_verify(certificate, key) == 1;
  TakeOpenSslError();
  return is_signed;
}

absl::Status CheckOrder(const std::vector<X509Ptr>& chain) {
  if (chain.size() > kMaxChain) {
    return Invalid(absl::StrCat("it has more than ", kMaxChain,
                                " certificates; leave only the server's and those of its issuers"));
  }
  for (size_t i = 1; i < chain.size(); ++i) {
    if (IsSignedBy(chain[i - 1].get(), chain[i].get())) continue;
    return Invalid(absl::StrCat("certificate ", i, " is not signed by certificate ", i + 1,
                                "; put the server's certificate first, then its issuer's, and so "
                                "on"));
  }
  return absl::OkStatus();
}

// Clients refuse a weak signature. Before 3.5 OpenSSL does not serve with one either. What a
// certificate says of itself is not looked at: it is trusted, or not, for other reasons.
absl::Status CheckSignatures(const std::vector<X509Ptr>& chain) {
  for (size_t i = 0; i < chain.size(); ++i) {
    if ((X509_get_extension_flags(chain[i].get()) & EXFLAG_SS) != 0) continue;
    int digest = NID_undef;
    int bits = 0;
    const bool is_known =
        X509_get_signature_info(chain[i].get(), &digest, nullptr, &bits, nullptr) == 1;
    if (is_known && bits >= kMinSignatureBits) continue;
    TakeOpenSslError();
    return Invalid(absl::StrCat("certificate ", i + 1, " has a signature that is too weak (by ",
                                OBJ_nid2sn(digest), "); have it issued anew, with SHA-256"));
  }
  return absl::OkStatus();
}

absl::Status CheckChain(const std::vector<X509Ptr>& chain, absl::Time now) {
  X509* const leaf = chain.front().get();
  if (const auto purpose = CheckPurpose(leaf); !purpose.ok()) return purpose;
  if (const auto key = CheckKeyOfLeaf(leaf); !key.ok()) return key;
  if (const auto order = CheckOrder(chain); !order.ok()) return order;
  if (const auto signatures = CheckSignatures(chain); !signatures.ok()) return signatures;
  return CheckValidity(*leaf, now);
}

// A server is set up as gRPC sets up its own: what OpenSSL refuses there would fail each handshake.
absl::Status CheckThatItServes(const std::vector<X509Ptr>& chain, EVP_PKEY* key) {
  const std::unique_ptr<SSL_CTX, FreeSslContext> tls(SSL_CTX_new(TLS_server_method()));
  bool serves = tls != nullptr && SSL_CTX_use_certificate(tls.get(), chain.front().get()) == 1 &&
                SSL_CTX_use_PrivateKey(tls.get(), key) == 1;
  for (size_t i = 1; serves && i < chain.size(); ++i) {
    serves = SSL_CTX_add1_chain_cert(tls.get(), chain[i].get()) == 1;
  }
  const std::string error = TakeOpenSslError();
  if (serves) return absl::OkStatus();
  return Invalid(absl::StrCat("OpenSSL does not serve with the certificates in it (", error,
                              "); have new ones issued"));
}

// The authorities' earliest end.
absl::StatusOr<absl::Time> CheckAuthorities(const std::vector<X509Ptr>& authorities) {
  absl::Time earliest = absl::InfiniteFuture();
  for (size_t i = 0; i < authorities.size(); ++i) {
    // 1 is a CA by its basic constraints; other values are guesses from old kinds of certificates.
    if (X509_check_ca(authorities[i].get()) != 1) {
      return Invalid(absl::StrCat("certificate ", i + 1,
                                  " is no CA's (basicConstraints has no CA:TRUE); leave only the "
                                  "authorities that issue callers' certificates"));
    }
    const auto end = NotAfter(*authorities[i]);
    if (!end.ok())
      return Invalid(absl::StrCat("certificate ", i + 1, ": ", end.status().message()));
    earliest = std::min(earliest, *end);
  }
  return earliest;
}

absl::Status CheckServerFiles(const CertificatePaths& paths, absl::Time now, CertificateSet& set) {
  const auto about_certificate = [&paths](const absl::Status& status) {
    return About("tls_cert_file", paths.cert_file, status);
  };
  const auto chain = ReadCertificates(set.certificate_pem);
  if (!chain.ok()) return about_certificate(chain.status());
  if (const auto good = CheckChain(*chain, now); !good.ok()) return about_certificate(good);

  const auto key = ReadPrivateKey(set.key_pem);
  if (!key.ok()) return About("tls_key_file", paths.key_file, key.status());
  const bool fits = X509_check_private_key(chain->front().get(), key->get()) == 1;
  TakeOpenSslError();
  if (!fits) {
    return About("tls_key_file", paths.key_file,
                 Invalid(absl::StrCat("it is not the key of the certificate in ", paths.cert_file,
                                      "; replace both files together")));
  }
  if (const auto serves = CheckThatItServes(*chain, key->get()); !serves.ok()) {
    return about_certificate(serves);
  }
  const auto end = NotAfter(*chain->front());
  if (!end.ok()) return about_certificate(end.status());
  set.not_after = *end;
  return absl::OkStatus();
}

absl::Status CheckClientCaFile(const CertificatePaths& paths, CertificateSet& set) {
  set.client_ca_not_after = absl::InfiniteFuture();
  if (paths.client_ca_file.empty()) return absl::OkStatus();
  const auto authorities = ReadCertificates(set.client_ca_pem);
  const auto end = authorities.ok() ? CheckAuthorities(*authorities)
                                    : absl::StatusOr<absl::Time>(authorities.status());
  if (!end.ok()) return About("tls_client_ca_file", paths.client_ca_file, end.status());
  set.client_ca_not_after = *end;
  return absl::OkStatus();
}

absl::Status ReadFile(std::string_view setting, const std::string& path, std::string& content) {
  auto read = ReadSmallFile(path, kMaxFileBytes);
  if (!read.ok()) return About(setting, path, read.status());
  if (read->text.size() > kMaxFileBytes) {
    return About(
        setting, path,
        absl::InvalidArgumentError(absl::StrCat("it is larger than ", kMaxFileBytes, " bytes")));
  }
  content = std::move(read->text);
  return absl::OkStatus();
}

absl::Status ReadFiles(const CertificatePaths& paths, CertificateSet& set) {
  if (const auto read = ReadFile("tls_cert_file", paths.cert_file, set.certificate_pem);
      !read.ok()) {
    return read;
  }
  if (const auto read = ReadFile("tls_key_file", paths.key_file, set.key_pem); !read.ok()) {
    return read;
  }
  if (paths.client_ca_file.empty()) return absl::OkStatus();
  return ReadFile("tls_client_ca_file", paths.client_ca_file, set.client_ca_pem);
}

}  // namespace

absl::StatusOr<CertificateSet> ReadCertificateSet(const CertificatePaths& paths, absl::Time now) {
  CertificateSet set;
  if (const auto read = ReadFiles(paths, set); !read.ok()) return read;
  if (const auto server = CheckServerFiles(paths, now, set); !server.ok()) return server;
  if (const auto clients = CheckClientCaFile(paths, set); !clients.ok()) return clients;
  // Of digests, which are of one length: no text can pass for the end of another.
  set.digest =
      Sha256(Sha256(set.certificate_pem) + Sha256(set.key_pem) + Sha256(set.client_ca_pem));
  return set;
}

}  // namespace gateway
