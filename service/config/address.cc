#include "service/config/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace gateway {
namespace {

constexpr std::string_view kUnixPrefix = "unix:";

absl::Status Wrong(const char* what) { return absl::InvalidArgumentError(what); }

std::optional<uint32_t> IPv4Address(std::string_view host) {
  in_addr address = {};
  if (inet_pton(AF_INET, std::string(host).c_str(), &address) != 1) return std::nullopt;
  return ntohl(address.s_addr);
}

// With the brackets around it.
std::optional<in6_addr> IPv6Address(std::string_view host) {
  if (host.size() < 2 || host.front() != '[' || host.back() != ']') return std::nullopt;
  in6_addr address = {};
  const std::string inside(host.substr(1, host.size() - 2));
  if (inet_pton(AF_INET6, inside.c_str(), &address) != 1) return std::nullopt;
  return address;
}

// A name's last label begins with no digit; if it does, the text is an address and must be a whole
// one: some readers take "127.1" or "0x7f.1" for addresses, so they would not mean the same to all.
bool IsHostName(std::string_view host) {
  constexpr size_t kMaxName = 253;  // RFC 1035, section 2.3.4
  const bool has_name_characters = std::all_of(host.begin(), host.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '.' || c == '_';
  });
  if (host.empty() || host.size() > kMaxName || !has_name_characters) return false;
  if (host.front() == '.' || host.front() == '-') return false;
  const size_t last_dot = host.rfind('.');
  const std::string_view last_label =
      last_dot == std::string_view::npos ? host : host.substr(last_dot + 1);
  return !last_label.empty() && !absl::ascii_isdigit(static_cast<unsigned char>(last_label[0]));
}

bool IsHost(std::string_view host) {
  return IPv4Address(host).has_value() || IPv6Address(host).has_value() || IsHostName(host);
}

bool IsLoopbackHost(std::string_view host) {
  if (absl::EqualsIgnoreCase(absl::string_view(host.data(), host.size()), "localhost")) return true;
  if (const auto address = IPv4Address(host)) return (*address >> 24) == 127;
  const auto address = IPv6Address(host);
  return address.has_value() && IN6_IS_ADDR_LOOPBACK(&*address);
}

struct HostAndPort {
  std::string_view host;
  std::string_view port;
};

// The port is empty if there is none.
HostAndPort Split(std::string_view authority) {
  const size_t colon = authority.rfind(':');
  const size_t bracket = authority.rfind(']');
  if (colon == std::string_view::npos || (bracket != std::string_view::npos && colon < bracket)) {
    return {.host = authority, .port = {}};
  }
  return {.host = authority.substr(0, colon), .port = authority.substr(colon + 1)};
}

bool IsPort(std::string_view text, int lowest) {
  constexpr size_t kMaxDigits = 5;
  constexpr int kHighest = 65535;
  const bool is_number = !text.empty() && text.size() <= kMaxDigits &&
                         std::all_of(text.begin(), text.end(), [](char c) {
                           return absl::ascii_isdigit(static_cast<unsigned char>(c));
                         });
  int port = 0;
  return is_number && absl::SimpleAtoi(absl::string_view(text.data(), text.size()), &port) &&
         port >= lowest && port <= kHighest;
}

struct Url {
  std::string_view scheme;  // "http" or "https"
  std::string_view authority;
  std::string_view path;
};

absl::StatusOr<Url> SplitUrl(std::string_view url) {
  const bool is_visible =
      std::all_of(url.begin(), url.end(), [](char c) { return c > ' ' && c < '\x7F'; });
  if (!is_visible) return Wrong("has characters other than visible ASCII");
  const size_t scheme_end = url.find("://");
  const std::string_view scheme = url.substr(0, std::min(scheme_end, url.size()));
  if (scheme_end == std::string_view::npos || (scheme != "http" && scheme != "https")) {
    return Wrong("does not begin with http:// or https://");
  }
  const std::string_view rest = url.substr(scheme_end + 3);
  if (rest.find('@') != std::string_view::npos) return Wrong("holds credentials (an @)");
  if (rest.find('?') != std::string_view::npos) return Wrong("has a query (a ?)");
  if (rest.find('#') != std::string_view::npos) return Wrong("has a fragment (a #)");
  const size_t path = std::min(rest.find('/'), rest.size());
  return Url{.scheme = scheme, .authority = rest.substr(0, path), .path = rest.substr(path)};
}

absl::Status CheckAuthority(std::string_view authority) {
  const HostAndPort parts = Split(authority);
  if (!IsHost(parts.host)) return Wrong("has no valid host");
  const bool has_port = parts.host.size() < authority.size();
  if (has_port && !IsPort(parts.port, 1)) return Wrong("has no valid port");
  return absl::OkStatus();
}

absl::Status CheckHostAndPort(std::string_view address) {
  const HostAndPort parts = Split(address);
  if (!IsHost(parts.host)) return Wrong("has no valid host");
  if (!IsPort(parts.port, 0)) return Wrong("has no valid port");
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckListenAddress(std::string_view address) {
  if (address.substr(0, kUnixPrefix.size()) != kUnixPrefix) return CheckHostAndPort(address);
  constexpr size_t kMaxPath = 107;  // sockaddr_un, without the terminating zero
  const std::string_view path = address.substr(kUnixPrefix.size());
  if (path.empty() || path.front() != '/') return Wrong("has no absolute path after unix:");
  if (path.size() > kMaxPath) return Wrong("has a path of more than 107 bytes");
  return absl::OkStatus();
}

absl::Status CheckMetricsAddress(std::string_view address) {
  if (address.starts_with(kUnixPrefix)) return Wrong("is a unix socket");
  return CheckHostAndPort(address);
}

bool IsLoopbackAddress(std::string_view address) {
  return address.substr(0, kUnixPrefix.size()) == kUnixPrefix ||
         IsLoopbackHost(Split(address).host);
}

absl::StatusOr<std::string> ReadApiUrl(std::string_view url) {
  const absl::StatusOr<Url> parts = SplitUrl(url);
  if (!parts.ok()) return parts.status();
  if (const absl::Status status = CheckAuthority(parts->authority); !status.ok()) return status;
  const size_t last = url.find_last_not_of('/');
  return std::string(url.substr(0, last + 1));
}

absl::StatusOr<std::string> ReadProxyUrl(std::string_view url) {
  const absl::StatusOr<Url> parts = SplitUrl(url);
  if (!parts.ok()) return parts.status();
  if (const absl::Status status = CheckAuthority(parts->authority); !status.ok()) return status;
  // libcurl would take 1080 for a proxy without a port, which nobody expects of an HTTP proxy.
  if (Split(parts->authority).port.empty()) return Wrong("has no port");
  if (parts->path.find_first_not_of('/') != std::string_view::npos) return Wrong("has a path");
  return std::string(url.substr(0, url.size() - parts->path.size()));
}

absl::StatusOr<std::string> ReadStoreUrl(std::string_view url) {
  constexpr std::string_view kSqlite = "sqlite:";
  if (url.starts_with(kSqlite)) {
    if (url.size() == kSqlite.size()) return Wrong("has no path after sqlite:");
    // Later messages name the path; a URL in its place may hold a password.
    if (url.find("://") != std::string_view::npos) return Wrong("has a URL after sqlite:");
    return std::string(url);
  }
  if (url.starts_with("postgresql://") || url.starts_with("postgres://")) return std::string(url);
  return Wrong("names no store");
}

bool HoldsPassword(std::string_view url) {
  if (!url.starts_with("postgres")) return false;
  const std::string_view rest = url.substr(url.find("://") + 3);
  const size_t at = rest.rfind('@');
  const bool is_in_authority =
      at != std::string_view::npos && rest.substr(0, at).find(':') != std::string_view::npos;
  return is_in_authority || rest.find("password=") != std::string_view::npos;
}

bool IsPlainHttp(std::string_view url) { return url.substr(0, 7) == "http://"; }

bool IsLoopbackUrl(std::string_view url) {
  const absl::StatusOr<Url> parts = SplitUrl(url);
  return parts.ok() && IsLoopbackHost(Split(parts->authority).host);
}

}  // namespace gateway
