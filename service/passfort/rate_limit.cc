#include "service/passfort/rate_limit.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/numbers.h"
#include "absl/strings/string_view.h"

namespace gateway {
namespace {

constexpr absl::Duration kLongestWait = absl::Hours(24);
// The quota need not be whole again before one more request fits.
constexpr absl::Duration kLongestResetWait = absl::Minutes(1);

absl::string_view ToAbsl(std::string_view text) { return {text.data(), text.size()}; }

std::optional<absl::Duration> Seconds(std::optional<std::string_view> text) {
  double seconds = 0;
  if (!text || !absl::SimpleAtod(ToAbsl(*text), &seconds)) return std::nullopt;
  if (!std::isfinite(seconds) || seconds < 0) return std::nullopt;
  return std::min(absl::Seconds(seconds), kLongestWait);
}

// RFC 9110, 10.2.3: seconds or a date.
std::optional<absl::Duration> SecondsOrDate(std::optional<std::string_view> text, absl::Time now) {
  if (const auto seconds = Seconds(text)) return seconds;
  absl::Time date;
  if (!text || !absl::ParseTime("%a, %d %b %Y %H:%M:%S GMT", ToAbsl(*text), &date, nullptr)) {
    return std::nullopt;
  }
  return std::clamp(date - now, absl::ZeroDuration(), kLongestWait);
}

Milliseconds RoundUp(absl::Duration wait) {
  return absl::ToChronoMilliseconds(absl::Ceil(wait, absl::Milliseconds(1)));
}

}  // namespace

std::vector<std::string> RateLimitHeaderNames() {
  return {"x-ratelimit-retry-secs", "retry-after", "x-ratelimit-reset-secs",
          "x-ratelimit-remaining"};
}

std::optional<int64_t> RequestsLeft(const HttpResponse& response) {
  const auto text = response.Header("x-ratelimit-remaining");
  int64_t left = 0;
  if (!text || !absl::SimpleAtoi(ToAbsl(*text), &left) || left < 0) return std::nullopt;
  return left;
}

std::optional<Milliseconds> RetryAfter(const HttpResponse& response, absl::Time now) {
  if (const auto wait = Seconds(response.Header("x-ratelimit-retry-secs"))) return RoundUp(*wait);
  if (const auto wait = SecondsOrDate(response.Header("retry-after"), now)) return RoundUp(*wait);
  if (const auto wait = Seconds(response.Header("x-ratelimit-reset-secs"))) {
    return RoundUp(std::min(*wait, kLongestResetWait));
  }
  return std::nullopt;
}

}  // namespace gateway
