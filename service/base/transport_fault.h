#ifndef SERVICE_BASE_TRANSPORT_FAULT_H_
#define SERVICE_BASE_TRANSPORT_FAULT_H_

#include <cstdint>
#include <span>
#include <string_view>

namespace gateway {

// Why Passfort did not respond, or not well: what an operator has to mend, and what callers learn
// of it. Each has a name (metadata and log: `cause`) and words (message and log: `detail`). Both
// are constant: nothing that a peer or a library said is in them.
enum class TransportFault : uint8_t {
  kNone,

  // Nothing of the request was sent.
  kHostNotFound,
  kHostLookupFailed,
  kConnectionRefused,
  kConnectTimeout,
  kConnectFailed,
  kTlsTimeout,
  kTlsFailed,
  kCertificateExpired,
  kCertificateNotYetValid,
  kCertificateWrongName,
  kCertificateUnknownAuthority,
  kCertificateSelfSigned,
  kCertificateInvalid,
  kProxyNotFound,
  kProxyLookupFailed,
  kProxyConnectionRefused,
  kProxyConnectTimeout,
  kProxyConnectFailed,
  kProxyTlsFailed,
  kProxyCertificateExpired,
  kProxyCertificateNotYetValid,
  kProxyCertificateWrongName,
  kProxyCertificateUnknownAuthority,
  kProxyCertificateSelfSigned,
  kProxyCertificateInvalid,
  kProxyTimeout,
  kProxyClosed,
  kProxyAuthenticationRequired,
  kProxyForbidden,
  kProxyBadGateway,
  kProxyUnavailable,
  kProxyGatewayTimeout,
  kProxyRefused,

  // We stopped; it is nobody's fault.
  kStopped,
  kDeadline,
  kSendGateClosed,
  kNoMemory,

  // Passfort was reached.
  kResponseTimeout,
  kConnectionLost,
  kResendRefused,
  kProtocolError,
  kResponseTooLarge,
  kServerError,

  kInternal,
};

std::string_view FaultName(TransportFault fault);
std::string_view FaultWords(TransportFault fault);

// Whether Passfort could not be reached: there was no connection that could carry a request.
bool IsUnreachable(TransportFault fault);

// Of Passfort and of a proxy, the same trouble: the second for a proxy.
TransportFault OfProxy(TransportFault fault);

// All but kNone, in order.
std::span<const TransportFault> AllTransportFaults();

}  // namespace gateway

#endif  // SERVICE_BASE_TRANSPORT_FAULT_H_
