#ifndef TESTS_SUPPORT_H2_SERVER_H_
#define TESTS_SUPPORT_H2_SERVER_H_

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/connection_server.h"
#include "tests/support/test_certificates.h"

namespace gateway {

struct H2Request {
  std::string method;
  std::string path;
  std::string body;
  int connection = 0;  // 1 for the first one
  int stream = 0;      // 1, 3, 5 ...
};

// What an H2Server does once a request is whole.
enum class H2Reaction {
  kAnswer,        // 200 with a small body
  kCutBody,       // announces a longer body than it sends, then closes the connection
  kClose,         // closes the connection
  kReset,         // resets the connection
  kGoAway,        // GOAWAY that says the stream was not processed, then closes the connection
  kRefuseStream,  // RST_STREAM with REFUSED_STREAM
  kResetStream,   // RST_STREAM with INTERNAL_ERROR
};

// An HTTP/2 server over TLS that does to each request what the test says, and keeps count.
class H2Server {
 public:
  using Script = std::function<H2Reaction(const H2Request&)>;

  static constexpr std::string_view kAnswerBody = "{\"answer\":1}";

  // How much of a body a client may send before the server has seen a stream reset by the client.
  // From then on as much as it likes.
  enum class FirstWindow { kNormal, kNothing };

  H2Server(Script script, TlsIdentity identity, FirstWindow first_window = FirstWindow::kNormal);

  std::string Url(std::string_view host = "127.0.0.1") const { return server_.Url(host); }
  int connections() const { return server_.accepted(); }
  // How many whole POSTs with this body arrived.
  int Posts(std::string_view body) const;
  // The first request that the client broke off, by a reset or with its connection, and what came
  // of its body. Waits for one.
  H2Request WaitForBrokenRequest();
  // All of these, once so many connections have ended.
  std::vector<H2Request> BrokenRequestsOf(int connections);

 private:
  H2Reaction React(const H2Request& request);

  const Script script_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<H2Request> requests_;         // guarded by mutex_
  std::vector<H2Request> broken_requests_;  // guarded by mutex_
  ConnectionServer server_;                 // last: its threads use the others
};

}  // namespace gateway

#endif  // TESTS_SUPPORT_H2_SERVER_H_
