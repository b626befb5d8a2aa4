#include "tests/support/test_certificates.h"

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <utility>

namespace gateway {
namespace {

using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;

void Require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "make a test certificate: %s failed\n", what);
  std::abort();
}

Key MakeKey(const std::string& kind) {
  constexpr std::string_view kRsa = "RSA-";
  EVP_PKEY* key = nullptr;
  if (kind.starts_with(kRsa)) {
    key = EVP_RSA_gen(std::stoul(kind.substr(kRsa.size())));
  } else if (kind == "ED25519") {
    key = EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519");
  } else {
    key = EVP_EC_gen(kind.c_str());
  }
  Require(key != nullptr, "making the key");
  return Key(key, &EVP_PKEY_free);
}

template <typename Write>
std::string ToPem(Write write) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> memory(BIO_new(BIO_s_mem()), &BIO_free);
  Require(write(memory.get()) == 1, "writing PEM");
  char* text = nullptr;
  const long size = BIO_get_mem_data(memory.get(), &text);
  return std::string(text, static_cast<size_t>(size));
}

std::string CertificatePem(X509* certificate) {
  return ToPem([certificate](BIO* out) { return PEM_write_bio_X509(out, certificate); });
}

std::string KeyPem(EVP_PKEY* key) {
  return ToPem([key](BIO* out) {
    return PEM_write_bio_PrivateKey(out, key, nullptr, nullptr, 0, nullptr, nullptr);
  });
}

void AddExtension(X509* certificate, X509* issuer, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const std::unique_ptr<X509_EXTENSION, decltype(&X509_EXTENSION_free)> extension(
      X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str()), &X509_EXTENSION_free);
  Require(extension != nullptr, "X509V3_EXT_conf_nid");
  X509_add_ext(certificate, extension.get(), -1);
}

void AddUnlessEmpty(X509* certificate, X509* issuer, int kind, const std::string& value) {
  if (!value.empty()) AddExtension(certificate, issuer, kind, value);
}

GENERAL_NAME* MakeIpName(const std::string& address) {
  GENERAL_NAME* const name = GENERAL_NAME_new();
  ASN1_OCTET_STRING* const bytes = a2i_IPADDRESS(address.c_str());
  Require(bytes != nullptr, "a2i_IPADDRESS");
  GENERAL_NAME_set0_value(name, GEN_IPADD, bytes);
  return name;
}

GENERAL_NAME* MakeName(const AlternativeName& content) {
  if (content.kind == AlternativeName::Kind::kIp) return MakeIpName(content.value);
  GENERAL_NAME* const name = GENERAL_NAME_new();
  ASN1_IA5STRING* const text = ASN1_IA5STRING_new();
  ASN1_STRING_set(text, content.value.data(), static_cast<int>(content.value.size()));
  int kind = GEN_DNS;
  if (content.kind == AlternativeName::Kind::kUri) kind = GEN_URI;
  if (content.kind == AlternativeName::Kind::kEmail) kind = GEN_EMAIL;
  GENERAL_NAME_set0_value(name, kind, text);
  return name;
}

// Not by OpenSSL's way to write them as text, in which no name has a NUL or a comma.
void AddNames(X509* certificate, const std::vector<AlternativeName>& contents) {
  if (contents.empty()) return;
  const std::unique_ptr<GENERAL_NAMES, decltype(&GENERAL_NAMES_free)> names(GENERAL_NAMES_new(),
                                                                            &GENERAL_NAMES_free);
  for (const AlternativeName& content : contents) {
    sk_GENERAL_NAME_push(names.get(), MakeName(content));
  }
  Require(X509_add1_ext_i2d(certificate, NID_subject_alt_name, names.get(), 0, 0) == 1,
          "X509_add1_ext_i2d");
}

Certificate MakeCertificate(const CertificateContent& content, EVP_PKEY* key) {
  Certificate certificate(X509_new(), &X509_free);
  X509_set_version(certificate.get(), X509_VERSION_3);
  unsigned char serial[8];
  Require(RAND_bytes(serial, sizeof serial) == 1, "RAND_bytes");
  serial[0] &= 0x7f;
  const std::unique_ptr<BIGNUM, decltype(&BN_free)> number(
      BN_bin2bn(serial, sizeof serial, nullptr), &BN_free);
  BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate.get()));
  ASN1_TIME_set(X509_getm_notBefore(certificate.get()), absl::ToTimeT(content.not_before));
  ASN1_TIME_set(X509_getm_notAfter(certificate.get()), absl::ToTimeT(content.not_after));
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate.get()), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(content.common_name.c_str()),
                             -1, -1, 0);
  X509_set_pubkey(certificate.get(), key);
  return certificate;
}

// What an extension says of the issuer, and the signature.
void Sign(X509* certificate, const CertificateContent& content, X509* issuer,
          EVP_PKEY* issuer_key) {
  X509_set_issuer_name(certificate, X509_get_subject_name(issuer));
  AddUnlessEmpty(certificate, issuer, NID_basic_constraints, content.basic_constraints);
  AddUnlessEmpty(certificate, issuer, NID_key_usage, content.key_usage);
  AddUnlessEmpty(certificate, issuer, NID_ext_key_usage, content.extended_key_usage);
  AddExtension(certificate, issuer, NID_subject_key_identifier, "hash");
  AddUnlessEmpty(certificate, issuer, NID_authority_key_identifier,
                 content.authority_key_identifier);
  AddNames(certificate, content.names);
  const bool signs_itself = EVP_PKEY_is_a(issuer_key, "ED25519") == 1;
  const EVP_MD* const digest =
      signs_itself ? nullptr : EVP_get_digestbyname(content.digest.c_str());
  Require(X509_sign(certificate, issuer_key, digest) > 0, "X509_sign");
}

AlternativeName HostOrAddress(const std::string& name) {
  in6_addr ignored;
  const bool is_address = inet_pton(AF_INET, name.c_str(), &ignored) == 1 ||
                          inet_pton(AF_INET6, name.c_str(), &ignored) == 1;
  return {.kind = is_address ? AlternativeName::Kind::kIp : AlternativeName::Kind::kDns,
          .value = name};
}

}  // namespace

struct TestAuthority::Keys {
  explicit Keys(const CertificateContent& content)
      : key(MakeKey(content.key)), certificate(MakeCertificate(content, key.get())) {}

  Key key;
  Certificate certificate;
};

CertificateContent AuthorityContent(std::string common_name) {
  return {.common_name = std::move(common_name),
          .basic_constraints = "critical,CA:TRUE",
          .key_usage = "critical,keyCertSign,cRLSign"};
}

TestAuthority::TestAuthority(const CertificateContent& content)
    : keys_(std::make_unique<Keys>(content)) {
  X509* const certificate = keys_->certificate.get();
  Sign(certificate, content, certificate, keys_->key.get());
  certificate_pem_ = CertificatePem(certificate);
}

TestAuthority::TestAuthority(const CertificateContent& content, const TestAuthority& issuer)
    : keys_(std::make_unique<Keys>(content)) {
  X509* const certificate = keys_->certificate.get();
  Sign(certificate, content, issuer.keys_->certificate.get(), issuer.keys_->key.get());
  certificate_pem_ = CertificatePem(certificate);
}

TestAuthority::~TestAuthority() = default;

std::string TestAuthority::key_pem() const { return KeyPem(keys_->key.get()); }

TlsIdentity TestAuthority::Issue(const std::vector<std::string>& names) const {
  CertificateContent content;
  for (const std::string& name : names) content.names.push_back(HostOrAddress(name));
  return IssueFor(content);
}

TlsIdentity TestAuthority::IssueFor(const CertificateContent& content) const {
  const Key key = MakeKey(content.key);
  const Certificate certificate = MakeCertificate(content, key.get());
  Sign(certificate.get(), content, keys_->certificate.get(), keys_->key.get());
  return {.certificate_pem = CertificatePem(certificate.get()), .key_pem = KeyPem(key.get())};
}

}  // namespace gateway
