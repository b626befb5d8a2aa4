#include "service/base/transport_fault.h"

#include <array>
#include <cstddef>
#include <iterator>

namespace gateway {
namespace {

using enum TransportFault;

struct Row {
  TransportFault fault;
  std::string_view name;
  std::string_view words;
};

// In the order of TransportFault.
constexpr Row kTable[] = {
    {kNone, "", ""},

    {kHostNotFound, "host_not_found", "the host in api_url has no address"},
    {kHostLookupFailed, "host_lookup_failed", "the host in api_url could not be looked up"},
    {kConnectionRefused, "connection_refused", "Passfort's host refused the connection"},
    {kConnectTimeout, "connect_timeout",
     "Passfort's host did not accept a connection within connect_timeout"},
    {kConnectFailed, "connect_failed", "there is no way to Passfort's host"},
    {kTlsTimeout, "tls_timeout", "the TLS handshake with Passfort exceeded connect_timeout"},
    {kTlsFailed, "tls_failed",
     "the TLS handshake with Passfort failed: the port may not be one for https"},
    {kCertificateExpired, "certificate_expired", "Passfort's certificate has expired"},
    {kCertificateNotYetValid, "certificate_not_yet_valid",
     "Passfort's certificate is not valid yet"},
    {kCertificateWrongName, "certificate_wrong_name",
     "Passfort's certificate is for another host than the one in api_url"},
    {kCertificateUnknownAuthority, "certificate_unknown_authority",
     "Passfort's certificate is of an authority that the gateway does not trust"},
    {kCertificateSelfSigned, "certificate_self_signed",
     "Passfort's certificate is self-signed, and the gateway does not trust it"},
    {kCertificateInvalid, "certificate_invalid", "Passfort's certificate does not hold"},
    {kProxyNotFound, "proxy_not_found", "the host in api_proxy has no address"},
    {kProxyLookupFailed, "proxy_lookup_failed", "the host in api_proxy could not be looked up"},
    {kProxyConnectionRefused, "proxy_connection_refused",
     "the proxy's host refused the connection"},
    {kProxyConnectTimeout, "proxy_connect_timeout",
     "the proxy's host did not accept a connection within connect_timeout"},
    {kProxyConnectFailed, "proxy_connect_failed", "there is no way to the proxy's host"},
    {kProxyTlsFailed, "proxy_tls_failed", "the TLS handshake with the proxy failed"},
    {kProxyCertificateExpired, "proxy_certificate_expired", "the proxy's certificate has expired"},
    {kProxyCertificateNotYetValid, "proxy_certificate_not_yet_valid",
     "the proxy's certificate is not valid yet"},
    {kProxyCertificateWrongName, "proxy_certificate_wrong_name",
     "the proxy's certificate is for another host than the one in api_proxy"},
    {kProxyCertificateUnknownAuthority, "proxy_certificate_unknown_authority",
     "the proxy's certificate is of an authority that the gateway does not trust"},
    {kProxyCertificateSelfSigned, "proxy_certificate_self_signed",
     "the proxy's certificate is self-signed, and the gateway does not trust it"},
    {kProxyCertificateInvalid, "proxy_certificate_invalid",
     "the proxy's certificate does not hold"},
    {kProxyTimeout, "proxy_timeout", "the proxy made no tunnel within connect_timeout"},
    {kProxyClosed, "proxy_closed", "the proxy closed the connection instead of making a tunnel"},
    {kProxyAuthenticationRequired, "proxy_authentication_required",
     "the proxy asks for a login (HTTP 407), which the gateway does not have"},
    {kProxyForbidden, "proxy_forbidden",
     "the proxy does not allow a tunnel to Passfort (HTTP 403)"},
    {kProxyBadGateway, "proxy_bad_gateway", "the proxy cannot reach Passfort (HTTP 502)"},
    {kProxyUnavailable, "proxy_unavailable", "the proxy is unavailable (HTTP 503)"},
    {kProxyGatewayTimeout, "proxy_gateway_timeout",
     "Passfort did not answer the proxy in time (HTTP 504)"},
    {kProxyRefused, "proxy_refused", "the proxy refused a tunnel to Passfort"},

    {kStopped, "stopped", "the request was stopped"},
    {kDeadline, "deadline", "the deadline passed before the request could be sent"},
    {kSendGateClosed, "send_gate_closed", "the right to send ended before the request was sent"},
    {kNoMemory, "no_memory", "the responses in flight take all of their memory"},

    {kResponseTimeout, "response_timeout", "no response came in time"},
    {kConnectionLost, "connection_lost", "the connection was lost before the response was whole"},
    {kResendRefused, "resend_refused",
     "the connection was lost after the request was sent, which is not sent a second time"},
    {kProtocolError, "protocol_error", "what came is not HTTP"},
    {kResponseTooLarge, "response_too_large", "the response exceeds its size limit"},
    {kServerError, "server_error", "Passfort, or a proxy in front of it, reports internal errors"},

    {kInternal, "internal", "the gateway could not make the request"},
};

constexpr size_t kRows = std::size(kTable);

constexpr bool IsInOrder() {
  for (size_t i = 0; i < kRows; ++i) {
    if (static_cast<size_t>(kTable[i].fault) != i) return false;
  }
  return kRows == static_cast<size_t>(kInternal) + 1;
}
static_assert(IsInOrder());

constexpr auto kAll = [] {
  std::array<TransportFault, kRows - 1> all{};
  for (size_t i = 0; i < all.size(); ++i) all[i] = kTable[i + 1].fault;
  return all;
}();

const Row& RowOf(TransportFault fault) { return kTable[static_cast<size_t>(fault)]; }

}  // namespace

std::string_view FaultName(TransportFault fault) { return RowOf(fault).name; }

std::string_view FaultWords(TransportFault fault) { return RowOf(fault).words; }

bool IsUnreachable(TransportFault fault) {
  return fault >= kHostNotFound && fault <= kProxyRefused;
}

TransportFault OfProxy(TransportFault fault) {
  switch (fault) {
    case kHostNotFound:
      return kProxyNotFound;
    case kHostLookupFailed:
      return kProxyLookupFailed;
    case kConnectionRefused:
      return kProxyConnectionRefused;
    case kConnectTimeout:
      return kProxyConnectTimeout;
    case kConnectFailed:
      return kProxyConnectFailed;
    case kTlsTimeout:
      return kProxyTimeout;
    case kTlsFailed:
      return kProxyTlsFailed;
    case kCertificateExpired:
      return kProxyCertificateExpired;
    case kCertificateNotYetValid:
      return kProxyCertificateNotYetValid;
    case kCertificateWrongName:
      return kProxyCertificateWrongName;
    case kCertificateUnknownAuthority:
      return kProxyCertificateUnknownAuthority;
    case kCertificateSelfSigned:
      return kProxyCertificateSelfSigned;
    case kCertificateInvalid:
      return kProxyCertificateInvalid;
    default:
      return fault;
  }
}

std::span<const TransportFault> AllTransportFaults() { return kAll; }

}  // namespace gateway
