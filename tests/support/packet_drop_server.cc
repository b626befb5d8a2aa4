#include "tests/support/packet_drop_server.h"

#include <linux/filter.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <sstream>
#include <thread>

namespace gateway {
namespace {

constexpr std::chrono::seconds kBound{30};
constexpr timeval kReadBound = {.tv_sec = kBound.count(), .tv_usec = 0};

[[noreturn]] void Die(const char* what) {
  std::fprintf(stderr, "%s: %s\n", what, std::strerror(errno));
  std::abort();
}

void Check(bool done, const char* what) {
  if (!done) Die(what);
}

int PortOf(const sockaddr_in& address) { return ntohs(address.sin_port); }

// The kernel tells nobody when such a thing changes, so it is asked again and again.
void WaitUntil(const std::function<bool()>& condition, const char* what) {
  const auto bound = std::chrono::steady_clock::now() + kBound;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > bound) {
      std::fprintf(stderr, "waited in vain until %s\n", what);
      std::abort();
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

size_t BodySize(const std::string& head) {
  constexpr std::string_view kName = "Content-Length: ";
  const size_t at = head.find(kName);
  return at == std::string::npos ? 0 : std::stoul(head.substr(at + kName.size()));
}

}  // namespace

PacketDropServer::PacketDropServer() : listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  Check(listener_ >= 0 && bind(listener_, generic, size) == 0 && listen(listener_, 1) == 0 &&
            getsockname(listener_, generic, &size) == 0,
        "listen on a port");
  Check(setsockopt(listener_, SOL_SOCKET, SO_RCVTIMEO, &kReadBound, sizeof kReadBound) == 0,
        "bound the waits");
  port_ = PortOf(address);
}

PacketDropServer::~PacketDropServer() {
  if (connection_ >= 0) close(connection_);
  close(listener_);
}

void PacketDropServer::Accept() {
  if (connection_ >= 0) close(connection_);
  sockaddr_in client = {};
  socklen_t size = sizeof client;
  connection_ = accept4(listener_, reinterpret_cast<sockaddr*>(&client), &size, SOCK_CLOEXEC);
  Check(connection_ >= 0, "wait for a connection");
  Check(setsockopt(connection_, SOL_SOCKET, SO_RCVTIMEO, &kReadBound, sizeof kReadBound) == 0,
        "bound the waits");
  client_port_ = PortOf(client);
}

std::string PacketDropServer::ReadRequest() {
  constexpr std::string_view kEndOfHead = "\r\n\r\n";
  std::string text;
  while (true) {
    const size_t head = text.find(kEndOfHead);
    const bool is_whole = head != std::string::npos &&
                          text.size() >= head + kEndOfHead.size() + BodySize(text.substr(0, head));
    if (is_whole || !ReadMore(text)) return text;
  }
}

void PacketDropServer::Write(std::string_view bytes) {
  Check(send(connection_, bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
            static_cast<ssize_t>(bytes.size()),
        "write to a client");
}

void PacketDropServer::Close() {
  sock_filter drop_all = {.code = BPF_RET | BPF_K, .jt = 0, .jf = 0, .k = 0};
  const sock_fprog program = {.len = 1, .filter = &drop_all};
  Check(setsockopt(connection_, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) == 0,
        "close the way to a socket");
}

void PacketDropServer::Open() {
  const int unused = 0;
  Check(setsockopt(connection_, SOL_SOCKET, SO_DETACH_FILTER, &unused, sizeof unused) == 0,
        "open the way to a socket");
}

// From proc(5): number, local and remote address, state, tx_queue:rx_queue, all but the first in
// hexadecimal digits.
std::optional<TcpEnd> PacketDropServer::ClientEnd() const {
  std::ifstream table("/proc/net/tcp");
  std::string line;
  std::getline(table, line);
  Check(!table.fail(), "read /proc/net/tcp");
  while (std::getline(table, line)) {
    std::istringstream columns(line);
    std::string number, local, remote, state, queues;
    columns >> number >> local >> remote >> state >> queues;
    const auto port = [](const std::string& address) {
      return std::stoi(address.substr(address.find(':') + 1), nullptr, 16);
    };
    if (port(local) != client_port_ || port(remote) != port_) continue;
    return TcpEnd{.state = std::stoi(state, nullptr, 16),
                  .unconfirmed = std::stoul(queues.substr(0, queues.find(':')), nullptr, 16)};
  }
  return std::nullopt;
}

void PacketDropServer::WaitUntilUnconfirmed(size_t bytes) const {
  WaitUntil(
      [&] {
        const auto end = ClientEnd();
        return end && end->unconfirmed >= bytes;
      },
      "a whole request waits in the client's socket");
}

PacketDropServer::Rest PacketDropServer::ReadToEnd() {
  Rest rest;
  while (ReadMore(rest.bytes)) continue;
  rest.was_reset = errno == ECONNRESET;
  return rest;
}

bool PacketDropServer::ReadMore(std::string& text) {
  std::array<char, 4096> buffer;
  errno = 0;
  const ssize_t bytes = recv(connection_, buffer.data(), buffer.size(), 0);
  if (bytes < 0 && errno != ECONNRESET) Die("wait for a client's bytes");
  if (bytes > 0) text.append(buffer.data(), static_cast<size_t>(bytes));
  return bytes > 0;
}

}  // namespace gateway
