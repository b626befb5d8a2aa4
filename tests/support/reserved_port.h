#ifndef TESTS_SUPPORT_RESERVED_PORT_H_
#define TESTS_SUPPORT_RESERVED_PORT_H_

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace gateway {

// A free port of 127.0.0.1 that stays this program's, for servers that go away and come back. It
// does not listen: while no server does, connections are refused. Without it the kernel may
// give the port to anybody meanwhile. The server must set SO_REUSEADDR.
class ReservedPort {
 public:
  ReservedPort() : socket_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const int yes = 1;
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    if (setsockopt(socket_, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) != 0 ||
        bind(socket_, generic, size) != 0 || getsockname(socket_, generic, &size) != 0) {
      std::perror("a free port of 127.0.0.1");
      std::abort();
    }
    port_ = ntohs(address.sin_port);
  }
  ~ReservedPort() { close(socket_); }
  ReservedPort(const ReservedPort&) = delete;
  ReservedPort& operator=(const ReservedPort&) = delete;

  uint16_t port() const { return port_; }

 private:
  const int socket_;
  uint16_t port_ = 0;
};

}  // namespace gateway

#endif  // TESTS_SUPPORT_RESERVED_PORT_H_
