#include "service/http/curl_resolve_cache.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace gateway {
namespace {

std::string KeyOf(const Origin& origin) { return absl::StrCat(origin.host, ":", origin.port); }

void AppendAddress(std::string* text, const std::string& address) {
  const bool is_ipv6 = address.find(':') != std::string::npos;
  absl::StrAppend(text, is_ipv6 ? "[" : "", address, is_ipv6 ? "]" : "");
}

}  // namespace

CurlHeaderList CurlResolveCache::PendingEntries(const Origin& origin,
                                                const HostAddresses& addresses, uint64_t cache) {
  if (addresses == nullptr) return nullptr;
  const std::string key = KeyOf(origin);
  if (cache == cache_) {
    const auto taken = taken_.find(key);
    if (taken != taken_.end() && taken->second == addresses) return nullptr;
  }
  const std::string entry = absl::StrCat(key, ":", absl::StrJoin(*addresses, ",", &AppendAddress));
  return CurlHeaderList(curl_slist_append(nullptr, entry.c_str()), &curl_slist_free_all);
}

void CurlResolveCache::MarkApplied(const Origin& origin, const HostAddresses& addresses,
                                   uint64_t cache) {
  if (addresses == nullptr || cache < cache_) return;
  if (cache > cache_) taken_.clear();
  cache_ = cache;
  taken_[KeyOf(origin)] = addresses;
}

}  // namespace gateway
