#ifndef SERVICE_RPC_CALLS_CONCURRENCY_LIMITER_H_
#define SERVICE_RPC_CALLS_CONCURRENCY_LIMITER_H_

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <string_view>

#include "service/base/deadline.h"
#include "service/rpc/connections/fair_shares.h"

namespace gateway {

// Lets a bounded number of calls in, none once it is closed, and tells when the last one has left.
// The last eighth of the places is for connections that have less than their share, the half of it
// for addresses: so a connection cannot keep out the others of its address, where a proxy makes one
// of many callers, nor an address the other ones. Safe from any thread.
class ConcurrencyLimiter {
 public:
  enum class Admission { kAdmitted, kAtLimit, kClosed };

  explicit ConcurrencyLimiter(size_t places)
      : connections_(places, KeptOf(places)), addresses_(places, KeptOf(places) / 2) {}

  // As many as one connection gets.
  static size_t PlacesOfOneConnection(size_t places) { return places - KeptOf(places); }

  // kAdmitted takes a place, which `Release` gives back. `peer` as gRPC names it, "ipv4:HOST:PORT";
  // a peer without an address has no share.
  Admission TryAcquire(std::string_view peer);
  void Release(std::string_view peer);

  bool IsEmpty();
  // Lets nobody in from now on.
  void Close();
  // Waits until no call is inside, at most for `longest`; false if one still is.
  bool WaitUntilEmpty(Milliseconds longest);

 private:
  static size_t KeptOf(size_t places) { return places / 8; }

  std::mutex mutex_;
  std::condition_variable empty_;
  FairShares connections_;  // guarded by mutex_
  FairShares addresses_;    // guarded by mutex_
  bool closed_ = false;     // guarded by mutex_
};

}  // namespace gateway

#endif  // SERVICE_RPC_CALLS_CONCURRENCY_LIMITER_H_
