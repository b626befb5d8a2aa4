#include "tests/support/connection_server.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/bio.h>
#include <openssl/pem.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <utility>

namespace gateway {
namespace {

constexpr int kBacklog = 4096;
// Far beyond what a client under test takes.
constexpr std::chrono::seconds kServerBound{60};

void Require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "start a test server: %s failed\n", what);
  std::abort();
}

std::unique_ptr<BIO, decltype(&BIO_free)> MemoryOf(const std::string& text) {
  return {BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), &BIO_free};
}

// Takes the server's protocol if the client offers it, as servers do.
int ChooseProtocol(SSL* /*tls*/, const unsigned char** chosen, unsigned char* chosen_size,
                   const unsigned char* offered, unsigned offered_size, void* wanted) {
  const std::string_view protocol = *static_cast<const std::string*>(wanted);
  for (unsigned at = 0; at < offered_size; at += 1u + offered[at]) {
    const std::string_view candidate(reinterpret_cast<const char*>(offered + at + 1), offered[at]);
    if (candidate != protocol) continue;
    *chosen = offered + at + 1;
    *chosen_size = offered[at];
    return SSL_TLSEXT_ERR_OK;
  }
  return SSL_TLSEXT_ERR_NOACK;
}

SSL_CTX* MakeTls(const TlsIdentity& identity, const std::string* alpn_protocol) {
  SSL_CTX* const tls = SSL_CTX_new(TLS_server_method());
  const auto certificate_memory = MemoryOf(identity.certificate_pem);
  const std::unique_ptr<X509, decltype(&X509_free)> certificate(
      PEM_read_bio_X509(certificate_memory.get(), nullptr, nullptr, nullptr), &X509_free);
  const auto key_memory = MemoryOf(identity.key_pem);
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(
      PEM_read_bio_PrivateKey(key_memory.get(), nullptr, nullptr, nullptr), &EVP_PKEY_free);
  Require(SSL_CTX_use_certificate(tls, certificate.get()) == 1, "SSL_CTX_use_certificate");
  Require(SSL_CTX_use_PrivateKey(tls, key.get()) == 1, "SSL_CTX_use_PrivateKey");
  // They would be written once the client's part of the handshake is done, and fail the whole
  // handshake if the client has sent a request by then and gone away.
  Require(SSL_CTX_set_num_tickets(tls, 0) == 1, "SSL_CTX_set_num_tickets");
  Require(SSL_CTX_set_max_proto_version(tls, identity.newest_tls_version) == 1,
          "SSL_CTX_set_max_proto_version");
  SSL_CTX_set_alpn_select_cb(tls, &ChooseProtocol, const_cast<std::string*>(alpn_protocol));
  return tls;
}

void NameThread() { pthread_setname_np(pthread_self(), ConnectionServer::kThreadName); }

// OpenSSL writes without MSG_NOSIGNAL. Only for the server's threads: the client under test has to
// do without.
void BlockBrokenPipeSignal() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}

}  // namespace

ServerConnection::ServerConnection(int descriptor, int number, SSL_CTX* tls_settings)
    : number_(number),
      tls_settings_(tls_settings),
      descriptor_(descriptor),
      outer_tls_(nullptr, &SSL_free),
      tls_(nullptr, &SSL_free) {
  const int on = 1;
  setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

ServerConnection::~ServerConnection() { Close(); }

bool ServerConnection::StartTls() {
  outer_tls_ = std::move(tls_);
  tls_.reset(SSL_new(tls_settings_));
  if (outer_tls_ == nullptr) {
    SSL_set_fd(tls_.get(), descriptor_);
  } else {
    BIO* const outer = BIO_new(BIO_f_ssl());
    BIO_set_ssl(outer, outer_tls_.get(), BIO_NOCLOSE);
    BIO* const collecting = BIO_push(BIO_new(BIO_f_buffer()), outer);
    SSL_set_bio(tls_.get(), collecting, collecting);
  }
  return SSL_accept(tls_.get()) == 1;
}

bool ServerConnection::SendSessionTicket() {
  return SSL_new_session_ticket(tls_.get()) == 1 && SSL_do_handshake(tls_.get()) == 1;
}

void ServerConnection::EndTls() { SSL_shutdown(tls_.get()); }

size_t ServerConnection::Read(char* buffer, size_t size) {
  if (descriptor_ < 0) return 0;
  const ssize_t count = tls_ != nullptr ? SSL_read(tls_.get(), buffer, static_cast<int>(size))
                                        : recv(descriptor_, buffer, size, 0);
  return count > 0 ? static_cast<size_t>(count) : 0;
}

bool ServerConnection::Write(std::string_view bytes) {
  if (!WriteLater(bytes)) return false;
  return outer_tls_ == nullptr || BIO_flush(SSL_get_wbio(tls_.get())) == 1;
}

bool ServerConnection::WriteLater(std::string_view bytes) {
  while (!bytes.empty()) {
    if (descriptor_ < 0) return false;
    const ssize_t count = tls_ != nullptr
                              ? SSL_write(tls_.get(), bytes.data(), static_cast<int>(bytes.size()))
                              : send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(count));
  }
  return true;
}

void ServerConnection::WaitUntilClosedByClient() {
  char ignored[4096];
  while (Read(ignored, sizeof ignored) > 0) {
  }
}

void ServerConnection::Close() {
  const std::lock_guard lock(mutex_);
  if (descriptor_ < 0) return;
  close(descriptor_);
  descriptor_ = -1;
}

void ServerConnection::Reset() {
  const linger at_once = {.l_onoff = 1, .l_linger = 0};
  setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  Close();
}

void ServerConnection::ShutDown() {
  const std::lock_guard lock(mutex_);
  if (descriptor_ >= 0) shutdown(descriptor_, SHUT_RDWR);
}

ConnectionServer::ConnectionServer(Serve serve, std::optional<TlsIdentity> identity,
                                   std::string alpn_protocol, TlsStart tls_start)
    : serve_(std::move(serve)),
      alpn_protocol_(std::move(alpn_protocol)),
      tls_start_(tls_start),
      tls_(identity.has_value() ? MakeTls(*identity, &alpn_protocol_) : nullptr, &SSL_CTX_free) {
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  Require(listener_ >= 0, "socket");
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  Require(bind(listener_, generic, sizeof address) == 0, "bind");
  Require(listen(listener_, kBacklog) == 0, "listen");
  socklen_t size = sizeof address;
  Require(getsockname(listener_, generic, &size) == 0, "getsockname");
  port_ = ntohs(address.sin_port);
  accepting_ = std::thread([this] { Accept(); });
}

ConnectionServer::~ConnectionServer() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
    for (const auto& connection : connections_) connection->ShutDown();
  }
  shutdown(listener_, SHUT_RDWR);
  accepting_.join();
  for (std::thread& thread : threads_) thread.join();
  close(listener_);
}

std::string ConnectionServer::Url(std::string_view host) const {
  return std::string(tls_ != nullptr && tls_start_ == TlsStart::kAtOnce ? "https://" : "http://") +
         std::string(host) + ":" + std::to_string(port_);
}

void ConnectionServer::WaitUntilEnded(int connections) {
  std::unique_lock lock(mutex_);
  if (changed_.wait_for(lock, kServerBound, [&] { return ended_ >= connections; })) return;
  std::fprintf(stderr, "waited in vain for %d connections to end: %d did\n", connections, ended_);
  std::abort();
}

void ConnectionServer::Accept() {
  NameThread();
  while (true) {
    const int descriptor = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (descriptor < 0) return;
    const std::lock_guard lock(mutex_);
    connections_.push_back(std::make_unique<ServerConnection>(descriptor, ++accepted_, tls_.get()));
    if (ending_) return;
    threads_.emplace_back([this, &connection = *connections_.back()] {
      NameThread();
      BlockBrokenPipeSignal();
      const bool starts_tls = tls_ != nullptr && tls_start_ == TlsStart::kAtOnce;
      if (!starts_tls || connection.StartTls()) serve_(connection);
      connection.Close();
      const std::lock_guard ended_lock(mutex_);
      ++ended_;
      changed_.notify_all();
    });
  }
}

}  // namespace gateway
