#ifndef SERVICE_RPC_CALL_GATE_H_
#define SERVICE_RPC_CALL_GATE_H_

#include <condition_variable>
#include <cstddef>
#include <mutex>

#include "service/base/deadline.h"

namespace gateway {

// Lets a bounded number of calls in, none once it is closed, and tells when the last one has left.
// Safe from any thread.
class CallGate {
 public:
  enum class Entry { kEntered, kFull, kClosed };

  explicit CallGate(size_t places) : places_(places) {}

  // kEntered takes a place, which `Leave` gives back.
  Entry Enter();
  void Leave();

  bool IsEmpty();
  // Lets nobody in from now on.
  void Close();
  // Waits until no call is inside, at most for `longest`; false if one still is. After `Close`.
  bool WaitUntilEmpty(Milliseconds longest);

 private:
  const size_t places_;
  std::mutex mutex_;
  std::condition_variable empty_;
  size_t inside_ = 0;    // guarded by mutex_
  bool closed_ = false;  // guarded by mutex_
};

}  // namespace gateway

#endif  // SERVICE_RPC_CALL_GATE_H_
