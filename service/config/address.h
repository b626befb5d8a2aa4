#ifndef SERVICE_CONFIG_ADDRESS_H_
#define SERVICE_CONFIG_ADDRESS_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace gateway {

// The messages of these functions say what is wrong with the text without repeating it: a URL may
// hold a password or a key.

// "host:port", "[IPv6]:port" or "unix:/path". Port 0 takes a free one.
absl::Status CheckListenAddress(std::string_view address);
// The same without "unix:/path": what the metrics server can take.
absl::Status CheckMetricsAddress(std::string_view address);
// Whether only programs of this machine can connect to `address`, which has been checked.
bool IsLoopbackAddress(std::string_view address);

// An http or https URL with nothing but host, port and path; without slashes at its end.
absl::StatusOr<std::string> ReadApiUrl(std::string_view url);
// An http or https URL of nothing but host and port. Refuses credentials as well: there would be no
// way to give them that keeps them out of the process list.
absl::StatusOr<std::string> ReadProxyUrl(std::string_view url);

// sqlite:PATH, sqlite::memory: or a PostgreSQL URL, which libpq reads later.
absl::StatusOr<std::string> ReadStoreUrl(std::string_view url);
// Of a store's URL that has been read.
bool HoldsPassword(std::string_view url);

// Of a URL that has been read.
bool IsPlainHttp(std::string_view url);
bool IsLoopbackUrl(std::string_view url);

}  // namespace gateway

#endif  // SERVICE_CONFIG_ADDRESS_H_
