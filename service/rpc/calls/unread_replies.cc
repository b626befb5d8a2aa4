#include "service/rpc/calls/unread_replies.h"

namespace gateway {
namespace {

// Of the limits: what a connection gets once they are reached.
constexpr size_t kShares = 8;

}  // namespace

UnreadReplies::UnreadReplies(EventLoop& loop, Limits limits, Metrics& metrics)
    : loop_(loop), limits_(limits), metrics_(metrics) {
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

void UnreadReplies::Add(Answer& answer, const std::string& connection, size_t bytes) {
  const std::lock_guard lock(mutex_);
  answer.place_ = answers_.insert(answers_.end(), &answer);
  answer.since_ = std::chrono::steady_clock::now();
  answer.connection_ = connection;
  answer.bytes_ = bytes;
  answer.is_listed_ = true;
  for (Taken* taken : {&all_, &by_connection_[connection]}) {
    ++taken->answers;
    taken->bytes += bytes;
  }
  while (answers_.size() > 1 &&
         (all_.answers >= 2 * limits_.answers || all_.bytes >= 2 * limits_.bytes)) {
    GiveUpOldest();
  }
  if (is_timer_on_) return;
  is_timer_on_ = true;
  loop_.Post([this, at = answer.since_ + limits_.longest] { give_up_->StartAt(at); });
}

void UnreadReplies::Remove(Answer& answer) {
  const std::lock_guard lock(mutex_);
  if (answer.is_listed_) Unlist(answer);
}

void UnreadReplies::Unlist(Answer& answer) {
  answer.is_listed_ = false;
  const auto found = by_connection_.find(answer.connection_);
  for (Taken* taken : {&all_, &found->second}) {
    --taken->answers;
    taken->bytes -= answer.bytes_;
  }
  if (found->second.answers == 0) by_connection_.erase(found);
  answers_.erase(answer.place_);
}

void UnreadReplies::GiveUpOldest() {
  Answer& oldest = *answers_.front();
  Unlist(oldest);
  metrics_.AnswerUnread();
  oldest.Cancel();
}

void UnreadReplies::GiveUpOld() {
  const std::lock_guard lock(mutex_);
  const SteadyTime now = std::chrono::steady_clock::now();
  while (!answers_.empty() && answers_.front()->since_ + limits_.longest <= now) {
    GiveUpOldest();
  }
  is_timer_on_ = !answers_.empty();
  if (is_timer_on_) give_up_->StartAt(answers_.front()->since_ + limits_.longest);
}

}  // namespace gateway
