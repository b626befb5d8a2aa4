#ifndef SERVICE_RPC_CONNECTIONS_CONNECTION_ACCEPTOR_H_
#define SERVICE_RPC_CONNECTIONS_CONNECTION_ACCEPTOR_H_

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "service/base/event_loop.h"
#include "service/observability/metrics.h"
#include "service/rpc/connections/connection_table.h"
#include "service/rpc/connections/listen_sockets.h"

namespace gateway {

// What an operator sees of the connections to one port.
struct ConnectionMetrics {
  Gauge open;
  CounterFamily refused;  // by `reason`
};

// Accepts connections and hands them on, never more than there is room for: gRPC's own listener
// takes what comes and is deaf for good once the process is out of descriptors (CVE-2023-4785).
//
// Refused connections are closed at once, so that their callers go elsewhere:
// - above `max_connections`, or above an address's share of them (see FairShares);
// - when the process has hardly any descriptor left, so that Passfort's and the store's sockets
//   come first.
// If accepting fails because the process or the machine is out of something, it pauses for a
// moment; the callers wait in the kernel's queue meanwhile.
class ConnectionAcceptor {
 public:
  // Owns the descriptor from here on. Called on the loop's thread.
  using HandOn = absl::AnyInvocable<void(int listener, int descriptor)>;

  // Begins at once. `loop` and what `metrics` count in outlive it. Any thread but the loop's, as
  // all here.
  ConnectionAcceptor(EventLoop& loop, ListenSockets sockets, size_t max_connections,
                     const ConnectionMetrics& metrics, HandOn hand_on);
  ~ConnectionAcceptor();
  ConnectionAcceptor(const ConnectionAcceptor&) = delete;
  ConnectionAcceptor& operator=(const ConnectionAcceptor&) = delete;

  // Nobody is let in any more; who was let in stays.
  void Close();
  const Gauge& open() const { return metrics_.open; }
  // Connections that are still open.
  size_t CountOpen();

 private:
  void Watch();
  void AcceptSome(int listener);
  void Take(int listener, int descriptor, const std::string& address);
  void Pause();
  void LookForEnded();

  EventLoop& loop_;
  const ConnectionMetrics metrics_;
  HandOn hand_on_;
  // Loop thread only.
  std::unique_ptr<ListenSockets> sockets_;
  ConnectionTable table_;
  std::vector<std::unique_ptr<DescriptorWatch>> watches_;
  std::unique_ptr<Timer> pause_;
  std::unique_ptr<Timer> look_for_ended_;
  bool is_looking_ = false;
};

}  // namespace gateway

#endif  // SERVICE_RPC_CONNECTIONS_CONNECTION_ACCEPTOR_H_
