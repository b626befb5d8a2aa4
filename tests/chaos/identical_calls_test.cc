// A thousand callers want one and the same thing at once, of two gateways that share a store.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <set>
#include <string>

#include "tests/chaos/cluster.h"
#include "tests/support/postgres_server.h"

namespace gateway {
namespace {

double CallsTaken(const GatewayProcess& gateway) {
  return gateway.Counter("grpc_server_started_total", {"grpc_method=\"AddProductApplication\""});
}

TEST(IdenticalCallsTest, AThousandEqualCallsAreOnePostAndAThousandEqualAnswers) {
  constexpr int kCalls = 1000;
  auto& postgres = PostgresServer::OfThisProgram();
  FakePassfort passfort;
  passfort.Behave(WithoutProgress());
  // Windows that nothing here comes near to.
  GatewayCluster cluster({.api_url = passfort.url(),
                          .store = postgres.Url(postgres.CreateDatabase()),
                          .flags = {"--lease_duration=30s", "--attempt_timeout=30s"}});
  const Intent intent = FreshIntent();
  passfort.Script({.endpoint = Endpoint::kAdd, .hold = Fault::Hold::kBeforeAnswer});
  ManyCalls calls;
  const auto one = cluster.Caller(0);
  const auto other = cluster.Caller(1);
  for (int i = 0; i < kCalls; ++i) calls.Start(i % 2 == 0 ? *one : *other, RequestOf(intent));
  ASSERT_TRUE(passfort.WaitUntil([&] { return passfort.counts().created == 1; }));
  const auto bound = std::chrono::steady_clock::now() + kProcessBound;
  while (CallsTaken(cluster.gateway(0)) + CallsTaken(cluster.gateway(1)) < kCalls) {
    ASSERT_LT(std::chrono::steady_clock::now(), bound) << "not all calls came";
  }
  passfort.Release();

  std::set<std::string> ids;
  std::set<std::string> whole_answers;
  calls.ForEach([&](const Answered& answered) {
    ASSERT_TRUE(answered.status.ok()) << answered.status.error_message();
    // Who waits for another gateway leaves the record to it.
    EXPECT_FALSE(IsReconciled(answered));
    ids.insert(answered.response.product_application().id());
    // The callers of the other gateway read the application all at once: on a slow machine some
    // of them in vain.
    if (!IsShortened(answered)) whole_answers.insert(answered.response.SerializeAsString());
  });
  EXPECT_EQ(ids.size(), 1U);
  EXPECT_EQ(whole_answers.size(), 1U);
  EXPECT_EQ(passfort.counts().posts_begun, 1);
  EXPECT_EQ(passfort.counts().created, 1);
}

}  // namespace
}  // namespace gateway
