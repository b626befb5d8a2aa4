#ifndef SERVICE_BASE_PRINCIPAL_H_
#define SERVICE_BASE_PRINCIPAL_H_

#include <cstddef>
#include <string_view>

namespace gateway {

// How a caller's principal is written: a workload's SPIFFE id (SPIFFE-ID section 2, X509-SVID
// section 5.2) or a host name. Who makes a principal of a certificate, and who reads a rule about
// principals, have to agree, or a rule denies nobody.

inline constexpr std::string_view kSpiffeScheme = "spiffe://";
inline constexpr size_t kMaxSpiffeIdBytes = 2048;

// 1 to 255 of a-z, 0-9, `.`, `-` and `_`.
bool IsTrustDomain(std::string_view name);
// A slash and a segment, one or more times; a segment is of a-z, A-Z, 0-9, `.`, `-` and `_`, and
// neither `.` nor `..`.
bool IsSpiffePath(std::string_view path);
// With a trust domain and a path.
bool IsSpiffeId(std::string_view id);

// In lower case, and nothing that a program could read as an IPv4 address.
bool IsHostName(std::string_view name);

}  // namespace gateway

#endif  // SERVICE_BASE_PRINCIPAL_H_
