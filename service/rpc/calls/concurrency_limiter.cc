#include "service/rpc/calls/concurrency_limiter.h"

namespace gateway {
namespace {

struct Peer {
  std::string_view connection;
  std::string_view address;
};

// Callers on a path are all of this machine, and gRPC does not tell their connections apart.
Peer PeerOf(std::string_view peer) {
  if (!peer.starts_with("ipv4:") && !peer.starts_with("ipv6:")) return {};
  return {.connection = peer, .address = peer.substr(0, peer.rfind(':'))};
}

}  // namespace

ConcurrencyLimiter::Admission ConcurrencyLimiter::TryAcquire(std::string_view peer) {
  const auto [connection, address] = PeerOf(peer);
  const std::lock_guard lock(mutex_);
  if (closed_) return Admission::kClosed;
  if (connections_.Take(connection) != FairShares::Result::kTaken) return Admission::kAtLimit;
  if (addresses_.Take(address) == FairShares::Result::kTaken) return Admission::kAdmitted;
  connections_.Give(connection);
  return Admission::kAtLimit;
}

void ConcurrencyLimiter::Release(std::string_view peer) {
  const auto [connection, address] = PeerOf(peer);
  // Notified under the lock: whoever waits may destroy the gate as soon as it gets the lock.
  const std::lock_guard lock(mutex_);
  connections_.Give(connection);
  addresses_.Give(address);
  if (connections_.taken() == 0) empty_.notify_all();
}

bool ConcurrencyLimiter::IsEmpty() {
  const std::lock_guard lock(mutex_);
  return connections_.taken() == 0;
}

void ConcurrencyLimiter::Close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
}

bool ConcurrencyLimiter::WaitUntilEmpty(Milliseconds longest) {
  std::unique_lock lock(mutex_);
  return empty_.wait_for(lock, longest, [this] { return connections_.taken() == 0; });
}

}  // namespace gateway
