// A write whose outcome nobody can tell is listed, looked at and settled by hand, and its caller
// gets the right word: the whole program with a SQLite file.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <functional>
#include <future>
#include <map>
#include <string>
#include <vector>

#include "tests/integration/gateway/at_most_once_fixture.h"
#include "tests/integration/gateway/create_profile_fixture.h"
#include "tests/integration/gateway/faults.h"
#include "tests/integration/gateway/operations_caller.h"
#include "tests/support/temporary_folder.h"

namespace gateway {
namespace {

using grpc::StatusCode;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Key;
using ::testing::Not;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;
using ::testing::UnorderedElementsAreArray;

// fake-passfort knows none that begins like this.
constexpr char kNoProfile[] = "00000000-2222-4333-8444-555555555555";

std::vector<std::string> WithOperations(const std::string& settle_window = "300ms") {
  return {"--operations_service", "--lease_duration=300ms", "--attempt_timeout=500ms",
          "--settle_window=" + settle_window};
}

std::map<std::string, std::string> MetadataOf(const grpc::Status& status) {
  const auto metadata = DetailOf<google::rpc::ErrorInfo>(status).metadata();
  return {metadata.begin(), metadata.end()};
}

// Asks again and again, each time over the network.
bool Eventually(const std::function<bool()>& condition) {
  const auto bound = std::chrono::steady_clock::now() + kCallBound;
  while (!condition()) {
    if (std::chrono::steady_clock::now() >= bound) return false;
  }
  return true;
}

class OperationsTest : public testing::Test {
 protected:
  OperationsTest() { passfort_.Behave(WithoutProgress()); }

  std::string StoreUrl() const { return "sqlite:" + folder_.File("records.db"); }
  // Of all profiles, and those that create one.
  int Posts() const { return passfort_.counts().posts_begun; }

  // The application is made and its response lost, and a stranger adds the same one.
  void LoseAnApplication(const GatewayWithStore& gateway,
                         const std::string& request_id = "order-1") {
    Fault lost = MakesAndThen(Fault::Then::kReset);
    lost.stranger = Fault::Stranger::kAfter;
    passfort_.Script(lost);
    const Answered answered = gateway.caller.Add(ARequestWithId(request_id));
    ASSERT_EQ(ReasonOf(answered.status), "OUTCOME_UNKNOWN") << answered.status.error_message();
    WaitUntilInconclusive(gateway, request_id);
  }
  void LoseAProfile(const GatewayWithStore& gateway) {
    passfort_.Script(ProfileMadeAndLost());
    ExpectUnknownForGood(ReadCaller(gateway.process.target()).Create(AProfile()));
    WaitUntilInconclusive(gateway, "order-1");
  }
  void WaitUntilInconclusive(const GatewayWithStore& gateway, const std::string& request_id) {
    const OperationsCaller caller(gateway.process.target());
    ASSERT_TRUE(Eventually([&] {
      return caller.Get(request_id).response.request().state() ==
             operations_pb::REQUEST_STATE_INCONCLUSIVE;
    }));
  }
  std::vector<std::string> AllApplications() const {
    std::vector<std::string> ids;
    for (const auto& application : passfort_.Applications(kProfileId))
      ids.push_back(application.id);
    return ids;
  }

  const TemporaryFolder folder_;
  FakePassfort passfort_;
};

TEST_F(OperationsTest, ALostApplicationIsListedAndSettledAndItsCallerGetsIt) {
  const GatewayWithStore gateway(passfort_, StoreUrl(), WithOperations());
  const OperationsCaller operations(gateway.process.target());
  LoseAnApplication(gateway);

  const auto listed = operations.List();
  ASSERT_TRUE(listed.status.ok()) << listed.status.error_message();
  ASSERT_EQ(listed.response.requests_size(), 1);
  const operations_pb::Request& request = listed.response.requests(0);
  EXPECT_EQ(request.request_id(), "order-1");
  EXPECT_EQ(request.state(), operations_pb::REQUEST_STATE_INCONCLUSIVE);
  EXPECT_EQ(request.operation(), "AddProductApplication");
  EXPECT_EQ(request.profile_id(), kProfileId);
  EXPECT_EQ(request.product().alias(), "forexo_basic");
  EXPECT_THAT(request.candidate_ids(), UnorderedElementsAreArray(AllApplications()));
  EXPECT_EQ(request.candidate_ids_size(), 2);
  EXPECT_TRUE(request.has_sent_at());
  EXPECT_GE(request.known_by().seconds(), request.sent_at().seconds());
  EXPECT_TRUE(Eventually([&] {
    return gateway.process.Counter("passfort_gateway_open_records", {"state=\"inconclusive\""}) ==
           1;
  }));

  const std::string ours = request.candidate_ids(1);
  const auto settled = operations.SettleAsApplication("order-1", ours);
  ASSERT_TRUE(settled.status.ok()) << settled.status.error_message();
  EXPECT_EQ(settled.response.request().state(), operations_pb::REQUEST_STATE_EXECUTED);
  EXPECT_EQ(settled.response.request().product_application_id(), ours);
  EXPECT_EQ(settled.response.request().result_source(), operations_pb::RESULT_SOURCE_SETTLED);
  EXPECT_EQ(settled.response.request().settled_by(), "local");
  EXPECT_TRUE(settled.response.request().has_settled_at());
  EXPECT_FALSE(settled.response.request().has_known_by());
  EXPECT_EQ(operations.List().response.requests_size(), 0);

  const Answered again = gateway.caller.Add(ARequestWithId());
  ASSERT_TRUE(again.status.ok()) << again.status.error_message();
  EXPECT_EQ(again.response.product_application().id(), ours);
  EXPECT_THAT(again.trailers, UnorderedElementsAre(Pair("gateway-replayed", "true"),
                                                   Pair("gateway-outcome", "settled")));
  EXPECT_EQ(Posts(), 1);
  EXPECT_EQ(gateway.process.Counter("passfort_gateway_finished_writes_total",
                                    {"by=\"operator\"", "end=\"done\""}),
            1);
  EXPECT_THAT(gateway.process.WaitForLogLine("settled_executed"),
              AllOf(HasSubstr("\"method\":\"SettleRequest\""), HasSubstr("\"caller\":\"local\""),
                    HasSubstr("\"trace_id\":\""), Not(HasSubstr("order-1")), Not(HasSubstr(ours))));
}

TEST_F(OperationsTest, SettledAsNotExecutedItIsSentAgainAndNothingElseIsTakenForIt) {
  const GatewayWithStore gateway(passfort_, StoreUrl(), WithOperations());
  const OperationsCaller operations(gateway.process.target());
  LoseAnApplication(gateway);

  const auto refused = operations.SettleAsNotExecuted("order-1");
  EXPECT_EQ(refused.status.error_code(), StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(ReasonOf(refused.status), "SETTLEMENT_CONTRADICTED");
  EXPECT_THAT(refused.error(), IsWellFormedError());
  EXPECT_THAT(MetadataOf(refused.status), AllOf(Contains(Pair("why", "CANDIDATES_NOT_LOOKED_AT")),
                                                Contains(Key("candidate_ids"))));

  const auto settled = operations.SettleAsNotExecuted("order-1", AllApplications());
  ASSERT_TRUE(settled.status.ok()) << settled.status.error_message();
  EXPECT_EQ(settled.response.request().state(), operations_pb::REQUEST_STATE_NOT_EXECUTED);
  EXPECT_EQ(Posts(), 1) << "nothing is sent by settling";

  const Answered again = gateway.caller.Add(ARequestWithId());
  ASSERT_TRUE(again.status.ok()) << again.status.error_message();
  EXPECT_THAT(again.trailers, IsEmpty());
  EXPECT_EQ(Posts(), 2);
  EXPECT_EQ(AllApplications().size(), 3u);
  EXPECT_EQ(operations.Get("order-1").response.request().result_source(),
            operations_pb::RESULT_SOURCE_RECEIVED);
}

TEST_F(OperationsTest, ALostProfileIsSettledByTheOneThatThePortalShows) {
  const GatewayWithStore gateway(passfort_, StoreUrl(), WithOperations());
  const OperationsCaller operations(gateway.process.target());
  LoseAProfile(gateway);
  const operations_pb::Request listed = operations.List().response.requests(0);
  EXPECT_EQ(listed.operation(), "CreateProfile");
  EXPECT_THAT(listed.profile_id(), IsEmpty());
  EXPECT_TRUE(listed.has_known_by());

  EXPECT_EQ(ReasonOf(operations.SettleAsProfile("order-1", kNoProfile).status),
            "PASSFORT_NOT_FOUND");
  EXPECT_EQ(ReasonOf(operations.SettleAsApplication("order-1", kNoProfile).status),
            "SETTLEMENT_CONTRADICTED");
  const std::string id = passfort_.CreatedProfiles()[0].id;
  const auto settled = operations.SettleAsProfile("order-1", id);
  ASSERT_TRUE(settled.status.ok()) << settled.status.error_message();
  EXPECT_EQ(settled.response.request().profile_id(), id);

  const auto again = ReadCaller(gateway.process.target()).Create(AProfile());
  ASSERT_TRUE(again.status.ok()) << again.status.error_message();
  EXPECT_EQ(again.response.profile().id(), id);
  EXPECT_EQ(again.response.profile().product_applications_size(), 1);
  EXPECT_THAT(again.trailers, UnorderedElementsAre(Pair("gateway-replayed", "true"),
                                                   Pair("gateway-outcome", "settled")));
  EXPECT_EQ(Posts(), 1);
}

TEST_F(OperationsTest, AProfileThatWasNotCreatedIsCreatedByARepeat) {
  // So that the operator comes before its end also on a slow machine.
  const GatewayWithStore gateway(passfort_, StoreUrl(), WithOperations("3s"));
  const OperationsCaller operations(gateway.process.target());
  Fault never = ProfileMadeAndLost();
  never.carry_out = Fault::CarryOut::kNever;
  passfort_.Script(never);
  ExpectUnknownForGood(ReadCaller(gateway.process.target()).Create(AProfile()));

  auto settled = operations.SettleAsNotExecuted("order-1");
  ASSERT_EQ(ReasonOf(settled.status), "NOT_SETTLEABLE");
  EXPECT_THAT(settled.error(), IsWellFormedError());
  EXPECT_THAT(MetadataOf(settled.status), Contains(Key("known_by")));
  ASSERT_TRUE(Eventually([&] {
    settled = operations.SettleAsNotExecuted("order-1");
    return ReasonOf(settled.status) != "NOT_SETTLEABLE";
  }));
  ASSERT_TRUE(settled.status.ok()) << settled.status.error_message();
  EXPECT_EQ(settled.response.request().state(), operations_pb::REQUEST_STATE_NOT_EXECUTED);
  EXPECT_EQ(ReasonOf(operations.Get("order-1").status), "REQUEST_NOT_FOUND");
  EXPECT_EQ(Posts(), 1);

  const auto again = ReadCaller(gateway.process.target()).Create(AProfile());
  ASSERT_TRUE(again.status.ok()) << again.status.error_message();
  EXPECT_THAT(again.trailers, IsEmpty());
  EXPECT_EQ(Posts(), 2);
  EXPECT_EQ(passfort_.CreatedProfiles().size(), 1u);
}

TEST_F(OperationsTest, OfTwoOperatorsAtOnceOneWinsAndTheOtherIsToldWho) {
  const GatewayWithStore gateway(passfort_, StoreUrl(), WithOperations());
  const OperationsCaller operations(gateway.process.target());
  LoseAnApplication(gateway);
  const auto ids = AllApplications();
  // Both have read the record before either changes it.
  passfort_.Script({.endpoint = Endpoint::kList, .times = 2, .hold = Fault::Hold::kBeforeAnswer});
  const int lists = passfort_.counts().requests_to(Endpoint::kList);
  const auto settle = [&](const std::string& id) {
    return std::async(std::launch::async,
                      [&, id] { return operations.SettleAsApplication("order-1", id); });
  };
  auto first = settle(ids[0]);
  auto second = settle(ids[1]);
  EXPECT_TRUE(passfort_.WaitUntil(
      [&] { return passfort_.counts().requests_to(Endpoint::kList) == lists + 2; }));
  passfort_.Release();

  auto won = first.get();
  auto lost = second.get();
  if (!won.status.ok()) std::swap(won, lost);
  ASSERT_TRUE(won.status.ok()) << won.status.error_message();
  EXPECT_EQ(lost.status.error_code(), StatusCode::ABORTED);
  EXPECT_EQ(ReasonOf(lost.status), "SETTLED_MEANWHILE");
  EXPECT_THAT(lost.error(), IsWellFormedError());
  EXPECT_THAT(MetadataOf(lost.status), AllOf(Contains(Pair("state", "REQUEST_STATE_EXECUTED")),
                                             Contains(Pair("settled_by", "local"))));
  EXPECT_EQ(operations.Get("order-1").response.request().product_application_id(),
            won.response.request().product_application_id());
  EXPECT_EQ(Posts(), 1);
}

TEST_F(OperationsTest, AGatewayThatDiesBeforeItStoresASettlementChangesNothing) {
  {
    GatewayWithStore gateway(passfort_, StoreUrl(), WithOperations(),
                             {"GATEWAY_FAILPOINTS=settling:kill"});
    LoseAnApplication(gateway);
    const auto cut = OperationsCaller(gateway.process.target())
                         .SettleAsApplication("order-1", AllApplications()[0]);
    EXPECT_FALSE(cut.status.ok());
    EXPECT_EQ(gateway.process.WaitForExit(), -SIGKILL);
  }
  const GatewayWithStore next_life(passfort_, StoreUrl(), WithOperations());
  const OperationsCaller operations(next_life.process.target());
  EXPECT_EQ(operations.Get("order-1").response.request().state(),
            operations_pb::REQUEST_STATE_INCONCLUSIVE);
  EXPECT_TRUE(operations.SettleAsApplication("order-1", AllApplications()[1]).status.ok());
  EXPECT_EQ(Posts(), 1);
}

TEST_F(OperationsTest, APassfortThatCannotBeReadSettlesNothing) {
  const GatewayWithStore gateway(passfort_, StoreUrl(), WithOperations());
  const OperationsCaller operations(gateway.process.target());
  LoseAnApplication(gateway);
  const std::string id = AllApplications()[0];
  passfort_.Script({.endpoint = Endpoint::kList,
                    .times = Fault::kAlways,
                    .carry_out = Fault::CarryOut::kNever,
                    .answer = {.status = 503}});
  EXPECT_EQ(ReasonOf(operations.SettleAsApplication("order-1", id).status), "PASSFORT_FAILED");
  EXPECT_EQ(operations.Get("order-1").response.request().state(),
            operations_pb::REQUEST_STATE_INCONCLUSIVE);
}

TEST_F(OperationsTest, PagesGoOnWhereTheLastOneEnded) {
  const GatewayWithStore gateway(passfort_, StoreUrl(), WithOperations());
  const OperationsCaller operations(gateway.process.target());
  for (const char* const id : {"order-1", "order-2", "order-3"}) LoseAnApplication(gateway, id);

  operations_pb::ListUnresolvedRequestsRequest request;
  request.set_page_size(2);
  auto page = operations.List(request);
  ASSERT_TRUE(page.status.ok()) << page.status.error_message();
  ASSERT_EQ(page.response.requests_size(), 2);
  EXPECT_EQ(page.response.requests(0).request_id(), "order-1");
  EXPECT_EQ(page.response.requests(1).request_id(), "order-2");
  request.set_page_token(page.response.next_page_token());
  page = operations.List(request);
  ASSERT_EQ(page.response.requests_size(), 1) << page.status.error_message();
  EXPECT_EQ(page.response.requests(0).request_id(), "order-3");
  EXPECT_THAT(page.response.next_page_token(), IsEmpty());

  request.set_state(operations_pb::REQUEST_STATE_UNRESOLVED);
  EXPECT_EQ(ReasonOf(operations.List(request).status), "INVALID_REQUEST")
      << "the token is of another state";
  request.clear_page_token();
  EXPECT_EQ(operations.List(request).response.requests_size(), 0);
}

TEST_F(OperationsTest, SaysWhatIsWrongWithARequest) {
  const GatewayWithStore gateway(passfort_, StoreUrl(), WithOperations());
  const OperationsCaller operations(gateway.process.target());
  const auto fields = [](const grpc::Status& status) {
    std::vector<std::string> names;
    const auto bad_request = DetailOf<google::rpc::BadRequest>(status);
    for (const auto& violation : bad_request.field_violations()) {
      names.push_back(violation.field());
    }
    return names;
  };
  operations_pb::ListUnresolvedRequestsRequest list;
  list.set_page_size(101);
  list.set_state(operations_pb::REQUEST_STATE_EXECUTED);
  EXPECT_THAT(fields(operations.List(list).status), ElementsAre("page_size", "state"));
  list.Clear();
  list.set_page_token("bm90aGluZw");
  EXPECT_THAT(fields(operations.List(list).status), ElementsAre("page_token"));
  EXPECT_THAT(fields(operations.Get("").status), ElementsAre("request_id"));
  EXPECT_THAT(fields(operations.Settle({}).status), ElementsAre("request_id", "outcome"));
  EXPECT_THAT(fields(operations.SettleAsProfile("order-1", "a/b").status),
              ElementsAre("profile_id"));
  EXPECT_THAT(fields(operations.SettleAsApplication("order-1", "a b").status),
              ElementsAre("product_application_id"));
  EXPECT_THAT(fields(operations.SettleAsNotExecuted("order-1", {"fine", ""}).status),
              ElementsAre("not_executed.candidate_ids[1]"));
  operations_pb::SettleRequestRequest of_any_attempt;
  of_any_attempt.set_request_id("order-1");
  of_any_attempt.mutable_not_executed();
  EXPECT_THAT(fields(operations.Settle(of_any_attempt).status),
              ElementsAre("not_executed.sent_at"));
  EXPECT_EQ(ReasonOf(operations.SettleAsNotExecuted("order-1").status), "REQUEST_NOT_FOUND");
}

TEST_F(OperationsTest, IsNotServedUnlessItIsAskedFor) {
  const GatewayWithStore gateway(passfort_, StoreUrl());
  EXPECT_EQ(OperationsCaller(gateway.process.target()).List().status.error_code(),
            StatusCode::UNIMPLEMENTED);
}

}  // namespace
}  // namespace gateway
