#ifndef SERVICE_PASSFORT_RATE_LIMIT_H_
#define SERVICE_PASSFORT_RATE_LIMIT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "service/base/deadline.h"
#include "service/http/http_client.h"

namespace gateway {

// The response headers that are read here, in lower case.
std::vector<std::string> RateLimitHeaderNames();

// How many more requests would be taken before the limit: X-RateLimit-Remaining. Nothing if the
// header is missing or no number.
std::optional<int64_t> RequestsLeft(const HttpResponse& response);

// How long an answer 429 asks to be left alone: X-RateLimit-Retry-Secs, else Retry-After, else
// X-RateLimit-Reset-Secs, which tells when the quota is whole again and so is taken for at most a
// minute. Seconds may be fractional. Nothing if no header has a usable value; at most a day.
std::optional<Milliseconds> RetryAfter(const HttpResponse& response, absl::Time now);

}  // namespace gateway

#endif  // SERVICE_PASSFORT_RATE_LIMIT_H_
