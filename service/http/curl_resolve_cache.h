#ifndef SERVICE_HTTP_CURL_RESOLVE_CACHE_H_
#define SERVICE_HTTP_CURL_RESOLVE_CACHE_H_

#include <cstdint>
#include <map>
#include <string>

#include "service/http/curl_header_list.h"
#include "service/http/host_resolver.h"
#include "service/http/origin.h"

namespace gateway {

// Puts the addresses that we looked up into the cache of libcurl's multi handle, so that libcurl
// looks nothing up by itself. An entry made by CURLOPT_RESOLVE is permanent there: the first
// transfer after a change carries it, and those that come later find it.
class CurlResolveCache {
 public:
  // What a transfer to `origin` has to carry; null if nothing. `cache` names the multi handle's
  // cache, `addresses` is null for an origin that is an address.
  CurlHeaderList PendingEntries(const Origin& origin, const HostAddresses& addresses,
                                uint64_t cache);

  // A transfer that was started with these arguments got as far as its connection.
  void MarkApplied(const Origin& origin, const HostAddresses& addresses, uint64_t cache);

 private:
  std::map<std::string, HostAddresses> taken_;  // by "host:port"
  uint64_t cache_ = 0;
};

}  // namespace gateway

#endif  // SERVICE_HTTP_CURL_RESOLVE_CACHE_H_
