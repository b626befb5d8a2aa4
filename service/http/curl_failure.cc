#include "service/http/curl_failure.h"

#include <openssl/x509_vfy.h>

#include <cerrno>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"

namespace gateway {
namespace {

using Kind = HttpFailure::Kind;
using enum TransportFault;

struct Row {
  CURLcode code;
  Kind kind;
  TransportFault fault;
};

// Of a server that is reached directly. Those of connecting are told apart further.
constexpr Row kTable[] = {
    {CURLE_COULDNT_RESOLVE_HOST, Kind::kResolve, kHostLookupFailed},
    {CURLE_COULDNT_RESOLVE_PROXY, Kind::kResolve, kProxyLookupFailed},

    {CURLE_COULDNT_CONNECT, Kind::kConnect, kConnectFailed},
    {CURLE_PROXY, Kind::kConnect, kProxyRefused},
    // CURLOPT_CONNECTTIMEOUT_MS: libcurl is given no other time limit.
    {CURLE_OPERATION_TIMEDOUT, Kind::kConnect, kConnectTimeout},

    {CURLE_SSL_CONNECT_ERROR, Kind::kTls, kTlsFailed},
    {CURLE_PEER_FAILED_VERIFICATION, Kind::kTls, kCertificateInvalid},
    {CURLE_SSL_CERTPROBLEM, Kind::kTls, kTlsFailed},
    {CURLE_SSL_CIPHER, Kind::kTls, kTlsFailed},
    {CURLE_SSL_CACERT_BADFILE, Kind::kTls, kTlsFailed},
    {CURLE_SSL_ISSUER_ERROR, Kind::kTls, kCertificateInvalid},
    {CURLE_SSL_ENGINE_INITFAILED, Kind::kTls, kTlsFailed},
    {CURLE_SSL_INVALIDCERTSTATUS, Kind::kTls, kCertificateInvalid},
    {CURLE_SSL_CLIENTCERT, Kind::kTls, kTlsFailed},
    {CURLE_USE_SSL_FAILED, Kind::kTls, kTlsFailed},

    {CURLE_GOT_NOTHING, Kind::kConnectionLost, kConnectionLost},
    {CURLE_SEND_ERROR, Kind::kConnectionLost, kConnectionLost},
    {CURLE_RECV_ERROR, Kind::kConnectionLost, kConnectionLost},
    {CURLE_PARTIAL_FILE, Kind::kConnectionLost, kConnectionLost},
    {CURLE_HTTP2_STREAM, Kind::kConnectionLost, kConnectionLost},
    // The connection was lost and libcurl wanted to send the body again; it has no way to.
    {CURLE_SEND_FAIL_REWIND, Kind::kConnectionLost, kResendRefused},
    {CURLE_ABORTED_BY_CALLBACK, Kind::kConnectionLost, kResendRefused},

    {CURLE_UNSUPPORTED_PROTOCOL, Kind::kProtocol, kProtocolError},
    {CURLE_WEIRD_SERVER_REPLY, Kind::kProtocol, kProtocolError},
    {CURLE_HTTP2, Kind::kProtocol, kProtocolError},
    {CURLE_BAD_CONTENT_ENCODING, Kind::kProtocol, kProtocolError},

    {CURLE_FILESIZE_EXCEEDED, Kind::kTooLarge, kResponseTooLarge},
};

// No tunnel, so what follows is about the way to the proxy.
bool EndedBeforeTheTunnel(const CurlEnd& end) {
  return end.route != CurlRoute::kDirect && end.connect_status / 100 != 2;
}

TransportFault FaultOfRefusedTunnel(long status) {
  switch (status) {
    case 403:
      return kProxyForbidden;
    case 407:
      return kProxyAuthenticationRequired;
    case 502:
      return kProxyBadGateway;
    case 503:
      return kProxyUnavailable;
    case 504:
      return kProxyGatewayTimeout;
    default:
      return kProxyRefused;
  }
}

TransportFault FaultOfCertificate(long verify_result) {
  switch (verify_result) {
    case X509_V_OK:
    case X509_V_ERR_UNSPECIFIED:
      // OpenSSL has no objection; libcurl compares the name.
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return kCertificateWrongName;
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return kCertificateExpired;
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return kCertificateNotYetValid;
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
      return kCertificateSelfSigned;
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_CERT_UNTRUSTED:
      return kCertificateUnknownAuthority;
    default:
      return kCertificateInvalid;
  }
}

TransportFault FaultOfConnect(const CurlEnd& end) {
  if (end.connect_errno == ECONNREFUSED) return kConnectionRefused;
  return end.connect_errno == ETIMEDOUT ? kConnectTimeout : kConnectFailed;
}

// The connection broke off while it was made.
TransportFault FaultOfLostAttempt(const CurlEnd& end) {
  if (end.code == CURLE_ABORTED_BY_CALLBACK) return kInternal;  // the socket took no options
  if (!EndedBeforeTheTunnel(end)) return kTlsFailed;
  return end.connect_status == 0 ? kProxyClosed : FaultOfRefusedTunnel(end.connect_status);
}

// As if there were no proxy.
TransportFault FaultOf(const CurlEnd& end, const Row& row) {
  switch (row.code) {
    case CURLE_COULDNT_CONNECT:
      return FaultOfConnect(end);
    case CURLE_OPERATION_TIMEDOUT:
      return end.has_socket ? kTlsTimeout : kConnectTimeout;
    case CURLE_PEER_FAILED_VERIFICATION:
      return FaultOfCertificate(EndedBeforeTheTunnel(end) ? end.proxy_verify_result
                                                          : end.verify_result);
    default:
      return row.fault;
  }
}

}  // namespace

CurlRoute RouteOver(std::string_view proxy) {
  if (proxy.empty()) return CurlRoute::kDirect;
  const absl::string_view url(proxy.data(), proxy.size());
  return absl::StartsWithIgnoreCase(url, "https://") ? CurlRoute::kTlsProxy
                                                     : CurlRoute::kPlainProxy;
}

CurlEnd EndOf(CURL* easy, CURLcode code, CurlRoute route) {
  CurlEnd end{.code = code, .route = route};
  curl_off_t connect_time = 0;
  curl_easy_getinfo(easy, CURLINFO_HTTP_CONNECTCODE, &end.connect_status);
  curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &end.connect_errno);
  curl_easy_getinfo(easy, CURLINFO_CONNECT_TIME_T, &connect_time);
  curl_easy_getinfo(easy, CURLINFO_SSL_VERIFYRESULT, &end.verify_result);
  curl_easy_getinfo(easy, CURLINFO_PROXY_SSL_VERIFYRESULT, &end.proxy_verify_result);
  end.has_socket = connect_time > 0;
  return end;
}

HttpFailure ToHttpFailure(const CurlEnd& end) {
  const Row* found = nullptr;
  for (const Row& row : kTable) {
    if (row.code == end.code) found = &row;
  }
  if (found == nullptr) return {.kind = Kind::kOther, .fault = kInternal};
  const bool is_of_connecting =
      found->kind == Kind::kResolve || found->kind == Kind::kConnect || found->kind == Kind::kTls;
  if (end.has_connection) {
    if (!is_of_connecting) return {.kind = found->kind, .fault = found->fault};
    // libcurl lost the connection and tried another one.
    return {.kind = Kind::kConnectionLost, .fault = kConnectionLost};
  }
  if (found->kind == Kind::kConnectionLost) {
    return {.kind = Kind::kConnect, .fault = FaultOfLostAttempt(end)};
  }
  const TransportFault fault = FaultOf(end, *found);
  return {.kind = found->kind, .fault = EndedBeforeTheTunnel(end) ? OfProxy(fault) : fault};
}

}  // namespace gateway
