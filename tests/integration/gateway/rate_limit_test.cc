// HTTP 429: the call waits if its deadline allows, else it is refused at once.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <ostream>
#include <string>

#include "tests/integration/gateway/faults.h"
#include "tests/integration/gateway/gateway_bench.h"

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
  GatewayBench bench;
  bench.passfort.Script(Refuses(429, kErrorWithoutCode, {{GetParam().header, "1"}}));
  const auto before = std::chrono::steady_clock::now();
  const Answered answered = bench.caller.Add();

  EXPECT_TRUE(answered.status.ok()) << answered.status.error_message();
  EXPECT_GE(std::chrono::steady_clock::now() - before, 1s);
  EXPECT_EQ(bench.passfort.counts().posts_begun, 2);
  EXPECT_EQ(bench.passfort.counts().created, 1);
}

TEST_P(RateLimitTest, IsToldAtOnceIfTheDeadlineIsNearer) {
  constexpr auto kDeadline = 30s;
  GatewayBench bench;
  bench.passfort.Script(Refuses(429, kErrorWithoutCode, {{GetParam().header, "50"}}));
  const auto before = std::chrono::steady_clock::now();
  const Answered answered = bench.caller.Add(ARequest(), kDeadline);

  EXPECT_LT(std::chrono::steady_clock::now() - before, kDeadline / 2);
  EXPECT_EQ(answered.status.error_code(), StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(ReasonOf(answered.status), "RATE_LIMITED");
  EXPECT_THAT(answered.error(), IsWellFormedError());
  EXPECT_EQ(DetailOf<google::rpc::RetryInfo>(answered.status).retry_delay().seconds(), 50);
  EXPECT_EQ(bench.passfort.counts().posts_begun, 1);
}

INSTANTIATE_TEST_SUITE_P(Headers, RateLimitTest,
                         ::testing::Values(RateLimitHeader{"Passforts", "X-RateLimit-Retry-Secs"},
                                           RateLimitHeader{"Standard", "Retry-After"},
                                           RateLimitHeader{"Reset", "X-RateLimit-Reset-Secs"}),
                         [](const auto& info) { return info.param.name; });

TEST(RateLimitTest, IsTriedAgainIfPassfortDoesNotSayWhen) {
  GatewayBench bench;
  bench.passfort.Script(Refuses(429, HtmlPage(500)));
  const Answered answered = bench.caller.Add();
  EXPECT_TRUE(answered.status.ok()) << answered.status.error_message();
  EXPECT_EQ(bench.passfort.counts().posts_begun, 2);
  EXPECT_EQ(bench.passfort.counts().created, 1);
}

}  // namespace
}  // namespace gateway
