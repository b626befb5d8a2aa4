#include "service/rpc/calls/unread_replies.h"

namespace gateway {
namespace {

// Of the limits: what a connection gets once they are reached.
constexpr size_t kShares = 8;

}  // namespace

UnreadReplies::UnreadReplies(EventLoop& loop, Limits limits, Metrics& metrics)
    : loop_(loop),
      limits_(limits),
      unread_(metrics.AddCounter(
          "passfort_gateway_unread_answers_total",
          "Replies that were given up because their callers did not read them.")) {
  loop_.RunAndWait([this] { give_up_ = std::make_unique<Timer>(loop_, [this] { GiveUpOld(); }); });
}

UnreadReplies::~UnreadReplies() {
  loop_.RunAndWait([this] { give_up_.reset(); });
}

bool UnreadReplies::HasRoom(const std::string& connection) {
  const std::lock_guard lock(mutex_);
  const Taken own = OfConnection(connection);
  return HasBytesFor(own) &&
         (all_.answers < limits_.answers || own.answers < limits_.answers / kShares);
}

bool UnreadReplies::HasRoomForLargeOne(const std::string& connection) {
  const std::lock_guard lock(mutex_);
  return HasBytesFor(OfConnection(connection));
}

bool UnreadReplies::HasBytesFor(const Taken& connection) const {
  return all_.bytes < limits_.bytes || connection.bytes < limits_.bytes / kShares;
}

UnreadReplies::Taken UnreadReplies::OfConnection(const std::string& connection) const {
  const auto found = by_connection_.find(connection);
  return found == by_connection_.end() ? Taken() : found->second;
}

void UnreadReplies::Add(Reply& reply, const std::string& connection, size_t bytes) {
  const std::lock_guard lock(mutex_);
  reply.place_ = replies_.insert(replies_.end(), &reply);
  reply.since_ = std::chrono::steady_clock::now();
  reply.connection_ = connection;
  reply.bytes_ = bytes;
  reply.is_listed_ = true;
  for (Taken* taken : {&all_, &by_connection_[connection]}) {
    ++taken->answers;
    taken->bytes += bytes;
  }
  while (replies_.size() > 1 &&
         (all_.answers >= 2 * limits_.answers || all_.bytes >= 2 * limits_.bytes)) {
    GiveUpOldest();
  }
  if (is_timer_on_) return;
  is_timer_on_ = true;
  loop_.Post([this, at = reply.since_ + limits_.longest] { give_up_->StartAt(at); });
}

void UnreadReplies::Remove(Reply& reply) {
  const std::lock_guard lock(mutex_);
  if (reply.is_listed_) Unlist(reply);
}

void UnreadReplies::Unlist(Reply& reply) {
  reply.is_listed_ = false;
  const auto found = by_connection_.find(reply.connection_);
  for (Taken* taken : {&all_, &found->second}) {
    --taken->answers;
    taken->bytes -= reply.bytes_;
  }
  if (found->second.answers == 0) by_connection_.erase(found);
  replies_.erase(reply.place_);
  if (replies_.empty()) empty_.notify_all();
}

bool UnreadReplies::WaitUntilEmpty(Milliseconds longest) {
  std::unique_lock lock(mutex_);
  return empty_.wait_for(lock, longest, [this] { return replies_.empty(); });
}

void UnreadReplies::GiveUpOldest() {
  Reply& oldest = *replies_.front();
  Unlist(oldest);
  unread_.Increment();
  oldest.Cancel();
}

void UnreadReplies::GiveUpOld() {
  const std::lock_guard lock(mutex_);
  const SteadyTime now = std::chrono::steady_clock::now();
  while (!replies_.empty() && replies_.front()->since_ + limits_.longest <= now) {
    GiveUpOldest();
  }
  is_timer_on_ = !replies_.empty();
  if (is_timer_on_) give_up_->StartAt(replies_.front()->since_ + limits_.longest);
}

}  // namespace gateway
