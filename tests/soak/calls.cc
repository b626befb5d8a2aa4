#include "tests/soak/calls.h"

#include <utility>

namespace gateway::soak {

Call::Call(std::shared_ptr<const GatewayCaller> gateway, pb::AddProductApplicationRequest request,
           std::optional<std::chrono::milliseconds> deadline)
    : gateway_(std::move(gateway)), request_(std::move(request)) {
  if (deadline) context_.set_deadline(std::chrono::system_clock::now() + *deadline);
  gateway_->stub().async()->AddProductApplication(
      &context_, &request_, &answered_.response,
      [this](grpc::Status status) { Ended(std::move(status)); });
}

Call::~Call() {
  GiveUp();
  answered();
}

bool Call::HasEndedWithin(std::chrono::milliseconds patience) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, patience, [this] { return has_ended_; });
}

const Answered& Call::answered() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return has_ended_; });
  return answered_;
}

void Call::Ended(grpc::Status status) {
  answered_.trailers = Received(status, context_).trailers;
  answered_.status = std::move(status);
  const std::lock_guard lock(mutex_);
  has_ended_ = true;
  changed_.notify_all();  // under the lock: who waits may destroy this right after
}

}  // namespace gateway::soak
