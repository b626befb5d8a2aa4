#ifndef SERVICE_RPC_CONNECTIONS_LISTEN_SOCKETS_H_
#define SERVICE_RPC_CONNECTIONS_LISTEN_SOCKETS_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace gateway {

// The sockets that a server listens on: one for each address that a name stands for.
class ListenSockets {
 public:
  // `listen` is "host:port", "[v6]:port" or "unix:/path"; port 0 takes a free one, the same for all
  // addresses. 0.0.0.0 and [::] both stand for every address of either family.
  static absl::StatusOr<ListenSockets> Open(const std::string& listen);
  // A path is taken away again.
  ~ListenSockets();
  ListenSockets(ListenSockets&& other) noexcept
      : descriptors_(std::exchange(other.descriptors_, {})),
        path_(std::exchange(other.path_, {})),
        port_(other.port_) {}
  ListenSockets& operator=(ListenSockets&&) = delete;

  // They do not block.
  const std::vector<int>& descriptors() const { return descriptors_; }
  // 1 for a path.
  int port() const { return port_; }

 private:
  ListenSockets() = default;

  absl::Status OpenPath(const std::string& path);
  absl::Status OpenPorts(const std::string& listen);

  std::vector<int> descriptors_;
  std::string path_;
  int port_ = 1;
};

}  // namespace gateway

#endif  // SERVICE_RPC_CONNECTIONS_LISTEN_SOCKETS_H_
