#include "service/app/every_second.h"

#include <chrono>
#include <utility>

namespace gateway {

EverySecond::EverySecond(EventLoop& loop, std::function<void()> look)
    : loop_(loop), look_(std::move(look)) {
  loop_.RunAndWait([this] {
    next_ = std::make_unique<Timer>(loop_, [this] { Look(); });
    Look();
  });
}

EverySecond::~EverySecond() {
  loop_.RunAndWait([this] { next_.reset(); });
}

void EverySecond::Look() {
  look_();
  next_->StartAt(std::chrono::steady_clock::now() + std::chrono::seconds(1));
}

}  // namespace gateway
