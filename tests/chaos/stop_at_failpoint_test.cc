// A gateway stands still at a step, as long as its lease or longer than anything that others wait
// for, and then goes on as if nothing had happened, while its caller has asked another one.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <future>
#include <string>
#include <tuple>

#include "tests/chaos/cluster.h"
#include "tests/support/postgres_server.h"

namespace gateway {
namespace {

using ::testing::Combine;
using ::testing::Values;

enum class Length { kBeyondTheLease, kBeyondEverything };

class TwoStoppedGatewaysTest : public testing::Test {
 protected:
  PostgresServer& postgres_ = PostgresServer::OfThisProgram();
  const std::string database_ = postgres_.CreateDatabase();
  const std::string store_ = postgres_.Url(database_);
  const Intent intent_ = FreshIntent();
  FakePassfort passfort_;
};

class StopAtFailpointTest : public TwoStoppedGatewaysTest,
                            public testing::WithParamInterface<std::tuple<std::string, Length>> {
 protected:
  // What Passfort does to the first POST, so that the step is reached at all.
  void ScriptWhatLeadsTo(const std::string& step) {
    if (step == "resolving") {  // it created the application and said nothing
      passfort_.Script(
          {.endpoint = Endpoint::kAdd, .send = Fault::Send::kNothing, .then = Fault::Then::kReset});
    }
    if (step == "release") {
      passfort_.Script({.endpoint = Endpoint::kAdd,
                        .carry_out = Fault::CarryOut::kNever,
                        .answer = {.status = 400}});
    }
  }

  // Returns when the database's clock, which is the one that counts, has passed the record's
  // `moment`; at once if there is no record.
  void WaitUntilOver(const std::string& moment) {
    postgres_.Execute(database_, "SELECT pg_sleep(greatest(0, (" + moment +
                                     ") / 1e6 - extract(epoch FROM clock_timestamp()))) "
                                     "FROM passfort_gateway_records WHERE request_id = '" +
                                     intent_.request_id + "'");
  }
};

// What both have in hand is a record that was sent, one of them an old version of it. Only the
// record's epoch tells the two apart.
TEST_F(TwoStoppedGatewaysTest, TheOneThatWasOvertakenSendsNothingMore) {
  const GatewayProcess overtaken(WithFailpoint(WithStore(passfort_.url(), store_), "intent:stop"));
  const GatewayProcess other(WithFailpoint(WithStore(passfort_.url(), store_), "attempted:stop"));
  const GatewayCaller overtaken_caller(overtaken.target());
  const GatewayCaller other_caller(other.target());
  auto first = overtaken_caller.StartAdd(RequestOf(intent_));
  overtaken.WaitForLogLine("failpoint: intent");
  auto second = other_caller.StartAdd(RequestOf(intent_));
  other.WaitForLogLine("failpoint: attempted");
  ASSERT_EQ(passfort_.counts().created, 1);

  overtaken.Signal(SIGCONT);
  const Answered by_overtaken = first.get();
  ASSERT_TRUE(by_overtaken.status.ok()) << by_overtaken.status.error_message();
  other.Signal(SIGCONT);
  const Answered by_other = second.get();
  ASSERT_TRUE(by_other.status.ok()) << by_other.status.error_message();
  EXPECT_EQ(by_overtaken.response.product_application().id(),
            by_other.response.product_application().id());
  EXPECT_EQ(passfort_.counts().created, 1);
}

TEST_P(StopAtFailpointTest, NothingIsCreatedTwiceAndTheAnswersAgree) {
  const auto& [step, length] = GetParam();
  ScriptWhatLeadsTo(step);
  const GatewayProcess other(WithStore(passfort_.url(), store_));
  const GatewayProcess stopped(WithFailpoint(WithStore(passfort_.url(), store_), step + ":stop"));
  const GatewayCaller other_caller(other.target());
  const GatewayCaller stopped_caller(stopped.target());

  auto first = stopped_caller.StartAdd(RequestOf(intent_));
  stopped.WaitForLogLine("failpoint: " + step);
  auto second =
      std::async(std::launch::async, [&] { return AddUntilDone({&other_caller}, intent_); });
  if (length == Length::kBeyondTheLease) {
    WaitUntilOver("lease_until");
  } else {
    second.wait();
    WaitUntilOver("greatest(lease_until, conclusive_at)");
  }
  stopped.Signal(SIGCONT);

  const Answered by_stopped = first.get();
  const Answered by_other = second.get();
  ASSERT_TRUE(by_other.status.ok()) << by_other.status.error_message();
  const std::string id = by_other.response.product_application().id();
  if (by_stopped.status.ok()) {
    EXPECT_EQ(by_stopped.response.product_application().id(), id);
  } else if (ReasonOf(by_stopped.status) == "STORE_UNAVAILABLE") {
    // The time of an operation of the store ran out while the process stood still.
    EXPECT_EQ(length, Length::kBeyondEverything);
  } else {
    // The refusal of the first POST, which nobody had followed by another one yet.
    EXPECT_EQ(step, "release") << by_stopped.status.error_message();
    EXPECT_EQ(length, Length::kBeyondTheLease);
    EXPECT_EQ(ReasonOf(by_stopped.status), "PASSFORT_REJECTED_INPUT");
  }
  for (const auto* caller : {&stopped_caller, &other_caller}) {
    const Answered again = AddUntilDone({caller}, intent_);
    EXPECT_TRUE(IsReplay(again)) << again.status.error_message();
    EXPECT_EQ(again.response.product_application().id(), id);
  }
  EXPECT_EQ(passfort_.counts(intent_.profile_id).created, 1);
}

INSTANTIATE_TEST_SUITE_P(, StopAtFailpointTest,
                         Combine(Values("begin", "claimed", "intent", "attempted", "resolving",
                                        "release", "finished"),
                                 Values(Length::kBeyondTheLease, Length::kBeyondEverything)),
                         [](const auto& param) {
                           return std::get<0>(param.param) +
                                  (std::get<1>(param.param) == Length::kBeyondTheLease
                                       ? "BeyondTheLease"
                                       : "BeyondEverything");
                         });

}  // namespace
}  // namespace gateway
