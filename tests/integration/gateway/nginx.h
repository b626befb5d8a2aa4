#ifndef TESTS_INTEGRATION_GATEWAY_NGINX_H_
#define TESTS_INTEGRATION_GATEWAY_NGINX_H_

#include <memory>
#include <string>
#include <string_view>

#include "tests/fakes/child_process.h"

namespace gateway {

// nginx on a free loopback port: an HTTP server that was not written for these tests.
class Nginx {
 public:
  // `location` is what its configuration says about every path. Ends the test program if nginx does
  // not start.
  explicit Nginx(std::string_view location);
  ~Nginx();
  Nginx(const Nginx&) = delete;
  Nginx& operator=(const Nginx&) = delete;

  // What `api_url` is set to.
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/4.0"; }

  // The first request that came, each in quotes: its line, API key and content type. Waits for it;
  // empty if none comes.
  std::string FirstRequest() const;

 private:
  std::string folder_;
  int port_ = 0;
  std::unique_ptr<ChildProcess> process_;
};

}  // namespace gateway

#endif  // TESTS_INTEGRATION_GATEWAY_NGINX_H_
