#include "service/http/curl_failure.h"

namespace gateway {
namespace {

using Kind = HttpFailure::Kind;

struct Row {
  CURLcode code;
  Kind kind;
};

constexpr Row kTable[] = {
    {CURLE_COULDNT_RESOLVE_HOST, Kind::kResolve},
    {CURLE_COULDNT_RESOLVE_PROXY, Kind::kResolve},

    {CURLE_COULDNT_CONNECT, Kind::kConnect},
    {CURLE_PROXY, Kind::kConnect},
    // CURLOPT_CONNECTTIMEOUT_MS: libcurl is given no other time limit.
    {CURLE_OPERATION_TIMEDOUT, Kind::kConnect},

    {CURLE_SSL_CONNECT_ERROR, Kind::kTls},
    {CURLE_PEER_FAILED_VERIFICATION, Kind::kTls},
    {CURLE_SSL_CERTPROBLEM, Kind::kTls},
    {CURLE_SSL_CIPHER, Kind::kTls},
    {CURLE_SSL_CACERT_BADFILE, Kind::kTls},
    {CURLE_SSL_ISSUER_ERROR, Kind::kTls},
    {CURLE_SSL_ENGINE_INITFAILED, Kind::kTls},
    {CURLE_SSL_INVALIDCERTSTATUS, Kind::kTls},
    {CURLE_SSL_CLIENTCERT, Kind::kTls},
    {CURLE_USE_SSL_FAILED, Kind::kTls},

    {CURLE_GOT_NOTHING, Kind::kConnectionLost},
    {CURLE_SEND_ERROR, Kind::kConnectionLost},
    {CURLE_RECV_ERROR, Kind::kConnectionLost},
    {CURLE_PARTIAL_FILE, Kind::kConnectionLost},
    {CURLE_HTTP2_STREAM, Kind::kConnectionLost},
    // The connection was lost and libcurl wanted to send the body again; it has no way to.
    {CURLE_SEND_FAIL_REWIND, Kind::kConnectionLost},
    {CURLE_ABORTED_BY_CALLBACK, Kind::kConnectionLost},

    {CURLE_UNSUPPORTED_PROTOCOL, Kind::kProtocol},
    {CURLE_WEIRD_SERVER_REPLY, Kind::kProtocol},
    {CURLE_HTTP2, Kind::kProtocol},
    {CURLE_BAD_CONTENT_ENCODING, Kind::kProtocol},

    {CURLE_FILESIZE_EXCEEDED, Kind::kTooLarge},
};

}  // namespace

HttpFailure ToHttpFailure(CURLcode code) {
  HttpFailure failure{.kind = Kind::kOther, .detail = curl_easy_strerror(code)};
  for (const Row& row : kTable) {
    if (row.code == code) failure.kind = row.kind;
  }
  return failure;
}

}  // namespace gateway
