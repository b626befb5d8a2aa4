// What is sent, and what other hands do to a profile.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "tests/fake_passfort/fake_passfort.h"
#include "tests/fake_passfort/fake_passfort_fixture.h"
#include "tests/fake_passfort/test_connection.h"

namespace gateway {
namespace {

using ::testing::StartsWith;
using Json = nlohmann::json;
using Ending = Reply::Ending;
using namespace std::chrono_literals;

using ScriptedAnswerTest = FakePassfortFixture;

TEST_F(ScriptedAnswerTest, AnswersWithHtmlAfterMakingIt) {
  passfort_.Script({.answer = {.status = 502, .body = "<html>Bad gateway</html>"}});
  const Reply reply = Add();
  EXPECT_EQ(reply.status, 502);
  EXPECT_EQ(reply.body, "<html>Bad gateway</html>");
  EXPECT_EQ(reply.headers.at("content-type"), "text/html");
  EXPECT_EQ(created(), 1);
}

TEST_F(ScriptedAnswerTest, AnswersWithHtmlAndMakesNothing) {
  passfort_.Script({.carry_out = Fault::CarryOut::kNever});
  const Reply reply = Add();
  EXPECT_EQ(reply.status, 503);
  EXPECT_THAT(reply.body, StartsWith("<html>"));
  EXPECT_EQ(created(), 0);
}

TEST_F(ScriptedAnswerTest, SendsScriptedHeaders) {
  passfort_.Script(
      {.carry_out = Fault::CarryOut::kNever,
       .answer = {.status = 429,
                  .headers = {{"X-RateLimit-Retry-Secs", "0.5"}, {"Content-Type", "text/plain"}}}});
  const Reply reply = Add();
  EXPECT_EQ(reply.status, 429);
  EXPECT_EQ(reply.headers.at("x-ratelimit-retry-secs"), "0.5");
  EXPECT_EQ(reply.headers.at("content-type"), "text/plain");
}

TEST_F(ScriptedAnswerTest, RefusesTheSecondPostOnly) {
  passfort_.Script({.method = "POST",
                    .skip = 1,
                    .carry_out = Fault::CarryOut::kNever,
                    .answer = {.status = 409, .body = R"({"errors": {"code": 202}})"}});
  EXPECT_EQ(Add().status, 200);
  EXPECT_EQ(Add().status, 409);
  EXPECT_EQ(Add().status, 200);
  EXPECT_EQ(created(), 2);
}

TEST_F(ScriptedAnswerTest, CutsTheBody) {
  for (const auto& [then, ending] : {std::pair(Fault::Then::kAsUsual, Ending::kCut),
                                     std::pair(Fault::Then::kReset, Ending::kReset)}) {
    passfort_.Script({.answer = {.cut_after = 10}, .then = then});
    const Reply reply = Add();
    EXPECT_EQ(reply.ending, ending);
  }
  passfort_.Script({.answer = {.cut_after = 10}});
  EXPECT_EQ(Add().body.size(), 10u);
  EXPECT_EQ(created(), 3);
}

TEST_F(ScriptedAnswerTest, FramesTheBodyInEveryWay) {
  using Framing = AnswerScript::Framing;
  for (const Framing framing :
       {Framing::kContentLength, Framing::kChunked, Framing::kConnectionClose}) {
    passfort_.Script({.answer = {.framing = framing}});
    const Reply reply = Add();
    EXPECT_EQ(reply.ending, Ending::kWhole);
    EXPECT_EQ(Json::parse(reply.body)["status"], "APPLIED");
    EXPECT_EQ(reply.headers.count("content-length"), framing == Framing::kContentLength ? 1u : 0u);
    EXPECT_EQ(reply.headers.count("transfer-encoding"), framing == Framing::kChunked ? 1u : 0u);
  }
}

TEST_F(ScriptedAnswerTest, CutsAChunkedBody) {
  passfort_.Script({.answer = {.framing = AnswerScript::Framing::kChunked, .cut_after = 700}});
  EXPECT_EQ(Add().ending, Ending::kCut);
}

TEST_F(ScriptedAnswerTest, SendsALargeBodyInPieces) {
  passfort_.Script({.answer = {.pad_to = 20'000, .piece_bytes = 1'000, .piece_pause = 1ms}});
  const Reply reply = Add();
  EXPECT_EQ(reply.ending, Ending::kWhole) << reply.status;
  EXPECT_EQ(reply.body.size(), 20'000u);
  EXPECT_EQ(Json::parse(reply.body)["status"], "APPLIED");
}

TEST_F(ScriptedAnswerTest, SendsRawBytes) {
  passfort_.Script({.answer = {.raw = "SSH-2.0-not-http\r\n"}});
  EXPECT_EQ(Add().ending, Ending::kNotHttp);
  EXPECT_EQ(created(), 1);
}

TEST_F(ScriptedAnswerTest, ClosesAKeptConnectionWithoutAnnouncingIt) {
  passfort_.Script({.then = Fault::Then::kClose});
  TestConnection connection(passfort_.port());
  const Reply first = connection.Send("POST", kApplications, kBasic);
  EXPECT_EQ(first.ending, Ending::kWhole);
  EXPECT_EQ(first.headers.count("connection"), 0u);
  EXPECT_EQ(connection.Send("POST", kApplications, kBasic).ending, Ending::kClosed);
  EXPECT_EQ(passfort_.counts().posts_begun, 1);
}

TEST_F(ScriptedAnswerTest, ChangesTheOrdinaryAnswer) {
  passfort_.Script({.answer = {.set = {{"/status", R"("PAUSED")"},
                                       {"/flag_history", "null"},
                                       {"/risk_band/score", "41.5"}},
                               .remove = {"/flag", "/product/alias", "/not/there"},
                               .upper_case_ids = true}});
  const Json answer = Json::parse(Add().body);
  EXPECT_EQ(answer["status"], "PAUSED");
  EXPECT_TRUE(answer["flag_history"].is_null());
  EXPECT_EQ(answer["risk_band"]["score"], 41.5);
  EXPECT_FALSE(answer.contains("flag"));
  EXPECT_FALSE(answer["product"].contains("alias"));
  EXPECT_EQ(answer["product"]["id"], "B0CE7C17-2CAB-86E7-9A83-EBEE0D4D5DC8");
  EXPECT_EQ(passfort_.Applications(kProfileId)[0].status, "APPLIED");
}

TEST_F(ScriptedAnswerTest, ChangesEveryItemOfAList) {
  Add();
  Add();
  passfort_.Script({.endpoint = Endpoint::kList,
                    .answer = {.set = {{"/hidden", "null"}}, .remove = {"/product/alias"}}});
  const Json list = Json::parse(Get(kApplications).body);
  ASSERT_EQ(list.size(), 2u);
  for (const Json& item : list) {
    EXPECT_TRUE(item["hidden"].is_null());
    EXPECT_FALSE(item["product"].contains("alias"));
  }
}

TEST_F(ScriptedAnswerTest, HidesAnApplicationRightAfterMakingIt) {
  passfort_.Script({.endpoint = Endpoint::kAdd, .hide = true});
  EXPECT_EQ(Json::parse(Add().body)["hidden"], false);
  EXPECT_EQ(Json::parse(Get(kApplications).body)[0]["hidden"], true);
}

TEST_F(ScriptedAnswerTest, AnswersWithAnApplicationThatWasThereBefore) {
  const std::string id = Json::parse(Add().body)["id"];
  passfort_.Script({.endpoint = Endpoint::kAdd,
                    .carry_out = Fault::CarryOut::kNever,
                    .answer = {.existing_application = true}});
  const Reply reply = Add();
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(Json::parse(reply.body)["id"], id);
  EXPECT_EQ(created(), 1);
}

TEST_F(ScriptedAnswerTest, LetsAStrangerAddTheSameBeforeOrAfter) {
  passfort_.Script({.endpoint = Endpoint::kAdd,
                    .stranger = Fault::Stranger::kBefore,
                    .stranger_is = MadeBy::kPolicy});
  passfort_.Script({.endpoint = Endpoint::kAdd,
                    .carry_out = Fault::CarryOut::kNever,
                    .stranger = Fault::Stranger::kAfter});
  Add(R"({"product": {"alias": "forexo_associate"}, "associated_role": "PARTNER"})");
  Add();

  const std::vector<FakeApplication> made = passfort_.Applications(kProfileId);
  ASSERT_EQ(made.size(), 3u);
  EXPECT_EQ(made[0].made_by, MadeBy::kPolicy);
  EXPECT_EQ(made[0].product->alias, "forexo_associate");
  EXPECT_EQ(made[0].associated_role, "PARTNER");
  EXPECT_EQ(made[1].made_by, MadeBy::kApi);
  EXPECT_EQ(made[2].made_by, MadeBy::kPortalUser);
  EXPECT_EQ(made[2].product->alias, "forexo_basic");
  EXPECT_EQ(created(), 1);
  EXPECT_EQ(passfort_.counts().added_otherwise, 2);
}

}  // namespace
}  // namespace gateway
