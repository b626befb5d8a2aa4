#include "service/rpc/calls/large_replies.h"

#include <pthread.h>

namespace gateway {

LargeReplies::~LargeReplies() {
  {
    const std::lock_guard lock(mutex_);
    is_over_ = true;
    changed_.notify_one();
  }
  thread_.join();
}

void LargeReplies::Add(RpcCall& call, const Reply& reply, RpcCall::ResultHas result_has) {
  const std::lock_guard lock(mutex_);
  entries_.push_back({.call = &call, .reply = reply, .result_has = result_has});
  changed_.notify_one();
}

void LargeReplies::Free(google::protobuf::Message& response) {
  std::unique_ptr<google::protobuf::Message> garbage(response.New());
  response.GetReflection()->Swap(&response, garbage.get());
  const std::lock_guard lock(mutex_);
  garbage_.push_back(std::move(garbage));
  changed_.notify_one();
}

void LargeReplies::Run() {
  pthread_setname_np(pthread_self(), "large-replies");
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return is_over_ || !garbage_.empty() || !entries_.empty(); });
    if (!garbage_.empty()) {
      auto garbage = std::exchange(garbage_, {});
      lock.unlock();
      garbage.clear();
      lock.lock();
      continue;
    }
    if (entries_.empty()) return;
    const Entry next = entries_.front();
    entries_.pop_front();
    lock.unlock();
    end_(*next.call, next.reply, next.result_has);
    lock.lock();
  }
}

}  // namespace gateway
