#ifndef TESTS_SUPPORT_CONNECTION_SERVER_H_
#define TESTS_SUPPORT_CONNECTION_SERVER_H_

#include <openssl/ssl.h>

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "tests/support/test_certificates.h"

namespace gateway {

// One accepted connection, plain or TLS, of the thread that serves it.
class ServerConnection {
 public:
  ServerConnection(int descriptor, int number, SSL_CTX* tls_settings);
  ~ServerConnection();
  ServerConnection(const ServerConnection&) = delete;
  ServerConnection& operator=(const ServerConnection&) = delete;

  // 1 for the first connection that the server accepted.
  int number() const { return number_; }

  // The bytes read; 0 at the end of the connection or on an error.
  size_t Read(char* buffer, size_t size);
  // False if the connection is gone.
  bool Write(std::string_view bytes);
  // The same, but what is written goes out with the next Write: in the same record of the outer
  // session where there is TLS within TLS.
  bool WriteLater(std::string_view bytes);
  // Returns when the client has closed or reset the connection.
  void WaitUntilClosedByClient();
  // The server's side of a TLS handshake; everything is encrypted from then on. A second one is
  // within the first, as behind a proxy that speaks TLS.
  bool StartTls();
  // A late session ticket of TLS 1.3.
  bool SendSessionTicket();
  // TLS's farewell (close_notify). The connection stays open.
  void EndTls();
  // Ends the connection with a FIN (without TLS's farewell), or with an RST.
  void Close();
  void Reset();

 private:
  friend class ConnectionServer;
  void ShutDown();  // any thread

  const int number_;
  SSL_CTX* const tls_settings_;  // null: there is no TLS here
  std::mutex mutex_;
  int descriptor_;  // changed under mutex_ only
  std::unique_ptr<SSL, decltype(&SSL_free)> outer_tls_;
  std::unique_ptr<SSL, decltype(&SSL_free)> tls_;
};

// Listens on a free port of 127.0.0.1 and serves each connection on a thread of its own.
class ConnectionServer {
 public:
  // Runs for each connection; it is closed when `serve` returns.
  using Serve = std::function<void(ServerConnection&)>;

  // The name of the threads, so that a test that counts threads can leave them out.
  static constexpr char kThreadName[] = "test-server";

  // Who begins to speak TLS, if there is an identity for it.
  enum class TlsStart { kAtOnce, kByServe };

  // With an identity it speaks TLS and agrees on `alpn_protocol` if the client offers it.
  explicit ConnectionServer(Serve serve, std::optional<TlsIdentity> identity = std::nullopt,
                            std::string alpn_protocol = "http/1.1",
                            TlsStart tls_start = TlsStart::kAtOnce);
  // Breaks off what is left.
  ~ConnectionServer();
  ConnectionServer(const ConnectionServer&) = delete;
  ConnectionServer& operator=(const ConnectionServer&) = delete;

  int port() const { return port_; }
  int accepted() const { return accepted_; }
  // Until so many connections have ended, and what was read on them is told.
  void WaitUntilEnded(int connections);
  // http(s)://HOST:PORT
  std::string Url(std::string_view host = "127.0.0.1") const;

 private:
  void Accept();

  const Serve serve_;
  const std::string alpn_protocol_;
  const TlsStart tls_start_;
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> tls_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<int> accepted_ = 0;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool ending_ = false;                                         // guarded by mutex_
  int ended_ = 0;                                               // guarded by mutex_
  std::vector<std::unique_ptr<ServerConnection>> connections_;  // guarded by mutex_
  std::vector<std::thread> threads_;                            // of the accepting thread
  std::thread accepting_;
};

}  // namespace gateway

#endif  // TESTS_SUPPORT_CONNECTION_SERVER_H_
