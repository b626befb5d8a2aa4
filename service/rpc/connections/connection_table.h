#ifndef SERVICE_RPC_CONNECTIONS_CONNECTION_TABLE_H_
#define SERVICE_RPC_CONNECTIONS_CONNECTION_TABLE_H_

#include <sys/types.h>

#include <cstddef>
#include <string>
#include <vector>

#include "service/rpc/connections/fair_shares.h"

namespace gateway {

// The open connections of a server, bounded, with a share for each address. gRPC owns their
// descriptors and tells nobody when it closes one. So an entry remembers its socket's inode: a
// descriptor that is closed, or that meanwhile stands for another file, is the end of a connection.
// Not safe from several threads.
class ConnectionTable {
 public:
  // The last eighth is for addresses that have less than their share.
  explicit ConnectionTable(size_t max_connections)
      : shares_(max_connections, max_connections / 8) {}

  // Takes a place for an open socket, before it is handed on. Looks for ended connections before it
  // says no. An empty address has no share: callers on a path.
  FairShares::Result Add(int descriptor, const std::string& address);

  // Forgets connections that have ended: a system call for each one.
  void RemoveEnded();
  size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    int descriptor;
    ino_t inode;
    std::string address;
  };

  FairShares shares_;
  std::vector<Entry> entries_;
};

}  // namespace gateway

#endif  // SERVICE_RPC_CONNECTIONS_CONNECTION_TABLE_H_
