// Two gateways on one PostgreSQL.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <string>
#include <utility>
#include <vector>

#include "tests/integration/gateway/at_most_once_fixture.h"
#include "tests/integration/gateway/create_profile_fixture.h"
#include "tests/integration/gateway/faults.h"
#include "tests/support/postgres_server.h"

namespace gateway {
namespace {

using namespace std::chrono_literals;
using grpc::StatusCode;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class SharedStoreTest : public testing::Test {
 protected:
  SharedStoreTest() { passfort_.Behave(WithoutProgress()); }

  // With TLS and a password, as one would have it.
  std::string NewStore() { return server_.TlsUrl(server_.CreateDatabase()); }

  PostgresServer& server_ = PostgresServer::OfThisProgram();
  FakePassfort passfort_;
};

TEST_F(SharedStoreTest, ARequestIdThroughBothIsOnePost) {
  const std::string url = NewStore();
  const GatewayWithStore one(passfort_, url, {});
  const GatewayWithStore other(passfort_, url, {});
  passfort_.Script({.endpoint = Endpoint::kAdd, .hold = Fault::Hold::kBeforeAnswer});
  auto by_one = one.caller.StartAdd(ARequestWithId());
  auto by_other = other.caller.StartAdd(ARequestWithId());
  ASSERT_TRUE(passfort_.WaitUntil([&] { return passfort_.counts().created == 1; }));
  passfort_.Release();

  const Answered first = by_one.get();
  const Answered second = by_other.get();
  ASSERT_TRUE(first.status.ok()) << first.status.error_message();
  ASSERT_TRUE(second.status.ok()) << second.status.error_message();
  EXPECT_EQ(first.response.SerializeAsString(), second.response.SerializeAsString());
  EXPECT_EQ(passfort_.counts().posts_begun, 1);
  EXPECT_EQ(one.Outcomes("created") + other.Outcomes("created"), 1);
  EXPECT_EQ(one.Outcomes("replayed") + other.Outcomes("replayed"), 1);
  EXPECT_THAT(one.process.LogText(), Not(HasSubstr(PostgresServer::kPassword)));
}

TEST_F(SharedStoreTest, TheOtherResolvesWhatADeadOneSent) {
  const std::string url = NewStore();
  const GatewayWithStore other(passfort_, url);
  {
    GatewayWithStore one(passfort_, url, ShortWindows(), {"GATEWAY_FAILPOINTS=attempted:kill"});
    auto call = one.caller.StartAdd(ARequestWithId());
    EXPECT_EQ(one.process.WaitForExit(), -SIGKILL);
    EXPECT_FALSE(call.get().status.ok());
  }
  const Answered again = other.caller.Add(ARequestWithId());
  EXPECT_TRUE(again.status.ok()) << again.status.error_message();
  EXPECT_EQ(passfort_.counts().posts_begun, 1);
  EXPECT_EQ(passfort_.counts().created, 1);
}

TEST_F(SharedStoreTest, AClaimOfADeadOneIsTakenOver) {
  const std::string url = NewStore();
  const GatewayWithStore other(passfort_, url);
  {
    GatewayWithStore one(passfort_, url, ShortWindows(), {"GATEWAY_FAILPOINTS=claimed:kill"});
    auto call = one.caller.StartAdd(ARequestWithId());
    EXPECT_EQ(one.process.WaitForExit(), -SIGKILL);
  }
  EXPECT_EQ(passfort_.counts().posts_begun, 0);
  EXPECT_TRUE(other.caller.Add(ARequestWithId()).status.ok());
  EXPECT_EQ(passfort_.counts().posts_begun, 1);
}

TEST_F(SharedStoreTest, ACreateWhoseResponseIsLostIsUnknownThroughBoth) {
  const std::string url = NewStore();
  const GatewayWithStore other(passfort_, url);
  {
    GatewayWithStore one(passfort_, url);
    passfort_.Script(ProfileMadeAndLost());
    ExpectUnknownForGood(ReadCaller(one.process.target()).Create(AProfile()));
    ExpectUnknownForGood(ReadCaller(other.process.target()).Create(AProfile()));
    one.process.Signal(SIGKILL);
    EXPECT_EQ(one.process.WaitForExit(), -SIGKILL);
  }
  ExpectUnknownForGood(ReadCaller(other.process.target()).Create(AProfile()));
  const GatewayWithStore next_life(passfort_, url);
  ExpectUnknownForGood(ReadCaller(next_life.process.target()).Create(AProfile()));
  EXPECT_EQ(passfort_.counts().requests_to(Endpoint::kProfileCreate), 1);
  EXPECT_EQ(passfort_.CreatedProfiles().size(), 1u);
}

TEST_F(SharedStoreTest, ACreateThatADeadOneSentIsUnknownToTheOther) {
  const std::string url = NewStore();
  const GatewayWithStore other(passfort_, url);
  {
    GatewayWithStore one(passfort_, url, ShortWindows(), {"GATEWAY_FAILPOINTS=attempted:kill"});
    EXPECT_FALSE(ReadCaller(one.process.target()).Create(AProfile()).status.ok());
    EXPECT_EQ(one.process.WaitForExit(), -SIGKILL);
  }
  ExpectUnknownForGood(ReadCaller(other.process.target()).Create(AProfile()));
  EXPECT_EQ(passfort_.counts().requests_to(Endpoint::kProfileCreate), 1);
  EXPECT_EQ(passfort_.CreatedProfiles().size(), 1u);
}

TEST_F(SharedStoreTest, ACreateThroughOneIsRepeatedThroughTheOther) {
  const std::string url = NewStore();
  const GatewayWithStore one(passfort_, url);
  const GatewayWithStore other(passfort_, url);
  const auto created = ReadCaller(one.process.target()).Create(AProfile());
  ASSERT_TRUE(created.status.ok()) << created.status.error_message();
  const auto again = ReadCaller(other.process.target()).Create(AProfile());
  ASSERT_TRUE(again.status.ok()) << again.status.error_message();
  EXPECT_EQ(again.response.profile().id(), created.response.profile().id());
  EXPECT_EQ(passfort_.counts().requests_to(Endpoint::kProfileCreate), 1);
}

TEST_F(SharedStoreTest, WhyTheDatabaseRefusesIsLogged) {
  const std::string database = server_.CreateDatabase();
  // Not ours.
  server_.Execute(database, "CREATE TABLE passfort_gateway_records (something text)");
  const GatewayWithStore gateway(passfort_, server_.TlsUrl(database));
  EXPECT_EQ(ReasonOf(gateway.caller.Add(ARequestWithId()).status), "STORE_BROKEN");
  EXPECT_THAT(gateway.process.WaitForLogLine("the store fails"),
              AllOf(HasSubstr("SQLSTATE 42703"), HasSubstr("no such column")));
}

TEST_F(SharedStoreTest, WhileTheDatabaseIsAwayNothingIsSent) {
  const GatewayWithStore gateway(passfort_, NewStore());
  const Answered before = gateway.caller.Add(ARequestWithId("before"));
  ASSERT_TRUE(before.status.ok()) << before.status.error_message();

  server_.Stop();
  const Answered away = gateway.caller.Add(ARequestWithId("during"));
  EXPECT_EQ(away.status.error_code(), StatusCode::UNAVAILABLE);
  EXPECT_EQ(ReasonOf(away.status), "STORE_UNAVAILABLE");
  EXPECT_THAT(away.error(), IsWellFormedError());
  EXPECT_EQ(passfort_.counts().posts_begun, 1);

  server_.Start();
  Answered back = gateway.caller.Add(ARequestWithId("during"));
  // Between two attempts to connect the store counts as away.
  const auto give_up_at = std::chrono::steady_clock::now() + kProcessBound;
  while (!back.status.ok() && std::chrono::steady_clock::now() < give_up_at) {
    EXPECT_EQ(ReasonOf(back.status), "STORE_UNAVAILABLE") << back.status.error_message();
    back = gateway.caller.Add(ARequestWithId("during"));
  }
  EXPECT_TRUE(back.status.ok()) << back.status.error_message();
  const Answered again = gateway.caller.Add(ARequestWithId("before"));
  EXPECT_EQ(again.response.SerializeAsString(), before.response.SerializeAsString());
  EXPECT_EQ(passfort_.counts().posts_begun, 2);
}

// A database that takes the connection and then says nothing.
TEST_F(SharedStoreTest, ASlowDatabaseCostsNoMoreThanTheDeadlineAndNothingIsSent) {
  // The gateway's own limit, far before the caller's: what comes is the gateway's word then.
  std::vector<std::string> flags = ShortWindows();
  flags.insert(flags.end(), {"--default_deadline=1s", "--max_deadline=1s"});
  const GatewayWithStore gateway(passfort_, NewStore(), std::move(flags));
  ASSERT_TRUE(gateway.caller.Add(ARequestWithId("before")).status.ok());
  server_.Pause();
  const auto start = std::chrono::steady_clock::now();
  const Answered slow = gateway.caller.Add(ARequestWithId("during"), kCallBound);
  const auto took = std::chrono::steady_clock::now() - start;
  server_.Resume();

  EXPECT_FALSE(slow.status.ok());
  EXPECT_THAT(slow.error(), IsWellFormedError());
  EXPECT_LT(took, 20s);
  EXPECT_EQ(passfort_.counts().posts_begun, 1);
}

}  // namespace
}  // namespace gateway
