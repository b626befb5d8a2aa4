#ifndef SERVICE_HTTP_CURL_FAILURE_H_
#define SERVICE_HTTP_CURL_FAILURE_H_

#include <curl/curl.h>

#include "service/http/http_client.h"

namespace gateway {

// What a transfer's end with `code` (not CURLE_OK) is called. The deadline and the stop token end
// transfers without a code of libcurl's.
HttpFailure ToHttpFailure(CURLcode code);

}  // namespace gateway

#endif  // SERVICE_HTTP_CURL_FAILURE_H_
