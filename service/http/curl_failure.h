#ifndef SERVICE_HTTP_CURL_FAILURE_H_
#define SERVICE_HTTP_CURL_FAILURE_H_

#include <curl/curl.h>

#include <string_view>

#include "service/http/http_client.h"

namespace gateway {

// How the way to the server leads.
enum class CurlRoute { kDirect, kPlainProxy, kTlsProxy };
CurlRoute RouteOver(std::string_view proxy);

// What libcurl knows of the end of a transfer beside its code.
struct CurlEnd {
  CURLcode code = CURLE_OK;
  CurlRoute route = CurlRoute::kDirect;
  // The proxy's response to CONNECT; 0 if there was none.
  long connect_status = 0;
  // Of the last socket that did not get a connection.
  long connect_errno = 0;
  // Whether a socket was connected, if only to a proxy.
  bool has_socket = false;
  // Whether a connection was there, new or reused, for the request to go out on.
  bool has_connection = false;
  // OpenSSL's verdict about a certificate; 0 and 1 if there is none.
  long verify_result = 0;
  long proxy_verify_result = 0;
};
CurlEnd EndOf(CURL* easy, CURLcode code, CurlRoute route);

// What a transfer's end with a code that is not CURLE_OK is called. The deadline and the stop token
// end transfers without a code of libcurl's.
HttpFailure ToHttpFailure(const CurlEnd& end);

}  // namespace gateway

#endif  // SERVICE_HTTP_CURL_FAILURE_H_
