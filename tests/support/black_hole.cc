#include "tests/support/black_hole.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace gateway {
namespace {

constexpr int kConnectBoundMilliseconds = 200;

sockaddr_in Loopback(int port) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  return address;
}

int BoundSocket(int* port) {
  const int bound = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = Loopback(0);
  socklen_t size = sizeof address;
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  if (bound < 0 || bind(bound, generic, size) != 0 || getsockname(bound, generic, &size) != 0) {
    std::perror("bind a port");
    std::abort();
  }
  *port = ntohs(address.sin_port);
  return bound;
}

}  // namespace

BlackHole::BlackHole() : listener_(BoundSocket(&port_)) {
  listen(listener_, 0);
  const sockaddr_in address = Loopback(port_);
  for (int& filler : fillers_) {
    filler = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    connect(filler, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    pollfd connected = {.fd = filler, .events = POLLOUT, .revents = 0};
    // The first one that hangs shows that the queue is full.
    if (poll(&connected, 1, kConnectBoundMilliseconds) == 0) return;
  }
  std::fprintf(stderr, "the queue of a listening socket did not fill\n");
  std::abort();
}

BlackHole::~BlackHole() {
  for (const int filler : fillers_) {
    if (filler >= 0) close(filler);
  }
  close(listener_);
}

RefusingPort::RefusingPort() : socket_(BoundSocket(&port_)) {}

RefusingPort::~RefusingPort() { close(socket_); }

}  // namespace gateway
