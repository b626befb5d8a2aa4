#include "service/observability/metrics_server.h"

#include <prometheus/exposer.h>

#include <cstddef>
#include <exception>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace gateway {
namespace {

// civetweb's own syntax has more: comma-separated lists, bare ports, suffixes that ask for TLS or a
// redirect. Of all that only "host:port" is let through. Debian builds it without IPv6.
absl::Status CheckAddress(std::string_view address) {
  const size_t colon = address.rfind(':');
  const bool is_host_and_port =
      colon != std::string_view::npos && colon > 0 && colon + 1 < address.size() &&
      address.find_first_not_of("0123456789", colon + 1) == std::string_view::npos &&
      address.find_first_of(", +[") == std::string_view::npos;
  if (is_host_and_port) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("serve metrics: \"", std::string(address),
                                                 "\" is not host:port (IPv6 is not available)"));
}

class ExposerServer final : public Metrics::Server {
 public:
  // Throws if the address cannot be served.
  explicit ExposerServer(const std::string& address)
      : exposer_({
            "listening_ports",
            address,
            // One scrape at a time; a connection that sends nothing may hold it up for so long.
            "num_threads",
            "1",
            "request_timeout_ms",
            "3000",
        }) {}

  int port() const override {
    const std::vector<int> ports = exposer_.GetListeningPorts();
    return ports.empty() ? 0 : ports.front();
  }

  void Add(const std::weak_ptr<prometheus::Collectable>& source) {
    exposer_.RegisterCollectable(source);
  }

 private:
  prometheus::Exposer exposer_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Metrics::Server>> ServeMetrics(
    const std::string& address,
    const std::vector<std::weak_ptr<prometheus::Collectable>>& sources) {
  if (const absl::Status status = CheckAddress(address); !status.ok()) return status;
  try {
    auto server = std::make_unique<ExposerServer>(address);
    for (const auto& source : sources) server->Add(source);
    return server;
  } catch (const std::exception& failure) {
    // civetweb tells no more than that it failed; a taken port is by far the most likely reason.
    return absl::UnavailableError(absl::StrCat("serve metrics on ", address,
                                               ": cannot listen, perhaps the port is taken (",
                                               failure.what(), ")"));
  }
}

}  // namespace gateway
