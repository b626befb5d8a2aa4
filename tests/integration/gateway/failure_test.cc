// What callers are told when Passfort refuses, or when nobody can know what it did.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <vector>

#include "tests/integration/gateway/faults.h"
#include "tests/integration/gateway/gateway_fixture.h"
#include "tests/integration/gateway/sample.h"

namespace gateway {
namespace {

using namespace std::chrono_literals;
using grpc::StatusCode;

std::string MetadataOf(const grpc::Status& status, const std::string& key) {
  const auto info = DetailOf<google::rpc::ErrorInfo>(status);
  const auto found = info.metadata().find(key);
  return found == info.metadata().end() ? "" : found->second;
}

struct FailureCase {
  std::string name;
  Fault fault;
  StatusCode code;
  std::string reason;
  std::string phase;
  int created;

  friend void PrintTo(const FailureCase& shown, std::ostream* out) { *out << shown.name; }
};

FailureCase RefusedCase(std::string name, Fault fault, StatusCode code, std::string reason) {
  return {std::move(name), std::move(fault), code, std::move(reason), "ANSWERED", 0};
}

FailureCase UnknownCase(std::string name, Fault fault, std::string phase, int created) {
  return {std::move(name),   std::move(fault), StatusCode::UNKNOWN,
          "OUTCOME_UNKNOWN", std::move(phase), created};
}

std::vector<FailureCase> Refusals() {
  return {
      RefusedCase("Http400", Refuses(400, kErrorWithoutCode), StatusCode::INVALID_ARGUMENT,
                  "PASSFORT_REJECTED_INPUT"),
      RefusedCase("Http401", Refuses(401, kErrorWithoutCode), StatusCode::INTERNAL,
                  "GATEWAY_CREDENTIALS_REFUSED"),
      RefusedCase("Http403", Refuses(403, kErrorWithoutCode), StatusCode::PERMISSION_DENIED,
                  "PASSFORT_FORBIDDEN"),
      RefusedCase("Http404", Refuses(404, kErrorWithoutCode), StatusCode::NOT_FOUND,
                  "PASSFORT_NOT_FOUND"),
      RefusedCase("Http404Html", Refuses(404, HtmlPage(500)), StatusCode::NOT_FOUND,
                  "PASSFORT_NOT_FOUND"),
      RefusedCase("Http409", Refuses(409, kErrorWithoutCode), StatusCode::ALREADY_EXISTS,
                  "PASSFORT_CONFLICT"),
      RefusedCase("Http431", Refuses(431, ""), StatusCode::FAILED_PRECONDITION,
                  "PASSFORT_PRECONDITION"),
      RefusedCase("Http422WithCode201", Refuses(422, ErrorBody(201)), StatusCode::INVALID_ARGUMENT,
                  "PASSFORT_REJECTED_INPUT"),
      RefusedCase("Http200WithCode204", Refuses(200, R"({"errors": {"code": 204}})"),
                  StatusCode::INTERNAL, "GATEWAY_CREDENTIALS_REFUSED"),
      RefusedCase("Http200WithCode104", Refuses(200, ErrorBody(104)),
                  StatusCode::RESOURCE_EXHAUSTED, "QUOTA_REACHED"),
  };
}

std::vector<FailureCase> UnknownOutcomes() {
  constexpr size_t kMiB = 1024 * 1024;
  using Then = Fault::Then;
  return {
      UnknownCase("Http502WithAMegabyteOfHtml",
                  MakesAndAnswers({.status = 502, .body = HtmlPage(kMiB)}), "ANSWERED", 1),
      UnknownCase("Http500WithJson", Refuses(500, ErrorBody(401)), "ANSWERED", 0),
      UnknownCase("Http408", Refuses(408, ""), "ANSWERED", 0),
      UnknownCase("Http418", Refuses(418, ""), "ANSWERED", 0),
      UnknownCase("Http499OfSomethingThatWasMade", MakesAndAnswers({.status = 499}), "ANSWERED", 1),
      UnknownCase("Http400WithCodes201And302",
                  Refuses(400, R"({"errors": [{"code": 201}, {"code": 302}]})"), "ANSWERED", 0),
      UnknownCase("Http302", Refuses(302, "", {{"Location", "/elsewhere"}}), "ANSWERED", 0),
      UnknownCase("Http200WithHtml", MakesAndAnswers({.body = HtmlPage(500)}), "ANSWERED", 1),
      UnknownCase("Http200WithoutId", MakesAndAnswers({.remove = {"/id"}}), "ANSWERED", 1),
      UnknownCase("CutBody", MakesAndAnswers({.cut_after = 20}), "SENT", 1),
      UnknownCase("CutChunk",
                  MakesAndAnswers({.framing = AnswerScript::Framing::kChunked, .cut_after = 20}),
                  "SENT", 1),
      UnknownCase("OversizeBody", MakesAndAnswers({.pad_to = 2 * kMiB}), "SENT", 1),
      UnknownCase("NoHttp", MakesAndAnswers({.raw = "SSH-2.0-OpenSSH_9.2\r\n"}), "SENT", 1),
      UnknownCase("ResetAfterRead", MakesAndThen(Then::kReset), "SENT", 1),
      UnknownCase("CloseAfterRead", MakesAndThen(Then::kClose), "SENT", 1),
      UnknownCase("ResetBeforeMaking",
                  {.endpoint = Endpoint::kAdd,
                   .carry_out = Fault::CarryOut::kNever,
                   .send = Fault::Send::kNothing,
                   .then = Then::kReset},
                  "SENT", 0),
  };
}

class FailureTest : public ::testing::TestWithParam<FailureCase> {};

TEST_P(FailureTest, IsToldAsItIsAndNeverRepeated) {
  GatewayFixture fixture;
  fixture.passfort.Script(GetParam().fault);
  const Answered answered = fixture.caller.Add();

  EXPECT_EQ(answered.status.error_code(), GetParam().code) << answered.status.error_message();
  EXPECT_EQ(ReasonOf(answered.status), GetParam().reason);
  EXPECT_EQ(MetadataOf(answered.status, "phase"), GetParam().phase);
  EXPECT_THAT(answered.error(), IsWellFormedError());
  EXPECT_EQ(fixture.passfort.counts().posts_begun, 1);
  EXPECT_EQ(fixture.passfort.counts().created, GetParam().created);
}

// libcurl would send a POST again by itself when a connection that was used before dies.
TEST_P(FailureTest, IsTheSameOnAConnectionThatWasUsedBefore) {
  GatewayFixture fixture;
  ASSERT_TRUE(fixture.caller.Add().status.ok());
  fixture.passfort.Script(GetParam().fault);
  const Answered answered = fixture.caller.Add();

  EXPECT_EQ(answered.status.error_code(), GetParam().code) << answered.status.error_message();
  EXPECT_EQ(ReasonOf(answered.status), GetParam().reason);
  const auto requests = fixture.passfort.requests();
  ASSERT_EQ(requests.size(), 2u);
  EXPECT_EQ(requests[0].connection, requests[1].connection);
  EXPECT_EQ(fixture.passfort.counts().created, 1 + GetParam().created);
}

std::string NameOf(const ::testing::TestParamInfo<FailureCase>& info) { return info.param.name; }

INSTANTIATE_TEST_SUITE_P(Refusals, FailureTest, ::testing::ValuesIn(Refusals()), NameOf);
INSTANTIATE_TEST_SUITE_P(Unknown, FailureTest, ::testing::ValuesIn(UnknownOutcomes()), NameOf);

class RedirectTest : public ::testing::TestWithParam<int> {};

TEST_P(RedirectTest, IsNotFollowedAndNamedAsTheOperatorsToMend) {
  FakePassfort elsewhere;
  GatewayFixture fixture;
  const std::string location =
      elsewhere.url() + "/profiles/" + std::string(kProfileId) + "/applications";
  fixture.passfort.Script(Refuses(GetParam(), "", {{"Location", location}}));
  const Answered answered = fixture.caller.Add();

  EXPECT_EQ(answered.status.error_code(), StatusCode::INTERNAL);
  EXPECT_EQ(ReasonOf(answered.status), "API_URL_REDIRECTS");
  EXPECT_THAT(answered.error(), IsWellFormedError());
  EXPECT_EQ(elsewhere.counts().requests, 0);
}

INSTANTIATE_TEST_SUITE_P(Http, RedirectTest, ::testing::Values(307, 308),
                         ::testing::PrintToStringParamName());

TEST(FailureTest, AnUpstreamThatHangsIsAnUnknownOutcomeAtTheLongestDeadline) {
  // The gateway's own limit, far before the caller's: what comes is the gateway's word then.
  GatewayFixture fixture({"--default_deadline=2s", "--max_deadline=2s"});
  fixture.passfort.Script(MakesAndThen(Fault::Then::kHang));
  const Answered answered = fixture.caller.Add();

  EXPECT_EQ(answered.status.error_code(), StatusCode::UNKNOWN);
  EXPECT_EQ(ReasonOf(answered.status), "OUTCOME_UNKNOWN");
  EXPECT_EQ(MetadataOf(answered.status, "phase"), "SENT");
  EXPECT_THAT(answered.error(), IsWellFormedError());
  EXPECT_EQ(fixture.passfort.counts().posts_begun, 1);
}

TEST(FailureTest, AnAttemptEndsAtItsOwnLimitWhateverTimeTheCallerHas) {
  GatewayFixture fixture({"--attempt_timeout=1s"});
  fixture.passfort.Script(MakesAndThen(Fault::Then::kHang));
  const Answered answered = fixture.caller.Add();

  EXPECT_EQ(ReasonOf(answered.status), "OUTCOME_UNKNOWN");
  EXPECT_EQ(fixture.passfort.counts().posts_begun, 1);
}

TEST(FailureTest, TheAnswerStaysOkIfPassfortMadeItAndNamesAnError) {
  GatewayFixture fixture;
  fixture.passfort.Script(
      MakesAndAnswers({.set = {{"/errors", R"([{"code": 401, "message": "late"}])"}}}));
  EXPECT_TRUE(fixture.caller.Add().status.ok());
}

TEST(FailureTest, AFailureLeavesTheNextCallAlone) {
  GatewayFixture fixture;
  fixture.passfort.Script(MakesAndThen(Fault::Then::kReset));
  ASSERT_FALSE(fixture.caller.Add().status.ok());
  EXPECT_TRUE(fixture.caller.Add().status.ok());
}

}  // namespace
}  // namespace gateway
