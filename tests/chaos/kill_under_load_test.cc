// Gateways that share a store are killed under load, one after the other: every caller that repeats
// its call gets its response, and nobody gets two applications.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "tests/chaos/cluster.h"
#include "tests/chaos/retrying_load.h"
#include "tests/support/postgres_server.h"

namespace gateway {
namespace {

using namespace std::chrono_literals;

TEST(KillUnderLoadTest, NoAnswerIsLostAndNothingIsCreatedTwice) {
  constexpr int kKills = kHasSanitizer ? 25 : 100;
  constexpr int kCallers = 16;
  constexpr int kMaxPostsBetween = 20;
  auto& postgres = PostgresServer::OfThisProgram();
  FakePassfort passfort(10ms);
  // Passfort is at it for a while, also when the gateway that asked for it is dead by then.
  passfort.Script({.endpoint = Endpoint::kAdd, .times = Fault::kAlways, .carry_out_after = 20ms});
  GatewayCluster cluster(
      {.api_url = passfort.url(), .store = postgres.Url(postgres.CreateDatabase())});
  RetryingLoad load(cluster, passfort, kCallers);

  std::minstd_rand random(1);
  for (int kill = 0; kill < kKills; ++kill) {
    const int posts =
        passfort.counts().posts_begun + 1 + static_cast<int>(random() % kMaxPostsBetween);
    ASSERT_TRUE(passfort.WaitUntil([&] { return passfort.counts().posts_begun >= posts; }))
        << "no POST came after kill " << kill;
    cluster.KillAndReplace(kill % cluster.size());
  }

  const RetryingLoad::Sums sums = load.Finish();
  EXPECT_EQ(passfort.counts().created, sums.done);
  // What the kills were for: calls broke off, and applications were created whose responses were
  // lost.
  EXPECT_GT(sums.broken, kKills);
  EXPECT_GT(sums.reconciled, 0);
  RecordProperty("done", sums.done);
  RecordProperty("broken", sums.broken);
  RecordProperty("reconciled", sums.reconciled);
  RecordProperty("unknown", sums.unknown);
}

}  // namespace
}  // namespace gateway
