#ifndef TESTS_FAKE_PASSFORT_HTTP_SERVER_H_
#define TESTS_FAKE_PASSFORT_HTTP_SERVER_H_

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <system_error>

#include "tests/fake_passfort/backend.h"

namespace gateway {

// Serves a Backend over HTTP/1.1: one thread, any number of connections, and no fault that waits
// keeps another exchange waiting. Boost's headers stay in http_server.cc.
class HttpServer {
 public:
  // Every answer of the API comes `delay` later. `backend` outlives the server.
  HttpServer(Backend& backend, std::chrono::milliseconds delay);
  // Not while Run is running. Open connections are closed.
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // `host` is a numeric address; port 0 takes a free one. Call it once, before Run.
  [[nodiscard]] std::error_code Listen(const std::string& host, uint16_t port);
  uint16_t port() const;

  // SIGTERM and SIGINT end Run.
  void StopOnSignals();
  // Serves until Stop.
  void Run();

  // Any thread.
  void Stop();
  // Any thread: lets go the exchanges that Fault::hold holds now.
  void Release();

 private:
  class Loop;
  std::unique_ptr<Loop> loop_;
};

}  // namespace gateway

#endif  // TESTS_FAKE_PASSFORT_HTTP_SERVER_H_
