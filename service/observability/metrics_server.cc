#include "service/observability/metrics_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <prometheus/exposer.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstddef>
#include <exception>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
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

// Connects and hangs up, without waiting. Does nothing if `host` is no IPv4 address.
void Knock(const std::string& host, int port) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<in_port_t>(port));
  if (inet_pton(AF_INET, host.c_str(), &address.sin_addr) != 1) return;
  const int knocking = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (knocking < 0) return;
  connect(knocking, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  close(knocking);
}

class ExposerServer final : public Metrics::Server {
 public:
  // Throws if the address cannot be served.
  explicit ExposerServer(const std::string& address)
      : host_(address.substr(0, address.rfind(':'))),
        exposer_(std::in_place, std::vector<std::string>{
                                    "listening_ports",
                                    address,
                                    // One scrape at a time; a connection that sends nothing may
                                    // hold it up for so long.
                                    "num_threads",
                                    "1",
                                    "request_timeout_ms",
                                    "3000",
                                }) {}

  // civetweb notices that it shall stop when its wait for connections ends, which is after 2 s or
  // when somebody comes.
  ~ExposerServer() override {
    const std::jthread knocking([this, port = port()](const std::stop_token& stop) {
      while (!stop.stop_requested()) {
        Knock(host_, port);
        std::this_thread::sleep_for(kKnockInterval);
      }
    });
    exposer_.reset();
  }

  int port() const override {
    const std::vector<int> ports = exposer_->GetListeningPorts();
    return ports.empty() ? 0 : ports.front();
  }

  void Add(const std::weak_ptr<prometheus::Collectable>& source) {
    exposer_->RegisterCollectable(source);
  }

 private:
  static constexpr std::chrono::milliseconds kKnockInterval{5};

  const std::string host_;
  std::optional<prometheus::Exposer> exposer_;
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
