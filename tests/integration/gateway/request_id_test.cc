// One request_id makes one application, whatever fails: the whole program with a SQLite file.

#include <gmock/gmock.h>
#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include <csignal>
#include <future>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "tests/integration/gateway/at_most_once_fixture.h"
#include "tests/integration/gateway/faults.h"
#include "tests/support/temporary_folder.h"

namespace gateway {
namespace {

using namespace std::chrono_literals;
using google::protobuf::util::MessageDifferencer;
using grpc::StatusCode;
using ::testing::Contains;
using ::testing::IsEmpty;
using ::testing::Key;
using ::testing::Not;
using ::testing::Pair;

using Trailers = std::multimap<std::string, std::string>;

const Trailers kReplayed = {{"gateway-replayed", "true"}};
const Trailers kReconciled = {{"gateway-outcome", "reconciled"}};

// How a list fails while the fault lasts: the response of a server that is not well.
Fault NoList() {
  return {.endpoint = Endpoint::kList,
          .times = Fault::kAlways,
          .carry_out = Fault::CarryOut::kNever,
          .answer = {.status = 503}};
}

class RequestIdTest : public testing::Test {
 protected:
  RequestIdTest() { passfort_.Behave(WithoutProgress()); }

  std::string StoreUrl() const { return "sqlite:" + folder_.File("records.db"); }

  // What a caller that had `first` must get for an identical call.
  static void ExpectReplayed(const Answered& again, const Answered& first) {
    EXPECT_TRUE(again.status.ok()) << again.status.error_message();
    EXPECT_EQ(again.response.SerializeAsString(), first.response.SerializeAsString());
    EXPECT_THAT(again.trailers, Contains(Pair("gateway-replayed", "true")));
  }

  const TemporaryFolder folder_;
  FakePassfort passfort_;
};

TEST_F(RequestIdTest, ARepeatGetsTheFirstAnswer) {
  const GatewayWithStore gateway(passfort_, StoreUrl());
  const Answered first = gateway.caller.Add(ARequestWithId());
  ASSERT_TRUE(first.status.ok()) << first.status.error_message();
  EXPECT_THAT(first.trailers, IsEmpty());

  const Answered again = gateway.caller.Add(ARequestWithId());
  ExpectReplayed(again, first);
  EXPECT_EQ(again.trailers, kReplayed);
  EXPECT_EQ(passfort_.counts().posts_begun, 1);
  EXPECT_EQ(gateway.Outcomes("created"), 1);
  EXPECT_EQ(gateway.Outcomes("replayed"), 1);
}

TEST_F(RequestIdTest, IdsInOtherCaseAreTheSameIntent) {
  const GatewayWithStore gateway(passfort_, StoreUrl());
  const Answered first = gateway.caller.Add(ARequestWithId());
  auto upper = ARequestWithId();
  upper.set_profile_id("A2C4393A-E219-67A4-5AB4-2186952E9038");
  ExpectReplayed(gateway.caller.Add(upper), first);
  EXPECT_EQ(passfort_.counts().posts_begun, 1);
}

TEST_F(RequestIdTest, ARepeatGetsTheFirstAnswerAlsoAfterACrash) {
  Answered first;
  {
    GatewayWithStore gateway(passfort_, StoreUrl());
    first = gateway.caller.Add(ARequestWithId());
    ASSERT_TRUE(first.status.ok()) << first.status.error_message();
    gateway.process.Signal(SIGKILL);
    EXPECT_EQ(gateway.process.WaitForExit(), -SIGKILL);
  }
  const GatewayWithStore next_life(passfort_, StoreUrl());
  ExpectReplayed(next_life.caller.Add(ARequestWithId()), first);
  EXPECT_EQ(passfort_.counts().posts_begun, 1);
}

TEST_F(RequestIdTest, StandsForItsValuesOnly) {
  const GatewayWithStore gateway(passfort_, StoreUrl());
  ASSERT_TRUE(gateway.caller.Add(ARequestWithId()).status.ok());

  auto other_product = ARequestWithId();
  other_product.mutable_product()->set_alias("forexo_business");
  auto other_role = ARequestWithId();
  other_role.set_associated_role(pb::ASSOCIATED_ROLE_DIRECTOR);
  auto other_profile = ARequestWithId();
  other_profile.set_profile_id("b2c4393a-e219-67a4-5ab4-2186952e9038");
  for (const auto& request : {other_product, other_role, other_profile}) {
    const Answered answered = gateway.caller.Add(request);
    EXPECT_EQ(answered.status.error_code(), StatusCode::INVALID_ARGUMENT);
    EXPECT_EQ(ReasonOf(answered.status), "REQUEST_ID_REUSED");
    EXPECT_THAT(answered.error(), IsWellFormedError());
  }
  EXPECT_EQ(passfort_.counts().posts_begun, 1);
}

TEST_F(RequestIdTest, AnApplicationWhoseAnswerWasLostIsFound) {
  const GatewayWithStore gateway(passfort_, StoreUrl());
  // One that was there before is none of ours.
  const std::string stranger =
      passfort_.AddOtherwise(kProfileId, "forexo_basic", "", MadeBy::kPortalUser);
  passfort_.Script(MakesAndThen(Fault::Then::kReset));
  const Answered answered = gateway.caller.Add(ARequestWithId());

  ASSERT_TRUE(answered.status.ok()) << answered.status.error_message();
  EXPECT_EQ(answered.trailers, kReconciled);
  const auto applications = passfort_.Applications(kProfileId);
  ASSERT_EQ(applications.size(), 2u);
  EXPECT_EQ(answered.response.product_application().id(), applications[1].id);
  EXPECT_NE(answered.response.product_application().id(), stranger);
  EXPECT_EQ(passfort_.counts().posts_begun, 1);
  EXPECT_EQ(gateway.Outcomes("reconciled"), 1);
}

TEST_F(RequestIdTest, WhatIsNotKnownAtTheDeadlineIsFoundOutInTheBackground) {
  const GatewayWithStore gateway(passfort_, StoreUrl());
  passfort_.Script(MakesAndThen(Fault::Then::kReset));
  Fault no_list = NoList();
  no_list.skip = 1;  // the baseline
  passfort_.Script(no_list);
  const Answered unknown = AddUntilKnownOrOpen(gateway.caller, ARequestWithId(), 1s);

  EXPECT_EQ(unknown.status.error_code(), StatusCode::UNKNOWN);
  EXPECT_EQ(ReasonOf(unknown.status), "OUTCOME_UNKNOWN");
  EXPECT_THAT(unknown.error(), IsWellFormedError());
  const auto metadata = DetailOf<google::rpc::ErrorInfo>(unknown.status).metadata();
  EXPECT_EQ(metadata.at("scope"), "REQUEST_ID");
  EXPECT_EQ(metadata.at("request_id"), "order-1");
  EXPECT_THAT(metadata, Contains(Key("sent_at")));
  EXPECT_THAT(metadata, Contains(Key("known_by")));

  passfort_.ClearFaults();
  const Answered again = gateway.caller.Add(ARequestWithId());
  EXPECT_TRUE(again.status.ok()) << again.status.error_message();
  EXPECT_THAT(again.trailers, Contains(Pair("gateway-outcome", "reconciled")));
  EXPECT_EQ(passfort_.counts().posts_begun, 1);
}

// Callers with short deadlines leave, and their writes go on: there must not be ever more of them.
TEST_F(RequestIdTest, WritesWithoutACallerCountAsInFlight) {
  constexpr int kMost = 2;
  const GatewayWithStore gateway(passfort_, StoreUrl(),
                                 {"--max_in_flight=2", "--lease_duration=30s"});
  passfort_.Script(
      {.endpoint = Endpoint::kAdd, .times = kMost, .hold = Fault::Hold::kBeforeAnswer});
  const auto on_profile = [](int number) {
    auto request = ARequestWithId("order-" + std::to_string(number));
    request.set_profile_id("a2c4393a-e219-67a4-5ab4-00000000000" + std::to_string(number));
    return request;
  };
  for (int number = 0; number < kMost; ++number) {
    auto call = gateway.caller.StartAdd(on_profile(number), 2s);
    ASSERT_TRUE(passfort_.WaitUntil([&] { return passfort_.counts().posts_read > number; }));
    EXPECT_FALSE(call.get().status.ok());
  }

  const Answered refused = gateway.caller.Add(on_profile(kMost));
  EXPECT_EQ(refused.status.error_code(), StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(ReasonOf(refused.status), "OVERLOADED");
  EXPECT_THAT(refused.error(), IsWellFormedError());
  EXPECT_TRUE(gateway.caller.Add().status.ok()) << "a call without a request_id has its caller";
  const double taken = gateway.CallsTaken();
  auto repeat = gateway.caller.StartAdd(on_profile(0));
  const auto bound = std::chrono::steady_clock::now() + kProcessBound;
  while (gateway.CallsTaken() == taken) {
    ASSERT_LT(std::chrono::steady_clock::now(), bound) << "waited for the repeated call";
  }
  passfort_.Release();
  EXPECT_TRUE(repeat.get().status.ok()) << "an identical call joins the write in flight";
  EXPECT_EQ(passfort_.counts().posts_begun, kMost + 1);
}

TEST_F(RequestIdTest, IdenticalCallsInFlightEachGetAllOfALargeResponse) {
  constexpr int kCalls = 5;
  constexpr int kBlockers = 5'000;
  std::string blockers = R"([{"blocker_type": "NEW"})";
  for (int i = 1; i < kBlockers; ++i) blockers += R"(, {"blocker_type": "NEW"})";
  const GatewayWithStore gateway(passfort_, StoreUrl(), {});
  passfort_.Script({.endpoint = Endpoint::kAdd,
                    .hold = Fault::Hold::kBeforeAnswer,
                    .answer = {.set = {{"/approval_blockers", blockers + "]"}}}});
  ManyCalls calls;
  for (int i = 0; i < kCalls; ++i) calls.Start(gateway.caller, ARequestWithId());
  ASSERT_TRUE(passfort_.WaitUntil([&] { return passfort_.counts().posts_read == 1; }));
  const auto bound = std::chrono::steady_clock::now() + kProcessBound;
  while (gateway.CallsTaken() < kCalls) {
    ASSERT_LT(std::chrono::steady_clock::now(), bound) << "waited for the calls";
  }
  passfort_.Release();

  std::optional<pb::AddProductApplicationResponse> first;
  calls.ForEach([&](const Answered& answered) {
    EXPECT_TRUE(answered.status.ok()) << answered.status.error_message();
    EXPECT_EQ(answered.response.product_application().approval_blockers_size(), kBlockers);
    if (!first) first = answered.response;
    EXPECT_TRUE(MessageDifferencer::Equals(answered.response, *first));
  });
  EXPECT_EQ(passfort_.counts().posts_begun, 1);
}

// One profile would take every place of the gateway otherwise.
TEST_F(RequestIdTest, OnlyEightWritesWaitForOnesTurnOnAProfile) {
  constexpr int kWaiting = 8;
  const GatewayWithStore gateway(passfort_, StoreUrl(), {});
  passfort_.Script({.endpoint = Endpoint::kAdd, .hold = Fault::Hold::kBeforeAnswer});
  ManyCalls calls;
  calls.Start(gateway.caller, ARequestWithId("order-0"));
  ASSERT_TRUE(passfort_.WaitUntil([&] { return passfort_.counts().posts_read == 1; }));
  for (int number = 1; number <= kWaiting; ++number) {
    calls.Start(gateway.caller, ARequestWithId("order-" + std::to_string(number)));
  }
  // The calls above may come after it, but one more than may wait is refused.
  calls.Start(gateway.caller, ARequestWithId("one-more"));
  const auto bound = std::chrono::steady_clock::now() + kProcessBound;
  while (gateway.Outcomes("not_executed") == 0) {
    ASSERT_LT(std::chrono::steady_clock::now(), bound) << "waited for a refusal";
  }
  passfort_.Release();

  int refused = 0;
  calls.ForEach([&](const Answered& answered) {
    if (answered.status.ok()) return;
    ++refused;
    EXPECT_EQ(ReasonOf(answered.status), "WRITE_IN_PROGRESS");
    EXPECT_THAT(answered.error(), IsWellFormedError());
  });
  EXPECT_EQ(refused, 1);
  EXPECT_EQ(passfort_.counts().created, kWaiting + 1);
}

// Its outcome is open, but Passfort did say something.
TEST_F(RequestIdTest, WhatPassfortAnsweredToAnOpenWriteIsTold) {
  const GatewayWithStore gateway(passfort_, StoreUrl(), {});
  passfort_.Script({.endpoint = Endpoint::kAdd,
                    .carry_out = Fault::CarryOut::kNever,
                    .answer = {.status = 503}});
  const Answered unknown = AddUntilKnownOrOpen(gateway.caller, ARequestWithId(), 1s);
  EXPECT_EQ(unknown.status.error_code(), StatusCode::UNKNOWN);
  EXPECT_THAT(unknown.error(), IsWellFormedError());
  const auto metadata = DetailOf<google::rpc::ErrorInfo>(unknown.status).metadata();
  EXPECT_EQ(metadata.at("phase"), "ANSWERED");
  EXPECT_EQ(metadata.at("http_status"), "503");
}

TEST_F(RequestIdTest, WhatMayBeItIsNamedBeforeItCanBeDecided) {
  const GatewayWithStore gateway(passfort_, StoreUrl(), {});
  Fault lost = MakesAndThen(Fault::Then::kReset);
  lost.stranger = Fault::Stranger::kAfter;
  passfort_.Script(lost);
  const Answered unknown = AddUntilKnownOrOpen(gateway.caller, ARequestWithId(), 2s);
  EXPECT_EQ(unknown.status.error_code(), StatusCode::UNKNOWN);
  EXPECT_THAT(unknown.error(), IsWellFormedError());
  EXPECT_THAT(unknown.status.error_message(), testing::HasSubstr("not yet known"));
  const std::string candidates =
      DetailOf<google::rpc::ErrorInfo>(unknown.status).metadata().at("candidate_ids");
  for (const auto& application : passfort_.Applications(kProfileId)) {
    EXPECT_THAT(candidates, testing::HasSubstr(application.id));
  }
}

// Nobody calls again: the store shows that the resolver did it.
TEST_F(RequestIdTest, TheNextLifeResolvesWhatACrashLeftBehind) {
  {
    GatewayWithStore gateway(passfort_, StoreUrl(), ShortWindows(),
                             {"GATEWAY_FAILPOINTS=attempted:kill"});
    auto call = gateway.caller.StartAdd(ARequestWithId());
    EXPECT_EQ(gateway.process.WaitForExit(), -SIGKILL);
    EXPECT_FALSE(call.get().status.ok());
  }
  const size_t requests = passfort_.requests().size();
  const GatewayWithStore next_life(passfort_, StoreUrl());
  ASSERT_TRUE(passfort_.WaitUntil([&] { return passfort_.requests().size() > requests; }));
  const Answered again = next_life.caller.Add(ARequestWithId());
  EXPECT_TRUE(again.status.ok()) << again.status.error_message();
  EXPECT_THAT(again.trailers, Contains(Pair("gateway-outcome", "reconciled")));
  EXPECT_EQ(passfort_.counts().posts_begun, 1);
  EXPECT_EQ(passfort_.counts().created, 1);
}

TEST_F(RequestIdTest, AWriteThatIsProvenAbsentIsSentOnceMore) {
  const GatewayWithStore gateway(passfort_, StoreUrl());
  passfort_.Script({.endpoint = Endpoint::kAdd,
                    .carry_out = Fault::CarryOut::kNever,
                    .send = Fault::Send::kNothing,
                    .then = Fault::Then::kReset});
  const Answered answered = gateway.caller.Add(ARequestWithId());
  EXPECT_TRUE(answered.status.ok()) << answered.status.error_message();
  EXPECT_THAT(answered.trailers, IsEmpty());
  EXPECT_EQ(passfort_.counts().posts_begun, 2);
  EXPECT_EQ(passfort_.counts().created, 1);
}

TEST_F(RequestIdTest, AWriteThatIsProvenAbsentTwiceIsSaidToBeNotDone) {
  const GatewayWithStore gateway(passfort_, StoreUrl());
  passfort_.Script({.endpoint = Endpoint::kAdd,
                    .times = 2,
                    .carry_out = Fault::CarryOut::kNever,
                    .send = Fault::Send::kNothing,
                    .then = Fault::Then::kReset});
  const Answered answered = gateway.caller.Add(ARequestWithId());
  EXPECT_EQ(answered.status.error_code(), StatusCode::UNAVAILABLE);
  EXPECT_EQ(ReasonOf(answered.status), "NOT_CREATED");
  EXPECT_THAT(answered.error(), IsWellFormedError());
  EXPECT_EQ(passfort_.counts().created, 0);

  EXPECT_TRUE(gateway.caller.Add(ARequestWithId()).status.ok());
  EXPECT_EQ(passfort_.counts().created, 1);
}

TEST_F(RequestIdTest, ARefusalFreesTheRequestId) {
  const GatewayWithStore gateway(passfort_, StoreUrl());
  passfort_.Script(Refuses(422, ErrorBody(201)));
  const Answered refused = gateway.caller.Add(ARequestWithId());
  EXPECT_EQ(refused.status.error_code(), StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(ReasonOf(refused.status), "PASSFORT_REJECTED_INPUT");
  EXPECT_EQ(DetailOf<google::rpc::ErrorInfo>(refused.status).metadata().at("scope"), "REQUEST_ID");
  EXPECT_TRUE(gateway.caller.Add(ARequestWithId()).status.ok());
}

// A list that holds an equal application which was not there before, and one more: which is ours?
TEST_F(RequestIdTest, WhatCannotBeToldApartStaysUnknownAndNothingIsSentAgain) {
  const GatewayWithStore gateway(passfort_, StoreUrl());
  Fault lost = MakesAndThen(Fault::Then::kReset);
  lost.stranger = Fault::Stranger::kAfter;
  passfort_.Script(lost);
  for (int call = 0; call < 2; ++call) {
    const Answered answered = gateway.caller.Add(ARequestWithId());
    EXPECT_EQ(answered.status.error_code(), StatusCode::UNKNOWN) << "call " << call;
    EXPECT_THAT(answered.error(), IsWellFormedError());
    const auto applications = passfort_.Applications(kProfileId);
    ASSERT_EQ(applications.size(), 2u);
    const std::string candidates =
        DetailOf<google::rpc::ErrorInfo>(answered.status).metadata().at("candidate_ids");
    for (const auto& application : applications) {
      EXPECT_THAT(candidates, testing::HasSubstr(application.id));
    }
  }
  EXPECT_EQ(passfort_.counts().posts_begun, 1);
}

TEST_F(RequestIdTest, ThousandEqualCallsAtOnceAreOnePostAndThousandEqualAnswers) {
  constexpr int kCallers = 4;
  constexpr int kCallsOfEach = 250;
  const GatewayWithStore gateway(passfort_, StoreUrl(), {});
  passfort_.Script({.endpoint = Endpoint::kAdd, .hold = Fault::Hold::kBeforeAnswer});
  std::deque<GatewayCaller> callers;
  for (int i = 0; i < kCallers; ++i) callers.emplace_back(gateway.process.target());
  std::string first;
  {
    ManyCalls calls;
    for (int i = 0; i < kCallsOfEach; ++i) {
      for (const GatewayCaller& caller : callers) calls.Start(caller, ARequestWithId());
    }
    ASSERT_TRUE(passfort_.WaitUntil([&] { return passfort_.counts().created == 1; }));
    passfort_.Release();
    int answered_calls = 0;
    calls.ForEach([&](const Answered& answered) {
      EXPECT_TRUE(answered.status.ok()) << answered.status.error_message();
      const std::string answer = answered.response.SerializeAsString();
      if (first.empty()) first = answer;
      EXPECT_EQ(answer, first);
      ++answered_calls;
    });
    EXPECT_EQ(answered_calls, kCallers * kCallsOfEach);
  }
  EXPECT_NE(first, "");
  EXPECT_EQ(passfort_.counts().posts_begun, 1);
}

TEST_F(RequestIdTest, TwoOnOneProfileGoOneAfterTheOther) {
  const GatewayWithStore gateway(passfort_, StoreUrl(), {});
  passfort_.Script({.endpoint = Endpoint::kAdd, .hold = Fault::Hold::kBeforeCarryingOut});
  auto first = gateway.caller.StartAdd(ARequestWithId("order-1"));
  ASSERT_TRUE(passfort_.WaitUntil([&] { return passfort_.counts().posts_read == 1; }));

  const Answered second = AddUntilKnownOrOpen(gateway.caller, ARequestWithId("order-2"), 1s);
  EXPECT_EQ(second.status.error_code(), StatusCode::UNAVAILABLE);
  EXPECT_EQ(ReasonOf(second.status), "WRITE_IN_PROGRESS");
  EXPECT_THAT(second.error(), IsWellFormedError());
  EXPECT_EQ(passfort_.counts().posts_begun, 1);

  // It is the same profile, whatever the case of its id.
  auto in_upper_case = ARequestWithId("order-2");
  in_upper_case.set_profile_id(absl::AsciiStrToUpper(in_upper_case.profile_id()));
  EXPECT_EQ(ReasonOf(AddUntilKnownOrOpen(gateway.caller, in_upper_case, 1s).status),
            "WRITE_IN_PROGRESS");

  auto waiting = gateway.caller.StartAdd(ARequestWithId("order-2"));
  passfort_.Release();
  const Answered made_first = first.get();
  const Answered made_second = waiting.get();
  EXPECT_TRUE(made_first.status.ok()) << made_first.status.error_message();
  EXPECT_TRUE(made_second.status.ok()) << made_second.status.error_message();
  EXPECT_NE(made_first.response.product_application().id(),
            made_second.response.product_application().id());
  EXPECT_EQ(passfort_.counts().created, 2);
}

// A call without a request_id asks for one more application, and no record stands in its way.
TEST_F(RequestIdTest, CallsWithoutOneAreNotTouchedByTheStore) {
  const GatewayWithStore gateway(passfort_, StoreUrl());
  EXPECT_TRUE(gateway.caller.Add().status.ok());
  EXPECT_TRUE(gateway.caller.Add().status.ok());
  EXPECT_EQ(passfort_.counts().created, 2);
  EXPECT_EQ(gateway.process.Counter("passfort_gateway_store_operations_total",
                                    {"operation=\"try_claim\""}),
            0);
}

TEST_F(RequestIdTest, AStopLeavesWhatIsUnresolvedToTheStore) {
  auto flags = ShortWindows();
  flags.push_back("--drain_timeout=300ms");
  {
    GatewayWithStore gateway(passfort_, StoreUrl(), flags);
    passfort_.Script(MakesAndThen(Fault::Then::kHang));
    auto call = gateway.caller.StartAdd(ARequestWithId());
    ASSERT_TRUE(passfort_.WaitUntil([&] { return passfort_.counts().created == 1; }));
    gateway.process.Signal(SIGTERM);

    const Answered unknown = call.get();
    EXPECT_EQ(unknown.status.error_code(), StatusCode::UNKNOWN);
    EXPECT_THAT(unknown.error(), IsWellFormedError());
    EXPECT_EQ(gateway.process.WaitForExit(), 0);
  }
  const GatewayWithStore next_life(passfort_, StoreUrl());
  const Answered again = next_life.caller.Add(ARequestWithId());
  EXPECT_TRUE(again.status.ok()) << again.status.error_message();
  EXPECT_THAT(again.trailers, Contains(Pair("gateway-outcome", "reconciled")));
  EXPECT_EQ(passfort_.counts().posts_begun, 1);
}

TEST_F(RequestIdTest, NeverGetsIntoTheLog) {
  const GatewayWithStore gateway(passfort_, StoreUrl(), {"--log_level=debug"});
  gateway.caller.Add(ARequestWithId("id-canary-77"));
  gateway.caller.Add(ARequestWithId("id-canary-77"));
  gateway.process.WaitForLogLine("\"outcome\":\"replayed\"");
  EXPECT_THAT(gateway.process.LogText(), Not(testing::HasSubstr("id-canary-77")));
  EXPECT_THAT(gateway.process.Metrics(), Not(testing::HasSubstr("id-canary-77")));
}

}  // namespace
}  // namespace gateway
