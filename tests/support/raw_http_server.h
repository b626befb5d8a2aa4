#ifndef TESTS_SUPPORT_RAW_HTTP_SERVER_H_
#define TESTS_SUPPORT_RAW_HTTP_SERVER_H_

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/support/connection_server.h"

namespace gateway {

// A request as it arrived.
struct RawRequest {
  std::string method;
  std::string target;
  // Names in lower case, in the order of arrival.
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;

  // The first value of `lower_case_name`, or empty.
  std::string Header(std::string_view lower_case_name) const;
};

// The server's side of one HTTP/1.1 connection. It answers with whatever bytes the test wants.
class RawConnection {
 public:
  using OnRequest = std::function<void(RawRequest)>;

  RawConnection(ServerConnection& connection, OnRequest on_request, OnRequest on_broken_request)
      : connection_(connection),
        on_request_(std::move(on_request)),
        on_broken_request_(std::move(on_broken_request)) {}

  // The next request, body included; nullopt when the connection ends before it is whole.
  std::optional<RawRequest> ReadRequest();

  // A whole answer with Content-Length.
  bool Answer(int status, std::string_view body);

  bool Write(std::string_view bytes) { return connection_.Write(bytes); }
  bool WriteLater(std::string_view bytes) { return connection_.WriteLater(bytes); }
  // For a server with TlsStart::kByServe.
  bool StartTls() { return connection_.StartTls(); }
  bool SendSessionTicket() { return connection_.SendSessionTicket(); }
  void EndTls() { connection_.EndTls(); }
  void Close() { connection_.Close(); }
  void Reset() { connection_.Reset(); }
  void WaitUntilClosedByClient() { connection_.WaitUntilClosedByClient(); }
  int number() const { return connection_.number(); }

 private:
  bool ReadMore();

  ServerConnection& connection_;
  const OnRequest on_request_;
  const OnRequest on_broken_request_;
  std::string unread_;
};

// An HTTP/1.1 server whose every byte and every hang-up is scripted, and which keeps count.
class RawHttpServer {
 public:
  // Runs for each connection on a thread of its own; the connection is closed when it returns.
  using Script = std::function<void(RawConnection&)>;

  explicit RawHttpServer(
      Script script, std::optional<TlsIdentity> identity = std::nullopt,
      ConnectionServer::TlsStart tls_start = ConnectionServer::TlsStart::kAtOnce);

  std::string Url(std::string_view host = "127.0.0.1") const { return server_.Url(host); }
  int port() const { return server_.port(); }
  int connections() const { return server_.accepted(); }
  // Every whole request so far.
  std::vector<RawRequest> requests() const;
  // How many of them were POSTs with this body.
  int Posts(std::string_view body) const;
  // Those that ended within their bodies so far, which have what came of them.
  std::vector<RawRequest> broken_requests() const;
  // The first of these. Waits for one.
  RawRequest WaitForBrokenRequest();
  // All of these, once so many connections have ended.
  std::vector<RawRequest> BrokenRequestsOf(int connections);

 private:
  const Script script_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<RawRequest> requests_;         // guarded by mutex_
  std::vector<RawRequest> broken_requests_;  // guarded by mutex_
  ConnectionServer server_;                  // last: its threads use the others
};

// Answers every request of a connection with 200 and `body`.
RawHttpServer::Script AnswerAll(std::string body);

}  // namespace gateway

#endif  // TESTS_SUPPORT_RAW_HTTP_SERVER_H_
