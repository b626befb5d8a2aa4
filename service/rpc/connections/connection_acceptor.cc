#include "service/rpc/connections/connection_acceptor.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <utility>

namespace gateway {
namespace {

using namespace std::chrono_literals;

// For Passfort's and the store's sockets, the scrape of the metrics, files.
constexpr rlim_t kReservedDescriptors = 64;

// Setting one up takes gRPC some 100 us: the loop shall not stand still for many at once.
constexpr int kAcceptsPerTurn = 16;

constexpr Milliseconds kPause = 100ms;

// How old the count of open connections may be, if nobody needs to know it exactly.
constexpr Milliseconds kLookForEndedEvery = 1s;

// A descriptor's number says how many are in use, because the kernel gives the lowest free one. The
// limit is asked for each time: it may be changed from outside.
bool IsReserved(int descriptor) {
  rlimit limit = {};
  return getrlimit(RLIMIT_NOFILE, &limit) == 0 &&
         static_cast<rlim_t>(descriptor) + kReservedDescriptors >= limit.rlim_cur;
}

// Without the port; empty for a caller on a path.
std::string AddressOf(const sockaddr_storage& peer) {
  std::array<char, INET6_ADDRSTRLEN> text = {};
  const void* address = nullptr;
  if (peer.ss_family == AF_INET) address = &reinterpret_cast<const sockaddr_in*>(&peer)->sin_addr;
  if (peer.ss_family == AF_INET6) {
    address = &reinterpret_cast<const sockaddr_in6*>(&peer)->sin6_addr;
  }
  if (address == nullptr) return "";
  inet_ntop(peer.ss_family, address, text.data(), text.size());
  return text.data();
}

// Of one connection that its caller gave up before it was accepted, or of none at all.
bool IsPassing(int error) {
  return error == EINTR || error == ECONNABORTED || error == EPROTO || error == EPERM ||
         error == ENETDOWN || error == EHOSTDOWN || error == EHOSTUNREACH || error == ENETUNREACH;
}

}  // namespace

ConnectionAcceptor::ConnectionAcceptor(EventLoop& loop, ListenSockets sockets,
                                       size_t max_connections, const ConnectionMetrics& metrics,
                                       HandOn hand_on)
    : loop_(loop),
      metrics_(metrics),
      hand_on_(std::move(hand_on)),
      sockets_(std::make_unique<ListenSockets>(std::move(sockets))),
      table_(max_connections) {
  metrics_.open.Set(0);
  loop_.RunAndWait([this] {
    pause_ = std::make_unique<Timer>(loop_, [this] { Watch(); });
    look_for_ended_ = std::make_unique<Timer>(loop_, [this] { LookForEnded(); });
    for (const int listener : sockets_->descriptors()) {
      watches_.push_back(std::make_unique<DescriptorWatch>(
          loop_, listener, [this, listener](unsigned) { AcceptSome(listener); }));
    }
    Watch();
  });
}

ConnectionAcceptor::~ConnectionAcceptor() {
  Close();
  loop_.RunAndWait([this] { look_for_ended_.reset(); });
}

void ConnectionAcceptor::Close() {
  loop_.RunAndWait([this] {
    watches_.clear();
    pause_.reset();
  });
  // libuv lets go of a descriptor in its next turn.
  loop_.RunAndWait([this] { sockets_.reset(); });
}

size_t ConnectionAcceptor::CountOpen() {
  size_t open = 0;
  loop_.RunAndWait([this, &open] {
    table_.RemoveEnded();
    open = table_.size();
    metrics_.open.Set(static_cast<double>(open));
  });
  return open;
}

void ConnectionAcceptor::Watch() {
  for (const auto& watch : watches_) watch->SetInterest(DescriptorWatch::kReadable);
}

void ConnectionAcceptor::AcceptSome(int listener) {
  for (int i = 0; i < kAcceptsPerTurn; ++i) {
    sockaddr_storage peer = {};
    socklen_t length = sizeof(peer);
    const int descriptor = accept4(listener, reinterpret_cast<sockaddr*>(&peer), &length,
                                   SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (descriptor >= 0) {
      Take(listener, descriptor, AddressOf(peer));
    } else if (errno == EAGAIN) {
      return;
    } else if (!IsPassing(errno)) {
      metrics_.refused.Increment({"accept_failed"});
      Pause();
      return;
    }
  }
}

void ConnectionAcceptor::Take(int listener, int descriptor, const std::string& address) {
  const auto refuse = [this, descriptor](std::string_view reason) {
    metrics_.refused.Increment({reason});
    close(descriptor);
  };
  if (IsReserved(descriptor)) return refuse("descriptors");
  switch (table_.Add(descriptor, address)) {
    case FairShares::Result::kFull:
      return refuse("max_connections");
    case FairShares::Result::kShareUsedUp:
      return refuse("address_share");
    case FairShares::Result::kTaken:
      break;
  }
  metrics_.open.Set(static_cast<double>(table_.size()));
  hand_on_(listener, descriptor);
  if (is_looking_) return;
  is_looking_ = true;
  look_for_ended_->StartAt(std::chrono::steady_clock::now() + kLookForEndedEvery);
}

void ConnectionAcceptor::Pause() {
  for (const auto& watch : watches_) watch->SetInterest(DescriptorWatch::kNone);
  pause_->StartAt(std::chrono::steady_clock::now() + kPause);
}

void ConnectionAcceptor::LookForEnded() {
  table_.RemoveEnded();
  metrics_.open.Set(static_cast<double>(table_.size()));
  is_looking_ = table_.size() > 0;
  if (!is_looking_) return;
  look_for_ended_->StartAt(std::chrono::steady_clock::now() + kLookForEndedEvery);
}

}  // namespace gateway
