#ifndef SERVICE_HTTP_CURL_HEADER_LIST_H_
#define SERVICE_HTTP_CURL_HEADER_LIST_H_

#include <curl/curl.h>

#include <memory>
#include <vector>

#include "service/http/http_client.h"

namespace gateway {

// A curl_slist, freed with its last owner: libcurl reads it for as long as the transfer lasts.
using CurlHeaderList = std::shared_ptr<curl_slist>;

// `shared` with headers of one request before it, which costs no copy of it. Null if one of them
// would break the message, or if `shared` is null.
CurlHeaderList WithOwnHeaders(const HttpHeaders& own, CurlHeaderList shared);

// Turns headers into what libcurl takes, once for each HttpHeaders object: all requests to a
// service share one.
class CurlHeaderLists {
 public:
  // Null if a header would break the message: a line break or NUL in it, or an empty name.
  CurlHeaderList ListFor(const std::shared_ptr<const HttpHeaders>& headers);

 private:
  // More than the services and kinds of requests there are.
  static constexpr size_t kKept = 8;

  struct Entry {
    // Held, so that no other HttpHeaders gets the same address.
    std::shared_ptr<const HttpHeaders> headers;
    CurlHeaderList list;
  };
  std::vector<Entry> entries_;  // the oldest first
};

}  // namespace gateway

#endif  // SERVICE_HTTP_CURL_HEADER_LIST_H_
