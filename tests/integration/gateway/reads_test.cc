// GetProductApplication, ListProductApplications and GetProfile, whatever Passfort does.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <ostream>
#include <string>
#include <vector>

#include "tests/integration/gateway/faults.h"
#include "tests/integration/gateway/gateway_fixture.h"
#include "tests/support/read_caller.h"

namespace gateway {
namespace {

using namespace std::chrono_literals;
using grpc::StatusCode;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr char kApplicationId[] = "edc23993-eb6a-9d89-bb79-5b8925b33224";
constexpr char kOtherId[] = "0dc23993-eb6a-9d89-bb79-5b8925b33220";

std::vector<std::string> IdsOf(const pb::ListProductApplicationsResponse& list) {
  std::vector<std::string> ids;
  for (const auto& application : list.product_applications()) ids.push_back(application.id());
  return ids;
}

// Every read is answered like this.
Fault EachGet(AnswerScript answer) {
  return {.method = "GET", .times = Fault::kAlways, .answer = std::move(answer)};
}

Fault EachGetThen(Fault::Then then) {
  return {.method = "GET", .times = Fault::kAlways, .send = Fault::Send::kNothing, .then = then};
}

// The next one is.
Fault OneGet(AnswerScript answer) { return {.method = "GET", .answer = std::move(answer)}; }

TEST(ReadsTest, ReturnAnApplicationAsItIs) {
  GatewayFixture fixture;
  const std::string id =
      fixture.passfort.AddOtherwise(kProfileId, "forexo_basic", "", MadeBy::kPortalUser);
  const ReadCaller caller(fixture.gateway.target());

  const auto got = caller.Get(kProfileId, id);

  ASSERT_TRUE(got.status.ok()) << got.status.error_message();
  const pb::ProductApplication& application = got.response.product_application();
  EXPECT_EQ(application.id(), id);
  EXPECT_EQ(application.product().alias(), "forexo_basic");
  EXPECT_EQ(application.etag().size(), 22);
  EXPECT_THAT(got.trailers, IsEmpty());
}

TEST(ReadsTest, ListInPassfortsOrderAndHiddenOnesOnlyIfAskedFor) {
  GatewayFixture fixture;
  std::vector<std::string> ids;
  for (int i = 0; i < 3; ++i) {
    ids.push_back(
        fixture.passfort.AddOtherwise(kProfileId, "forexo_basic", "", MadeBy::kPortalUser));
  }
  ASSERT_TRUE(fixture.passfort.SetHidden(kProfileId, ids[1], true));
  const ReadCaller caller(fixture.gateway.target());

  EXPECT_EQ(IdsOf(caller.List(kProfileId).response), (std::vector{ids[0], ids[2]}));
  EXPECT_EQ(IdsOf(caller.List(kProfileId, ReadCaller::Hidden::kIncluded).response), ids);
  EXPECT_TRUE(caller.Get(kProfileId, ids[1]).response.product_application().hidden());
}

TEST(ReadsTest, ListNothingOfAProfileWithoutApplications) {
  GatewayFixture fixture;
  fixture.passfort.Script(EachGet({.status = 200, .body = "[]"}));
  const auto listed = ReadCaller(fixture.gateway.target()).List(kProfileId);
  EXPECT_TRUE(listed.status.ok()) << listed.status.error_message();
  EXPECT_THAT(IdsOf(listed.response), IsEmpty());
}

TEST(ReadsTest, ReturnAProfileWithItsApplicationsAndNothingLost) {
  GatewayFixture fixture;
  fixture.passfort.Script(EachGet({.status = 200, .body = R"({
      "id": "A2C4393A-e219-67a4-5ab4-2186952e9038", "role": "INDIVIDUAL_CUSTOMER",
      "display_name": "Ada Okafor", "category": "APPLICANT", "status": "NORMAL",
      "creation_date": "2024-03-11 09:26:53", "tags": ["vip"],
      "applications": [{"id": "a1", "status": "APPLIED", "weight": 2}, {"id": "a2"}],
      "collected_data": {"entity_type": "INDIVIDUAL", "linked": {"applications": [{"id": "x"}]}}
  })"}));

  const auto got = ReadCaller(fixture.gateway.target()).GetProfile(kProfileId);

  ASSERT_TRUE(got.status.ok()) << got.status.error_message();
  pb::Profile profile = got.response.profile();
  for (auto& application : *profile.mutable_product_applications()) {
    EXPECT_EQ(application.etag().size(), 22);
    application.clear_etag();
  }
  EXPECT_THAT(profile, EqualsText(R"pb(
                id: "A2C4393A-e219-67a4-5ab4-2186952e9038"
                role: PROFILE_ROLE_INDIVIDUAL_CUSTOMER
                display_name: "Ada Okafor"
                category: PROFILE_CATEGORY_APPLICANT
                status: PROFILE_STATUS_NORMAL
                creation_date { seconds: 1710149213 }
                product_applications {
                  id: "a1"
                  status: PRODUCT_APPLICATION_STATUS_APPLIED
                  unmapped {
                    fields {
                      key: "weight"
                      value { number_value: 2 }
                    }
                  }
                }
                product_applications { id: "a2" }
                collected_data {
                  fields {
                    key: "entity_type"
                    value { string_value: "INDIVIDUAL" }
                  }
                  fields {
                    key: "linked"
                    value {
                      struct_value {
                        fields {
                          key: "applications"
                          value {
                            list_value {
                              values {
                                struct_value {
                                  fields {
                                    key: "id"
                                    value { string_value: "x" }
                                  }
                                }
                              }
                            }
                          }
                        }
                      }
                    }
                  }
                }
                unmapped {
                  fields {
                    key: "tags"
                    value { list_value { values { string_value: "vip" } } }
                  }
                })pb"));
}

TEST(ReadsTest, ReturnAProfileAsItIs) {
  GatewayFixture fixture;
  const std::string id =
      fixture.passfort.AddOtherwise(kProfileId, "forexo_basic", "", MadeBy::kPortalUser);

  const auto got = ReadCaller(fixture.gateway.target()).GetProfile(kProfileId);

  ASSERT_TRUE(got.status.ok()) << got.status.error_message();
  EXPECT_EQ(got.response.profile().id(), kProfileId);
  ASSERT_EQ(got.response.profile().product_applications_size(), 1);
  EXPECT_EQ(got.response.profile().product_applications(0).id(), id);
  EXPECT_TRUE(got.response.profile().has_collected_data());
}

TEST(ReadsTest, NameEveryWrongField) {
  GatewayFixture fixture;
  const ReadCaller caller(fixture.gateway.target());
  const auto got = caller.Get("7", "");
  EXPECT_EQ(got.status.error_code(), StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(ReasonOf(got.status), "INVALID_REQUEST");
  EXPECT_EQ(DetailOf<google::rpc::BadRequest>(got.status).field_violations_size(), 2);
  EXPECT_EQ(ReasonOf(caller.List("../whoami").status), "INVALID_REQUEST");
  EXPECT_EQ(ReasonOf(caller.GetProfile("").status), "INVALID_REQUEST");
  EXPECT_THAT(fixture.passfort.requests(), IsEmpty());
}

struct ReadFailureCase {
  std::string name;
  Fault fault;
  StatusCode code;
  std::string reason;
  std::string words = "";

  friend void PrintTo(const ReadFailureCase& shown, std::ostream* out) { *out << shown.name; }
};

std::vector<ReadFailureCase> Failures() {
  constexpr size_t kMiB = 1024 * 1024;
  using Then = Fault::Then;
  const auto failed = [](std::string name, AnswerScript answer) -> ReadFailureCase {
    return {std::move(name), EachGet(std::move(answer)), StatusCode::UNAVAILABLE,
            "PASSFORT_FAILED"};
  };
  const auto unreachable = [](std::string name, Fault fault) -> ReadFailureCase {
    return {std::move(name), std::move(fault), StatusCode::UNAVAILABLE, "PASSFORT_UNREACHABLE"};
  };
  const auto unreadable = [](std::string name, AnswerScript answer) -> ReadFailureCase {
    return {std::move(name), EachGet(std::move(answer)), StatusCode::INTERNAL,
            "PASSFORT_ANSWER_UNREADABLE"};
  };
  return {
      failed("Http500", {.status = 500, .body = ErrorBody(401)}),
      failed("Http502WithAMegabyteOfHtml", {.status = 502, .body = HtmlPage(kMiB)}),
      failed("Http503", {.status = 503, .body = ""}),
      failed("Http408", {.status = 408, .body = ""}),
      failed("Http499", {.status = 499, .body = ""}),
      failed("Http302", {.status = 302, .headers = {{"Location", "/elsewhere"}}, .body = ""}),
      failed("Http200WithCode302", {.status = 200, .body = ErrorBody(302)}),
      unreachable("Reset", EachGetThen(Then::kReset)),
      unreachable("Close", EachGetThen(Then::kClose)),
      unreachable("CutBody", EachGet({.status = 200, .body = HtmlPage(500), .cut_after = 20})),
      unreachable("NoHttp", EachGet({.raw = "SSH-2.0-OpenSSH_9.2\r\n"})),
      {"Hang", EachGetThen(Then::kHang), StatusCode::DEADLINE_EXCEEDED, "READ_UNANSWERED"},
      {"Http429", EachGet({.status = 429, .body = ""}), StatusCode::RESOURCE_EXHAUSTED,
       "RATE_LIMITED"},
      {"Http429ForAMinute",
       EachGet({.status = 429, .headers = {{"Retry-After", "60"}}, .body = ""}),
       StatusCode::RESOURCE_EXHAUSTED, "RATE_LIMITED"},
      unreadable("Http200WithHtml", {.status = 200, .body = HtmlPage(500)}),
      unreadable("Http200WithCutJson", {.status = 200, .body = R"({"id": "a)"}),
      unreadable("Http200WithAnotherShape", {.status = 200, .body = R"({"no": "id"})"}),
      unreadable("Http200WithAnotherType", {.status = 200, .body = R"("text")"}),
      unreadable("Http200WithNothing", {.status = 200, .body = ""}),
      unreadable("Oversize", {.status = 200, .body = "{}", .pad_to = 5 * kMiB}),
      unreadable("Http206", {.status = 206, .body = R"([{"id": "a"}])"}),
      unreadable("FromACache", {.status = 200, .headers = {{"Age", "7"}}, .body = "[]"}),
      {"Http400", EachGet({.status = 400, .body = kErrorWithoutCode}), StatusCode::INVALID_ARGUMENT,
       "PASSFORT_REJECTED_INPUT"},
      {"Http401", EachGet({.status = 401, .body = kErrorWithoutCode}), StatusCode::INTERNAL,
       "GATEWAY_CREDENTIALS_REFUSED"},
      {"Http403", EachGet({.status = 403, .body = kErrorWithoutCode}),
       StatusCode::PERMISSION_DENIED, "PASSFORT_FORBIDDEN"},
      {"Http404", EachGet({.status = 404, .body = kErrorWithoutCode}), StatusCode::NOT_FOUND,
       "PASSFORT_NOT_FOUND", "no such profile"},
      {"Http404ThatIsNotPassforts", EachGet({.status = 404, .body = HtmlPage(500)}),
       StatusCode::NOT_FOUND, "PASSFORT_NOT_FOUND", "check api_url"},
      {"Http308", EachGet({.status = 308, .headers = {{"Location", "/elsewhere"}}, .body = ""}),
       StatusCode::INTERNAL, "API_URL_REDIRECTS"},
      {"Http200WithCode104", EachGet({.status = 200, .body = ErrorBody(104)}),
       StatusCode::RESOURCE_EXHAUSTED, "QUOTA_REACHED"},
  };
}

class FailingReadTest : public ::testing::TestWithParam<ReadFailureCase> {};

// An error with our ErrorInfo came from the gateway, so before the caller's deadline.
TEST_P(FailingReadTest, IsToldWithItsReasonInsideTheDeadline) {
  std::vector<std::string> flags = {"--circuit_breaker=off"};
  if (GetParam().reason == "READ_UNANSWERED") flags = EndsEveryCallWithin2s();
  GatewayFixture fixture(std::move(flags));
  fixture.passfort.Script(GetParam().fault);
  const ReadCaller caller(fixture.gateway.target());
  auto got = std::async([&] { return caller.Get(kProfileId, kApplicationId).error(); });
  auto listed = std::async([&] { return caller.List(kProfileId).error(); });
  auto profile = std::async([&] { return caller.GetProfile(kProfileId).error(); });
  const std::vector<ReceivedError> errors = {got.get(), listed.get(), profile.get()};

  for (const ReceivedError& error : errors) {
    EXPECT_EQ(error.status.error_code(), GetParam().code) << error.status.error_message();
    EXPECT_EQ(ReasonOf(error.status), GetParam().reason) << error.status.error_message();
    EXPECT_THAT(error.status.error_message(), HasSubstr(GetParam().words));
    EXPECT_THAT(error, IsWellFormedError());
  }
}

INSTANTIATE_TEST_SUITE_P(Each, FailingReadTest, ::testing::ValuesIn(Failures()),
                         [](const auto& info) { return info.param.name; });

TEST(ReadsTest, GoOnAfterFailuresThatPass) {
  GatewayFixture fixture;
  const std::string id =
      fixture.passfort.AddOtherwise(kProfileId, "forexo_basic", "", MadeBy::kPortalUser);
  const ReadCaller caller(fixture.gateway.target());
  const std::vector<Fault> faults = {
      OneGet({.status = 503, .body = HtmlPage(500)}),
      OneGet({.status = 200, .body = ErrorBody(302)}),
      OneGet({.status = 200, .body = HtmlPage(500)}),
      OneGet({.status = 429, .headers = {{"X-RateLimit-Retry-Secs", "0.1"}}, .body = ""}),
      {.method = "GET", .send = Fault::Send::kNothing, .then = Fault::Then::kReset}};
  for (const Fault& fault : faults) {
    fixture.passfort.Script(fault);
    EXPECT_TRUE(caller.Get(kProfileId, id).status.ok());
    EXPECT_EQ(fixture.passfort.faults_waiting(), 0);
    fixture.passfort.Script(fault);
    EXPECT_EQ(IdsOf(caller.List(kProfileId).response), std::vector{id});
    EXPECT_EQ(fixture.passfort.faults_waiting(), 0);
  }
}

TEST(ReadsTest, AskOnceMoreForWhatCannotBeRead) {
  GatewayFixture fixture;
  fixture.passfort.Script(EachGet({.status = 200, .body = HtmlPage(500)}));
  const auto got = ReadCaller(fixture.gateway.target()).Get(kProfileId, kApplicationId);
  EXPECT_EQ(ReasonOf(got.status), "PASSFORT_ANSWER_UNREADABLE");
  EXPECT_EQ(DetailOf<google::rpc::ErrorInfo>(got.status).metadata().at("retry_end"), "exhausted");
  EXPECT_EQ(fixture.passfort.requests().size(), 2);
}

TEST(ReadsTest, SayWhatCameBeforeTheSilence) {
  GatewayFixture fixture(EndsEveryCallWithin2s());
  fixture.passfort.Script(OneGet({.status = 503, .body = ""}));
  fixture.passfort.Script(EachGetThen(Fault::Then::kHang));
  const auto got = ReadCaller(fixture.gateway.target()).Get(kProfileId, kApplicationId);
  EXPECT_EQ(ReasonOf(got.status), "PASSFORT_FAILED");
  const auto metadata = DetailOf<google::rpc::ErrorInfo>(got.status).metadata();
  EXPECT_EQ(metadata.at("http_status"), "503");
  EXPECT_EQ(metadata.at("retry_end"), "out_of_time");
  fixture.gateway.WaitForLogLine("\"retry_end\":\"out_of_time\"");
}

// An attempt has a limit of its own.
TEST(ReadsTest, AskAgainWhenAnAttemptHadItsTime) {
  GatewayFixture fixture({"--attempt_timeout=200ms"});
  const std::string id =
      fixture.passfort.AddOtherwise(kProfileId, "forexo_basic", "", MadeBy::kPortalUser);
  fixture.passfort.Script(
      {.method = "GET", .send = Fault::Send::kNothing, .then = Fault::Then::kHang});
  EXPECT_TRUE(ReadCaller(fixture.gateway.target()).Get(kProfileId, id).status.ok());
}

TEST(ReadsTest, AreRefusedAtOnceWhileTheCircuitIsOpen) {
  GatewayFixture fixture;
  fixture.passfort.GoAway();
  const ReadCaller caller(fixture.gateway.target(), 3s);
  const auto last = [&] { return ReasonOf(caller.Get(kProfileId, kApplicationId).status); };
  while (fixture.gateway.Counter("passfort_circuit_open", {}) == 0) last();
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(last(), "PASSFORT_UNREACHABLE");
  EXPECT_LT(std::chrono::steady_clock::now() - start, 3s) << "it was tried until the deadline";
}

struct ListCase {
  std::string name;
  std::string body;
};

class UnusableListTest : public ::testing::TestWithParam<ListCase> {};

TEST_P(UnusableListTest, IsAnErrorAndNeverAShorterList) {
  GatewayFixture fixture;
  fixture.passfort.Script(EachGet({.status = 200, .body = GetParam().body}));
  const auto listed = ReadCaller(fixture.gateway.target()).List(kProfileId);
  EXPECT_EQ(ReasonOf(listed.status), "PASSFORT_ANSWER_UNREADABLE");
}

INSTANTIATE_TEST_SUITE_P(
    Each, UnusableListTest,
    ::testing::Values(ListCase{"ItemWithoutId", R"([{"id": "a"}, {"status": "APPLIED"}])"},
                      ListCase{"ItemWithEmptyId", R"([{"id": ""}])"},
                      ListCase{"ItemWithIdOfAnotherType", R"([{"id": 7}])"},
                      ListCase{"NullItem", R"([{"id": "a"}, null])"},
                      ListCase{"ListInIt", R"([[{"id": "a"}]])"},
                      ListCase{"OfAnotherProfile", R"([{"id": "a", "profile_id": "b"}])"}),
    [](const auto& info) { return info.param.name; });

TEST(ReadsTest, TakeNothingThatBelongsToAnother) {
  GatewayFixture fixture;
  const ReadCaller caller(fixture.gateway.target());
  const std::string other = std::string(R"({"id": ")") + kOtherId + R"("})";
  fixture.passfort.Script(EachGet({.status = 200, .body = other}));
  EXPECT_EQ(ReasonOf(caller.Get(kProfileId, kApplicationId).status), "PASSFORT_ANSWER_UNREADABLE");
  EXPECT_EQ(ReasonOf(caller.GetProfile(kProfileId).status), "PASSFORT_ANSWER_UNREADABLE");
}

TEST(ReadsTest, LeaveOutWhatDoesNotFitIntoAMessage) {
  constexpr size_t kLarge = 3'900'000;
  GatewayFixture fixture({"--max_response_bytes=8MiB"});
  const ReadCaller caller(fixture.gateway.target());
  const std::string application = std::string(R"({"id": ")") + kApplicationId +
                                  R"(", "status": "APPLIED", "large": ")" +
                                  std::string(kLarge, 'x') + R"("})";
  const auto is_shortened = [](const auto& read) {
    return read.trailers.contains("gateway-answer-shortened");
  };
  fixture.passfort.Script(OneGet({.status = 200, .body = application}));
  const auto got = caller.Get(kProfileId, kApplicationId);
  EXPECT_TRUE(is_shortened(got)) << got.status.error_message();
  EXPECT_FALSE(got.response.product_application().has_unmapped());
  EXPECT_EQ(got.response.product_application().status(), pb::PRODUCT_APPLICATION_STATUS_APPLIED);

  fixture.passfort.Script(OneGet({.status = 200, .body = "[" + application + "]"}));
  const auto listed = caller.List(kProfileId);
  EXPECT_TRUE(is_shortened(listed)) << listed.status.error_message();
  EXPECT_EQ(IdsOf(listed.response), std::vector<std::string>{kApplicationId});

  fixture.passfort.Script(
      OneGet({.status = 200,
              .body = std::string(R"({"id": ")") + kProfileId +
                      R"(", "collected_data": {"customer_ref": "c"}, "applications": [)" +
                      application + "]}"}));
  const auto profile = caller.GetProfile(kProfileId);
  EXPECT_TRUE(is_shortened(profile)) << profile.status.error_message();
  EXPECT_TRUE(profile.response.profile().has_collected_data());
  EXPECT_EQ(profile.response.profile().product_applications_size(), 1);
}

// A base URL without /4.0 is answered by something else, and that says nothing of the profile.
TEST(NotFoundTest, NamesApiUrlWhereTheBodyIsNotPassforts) {
  GatewayFixture fixture;
  fixture.passfort.Script(Refuses(404, HtmlPage(500)));
  const Answered foreign = fixture.caller.Add();
  EXPECT_EQ(ReasonOf(foreign.status), "PASSFORT_NOT_FOUND");
  EXPECT_THAT(foreign.status.error_message(), HasSubstr("check api_url"));
  EXPECT_THAT(foreign.status.error_message(), Not(HasSubstr("no such profile")));

  fixture.passfort.Script(Refuses(404, kErrorWithoutCode));
  const Answered own = fixture.caller.Add();
  EXPECT_THAT(own.status.error_message(), HasSubstr("no such profile"));
  EXPECT_THAT(own.status.error_message(), Not(HasSubstr("api_url")));
}

}  // namespace
}  // namespace gateway
