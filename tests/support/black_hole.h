#ifndef TESTS_SUPPORT_BLACK_HOLE_H_
#define TESTS_SUPPORT_BLACK_HOLE_H_

namespace gateway {

// A port of 127.0.0.1 where connecting neither succeeds nor fails: its queue of connections that
// nobody accepts is full, so the kernel drops every further SYN.
class BlackHole {
 public:
  BlackHole();
  ~BlackHole();
  BlackHole(const BlackHole&) = delete;
  BlackHole& operator=(const BlackHole&) = delete;

  int port() const { return port_; }

 private:
  // One more than a backlog of 0 holds, and some to be sure.
  static constexpr int kFillers = 4;

  int port_ = 0;  // set by what makes the listener
  int listener_ = -1;
  int fillers_[kFillers] = {-1, -1, -1, -1};
};

// A port of 127.0.0.1 that refuses connections while the object lives: bound, not listening.
class RefusingPort {
 public:
  RefusingPort();
  ~RefusingPort();
  RefusingPort(const RefusingPort&) = delete;
  RefusingPort& operator=(const RefusingPort&) = delete;

  int port() const { return port_; }

 private:
  int port_ = 0;  // set by what makes the socket
  int socket_ = -1;
};

}  // namespace gateway

#endif  // TESTS_SUPPORT_BLACK_HOLE_H_
