#include "service/passfort/rate_limit_headers.h"

#include <gmock/gmock.h>

#include <optional>
#include <ostream>
#include <string>

namespace gateway {
namespace {

using std::chrono::operator""ms;

// 09:26:53 UTC.
const absl::Time kNow =
    absl::FromCivil(absl::CivilSecond(2024, 3, 11, 9, 26, 53), absl::UTCTimeZone());

struct Case {
  std::string name;
  HttpHeaders headers;
  std::optional<Milliseconds> wait;
};

void PrintTo(const Case& test_case, std::ostream* out) { *out << test_case.name; }

class RetryAfterTest : public testing::TestWithParam<Case> {};

TEST_P(RetryAfterTest, ReadsTheHeaders) {
  EXPECT_EQ(ParseRetryAfter({.status = 429, .headers = GetParam().headers}, kNow), GetParam().wait);
}

INSTANTIATE_TEST_SUITE_P(
    Headers, RetryAfterTest,
    testing::Values(
        Case{"None", {}, std::nullopt},
        Case{"RetrySecs", {{"x-ratelimit-retry-secs", "2"}}, 2000ms},
        Case{"Fraction", {{"x-ratelimit-retry-secs", "0.3704"}}, 371ms},
        Case{"RetrySecsFirst",
             {{"retry-after", "9"},
              {"x-ratelimit-reset-secs", "8"},
              {"x-ratelimit-retry-secs", "7"}},
             7000ms},
        Case{"RetryAfterSecond", {{"x-ratelimit-reset-secs", "8"}, {"retry-after", "9"}}, 9000ms},
        Case{"ResetSecsThird",
             {{"x-ratelimit-reset", "Mon, 11 Mar 2024 09:27:00 +0000"},
              {"x-ratelimit-reset-secs", "8"}},
             8000ms},
        Case{"ResetLast", {{"x-ratelimit-reset", "Mon, 11 Mar 2024 09:27:03 +0000"}}, 10000ms},
        Case{"ResetInAnotherZone",
             {{"x-ratelimit-reset", "Mon, 11 Mar 2024 10:27:03 +0100"}},
             10000ms},
        Case{"ResetInGmt", {{"x-ratelimit-reset", "Mon, 11 Mar 2024 09:27:03 GMT"}}, 10000ms},
        Case{"ResetWithoutWeekday", {{"x-ratelimit-reset", "11 Mar 2024 09:27:03 -0000"}}, 10000ms},
        Case{"ImfFixdate", {{"retry-after", "Mon, 11 Mar 2024 09:27:03 GMT"}}, 10000ms},
        Case{"Rfc850", {{"retry-after", "Monday, 11-Mar-24 09:27:03 GMT"}}, 10000ms},
        Case{"Asctime", {{"retry-after", "Mon Mar 11 09:27:03 2024"}}, 10000ms},
        Case{"AsctimeOfOneDigit",
             {{"retry-after", "Fri Mar  1 09:27:03 2024"}, {"date", "Fri Mar  1 09:27:00 2024"}},
             3000ms},
        Case{"Rfc850OfTheLastCentury", {{"retry-after", "Sunday, 06-Nov-94 08:49:37 GMT"}}, 50ms},
        Case{"Rfc850FarAheadIsLongAgo", {{"retry-after", "Monday, 11-Mar-75 09:27:03 GMT"}}, 50ms},
        Case{"AgainstTheirOwnClock",
             {{"date", "Sun, 06 Nov 1994 08:49:30 GMT"},
              {"retry-after", "Sun, 06 Nov 1994 08:49:37 GMT"}},
             7000ms},
        Case{"AgainstOurClockIfTheirsIsUnreadable",
             {{"date", "today"}, {"retry-after", "Mon, 11 Mar 2024 09:27:03 GMT"}},
             10000ms},
        Case{"DateInThePast", {{"retry-after", "Mon, 11 Mar 2024 09:20:00 GMT"}}, 50ms},
        Case{"UnusableFallsThrough",
             {{"x-ratelimit-retry-secs", "soon"}, {"retry-after", "4"}},
             4000ms},
        Case{"NoDate", {{"retry-after", "11.03.2024"}}, std::nullopt},
        Case{"Zero", {{"retry-after", "0"}}, 50ms},
        Case{"Negative", {{"x-ratelimit-retry-secs", "-1"}}, 50ms},
        Case{"NotANumber", {{"x-ratelimit-retry-secs", "nan"}}, std::nullopt},
        Case{"Infinite", {{"x-ratelimit-retry-secs", "inf"}}, 60000ms},
        Case{"NegativeInfinite", {{"x-ratelimit-retry-secs", "-inf"}}, 50ms},
        Case{"Overflow", {{"x-ratelimit-retry-secs", "1e400"}}, 60000ms},
        Case{"NegativeOverflow", {{"x-ratelimit-retry-secs", "-1e400"}}, 50ms},
        Case{"ADay", {{"retry-after", "86400"}}, 60000ms},
        Case{"ADayAhead", {{"retry-after", "Tue, 12 Mar 2024 09:27:03 GMT"}}, 60000ms},
        Case{"MillisecondsForSeconds", {{"x-ratelimit-retry-secs", "370"}}, 60000ms},
        Case{"ResetSecsADay", {{"x-ratelimit-reset-secs", "3600"}}, 60000ms}),
    [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace gateway
