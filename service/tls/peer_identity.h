#ifndef SERVICE_TLS_PEER_IDENTITY_H_
#define SERVICE_TLS_PEER_IDENTITY_H_

#include <openssl/types.h>

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace gateway {

// Who a certificate is for: its principal, the one name that rules about callers are about.
//
// The principal is the URI of the subject alternative names, which then must be the only one and a
// workload's SPIFFE id, in `trust_domain` unless that is empty. If there is no URI, it is the DNS
// name, which must be the only one, a host name without `*`; in lower case. The common name is
// never looked at, nor are addresses: CAs check them less, or not at all.
//
// InvalidArgument for every other certificate, with the reason. Whether the certificate can be
// trusted is not looked at.
absl::StatusOr<std::string> PrincipalOf(const X509& certificate, std::string_view trust_domain);
// `pem` holds one certificate.
absl::StatusOr<std::string> PrincipalOf(std::string_view pem, std::string_view trust_domain);

// Whether `id` is a SPIFFE id (SPIFFE-ID, section 2) of a workload, which has a path (X509-SVID,
// section 5.2), in `trust_domain` unless that is empty.
absl::Status CheckSpiffeId(std::string_view id, std::string_view trust_domain);

// Whether `name` can be a trust domain: 1 to 255 of a-z, 0-9, `.`, `-` and `_`.
absl::Status CheckTrustDomain(std::string_view name);

}  // namespace gateway

#endif  // SERVICE_TLS_PEER_IDENTITY_H_
