#include "service/passfort/rate_limit_headers.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/numbers.h"
#include "absl/strings/string_view.h"

namespace gateway {
namespace {

// RFC 9110, 5.6.7: IMF-fixdate, and the two that only have to be read. The last ones are RFC 2822,
// 3.3, where the day of the week may be missing.
constexpr const char* kDateForms[] = {
    "%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %d %H:%M:%S %Y",
    "%a, %d %b %Y %H:%M:%S %z",  "%d %b %Y %H:%M:%S %z",
};

absl::string_view ToAbsl(std::string_view text) { return {text.data(), text.size()}; }

absl::Duration InBounds(absl::Duration wait) {
  return std::clamp(wait, absl::FromChrono(kMinPause), absl::FromChrono(kMaxPause));
}

std::optional<absl::Duration> Seconds(std::optional<std::string_view> text) {
  double seconds = 0;
  if (!text || !absl::SimpleAtod(ToAbsl(*text), &seconds) || std::isnan(seconds)) {
    return std::nullopt;
  }
  return InBounds(absl::Seconds(seconds));
}

std::optional<absl::Time> ReadDate(std::optional<std::string_view> text, absl::Time now) {
  if (!text) return std::nullopt;
  for (const char* const form : kDateForms) {
    absl::Time date;
    if (!absl::ParseTime(form, ToAbsl(*text), &date, nullptr)) continue;
    // RFC 9110: two digits that seem to be more than 50 years ahead are of the last century.
    const absl::CivilYear year = absl::ToCivilYear(date, absl::UTCTimeZone());
    if (form == kDateForms[1] &&
        year.year() > absl::ToCivilYear(now, absl::UTCTimeZone()).year() + 50) {
      const auto civil = absl::ToCivilSecond(date, absl::UTCTimeZone());
      date = absl::FromCivil(absl::CivilSecond(civil.year() - 100, civil.month(), civil.day(),
                                               civil.hour(), civil.minute(), civil.second()),
                             absl::UTCTimeZone());
    }
    return date;
  }
  return std::nullopt;
}

// Passfort's clock may be wrong, but it is so in both dates of one answer.
std::optional<absl::Duration> UntilDate(std::string_view header, const HttpResponse& response,
                                        absl::Time now) {
  const auto date = ReadDate(response.Header(header), now);
  if (!date) return std::nullopt;
  return InBounds(*date - ReadDate(response.Header("date"), now).value_or(now));
}

std::optional<absl::Duration> StatedWait(const HttpResponse& response, absl::Time now) {
  if (const auto wait = Seconds(response.Header("x-ratelimit-retry-secs"))) return wait;
  if (const auto wait = Seconds(response.Header("retry-after"))) return wait;
  if (const auto wait = UntilDate("retry-after", response, now)) return wait;
  if (const auto wait = Seconds(response.Header("x-ratelimit-reset-secs"))) return wait;
  return UntilDate("x-ratelimit-reset", response, now);
}

}  // namespace

std::vector<std::string> RateLimitHeaderNames() {
  return {"x-ratelimit-retry-secs", "retry-after", "x-ratelimit-reset-secs", "x-ratelimit-reset",
          "date"};
}

std::optional<Milliseconds> ParseRetryAfter(const HttpResponse& response, absl::Time now) {
  const auto wait = StatedWait(response, now);
  if (!wait) return std::nullopt;
  return absl::ToChronoMilliseconds(absl::Ceil(*wait, absl::Milliseconds(1)));
}

}  // namespace gateway
