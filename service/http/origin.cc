#include "service/http/origin.h"

#include <arpa/inet.h>

#include <charconv>
#include <optional>

#include "absl/status/status.h"

namespace gateway {
namespace {

constexpr int kHttpPort = 80;
constexpr int kHttpsPort = 443;
constexpr int kPlainProxyPort = 1080;  // libcurl's: CURLOPT_PROXY
constexpr int kMaxPort = 65535;

bool IsAddress(const std::string& host) {
  in6_addr ignored;
  return inet_pton(AF_INET, host.c_str(), &ignored) == 1 ||
         inet_pton(AF_INET6, host.c_str(), &ignored) == 1;
}

// Removes `prefix`, in whatever case, from the front of `text`.
bool ConsumePrefix(std::string_view& text, std::string_view prefix) {
  if (text.size() < prefix.size()) return false;
  for (size_t i = 0; i < prefix.size(); ++i) {
    const char c = text[i];
    if ((c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c) != prefix[i]) return false;
  }
  text.remove_prefix(prefix.size());
  return true;
}

std::optional<int> ReadPort(std::string_view text) {
  int port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if (port < 1 || port > kMaxPort) return std::nullopt;
  return port;
}

// `rest` is what follows the scheme: authority, then anything.
absl::StatusOr<Origin> OriginOfAuthority(std::string_view rest, int default_port) {
  std::string_view authority = rest.substr(0, rest.find_first_of("/?#"));
  if (const size_t at = authority.rfind('@'); at != std::string_view::npos) {
    authority.remove_prefix(at + 1);
  }
  std::string_view host = authority;
  std::string_view after_host;
  if (authority.starts_with('[')) {
    const size_t bracket = authority.find(']');
    if (bracket == std::string_view::npos) return absl::InvalidArgumentError("unclosed bracket");
    host = authority.substr(1, bracket - 1);
    after_host = authority.substr(bracket + 1);
  } else if (const size_t colon = authority.find(':'); colon != std::string_view::npos) {
    host = authority.substr(0, colon);
    after_host = authority.substr(colon);
  }
  if (host.empty()) return absl::InvalidArgumentError("no host");

  Origin origin{.host = std::string(host), .port = default_port};
  if (!after_host.empty()) {
    const auto port = after_host.starts_with(':') ? ReadPort(after_host.substr(1)) : std::nullopt;
    if (!port.has_value()) return absl::InvalidArgumentError("no valid port");
    origin.port = *port;
  }
  origin.is_address = IsAddress(origin.host);
  return origin;
}

}  // namespace

absl::StatusOr<Origin> ParseOrigin(std::string_view url) {
  if (ConsumePrefix(url, "https://")) return OriginOfAuthority(url, kHttpsPort);
  if (ConsumePrefix(url, "http://")) return OriginOfAuthority(url, kHttpPort);
  return absl::InvalidArgumentError("neither http:// nor https://");
}

absl::StatusOr<Origin> OriginOfProxy(std::string_view proxy) {
  if (ConsumePrefix(proxy, "https://")) return OriginOfAuthority(proxy, kHttpsPort);
  ConsumePrefix(proxy, "http://");
  if (proxy.find("://") != std::string_view::npos) {
    return absl::InvalidArgumentError("neither http:// nor https://");
  }
  return OriginOfAuthority(proxy, kPlainProxyPort);
}

}  // namespace gateway
