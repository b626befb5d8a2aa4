#ifndef TESTS_FAKE_PASSFORT_REQUEST_LOG_H_
#define TESTS_FAKE_PASSFORT_REQUEST_LOG_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <utility>
#include <vector>

namespace gateway {

// What was on the wire under /4.0 (the control endpoint is not logged).
struct LoggedRequest {
  uint64_t number = 0;      // 1 is the first
  uint64_t connection = 0;  // equal numbers: the same connection, used again
  std::string method;
  std::string target;
  std::vector<std::pair<std::string, std::string>> headers;  // as they came, in their order
  std::string body;            // what arrived of it, at most kLoggedBodyBytes
  bool body_complete = false;  // a body of no bytes is complete too
  int answered_status = 0;     // 0: no answer was sent (yet)
  std::string made_id;         // the application or profile that it made; empty: none (yet)
};

inline constexpr size_t kLoggedRequests = 4096;
inline constexpr size_t kLoggedBodyBytes = 16 * 1024;

// Keeps the last kLoggedRequests requests. Not thread-safe.
class RequestLog {
 public:
  // Numbers the request and returns the number.
  uint64_t Append(LoggedRequest request);
  // Nullptr if it has been dropped since.
  LoggedRequest* Find(uint64_t number);
  const std::deque<LoggedRequest>& requests() const { return requests_; }

 private:
  std::deque<LoggedRequest> requests_;
  uint64_t last_number_ = 0;
};

}  // namespace gateway

#endif  // TESTS_FAKE_PASSFORT_REQUEST_LOG_H_
