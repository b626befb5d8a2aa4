// The REST client against a fake Passfort: one call is one request, and what comes back is read as
// it is.
#include "service/passfort/rest_transport.h"

#include <gmock/gmock.h>

#include <fstream>
#include <mutex>
#include <string>

#include "absl/strings/str_cat.h"
#include "service/passfort/mapping/application_list.h"
#include "tests/integration/passfort/passfort_fixture.h"
#include "tests/support/raw_http_server.h"
#include "tests/support/temporary_file.h"

namespace gateway {
namespace {

using std::chrono::operator""ms;
using std::chrono::operator""s;
using testing::HasSubstr;

class RestTransportTest : public testing::Test {
 protected:
  FakePassfort& passfort() { return bench_.passfort(); }
  WriteAttempt Create(std::optional<BootTime> send_before = std::nullopt) {
    return bench_.Create(send_before);
  }
  ListOutcome List(std::string profile_id = kProfileId) {
    return bench_.List(std::move(profile_id));
  }
  std::vector<ListedApplication> ListOrDie() {
    return std::get<ApplicationList>(List()).applications;
  }

  PassfortFixture bench_;
};

TEST_F(RestTransportTest, ListsWhatAProfileHas) {
  EXPECT_TRUE(ListOrDie().empty());
  const std::string first =
      passfort().AddOtherwise(kProfileId, "forexo_basic", "", MadeBy::kPortalUser);
  const std::string second =
      passfort().AddOtherwise(kProfileId, "forexo_associate", "DIRECTOR", MadeBy::kPolicy);
  ASSERT_TRUE(passfort().SetHidden(kProfileId, first, true));

  const auto list = ListOrDie();
  ASSERT_EQ(list.size(), 2u);
  EXPECT_EQ(list[0].id, first);
  EXPECT_EQ(list[0].product_alias, "forexo_basic");
  EXPECT_EQ(list[0].product_id, "b0ce7c17-2cab-86e7-9a83-ebee0d4d5dc8");
  EXPECT_EQ(list[0].associated_role, "");
  EXPECT_EQ(ApplicationOf(list[0]).status(), pb::PRODUCT_APPLICATION_STATUS_APPLIED);
  EXPECT_EQ(list[1].id, second);
  EXPECT_EQ(list[1].associated_role, "DIRECTOR");
  EXPECT_EQ(ApplicationOf(list[1]).associated_role(), pb::ASSOCIATED_ROLE_DIRECTOR);

  const auto requests = passfort().requests();
  EXPECT_EQ(requests.back().method, "GET");
  EXPECT_EQ(requests.back().target,
            "/4.0/profiles/a2c4393a-e219-67a4-5ab4-2186952e9038/applications");
}

TEST_F(RestTransportTest, ListsItemsInUpperCaseAndWithoutAlias) {
  const std::string id =
      passfort().AddOtherwise(kProfileId, "forexo_basic", "", MadeBy::kPortalUser);
  passfort().Script({.endpoint = Endpoint::kList,
                     .answer = {.remove = {"/product/alias"}, .upper_case_ids = true}});
  const auto list = ListOrDie();
  ASSERT_EQ(list.size(), 1u);
  EXPECT_EQ(list[0].id, id);
  EXPECT_EQ(list[0].product_alias, "");
  EXPECT_EQ(list[0].product_id, "b0ce7c17-2cab-86e7-9a83-ebee0d4d5dc8");
}

TEST_F(RestTransportTest, DoesNotUseAListOfAnotherProfile) {
  passfort().Script({.endpoint = Endpoint::kList,
                     .answer = {.body = R"([{"id": "a1", "profile_id": "another"}])"}});
  const ListOutcome outcome = List();
  ASSERT_TRUE(std::holds_alternative<NotExecuted>(outcome));
  EXPECT_EQ(std::get<NotExecuted>(outcome).cause, NotExecuted::Cause::kUnreadable);

  passfort().Script(
      {.endpoint = Endpoint::kList,
       .answer = {.body = absl::StrCat(R"([{"id": "a1", "profile_id": ")", kProfileId, "\"}]")}});
  EXPECT_EQ(ListOrDie().size(), 1U);
}

TEST_F(RestTransportTest, TakesAListLongerThanOtherAnswers) {
  passfort().AddOtherwise(kProfileId, "forexo_basic", "", MadeBy::kPortalUser);
  passfort().Script(
      {.endpoint = Endpoint::kList, .answer = {.pad_to = kListApplications.max_response_bytes}});
  EXPECT_EQ(ListOrDie().size(), 1u);
  passfort().Script({.endpoint = Endpoint::kList,
                     .answer = {.pad_to = kListApplications.max_response_bytes + 1}});
  EXPECT_TRUE(std::holds_alternative<NotExecuted>(List()));
}

TEST_F(RestTransportTest, TakesNoPartOfAListForTheWhole) {
  passfort().AddOtherwise(kProfileId, "forexo_basic", "", MadeBy::kPortalUser);
  passfort().Script({.endpoint = Endpoint::kList, .answer = {.cut_after = 100}});
  EXPECT_TRUE(std::holds_alternative<NotExecuted>(List()));
}

TEST_F(RestTransportTest, TellsARefusedListFromAFailedOne) {
  const auto missing = std::get<Refused>(List("00000000-e219-67a4-5ab4-2186952e9038"));
  EXPECT_EQ(missing.response.http_status, 404);

  passfort().Script({.endpoint = Endpoint::kList,
                     .carry_out = Fault::CarryOut::kNever,
                     .answer = {.status = 502}});
  EXPECT_EQ(std::get<NotExecuted>(List()).response->http_status, 502);
}

TEST_F(RestTransportTest, TakesNoCopyThatACacheKeptForTheListOfThisMoment) {
  const auto lists_with = [](std::string age) -> Fault {
    return {.endpoint = Endpoint::kList, .answer = {.headers = {{"Age", std::move(age)}}}};
  };
  passfort().Script(lists_with("0"));
  EXPECT_TRUE(std::get<ApplicationList>(List()).is_complete);
  passfort().Script(lists_with("30"));
  EXPECT_FALSE(std::get<ApplicationList>(List()).is_complete);
}

TEST_F(RestTransportTest, KeepsTheBodyBackWhenTheRightToSendHasEnded) {
  const auto attempt = Create(BootNow());
  const auto* not_executed = std::get_if<NotExecuted>(&attempt.outcome);
  ASSERT_NE(not_executed, nullptr);
  EXPECT_EQ(not_executed->cause, NotExecuted::Cause::kSendGateClosed);
  EXPECT_EQ(passfort().counts().posts_read, 0);
  EXPECT_TRUE(passfort().Applications(kProfileId).empty());

  EXPECT_TRUE(std::holds_alternative<Done>(Create(BootNow() + 60s).outcome));
}

TEST_F(RestTransportTest, AsksWhetherPassfortAnswers) {
  EXPECT_TRUE(bench_.Probe());
  for (const int status : {500, 503, 408}) {
    passfort().Script({.endpoint = Endpoint::kWhoami, .answer = {.status = status}});
    EXPECT_FALSE(bench_.Probe()) << status;
  }
  for (const int status : {401, 403, 429}) {
    passfort().Script({.endpoint = Endpoint::kWhoami, .answer = {.status = status}});
    EXPECT_TRUE(bench_.Probe()) << status;
  }
  passfort().Script(
      {.endpoint = Endpoint::kWhoami, .send = Fault::Send::kNothing, .then = Fault::Then::kHang});
  const auto asked = passfort().requests().size();
  EXPECT_FALSE(bench_.Probe(300ms));
  EXPECT_EQ(passfort().requests().size(), asked + 1) << "it was sent, and had no answer";
  passfort().GoAway();
  EXPECT_FALSE(bench_.Probe());
}

TEST_F(RestTransportTest, AsksOnAFreshConnection) {
  List();
  const auto opened = bench_.connections_opened();
  EXPECT_TRUE(bench_.Probe());
  EXPECT_EQ(bench_.connections_opened(), opened + 1);
}

TEST_F(RestTransportTest, CountsEveryRequestByEndpointAndOutcome) {
  List();
  List("00000000-e219-67a4-5ab4-2186952e9038");
  bench_.Probe();
  const std::string text = bench_.metrics().Text();
  EXPECT_THAT(text, HasSubstr("passfort_requests_total{endpoint=\"GET "
                              "/profiles/{profile_id}/applications\",outcome=\"done\"} 1"));
  EXPECT_THAT(text, HasSubstr("passfort_requests_total{endpoint=\"GET "
                              "/profiles/{profile_id}/applications\",outcome=\"refused\"} 1"));
  EXPECT_THAT(text, HasSubstr("passfort_requests_total{endpoint=\"GET /whoami\","
                              "outcome=\"done\"} 1"));
}

// A server that knows one key at a time, and a client that reads its key from a file.
class ChangedKeyTest : public testing::Test {
 protected:
  void ChangeKey(const std::string& key) {
    std::ofstream(file_.path()) << key;
    const std::lock_guard lock(mutex_);
    known_key_ = key;
  }
  WriteAttempt Create() {
    const ApplicationDraft draft = PassfortFixture::ADraft();
    const CallContext context{.deadline = PassfortFixture::In(30s)};
    return RunTask(*loop_, [&] { return client_.CreateApplication(draft, context, std::nullopt); });
  }
  ListOutcome List() {
    const CallContext context{.deadline = PassfortFixture::In(30s)};
    return RunTask(*loop_, [&] { return client_.ListApplications(kProfileId, context); });
  }

  void Serve(RawConnection& connection) {
    while (const auto request = connection.ReadRequest()) {
      const std::lock_guard lock(mutex_);
      if (request->Header("apikey") != known_key_) {
        connection.Answer(refusal_status_, refusal_);
      } else {
        connection.Answer(200, request->method == "POST" ? R"({"id": "a1"})" : "[]");
      }
    }
  }

  std::mutex mutex_;
  std::string known_key_ = "first";  // guarded by mutex_
  int refusal_status_ = 401;
  std::string refusal_ = "no";
  TemporaryFile file_{"first"};
  RawHttpServer server_{[this](RawConnection& connection) { Serve(connection); }};
  const std::unique_ptr<EventLoop> loop_ = *EventLoop::Create();
  const std::unique_ptr<Log> log_ = Log::Discard();
  Metrics metrics_;
  ResponseMemory memory_{*loop_, size_t{64} * 1024 * 1024, metrics_};
  LoopClock clock_{*loop_};
  const std::unique_ptr<RandomSource> random_ = MakeSystemRandom();
  TraceIds trace_ids_{*random_};
  const std::unique_ptr<ApiKeySource> key_ = *ApiKeySource::FromFile(file_.path());
  const std::unique_ptr<CurlHttpClient> http_ =
      *CurlHttpClient::Create(*loop_, memory_, metrics_, {});
  RestTransport rest_{
      {.api_url = server_.Url()}, *http_, memory_, *key_, clock_, trace_ids_, metrics_, *log_};
  ProductApplicationClient client_{rest_};
};

TEST_F(ChangedKeyTest, IsLookedAtAsSoonAsTheOldOneIsRefused) {
  ASSERT_TRUE(std::holds_alternative<Done>(Create().outcome));
  ChangeKey("second");
  EXPECT_TRUE(std::holds_alternative<Done>(Create().outcome));
  ChangeKey("third");
  EXPECT_TRUE(std::holds_alternative<ApplicationList>(List()));
}

TEST_F(ChangedKeyTest, IsLookedAtWhateverTheStatusIfPassfortNamesTheKey) {
  refusal_status_ = 400;
  refusal_ = R"({"errors": [{"code": 204, "message": "invalid key"}]})";
  ASSERT_TRUE(std::holds_alternative<Done>(Create().outcome));
  ChangeKey("second");
  EXPECT_TRUE(std::holds_alternative<Done>(Create().outcome));
}

TEST_F(ChangedKeyTest, IsToldByGaugesAlsoWithoutARequest) {
  const auto look = [this] { loop_->RunAndWait([this] { rest_.LookAtKey(); }); };
  const auto failing = [this] {
    return metrics_.Text().find("\npassfort_gateway_api_key_file_failing 1\n") != std::string::npos;
  };
  EXPECT_FALSE(failing());
  EXPECT_THAT(metrics_.Text(), HasSubstr("\npassfort_gateway_api_key_loaded_timestamp_seconds 1"));
  std::ofstream(file_.path()) << "";
  look();
  EXPECT_TRUE(failing());
}

TEST_F(ChangedKeyTest, IsTriedOnce) {
  ASSERT_TRUE(std::holds_alternative<Done>(Create().outcome));
  ChangeKey("second");
  {
    const std::lock_guard lock(mutex_);
    known_key_ = "another";
  }
  EXPECT_TRUE(std::holds_alternative<Refused>(Create().outcome));
  EXPECT_TRUE(std::holds_alternative<Refused>(Create().outcome)) << "and the same key never again";
  EXPECT_LE(server_.requests().size(), 4U);
}

}  // namespace
}  // namespace gateway
