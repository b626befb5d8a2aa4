#include "service/http/kept_connection.h"

#include <linux/tcp.h>  // newer than <netinet/tcp.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <span>
#include <string_view>
#include <utility>

namespace gateway {
namespace {

using Collector = std::shared_ptr<TlsSessions>;

void DeleteCollector(void* /*settings*/, void* collector, CRYPTO_EX_DATA* /*data*/, int /*index*/,
                     long /*number*/, void* /*pointer*/) {
  delete static_cast<Collector*>(collector);
}

// Where the settings keep the collector until there is a session.
int CollectorIndex() {
  static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, &DeleteCollector);
  return index;
}

void OnTlsEvent(const SSL* session, int event, int /*detail*/) {
  if ((event & SSL_CB_HANDSHAKE_DONE) == 0) return;
  SSL_CTX* const settings = SSL_get_SSL_CTX(session);
  const std::unique_ptr<Collector> collector(
      static_cast<Collector*>(SSL_CTX_get_ex_data(settings, CollectorIndex())));
  if (collector == nullptr) return;  // a later handshake of the same session
  SSL_CTX_set_ex_data(settings, CollectorIndex(), nullptr);
  (*collector)->push_back(session);
}

}  // namespace

void CollectSession(SSL_CTX* settings, std::shared_ptr<TlsSessions> sessions) {
  SSL_CTX_set_ex_data(settings, CollectorIndex(), new Collector(std::move(sessions)));
  SSL_CTX_set_info_callback(settings, &OnTlsEvent);
}

bool HasUnread(int socket, const TlsSessions* sessions) {
  char byte = 0;
  const ssize_t size = recv(socket, &byte, sizeof byte, MSG_PEEK | MSG_DONTWAIT);
  if (size >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK)) return true;
  return sessions != nullptr && std::ranges::any_of(*sessions, [](const SSL* session) {
           return SSL_has_pending(session) == 1;
         });
}

bool SpeaksHttp2(const TlsSessions* sessions) {
  if (sessions == nullptr || sessions->empty()) return false;
  const unsigned char* protocol = nullptr;
  unsigned length = 0;
  SSL_get0_alpn_selected(sessions->back(), &protocol, &length);
  return std::ranges::equal(std::span(protocol, length), std::string_view("h2"));
}

uint64_t BytesReceived(int socket) {
  tcp_info info = {};
  socklen_t size = sizeof info;
  return getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 ? info.tcpi_bytes_received
                                                                      : 0;
}

void EndConnection(int socket) {
  shutdown(socket, SHUT_RDWR);
  // On TCP this throws away what is there, without a buffer for it (tcp(7)).
  while (recv(socket, nullptr, std::numeric_limits<int>::max(), MSG_TRUNC | MSG_DONTWAIT) > 0) {
  }
}

}  // namespace gateway
