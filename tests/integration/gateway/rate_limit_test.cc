// HTTP 429: the call waits if its deadline allows, else it is refused at once.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <ostream>
#include <string>

#include "service/passfort/rate_limit_headers.h"
#include "tests/integration/gateway/faults.h"
#include "tests/integration/gateway/gateway_fixture.h"

namespace gateway {
namespace {

using namespace std::chrono_literals;
using grpc::StatusCode;

struct RateLimitHeader {
  std::string name;
  std::string header;

  friend void PrintTo(const RateLimitHeader& shown, std::ostream* out) { *out << shown.name; }
};

class RateLimitTest : public ::testing::TestWithParam<RateLimitHeader> {};

TEST_P(RateLimitTest, IsWaitedForInsideTheDeadline) {
  GatewayFixture fixture;
  fixture.passfort.Script(Refuses(429, kErrorWithoutCode, {{GetParam().header, "1"}}));
  const auto before = std::chrono::steady_clock::now();
  const Answered answered = fixture.caller.Add();

  EXPECT_TRUE(answered.status.ok()) << answered.status.error_message();
  EXPECT_GE(std::chrono::steady_clock::now() - before, 1s);
  EXPECT_EQ(fixture.passfort.counts().posts_begun, 2);
  EXPECT_EQ(fixture.passfort.counts().created, 1);
}

TEST_P(RateLimitTest, IsToldAtOnceIfTheDeadlineIsNearer) {
  constexpr auto kDeadline = 30s;
  GatewayFixture fixture;
  fixture.passfort.Script(Refuses(429, kErrorWithoutCode, {{GetParam().header, "50"}}));
  const auto before = std::chrono::steady_clock::now();
  const Answered answered = fixture.caller.Add(ARequest(), kDeadline);

  EXPECT_LT(std::chrono::steady_clock::now() - before, kDeadline / 2);
  EXPECT_EQ(answered.status.error_code(), StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(ReasonOf(answered.status), "RATE_LIMITED");
  EXPECT_THAT(answered.error(), IsWellFormedError());
  EXPECT_EQ(DetailOf<google::rpc::RetryInfo>(answered.status).retry_delay().seconds(), 50);
  EXPECT_EQ(fixture.passfort.counts().posts_begun, 1);
}

INSTANTIATE_TEST_SUITE_P(Headers, RateLimitTest,
                         ::testing::Values(RateLimitHeader{"Passforts", "X-RateLimit-Retry-Secs"},
                                           RateLimitHeader{"Standard", "Retry-After"},
                                           RateLimitHeader{"Reset", "X-RateLimit-Reset-Secs"}),
                         [](const auto& info) { return info.param.name; });

TEST(RateLimitTest, IsTriedAgainIfPassfortDoesNotSayWhen) {
  GatewayFixture fixture;
  fixture.passfort.Script(Refuses(429, HtmlPage(500)));
  const Answered answered = fixture.caller.Add();
  EXPECT_TRUE(answered.status.ok()) << answered.status.error_message();
  EXPECT_EQ(fixture.passfort.counts().posts_begun, 2);
  EXPECT_EQ(fixture.passfort.counts().created, 1);
}

// One 429 asks for a day. After a minute one call asks again, whatever Passfort said.
TEST(RateLimitTest, ClosesAnEndpointForAMinuteAtMost) {
  for (const Headers& headers : {Headers{{"Retry-After", "86400"}},
                                 Headers{{"Retry-After", "Fri, 31 Dec 2100 23:59:59 GMT"}},
                                 Headers{{"X-RateLimit-Retry-Secs", "1e400"}},
                                 Headers{{"X-RateLimit-Reset", "31 Dec 2100 23:59:59 +0000"}}}) {
    GatewayFixture fixture;
    fixture.passfort.Script(Refuses(429, kErrorWithoutCode, headers));
    const Answered answered = fixture.caller.Add(ARequest(), 30s);
    EXPECT_EQ(ReasonOf(answered.status), "RATE_LIMITED");
    EXPECT_EQ(DetailOf<google::rpc::RetryInfo>(answered.status).retry_delay().seconds(), 60);
    const auto delay =
        DetailOf<google::rpc::RetryInfo>(fixture.caller.Add(ARequest(), 30s).status).retry_delay();
    EXPECT_LE(delay.seconds(), 60);
    EXPECT_GT(delay.seconds(), 30);
    EXPECT_EQ(fixture.passfort.counts().posts_begun, 1);
  }
}

// Dates of a clock that is far behind ours.
TEST(RateLimitTest, CountsADateFromTheDateOfTheAnswer) {
  for (const char* const date : {"Sun, 06 Nov 1994 08:49:38 GMT", "Sunday, 06-Nov-94 08:49:38 GMT",
                                 "Sun Nov  6 08:49:38 1994"}) {
    GatewayFixture fixture;
    fixture.passfort.Script(
        Refuses(429, kErrorWithoutCode,
                {{"Date", "Sun, 06 Nov 1994 08:49:37 GMT"}, {"Retry-After", date}}));
    const auto before = std::chrono::steady_clock::now();
    EXPECT_TRUE(fixture.caller.Add().status.ok());
    EXPECT_GE(std::chrono::steady_clock::now() - before, 1s);
  }
}

// "0" comes with the time at which the quota is whole again, not with that of the next request.
TEST(RateLimitTest, IsNoneUntilARequestIsRefusedWhateverIsLeft) {
  GatewayFixture fixture;
  for (const char* const left : {"1", "0"}) {
    constexpr int kCalls = 50;
    fixture.passfort.Script({.endpoint = Endpoint::kAdd,
                             .times = kCalls,
                             .answer = {.headers = {{"X-RateLimit-Remaining", left},
                                                    {"X-RateLimit-Reset-Secs", "3600"}}}});
    for (int i = 0; i < kCalls; ++i) EXPECT_TRUE(fixture.caller.Add().status.ok()) << left;
  }
  EXPECT_EQ(fixture.gateway.Counter("passfort_rate_limit_pauses_total", {}), 0);
}

// One asks when the pause is over, and the others follow together once it is answered.
TEST(RateLimitTest, LetsAllWhoWaitGoOnceOneWasAnswered) {
  constexpr int kCalls = 300;
  GatewayFixture fixture;
  fixture.passfort.Script(Refuses(429, kErrorWithoutCode, {{"Retry-After", "1"}}));
  fixture.passfort.Script({.endpoint = Endpoint::kAdd, .hold = Fault::Hold::kBeforeAnswer});
  ManyCalls calls;
  calls.Start(fixture.caller);
  fixture.gateway.WaitForLogLine("rate limited by Passfort");
  for (int i = 0; i < kCalls; ++i) calls.Start(fixture.caller);
  ASSERT_TRUE(
      fixture.passfort.WaitUntil([&fixture] { return fixture.passfort.counts().created == 1; }));
  EXPECT_EQ(fixture.passfort.counts().posts_begun, 2);
  fixture.passfort.Release();
  calls.ForEach([](const Answered& answered) { EXPECT_TRUE(answered.status.ok()); });
  EXPECT_EQ(fixture.passfort.counts().created, 1 + kCalls);
  EXPECT_EQ(fixture.passfort.counts().posts_begun, 2 + kCalls);
}

}  // namespace
}  // namespace gateway
