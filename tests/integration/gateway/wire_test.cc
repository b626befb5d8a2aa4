// What leaves the gateway for Passfort, and what is read of the response.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cctype>
#include <nlohmann/json.hpp>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "service/base/version.h"
#include "tests/integration/gateway/gateway_fixture.h"
#include "tests/integration/gateway/sample.h"

namespace gateway {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using ::testing::IsEmpty;
using ::testing::MatchesRegex;
using ::testing::Pair;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

json BodySentFor(const pb::AddProductApplicationRequest& request) {
  GatewayFixture fixture;
  const Answered answered = fixture.caller.Add(request);
  EXPECT_TRUE(answered.status.ok()) << answered.status.error_message();
  const auto requests = fixture.passfort.requests();
  if (requests.size() != 1) return "not one request";
  return json::parse(requests[0].body);
}

TEST(WireTest, AnswersTheGuidesCallWithTheApplicationThatPassfortMade) {
  GatewayFixture fixture;
  const Answered answered = fixture.caller.Add();

  ASSERT_TRUE(answered.status.ok()) << answered.status.error_message();
  EXPECT_THAT(answered.trailers, IsEmpty());
  const auto made = fixture.passfort.Applications(kProfileId);
  ASSERT_THAT(made, SizeIs(1));
  const auto& application = answered.response.product_application();
  EXPECT_EQ(application.id(), made[0].id);
  EXPECT_EQ(application.product().alias(), "forexo_basic");
  EXPECT_EQ(application.status(), pb::PRODUCT_APPLICATION_STATUS_APPLIED);
  EXPECT_EQ(application.flag(), pb::PRODUCT_APPLICATION_FLAG_AUTOMATING);
}

TEST(WireTest, SendsOnePostWithTheseHeadersAndNoOthers) {
  GatewayFixture fixture;
  ASSERT_TRUE(fixture.caller.Add().status.ok());

  const auto requests = fixture.passfort.requests();
  ASSERT_THAT(requests, SizeIs(1));
  EXPECT_EQ(requests[0].method, "POST");
  EXPECT_EQ(requests[0].target, std::string("/4.0/profiles/") + kProfileId + "/applications");
  std::vector<std::pair<std::string, std::string>> headers = requests[0].headers;
  for (auto& [name, value] : headers) {
    for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  EXPECT_THAT(headers, UnorderedElementsAre(
                           Pair("host", "127.0.0.1:" + std::to_string(fixture.passfort.port())),
                           Pair("traceparent", MatchesRegex("00-[0-9a-f]{32}-[0-9a-f]{16}-00")),
                           Pair("apikey", "test-key"), Pair("content-type", "application/json"),
                           Pair("accept", "application/json"),
                           Pair("user-agent", std::string("passfort-gateway/") + kVersion),
                           Pair("content-length", std::to_string(requests[0].body.size()))));
}

TEST(WireTest, SendsTheProductAloneIfNoRoleIsGiven) {
  EXPECT_EQ(BodySentFor(ARequest()), json({{"product", {{"alias", "forexo_basic"}}}}));
}

TEST(WireTest, SendsTheRoleIfOneIsGiven) {
  auto request = ARequest();
  request.set_associated_role(pb::ASSOCIATED_ROLE_BENEFICIAL_OWNER);
  EXPECT_EQ(BodySentFor(request), json({{"product", {{"alias", "forexo_basic"}}},
                                        {"associated_role", "BENEFICIAL_OWNER"}}));
}

TEST(WireTest, SendsTheIdOfTheProductIfThereIsNoAlias) {
  auto request = ARequest();
  request.mutable_product()->clear_alias();
  request.mutable_product()->set_id("b0ce7c17-2cab-86e7-9a83-ebee0d4d5dc8");
  EXPECT_EQ(BodySentFor(request),
            json({{"product", {{"id", "b0ce7c17-2cab-86e7-9a83-ebee0d4d5dc8"}}}}));
}

TEST(WireTest, SendsTheAliasOfTheProductIfBothAreGiven) {
  auto request = ARequest();
  request.mutable_product()->set_id("b0ce7c17-2cab-86e7-9a83-ebee0d4d5dc8");
  EXPECT_EQ(BodySentFor(request), json({{"product", {{"alias", "forexo_basic"}}}}));
}

// Every way to write one valid answer.
struct AnswerForm {
  std::string name;
  AnswerScript script;

  friend void PrintTo(const AnswerForm& shown, std::ostream* out) { *out << shown.name; }
};

std::string PrettyGuideJson() { return json::parse(GuideJson()).dump(4) + "\r\n"; }

std::string RawAnswer(const std::string& head, const std::string& body) {
  return head + "\r\n\r\n" + body;
}

std::vector<AnswerForm> AnswerForms() {
  using Framing = AnswerScript::Framing;
  const std::string body = GuideJson();
  const std::string length = std::to_string(body.size());
  return {
      {"ContentLength", {.body = body}},
      {"Chunked", {.body = body, .framing = Framing::kChunked}},
      {"ConnectionClose", {.body = body, .framing = Framing::kConnectionClose}},
      {"Created", {.status = 201, .body = body}},
      {"Accepted", {.status = 202, .body = body}},
      {"Pretty", {.body = PrettyGuideJson()}},
      {"SpacesBehind", {.body = body, .pad_to = 100'000}},
      {"ByteByByte", {.body = body, .piece_bytes = 1}},
      {"ChunkedByteByByte", {.body = body, .framing = Framing::kChunked, .piece_bytes = 1}},
      {"OtherContentType", {.headers = {{"Content-Type", "text/plain"}}, .body = body}},
      {"Http10", {.raw = RawAnswer("HTTP/1.0 200 OK", body)}},
      {"NoReason", {.raw = RawAnswer("HTTP/1.1 200 \r\ncontent-length:" + length, body)}},
      {"AfterContinue",
       {.raw = "HTTP/1.1 100 Continue\r\n\r\n" +
               RawAnswer("HTTP/1.1 200 OK\r\nCONTENT-LENGTH: " + length, body)}},
  };
}

class AnswerFormTest : public ::testing::TestWithParam<AnswerForm> {};

TEST_P(AnswerFormTest, IsRead) {
  GatewayFixture fixture;
  fixture.passfort.Script({.endpoint = Endpoint::kAdd, .answer = GetParam().script});
  const Answered answered = fixture.caller.Add();

  ASSERT_TRUE(answered.status.ok()) << answered.status.error_message();
  EXPECT_THAT(answered.response, EqualsText(GuideResponse()));
  EXPECT_EQ(fixture.passfort.counts().posts_begun, 1);
}

INSTANTIATE_TEST_SUITE_P(Forms, AnswerFormTest, ::testing::ValuesIn(AnswerForms()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace gateway
