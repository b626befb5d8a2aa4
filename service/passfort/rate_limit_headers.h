#ifndef SERVICE_PASSFORT_RATE_LIMIT_HEADERS_H_
#define SERVICE_PASSFORT_RATE_LIMIT_HEADERS_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "service/base/deadline.h"
#include "service/http/http_client.h"

namespace gateway {

// The response headers that are read here, in lower case.
std::vector<std::string> RateLimitHeaderNames();

// No header makes the gateway wait for longer or shorter than this. Milliseconds written for
// seconds must not close an endpoint for a day: whoever waited a minute asks again, and being
// refused costs no quota. And a time that is over leaves room for what is on its way.
inline constexpr Milliseconds kMinPause{50};
inline constexpr Milliseconds kMaxPause{60000};

// How long a response 429 asks to be left alone: X-RateLimit-Retry-Secs, else Retry-After, else
// X-RateLimit-Reset-Secs, else X-RateLimit-Reset. The last two tell when the quota is whole again,
// and one more request fits earlier, but nothing tells when. Seconds may be fractional; dates are
// counted from the response's own Date, if it has one, else from `now`. Nothing if no header has a
// usable value.
std::optional<Milliseconds> ParseRetryAfter(const HttpResponse& response, absl::Time now);

}  // namespace gateway

#endif  // SERVICE_PASSFORT_RATE_LIMIT_HEADERS_H_
