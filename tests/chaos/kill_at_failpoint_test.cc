// A gateway dies at a step and is started again on the same store: the repeated call gets the
// truth.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <string>
#include <tuple>

#include "tests/chaos/cluster.h"
#include "tests/support/postgres_server.h"
#include "tests/support/temporary_folder.h"

namespace gateway {
namespace {

using namespace std::chrono_literals;
using ::testing::Combine;
using ::testing::Values;

std::string NewStore(const std::string& kind, const TemporaryFolder& folder) {
  if (kind == "Sqlite") return "sqlite:" + folder.File("records");
  auto& postgres = PostgresServer::OfThisProgram();
  return postgres.Url(postgres.CreateDatabase());
}

// One call under a fresh request_id, and a gateway that dies of it at a step.
struct DeadlyCall {
  explicit DeadlyCall(const std::string& store_kind) : store(NewStore(store_kind, folder)) {
    passfort.Behave(WithoutProgress());
  }

  void DieAt(const std::string& step) {
    GatewayProcess gateway(WithFailpoint(WithStore(passfort.url(), store), step + ":kill"));
    const Answered answered = GatewayCaller(gateway.target()).Add(RequestOf(intent));
    EXPECT_TRUE(IsBroken(answered)) << answered.status.error_message();
    EXPECT_EQ(gateway.WaitForExit(), -SIGKILL);
  }

  TemporaryFolder folder;
  std::string store;
  Intent intent = FreshIntent();
  FakePassfort passfort;
};

// What Passfort does to the first POST, so that the step is reached at all.
void ScriptWhatLeadsTo(const std::string& step, FakePassfort& passfort) {
  if (step == "resolving") {  // it creates the application when the gateway is dead
    passfort.Script({.endpoint = Endpoint::kAdd,
                     .carry_out = Fault::CarryOut::kLate,
                     .carry_out_after = kSettle / 2,
                     .send = Fault::Send::kNothing,
                     .then = Fault::Then::kReset});
  }
  if (step == "release") {
    passfort.Script({.endpoint = Endpoint::kAdd,
                     .carry_out = Fault::CarryOut::kNever,
                     .answer = {.status = 400}});
  }
}

class KillAtFailpointTest : public testing::TestWithParam<std::tuple<std::string, std::string>> {};

TEST_P(KillAtFailpointTest, ARetryGetsTheTruthAndNothingIsCreatedTwice) {
  const auto& [step, store_kind] = GetParam();
  DeadlyCall call(store_kind);
  ScriptWhatLeadsTo(step, call.passfort);
  call.DieAt(step);
  const GatewayProcess gateway(WithStore(call.passfort.url(), call.store));
  const GatewayCaller caller(gateway.target());

  const Answered answered = AddUntilDone({&caller}, call.intent);
  ASSERT_TRUE(answered.status.ok()) << answered.status.error_message();
  const auto applications = call.passfort.Applications(call.intent.profile_id);
  ASSERT_EQ(applications.size(), 1U);
  EXPECT_EQ(answered.response.product_application().id(), applications.front().id);
  const Answered again = caller.Add(RequestOf(call.intent));
  EXPECT_TRUE(IsReplay(again)) << again.status.error_message();
  EXPECT_EQ(again.response.SerializeAsString(), answered.response.SerializeAsString());
  // The profile is free for whoever comes next.
  Intent next = FreshIntent();
  next.profile_id = call.intent.profile_id;
  EXPECT_TRUE(caller.Add(RequestOf(next)).status.ok());
}

INSTANTIATE_TEST_SUITE_P(
    , KillAtFailpointTest,
    Combine(Values("begin", "claimed", "intent", "attempted", "resolving", "release", "finished"),
            Values("Sqlite", "Postgres")),
    [](const auto& param) { return std::get<0>(param.param) + "On" + std::get<1>(param.param); });

class KilledGatewayTest : public testing::TestWithParam<std::string> {};

// What is in the store is Passfort's own answer: all that is left is to read the application anew.
TEST_P(KilledGatewayTest, LeavesItsAnswerToTheNext) {
  DeadlyCall call(GetParam());
  call.DieAt("finished");
  const int posts = call.passfort.counts().posts_begun;
  const GatewayProcess gateway(WithStore(call.passfort.url(), call.store));
  const Answered answered = GatewayCaller(gateway.target()).Add(RequestOf(call.intent));
  EXPECT_TRUE(IsReplay(answered)) << answered.status.error_message();
  EXPECT_FALSE(IsReconciled(answered));
  EXPECT_EQ(call.passfort.counts().posts_begun, posts);
  EXPECT_EQ(call.passfort.counts().requests_to(Endpoint::kGet), 1);
}

// The gateway died at once, and nobody knows that. Passfort is at the POST as long as the longest
// attempt could have taken.
TEST_P(KilledGatewayTest, WaitsForWhatPassfortWasAt) {
  DeadlyCall call(GetParam());
  call.passfort.Script({.endpoint = Endpoint::kAdd, .carry_out_after = kAttempt});
  {
    GatewayProcess gateway(WithStore(call.passfort.url(), call.store));
    const GatewayCaller caller(gateway.target());
    auto broken = caller.StartAdd(RequestOf(call.intent));
    ASSERT_TRUE(call.passfort.WaitUntil([&] { return call.passfort.counts().posts_read == 1; }));
    gateway.Signal(SIGKILL);
    EXPECT_TRUE(IsBroken(broken.get()));
  }
  const GatewayProcess gateway(WithStore(call.passfort.url(), call.store));
  const GatewayCaller caller(gateway.target());
  const Answered answered = AddUntilDone({&caller}, call.intent);
  EXPECT_TRUE(IsReconciled(answered)) << answered.status.error_message();
  EXPECT_EQ(call.passfort.counts().created, 1);
}

INSTANTIATE_TEST_SUITE_P(, KilledGatewayTest, Values("Sqlite", "Postgres"),
                         [](const auto& param) { return param.param; });

}  // namespace
}  // namespace gateway
