#ifndef SERVICE_HTTP_ORIGIN_H_
#define SERVICE_HTTP_ORIGIN_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace gateway {

// Where a connection goes.
struct Origin {
  // As written; an IPv6 address without its brackets.
  std::string host;
  int port = 0;
  // The host is an IP address already: there is nothing to look up.
  bool is_address = false;

  friend bool operator==(const Origin&, const Origin&) = default;
};

// The origin of an absolute http or https URL. Everything else is an InvalidArgument whose message
// does not repeat the URL.
absl::StatusOr<Origin> ParseOrigin(std::string_view url);

// The same for a proxy, which may be written without a scheme and has libcurl's default ports.
absl::StatusOr<Origin> OriginOfProxy(std::string_view proxy);

}  // namespace gateway

#endif  // SERVICE_HTTP_ORIGIN_H_
