// The database goes away and comes back. Without it nothing is sent; what was sent is answered or
// not known, and is made once.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "tests/chaos/cluster.h"
#include "tests/chaos/retrying_load.h"
#include "tests/support/postgres_server.h"

namespace gateway {
namespace {

using namespace std::chrono_literals;
using grpc::StatusCode;

class DatabaseRestartTest : public testing::Test {
 protected:
  PostgresServer& postgres_ = PostgresServer::OfThisProgram();
  const std::string store_ = postgres_.Url(postgres_.CreateDatabase());
  const Intent intent_ = FreshIntent();
};

TEST_F(DatabaseRestartTest, NoAnswerIsLostAndNothingIsCreatedTwice) {
  constexpr int kRestarts = kHasSanitizer ? 20 : 100;
  constexpr int kCallers = 16;
  constexpr int kMaxPostsBetween = 10;
  FakePassfort passfort(10ms);
  passfort.Script({.endpoint = Endpoint::kAdd, .times = Fault::kAlways, .carry_out_after = 20ms});
  GatewayCluster cluster({.api_url = passfort.url(), .store = store_});
  RetryingLoad load(cluster, passfort, kCallers);

  std::minstd_rand random(1);
  for (int restart = 0; restart < kRestarts; ++restart) {
    const int posts =
        passfort.counts().posts_begun + 1 + static_cast<int>(random() % kMaxPostsBetween);
    ASSERT_TRUE(passfort.WaitUntil([&] { return passfort.counts().posts_begun >= posts; }, 60s))
        << "no POST came after restart " << restart;
    // By turns an administrator's hurry and the kernel's.
    if (restart % 2 == 0) {
      postgres_.Stop();
    } else {
      postgres_.Kill();
    }
    postgres_.Start();
  }

  const RetryingLoad::Sums sums = load.Finish();
  EXPECT_EQ(passfort.counts().created, sums.done);
  // What the restarts were for.
  EXPECT_GT(sums.without_store, 0);
  EXPECT_GT(sums.unknown, 0);
  RecordProperty("done", sums.done);
  RecordProperty("without_store", sums.without_store);
  RecordProperty("unknown", sums.unknown);
  RecordProperty("reconciled", sums.reconciled);
}

TEST_F(DatabaseRestartTest, SendsNothingWhileItIsAway) {
  FakePassfort passfort;
  const GatewayProcess gateway(WithStore(passfort.url(), store_));
  const GatewayCaller caller(gateway.target());
  ASSERT_TRUE(caller.Add(RequestOf(FreshIntent())).status.ok());
  const Counts before = passfort.counts();

  postgres_.Stop();
  const Answered answered = caller.Add(RequestOf(intent_));
  EXPECT_EQ(answered.status.error_code(), StatusCode::UNAVAILABLE);
  EXPECT_EQ(ReasonOf(answered.status), "STORE_UNAVAILABLE") << answered.status.error_message();
  EXPECT_THAT(answered.error(), IsWellFormedError());
  EXPECT_EQ(passfort.counts().requests, before.requests);

  postgres_.Start();
  EXPECT_TRUE(AddUntilDone({&caller}, intent_).status.ok());
  EXPECT_EQ(passfort.counts(intent_.profile_id).created, 1);
}

TEST_F(DatabaseRestartTest, AReceivedAnswerIsGivenWithoutItAndStoredLater) {
  FakePassfort passfort;
  passfort.Behave(WithoutProgress());
  // The lease is longer than the database is away, so that nobody looks at the list before the
  // response is stored.
  const std::vector<std::string> flags = {"--attempt_timeout=30s", "--lease_duration=30s"};
  const GatewayProcess gateway(WithStore(passfort.url(), store_, flags));
  const GatewayProcess other(WithStore(passfort.url(), store_, flags));
  const GatewayCaller caller(gateway.target());
  const GatewayCaller other_caller(other.target());
  passfort.Script({.endpoint = Endpoint::kAdd, .hold = Fault::Hold::kBeforeAnswer});
  auto call = caller.StartAdd(RequestOf(intent_));
  ASSERT_TRUE(passfort.WaitUntil([&] { return passfort.counts().created == 1; }));
  postgres_.Stop();
  passfort.Release();

  const Answered answered = call.get();
  EXPECT_TRUE(answered.status.ok()) << answered.status.error_message();
  postgres_.Start();
  const Answered again = AddUntilDone({&other_caller}, intent_);
  EXPECT_TRUE(again.status.ok()) << again.status.error_message();
  EXPECT_TRUE(IsReplay(again));
  EXPECT_FALSE(IsReconciled(again));
  EXPECT_EQ(again.response.SerializeAsString(), answered.response.SerializeAsString());
  EXPECT_EQ(passfort.counts(intent_.profile_id).created, 1);
}

TEST_F(DatabaseRestartTest, ALostAnswerIsUnknownWithoutItAndFoundLater) {
  FakePassfort passfort;
  const GatewayProcess gateway(
      WithStore(passfort.url(), store_,
                {"--attempt_timeout=5s", "--default_deadline=8s", "--max_deadline=8s"}));
  const GatewayCaller caller(gateway.target());
  passfort.Script({.endpoint = Endpoint::kAdd,
                   .hold = Fault::Hold::kBeforeAnswer,
                   .send = Fault::Send::kNothing,
                   .then = Fault::Then::kReset});
  auto call = caller.StartAdd(RequestOf(intent_));
  ASSERT_TRUE(passfort.WaitUntil([&] { return passfort.counts().created == 1; }));
  postgres_.Stop();
  passfort.Release();

  const Answered answered = call.get();
  EXPECT_EQ(answered.status.error_code(), StatusCode::UNKNOWN);
  EXPECT_EQ(ReasonOf(answered.status), "OUTCOME_UNKNOWN") << answered.status.error_message();
  postgres_.Start();
  EXPECT_TRUE(AddUntilDone({&caller}, intent_).status.ok());
  EXPECT_EQ(passfort.counts(intent_.profile_id).created, 1);
}

}  // namespace
}  // namespace gateway
