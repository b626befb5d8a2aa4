#ifndef TESTS_SOAK_CALLS_H_
#define TESTS_SOAK_CALLS_H_

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>

#include "tests/support/gateway_caller.h"

namespace gateway::soak {

// One call that its caller may give up while it is in flight.
class Call {
 public:
  // Starts. Without a `deadline` the gateway's default one holds, and the caller waits for ever.
  Call(std::shared_ptr<const GatewayCaller> gateway, pb::AddProductApplicationRequest request,
       std::optional<std::chrono::milliseconds> deadline);
  // Gives it up if it is still in flight.
  ~Call();
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  // Whether it ended within `patience`.
  bool HasEndedWithin(std::chrono::milliseconds patience);
  void GiveUp() { context_.TryCancel(); }
  // Waits for its end.
  const Answered& answered();

 private:
  void Ended(grpc::Status status);

  const std::shared_ptr<const GatewayCaller> gateway_;
  const pb::AddProductApplicationRequest request_;
  grpc::ClientContext context_;
  Answered answered_;

  std::mutex mutex_;
  std::condition_variable changed_;
  bool has_ended_ = false;  // guarded by mutex_
};

}  // namespace gateway::soak

#endif  // TESTS_SOAK_CALLS_H_
