// What a list proves: with a Passfort that shows less, or something else, than it was sent, and
// with answers and lists that the store has no room for.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/integration/gateway/at_most_once_fixture.h"
#include "tests/integration/gateway/faults.h"
#include "tests/integration/gateway/nginx.h"
#include "tests/support/temporary_folder.h"

namespace gateway {
namespace {

using grpc::StatusCode;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

// Of forexo_associate.
constexpr char kOtherProductId[] = "6cceb65e-d86b-11e9-b8b6-7a5deda3a0a3";

// Every list from now on.
Fault Lists(AnswerScript answer) {
  return {.endpoint = Endpoint::kList, .times = Fault::kAlways, .answer = std::move(answer)};
}

// A list of so many applications with ids of about so many bytes.
std::string ListOf(int applications, size_t id_bytes) {
  std::string list = "[";
  for (int i = 0; i < applications; ++i) {
    const std::string id = std::to_string(i) + std::string(id_bytes, 'a');
    list += (i == 0 ? "" : ",") + (R"({"id": ")" + id + R"("})");
  }
  return list + "]";
}

class EvidenceTest : public testing::Test {
 protected:
  // Sends `request` with its response lost, twice: each time it may have been made, and nobody can
  // tell. It must have been made once.
  void ExpectUndecided(const GatewayWithStore& gateway,
                       const pb::AddProductApplicationRequest& request) {
    passfort_.Script(MakesAndThen(Fault::Then::kReset));
    for (int call = 0; call < 2; ++call) {
      const Answered answered = gateway.caller.Add(request);
      EXPECT_EQ(answered.status.error_code(), StatusCode::UNKNOWN) << "call " << call;
      EXPECT_EQ(ReasonOf(answered.status), "OUTCOME_UNKNOWN");
      EXPECT_THAT(answered.error(), IsWellFormedError());
      const auto metadata = DetailOf<google::rpc::ErrorInfo>(answered.status).metadata();
      const auto candidates = metadata.find("candidate_ids");
      ids_ = candidates == metadata.end() ? "" : candidates->second;
    }
    EXPECT_EQ(passfort_.counts().created, 1);
    EXPECT_EQ(passfort_.counts().posts_begun, 1);
  }

  std::string StoreUrl() const { return "sqlite:" + folder_.File("records.db"); }

  const TemporaryFolder folder_;
  FakePassfort passfort_;
  // The candidates of the last call.
  std::string ids_;
};

// The alias is sent, so the id is only what the caller expects, and it is wrong. Where the list
// shows ids alone, the application must not look like another product's.
TEST_F(EvidenceTest, AnIdThatTheCallerOnlyExpectedProvesNothing) {
  const GatewayWithStore gateway(passfort_, StoreUrl());
  passfort_.Script(Lists({.remove = {"/product/alias"}}));
  auto request = ARequestWithId();
  request.mutable_product()->set_id(kOtherProductId);

  ExpectUndecided(gateway, request);
  EXPECT_EQ(ids_, passfort_.Applications(kProfileId)[0].id);
}

TEST_F(EvidenceTest, AListWithoutAliasesProvesNothing) {
  const GatewayWithStore gateway(passfort_, StoreUrl());
  passfort_.Script(Lists({.remove = {"/product/alias"}}));
  ExpectUndecided(gateway, ARequestWithId());
}

TEST_F(EvidenceTest, AnotherRoleThanTheOneThatWasSentProvesNothing) {
  const GatewayWithStore gateway(passfort_, StoreUrl());
  passfort_.Script(Lists({.set = {{"/associated_role", R"("SHAREHOLDER")"}}}));
  auto request = ARequestWithId();
  request.set_associated_role(pb::ASSOCIATED_ROLE_DIRECTOR);
  ExpectUndecided(gateway, request);
}

TEST_F(EvidenceTest, AnAliasInAnotherCaseAndWithBlanksIsTheOneThatWasSent) {
  const GatewayWithStore gateway(passfort_, StoreUrl());
  passfort_.Script(Lists({.set = {{"/product/alias", R"(" Forexo_BASIC ")"}}}));
  passfort_.Script(MakesAndThen(Fault::Then::kReset));

  const Answered answered = gateway.caller.Add(ARequestWithId());

  EXPECT_TRUE(answered.status.ok()) << answered.status.error_message();
  EXPECT_THAT(answered.trailers, UnorderedElementsAre(Pair("gateway-outcome", "reconciled")));
  EXPECT_EQ(passfort_.counts().created, 1);
}

TEST_F(EvidenceTest, APartOfAListProvesNothing) {
  const GatewayWithStore gateway(passfort_, StoreUrl());
  passfort_.Script(Lists({.status = 206, .body = "[]"}));
  ExpectUndecided(gateway, ARequestWithId());
}

TEST_F(EvidenceTest, AListThatACacheHadKeptProvesNothing) {
  const GatewayWithStore gateway(passfort_, StoreUrl());
  passfort_.Script(Lists({.headers = {{"Age", "30"}}, .body = "[]"}));
  ExpectUndecided(gateway, ARequestWithId());
}

// To nginx the list is any document, because the key is in a header of Passfort's own.
TEST_F(EvidenceTest, ACacheOnTheWayIsToldThatItsCopyIsOfNoUse) {
  const std::string origin = passfort_.url().substr(0, passfort_.url().rfind('/'));
  const Nginx cache("proxy_pass " + origin + ";",
                    {.settings = "proxy_cache kept; proxy_cache_valid 200 1m; "
                                 "proxy_cache_bypass $http_cache_control;",
                     .settings_for_all = "proxy_cache_path kept keys_zone=kept:64k;"});
  auto settings = GatewayWithStore::Settings(passfort_, StoreUrl(), ShortWindows(), {});
  settings.api_url = cache.url();
  const GatewayProcess gateway(settings);
  passfort_.Script(MakesAndThen(Fault::Then::kReset));

  const Answered answered = GatewayCaller(gateway.target()).Add(ARequestWithId());

  EXPECT_TRUE(answered.status.ok()) << answered.status.error_message();
  EXPECT_THAT(answered.trailers, UnorderedElementsAre(Pair("gateway-outcome", "reconciled")));
  EXPECT_EQ(passfort_.counts().created, 1);
}

// The store cannot keep such an id, so the item counts as unreadable, and the list as not whole.
// The profile stays usable.
TEST_F(EvidenceTest, AListWithAnItemThatCannotBeReadProvesNothingAndBlocksNobody) {
  const GatewayWithStore gateway(passfort_, StoreUrl());
  passfort_.Script(Lists({.body = R"([{"id": ")" + std::string(600, 'a') + R"("}])"}));

  ExpectUndecided(gateway, ARequestWithId());
  EXPECT_EQ(ids_, "");
  EXPECT_TRUE(gateway.caller.Add(ARequestWithId("order-2")).status.ok());
}

// 17 MB of it: more than the store takes, and more than a message does.
// The store keeps ids, however large a response is.
TEST_F(EvidenceTest, ALargeAnswerLeavesTheProfileFree) {
  const GatewayWithStore gateway(
      passfort_, StoreUrl(),
      {"--max_response_bytes=64MiB", "--max_response_bytes_in_flight=128MiB"});
  const std::string large = '"' + std::string(17 * 1024 * 1024, 'x') + '"';
  passfort_.Script(MakesAndAnswers({.set = {{"/new", large}}}));

  const Answered first = gateway.caller.Add(ARequestWithId());
  ASSERT_TRUE(first.status.ok()) << first.status.error_message();
  EXPECT_THAT(first.trailers, UnorderedElementsAre(Pair("gateway-answer-shortened", "true")));

  EXPECT_TRUE(gateway.caller.Add(ARequestWithId("order-2")).status.ok()) << "the profile is free";
  const Answered again = gateway.caller.Add(ARequestWithId());
  EXPECT_TRUE(again.status.ok()) << again.status.error_message();
  EXPECT_EQ(again.response.product_application().id(), first.response.product_application().id());
  EXPECT_THAT(again.trailers, UnorderedElementsAre(Pair("gateway-replayed", "true")));
  EXPECT_EQ(passfort_.counts().created, 2);
}

TEST_F(EvidenceTest, AProfileWithTooManyApplicationsForTheStoreIsClearlyRefused) {
  const GatewayWithStore gateway(passfort_, StoreUrl(), {});
  passfort_.Script(Lists({.body = ListOf(10'000, 240)}));

  const Answered refused = gateway.caller.Add(ARequestWithId());

  EXPECT_EQ(refused.status.error_code(), StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(ReasonOf(refused.status), "QUOTA_REACHED");
  EXPECT_THAT(refused.status.error_message(),
              HasSubstr("more applications than the gateway's store"));
  EXPECT_THAT(refused.error(), IsWellFormedError());
  EXPECT_EQ(passfort_.counts().posts_begun, 0);

  passfort_.ClearFaults();
  const Answered later = gateway.caller.Add(ARequestWithId());
  EXPECT_TRUE(later.status.ok()) << later.status.error_message();
  EXPECT_THAT(later.trailers, IsEmpty());
}

// Neither "unreachable" nor "safe to retry": Passfort answers, and it stays so.
TEST_F(EvidenceTest, AListThatIsLongerThanIsReadIsSaidToBeSoAndReadOnce) {
  const GatewayWithStore gateway(passfort_, StoreUrl(), {});
  // More bytes than 4 MiB, and more values than 200,000.
  for (const std::string& list : {ListOf(10'000, 480), ListOf(100'000, 5)}) {
    passfort_.ClearFaults();
    passfort_.Script(Lists({.body = list}));
    const int lists_before = passfort_.counts().requests;

    const Answered refused = gateway.caller.Add(ARequestWithId());

    EXPECT_EQ(refused.status.error_code(), StatusCode::INTERNAL);
    EXPECT_EQ(ReasonOf(refused.status), "PASSFORT_ANSWER_UNREADABLE");
    EXPECT_THAT(refused.status.error_message(), HasSubstr("larger or deeper than the gateway"));
    EXPECT_THAT(refused.error(), IsWellFormedError());
    EXPECT_EQ(passfort_.counts().requests, lists_before + 1);
  }
  EXPECT_EQ(passfort_.counts().posts_begun, 0);

  passfort_.ClearFaults();
  const Answered later = gateway.caller.Add(ARequestWithId());
  EXPECT_TRUE(later.status.ok()) << later.status.error_message();
  EXPECT_THAT(later.trailers, IsEmpty());
}

TEST_F(EvidenceTest, AnAnswerThatIsNoListIsAskedForOnceMoreAndThenNotCalledUnreachable) {
  const GatewayWithStore gateway(passfort_, StoreUrl(), {});
  passfort_.Script(Lists({.body = HtmlPage(500)}));

  const Answered refused = gateway.caller.Add(ARequestWithId());

  EXPECT_EQ(refused.status.error_code(), StatusCode::INTERNAL);
  EXPECT_EQ(ReasonOf(refused.status), "PASSFORT_ANSWER_UNREADABLE");
  EXPECT_THAT(refused.error(), IsWellFormedError());
  EXPECT_EQ(passfort_.counts().requests, 2);

  passfort_.ClearFaults();
  auto once = Lists({.body = HtmlPage(500)});
  once.times = 1;
  passfort_.Script(std::move(once));
  EXPECT_TRUE(gateway.caller.Add(ARequestWithId()).status.ok()) << "a proxy's page, for a moment";
}

TEST_F(EvidenceTest, AListThatPassfortFailsToGiveIsNotCalledUnreachable) {
  // Half of it is for the list, and a busy machine has to answer once in that time.
  const GatewayWithStore gateway(passfort_, StoreUrl(), {"--lease_duration=4s"});
  passfort_.Script(Lists({.status = 503}));

  const Answered failed = gateway.caller.Add(ARequestWithId());

  EXPECT_EQ(failed.status.error_code(), StatusCode::UNAVAILABLE);
  EXPECT_EQ(ReasonOf(failed.status), "PASSFORT_FAILED");
  EXPECT_THAT(failed.status.error_message(), HasSubstr("HTTP 503"));
  EXPECT_THAT(failed.error(), IsWellFormedError());
  EXPECT_EQ(passfort_.counts().posts_begun, 0);
}

// Nobody can tell what became of the request. The call says so and why, and does not read the list
// again and again until its deadline.
TEST_F(EvidenceTest, AListThatIsTooLongAfterALostAnswerIsUnknownAtOnceAndSaysWhy) {
  const GatewayWithStore gateway(passfort_, StoreUrl(), {});
  auto first_list = Lists({});
  first_list.times = 1;
  passfort_.Script(std::move(first_list));
  passfort_.Script(Lists({.body = ListOf(10'000, 480)}));
  passfort_.Script(MakesAndThen(Fault::Then::kReset));

  const Answered unknown = gateway.caller.Add(ARequestWithId());

  EXPECT_EQ(unknown.status.error_code(), StatusCode::UNKNOWN);
  EXPECT_EQ(ReasonOf(unknown.status), "OUTCOME_UNKNOWN");
  EXPECT_THAT(unknown.status.error_message(), HasSubstr("larger or deeper than the gateway"));
  EXPECT_THAT(unknown.error(), IsWellFormedError());
  EXPECT_EQ(passfort_.counts().requests, 3) << "two lists and what was sent";

  passfort_.ClearFaults();
  const Answered found = gateway.caller.Add(ARequestWithId());
  EXPECT_TRUE(found.status.ok()) << found.status.error_message();
  EXPECT_THAT(found.trailers, UnorderedElementsAre(Pair("gateway-outcome", "reconciled")));
  EXPECT_EQ(passfort_.counts().created, 1);
}

}  // namespace
}  // namespace gateway
