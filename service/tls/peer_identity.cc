#include "service/tls/peer_identity.h"

#include <openssl/asn1.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "service/base/principal.h"
#include "service/tls/x509.h"

namespace gateway {
namespace {

constexpr size_t kMaxShown = 200;

struct FreeNames {
  void operator()(GENERAL_NAMES* names) const { GENERAL_NAMES_free(names); }
};
using NamesPtr = std::unique_ptr<GENERAL_NAMES, FreeNames>;

// The subject alternative names that can be an identity.
struct Names {
  std::vector<std::string> uris;
  std::vector<std::string> hosts;
};

absl::Status Refused(const std::string& why) { return absl::InvalidArgumentError(why); }

// A peer chose it, so it is neither long nor anything but printable ASCII.
std::string Shown(std::string_view text) {
  const std::string escaped = absl::CHexEscape(std::string(text.substr(0, kMaxShown)));
  return absl::StrCat("\"", escaped, text.size() > kMaxShown ? "..." : "", "\"");
}

std::string_view TextOf(const ASN1_STRING* text) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
          static_cast<size_t>(ASN1_STRING_length(text))};
}

// The text of a name of a kind that has one, or null.
const ASN1_STRING* StringOf(const GENERAL_NAME* name) {
  int kind = 0;
  const void* const value = GENERAL_NAME_get0_value(name, &kind);
  const bool is_text = kind == GEN_URI || kind == GEN_DNS || kind == GEN_EMAIL;
  return is_text ? static_cast<const ASN1_STRING*>(value) : nullptr;
}

absl::StatusOr<NamesPtr> AlternativeNames(const X509& certificate) {
  int found = 0;
  NamesPtr names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(&certificate, NID_subject_alt_name, &found, nullptr)));
  TakeOpenSslError();
  constexpr int kAbsent = -1;
  if (names == nullptr && found != kAbsent) {
    return Refused("its subject alternative names cannot be read, or there are two lists of them");
  }
  return names;
}

absl::StatusOr<Names> ReadNames(const X509& certificate) {
  const auto list = AlternativeNames(certificate);
  if (!list.ok()) return list.status();
  Names names;
  for (int i = 0; i < sk_GENERAL_NAME_num(list->get()); ++i) {
    const GENERAL_NAME* const name = sk_GENERAL_NAME_value(list->get(), i);
    const ASN1_STRING* const string = StringOf(name);
    if (string == nullptr) continue;
    const std::string_view text = TextOf(string);
    // Programs that read up to the NUL would see another name than we do.
    if (text.find('\0') != std::string_view::npos) {
      return Refused("a subject alternative name of it has a NUL in it");
    }
    if (name->type == GEN_URI) names.uris.emplace_back(text);
    if (name->type == GEN_DNS) names.hosts.emplace_back(text);
  }
  return names;
}

absl::StatusOr<std::string> HostPrincipal(const std::vector<std::string>& hosts) {
  if (hosts.empty()) {
    return Refused("it has neither a URI nor a DNS name as subject alternative name");
  }
  if (hosts.size() > 1) {
    return Refused(absl::StrCat("it has no URI and ", hosts.size(),
                                " DNS names as subject alternative names; one is an identity, more "
                                "are not"));
  }
  const std::string& host = hosts.front();
  if (host.find('*') != std::string::npos) {
    return Refused(absl::StrCat("its DNS name ", Shown(host), " is for many hosts"));
  }
  std::string name = absl::AsciiStrToLower(host);
  // Strict, so that no DNS name reads like another kind of principal.
  if (!IsHostName(name)) return Refused(absl::StrCat(Shown(host), " is not a host name"));
  return name;
}

}  // namespace

absl::Status CheckTrustDomain(std::string_view name) {
  if (IsTrustDomain(name)) return absl::OkStatus();
  return Refused(absl::StrCat(Shown(name),
                              " is not a trust domain: 1 to 255 of the characters a-z, 0-9, \".\", "
                              "\"-\" and \"_\""));
}

absl::Status CheckSpiffeId(std::string_view id, std::string_view trust_domain) {
  if (id.size() > kMaxSpiffeIdBytes) {
    return Refused(
        absl::StrCat("the SPIFFE id ", Shown(id), " is longer than ", kMaxSpiffeIdBytes, " bytes"));
  }
  if (!id.starts_with(kSpiffeScheme)) {
    return Refused(
        absl::StrCat(Shown(id), " is not a SPIFFE id: it does not begin with spiffe://"));
  }
  const std::string_view rest = id.substr(kSpiffeScheme.size());
  const size_t slash = std::min(rest.find('/'), rest.size());
  const std::string_view domain = rest.substr(0, slash);
  const std::string_view path = rest.substr(slash);
  const auto refused = [id](const std::string& why) {
    return Refused(absl::StrCat(Shown(id), " is not a workload's SPIFFE id: ", why));
  };
  // This also refuses a port, user, query or fragment.
  if (const auto good = CheckTrustDomain(domain); !good.ok())
    return refused(std::string(good.message()));
  if (path.empty()) return refused("it has no path");
  if (!IsSpiffePath(path)) {
    return refused(
        "the segments of its path are not all of a-z, A-Z, 0-9, \".\", \"-\" and \"_\", or one is "
        "empty, \".\" or \"..\"");
  }
  if (!trust_domain.empty() && domain != trust_domain) {
    return Refused(absl::StrCat("the SPIFFE id ", Shown(id), " is not in the trust domain ",
                                Shown(trust_domain)));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> PrincipalOf(const X509& certificate, std::string_view trust_domain) {
  const auto names = ReadNames(certificate);
  if (!names.ok()) return names.status();
  if (names->uris.empty()) return HostPrincipal(names->hosts);
  if (names->uris.size() > 1) {
    return Refused(absl::StrCat("it has ", names->uris.size(),
                                " URIs as subject alternative names; one is an identity, more are "
                                "not"));
  }
  const std::string& id = names->uris.front();
  if (const auto good = CheckSpiffeId(id, trust_domain); !good.ok()) return good;
  return id;
}

absl::StatusOr<std::string> PrincipalOf(std::string_view pem, std::string_view trust_domain) {
  const auto certificates = ReadCertificates(pem);
  if (!certificates.ok()) return certificates.status();
  if (certificates->size() != 1) {
    return Refused(absl::StrCat("there are ", certificates->size(), " certificates, not one"));
  }
  return PrincipalOf(*certificates->front(), trust_domain);
}

}  // namespace gateway
