#ifndef TESTS_INTEGRATION_GATEWAY_NGINX_H_
#define TESTS_INTEGRATION_GATEWAY_NGINX_H_

#include <csignal>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "tests/support/child_process.h"
#include "tests/support/test_certificates.h"

namespace gateway {

// nginx on a free loopback port: an HTTP server that was not written for these tests.
class Nginx {
 public:
  struct Server {
    // With it, TLS is spoken.
    std::optional<TlsIdentity> identity = std::nullopt;
    // More of its configuration, of the `listen` line, and for all servers.
    std::string settings = {};
    std::string listen = {};
    std::string settings_for_all = {};
  };

  // `location` is what its configuration says about every path. Ends the test program if nginx does
  // not start.
  explicit Nginx(std::string_view location) : Nginx(location, Server()) {}
  Nginx(std::string_view location, const Server& server);
  ~Nginx();
  Nginx(const Nginx&) = delete;
  Nginx& operator=(const Nginx&) = delete;

  // What `api_url` is set to.
  std::string url() const { return origin() + "/4.0"; }
  // Without a path, as for `api_proxy`.
  std::string origin() const { return scheme_ + "://127.0.0.1:" + std::to_string(port_); }

  // Reads its configuration again, as after a change: idle connections end in order.
  void Reload() const { process_->Signal(SIGHUP); }
  // How many connections are open to it, as their other ends see it.
  int OpenConnections() const;
  // Whether one connection carries so many requests. Waits for that.
  bool OneConnectionCarries(size_t requests) const;

  // The first request that came, each in quotes: its line, API key and content type. Waits for it;
  // empty if none comes.
  std::string FirstRequest() const;

 private:
  std::string folder_;
  std::string scheme_ = "http";
  int port_ = 0;
  std::unique_ptr<ChildProcess> process_;
};

}  // namespace gateway

#endif  // TESTS_INTEGRATION_GATEWAY_NGINX_H_
