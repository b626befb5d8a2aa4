#include "service/passfort/rate_limit.h"

#include <gmock/gmock.h>

#include <optional>
#include <string>

namespace gateway {
namespace {

using std::chrono::operator""ms;

struct Case {
  std::string name;
  HttpHeaders headers;
  std::optional<Milliseconds> wait;
};

TEST(RequestsLeftTest, ReadsTheHeader) {
  const auto left = [](const std::string& text) {
    return RequestsLeft({.status = 200, .headers = {{"x-ratelimit-remaining", text}}});
  };
  EXPECT_EQ(left("0"), 0);
  EXPECT_EQ(left("9999"), 9999);
  EXPECT_EQ(left("-1"), std::nullopt);
  EXPECT_EQ(left("many"), std::nullopt);
  EXPECT_EQ(RequestsLeft({.status = 200}), std::nullopt);
}

class RetryAfterTest : public testing::TestWithParam<Case> {};

TEST_P(RetryAfterTest, ReadsTheHeaders) {
  const absl::Time now =
      absl::FromCivil(absl::CivilSecond(2024, 3, 11, 9, 26, 53), absl::UTCTimeZone());
  EXPECT_EQ(RetryAfter({.status = 429, .headers = GetParam().headers}, now), GetParam().wait);
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
        Case{"ResetLast", {{"x-ratelimit-reset-secs", "8"}}, 8000ms},
        Case{"ResetIsCapped", {{"x-ratelimit-reset-secs", "3600"}}, 60000ms},
        Case{"Date", {{"retry-after", "Mon, 11 Mar 2024 09:27:03 GMT"}}, 10000ms},
        Case{"DateInThePast", {{"retry-after", "Mon, 11 Mar 2024 09:20:00 GMT"}}, 0ms},
        Case{"UnusableFallsThrough",
             {{"x-ratelimit-retry-secs", "soon"}, {"retry-after", "4"}},
             4000ms},
        Case{"Negative", {{"x-ratelimit-retry-secs", "-1"}}, std::nullopt},
        Case{"NotANumber", {{"x-ratelimit-retry-secs", "nan"}}, std::nullopt},
        Case{"Infinite", {{"x-ratelimit-retry-secs", "inf"}}, std::nullopt},
        Case{"AtMostADay", {{"retry-after", "1e9"}}, 86'400'000ms}),
    [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace gateway
