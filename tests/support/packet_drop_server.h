#ifndef TESTS_SUPPORT_PACKET_DROP_SERVER_H_
#define TESTS_SUPPORT_PACKET_DROP_SERVER_H_

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace gateway {

// How a kernel sees one end of a TCP connection.
struct TcpEnd {
  int state = 0;           // TCP_ESTABLISHED and so on
  size_t unconfirmed = 0;  // bytes that were written and not yet acknowledged by the other end
};

// The server's end of TCP connections over loopback, one after another, whose way to the server can
// be closed and opened again. While it is closed, the kernel throws away every segment that comes,
// unseen and unanswered, as a network does that has lost a route: the client's kernel keeps what
// was written and tries again. (A socket filter does that, which needs no privilege; what it drops
// is dropped before TCP sees it, as by a firewall.) Blocking; for one thread. A wait in vain ends
// the program and says so.
class PacketDropServer {
 public:
  PacketDropServer();
  ~PacketDropServer();
  PacketDropServer(const PacketDropServer&) = delete;
  PacketDropServer& operator=(const PacketDropServer&) = delete;

  int port() const { return port_; }

  // Takes the next connection in place of the one before.
  void Accept();
  // The bytes of one HTTP request with a Content-Length, or what came of it before the end.
  std::string ReadRequest();
  void Write(std::string_view bytes);

  void Close();
  void Open();

  // The other end of the connection; nothing if its kernel has none (any more), and so has nothing
  // left that it could send.
  std::optional<TcpEnd> ClientEnd() const;
  // Waits until the client's kernel holds this much that it could not deliver.
  void WaitUntilUnconfirmed(size_t bytes) const;

  // Everything that still comes, and how it ends.
  struct Rest {
    std::string bytes;
    bool was_reset = false;  // else it ended as connections do
  };
  Rest ReadToEnd();

 private:
  bool ReadMore(std::string& text);

  int port_ = 0;
  int client_port_ = 0;
  int listener_ = -1;
  int connection_ = -1;
};

}  // namespace gateway

#endif  // TESTS_SUPPORT_PACKET_DROP_SERVER_H_
