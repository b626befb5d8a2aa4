#include "service/rpc/unread_answers.h"

namespace gateway {

UnreadAnswers::UnreadAnswers(EventLoop& loop, Limits limits, Metrics& metrics)
    : loop_(loop), limits_(limits), metrics_(metrics) {
  loop_.RunAndWait([this] { give_up_ = std::make_unique<Timer>(loop_, [this] { GiveUpOld(); }); });
}

UnreadAnswers::~UnreadAnswers() {
  loop_.RunAndWait([this] { give_up_.reset(); });
}

bool UnreadAnswers::HasRoom(const std::string& connection) {
  const std::lock_guard lock(mutex_);
  if (answers_.size() < limits_.answers && bytes_ < limits_.bytes) return true;
  return answers_.size() < 2 * limits_.answers && bytes_ < 2 * limits_.bytes &&
         !by_connection_.contains(connection);
}

void UnreadAnswers::Add(Answer& answer, const std::string& connection, size_t bytes) {
  const std::lock_guard lock(mutex_);
  answer.place_ = answers_.insert(answers_.end(), &answer);
  answer.since_ = std::chrono::steady_clock::now();
  answer.connection_ = connection;
  ++by_connection_[connection];
  answer.bytes_ = bytes;
  answer.is_listed_ = true;
  bytes_ += bytes;
  if (is_timer_on_) return;
  is_timer_on_ = true;
  loop_.Post([this, at = answer.since_ + limits_.longest] { give_up_->StartAt(at); });
}

void UnreadAnswers::Remove(Answer& answer) {
  const std::lock_guard lock(mutex_);
  if (answer.is_listed_) Unlist(answer);
}

void UnreadAnswers::Unlist(Answer& answer) {
  answer.is_listed_ = false;
  bytes_ -= answer.bytes_;
  const auto found = by_connection_.find(answer.connection_);
  if (--found->second == 0) by_connection_.erase(found);
  answers_.erase(answer.place_);
}

void UnreadAnswers::GiveUpOld() {
  const std::lock_guard lock(mutex_);
  const SteadyTime now = std::chrono::steady_clock::now();
  while (!answers_.empty() && answers_.front()->since_ + limits_.longest <= now) {
    Answer& oldest = *answers_.front();
    Unlist(oldest);
    metrics_.AnswerUnread();
    oldest.Cancel();
  }
  is_timer_on_ = !answers_.empty();
  if (is_timer_on_) give_up_->StartAt(answers_.front()->since_ + limits_.longest);
}

}  // namespace gateway
