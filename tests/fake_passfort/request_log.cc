#include "tests/fake_passfort/request_log.h"

namespace gateway {

uint64_t RequestLog::Append(LoggedRequest request) {
  request.number = ++last_number_;
  requests_.push_back(std::move(request));
  if (requests_.size() > kLoggedRequests) requests_.pop_front();
  return last_number_;
}

LoggedRequest* RequestLog::Find(uint64_t number) {
  if (requests_.empty() || number < requests_.front().number || number > last_number_) {
    return nullptr;
  }
  return &requests_[number - requests_.front().number];
}

}  // namespace gateway
