#include "tests/fake_passfort/fake_passfort.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "tests/fake_passfort/test_connection.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Pair;
using ::testing::StartsWith;
using Json = nlohmann::json;
using Ending = Reply::Ending;
using namespace std::chrono_literals;

constexpr char kProfileId[] = "a2c4393a-e219-67a4-5ab4-2186952e9038";
constexpr char kApplications[] = "/4.0/profiles/a2c4393a-e219-67a4-5ab4-2186952e9038/applications";
constexpr char kBasic[] = R"({"product": {"alias": "forexo_basic"}})";

class FakePassfortTest : public ::testing::Test {
 protected:
  Reply Add(std::string_view body = kBasic) {
    return SendOnce(passfort_.port(), "POST", kApplications, body);
  }
  Reply Get(std::string_view target) { return SendOnce(passfort_.port(), "GET", target); }
  int created() { return passfort_.counts(kProfileId).created; }
  // The late ones come when they come.
  bool WaitUntilCreated(int number) {
    return passfort_.WaitUntil([this, number] { return created() == number; });
  }

  FakePassfort passfort_;
};

std::string ErrorCode(const Reply& reply) {
  return Json::parse(reply.body)["errors"][0]["code"].dump();
}

// The API as it is without faults.

TEST_F(FakePassfortTest, AnswersANewApplicationAsTheGuideDoes) {
  const Reply reply = Add();
  ASSERT_EQ(reply.status, 200);
  EXPECT_EQ(reply.headers.at("content-type"), "application/json");
  const Json application = Json::parse(reply.body);
  EXPECT_EQ(application["status"], "APPLIED");
  EXPECT_EQ(application["flag"], "AUTOMATING");
  EXPECT_EQ(application["product"]["id"], "b0ce7c17-2cab-86e7-9a83-ebee0d4d5dc8");
  EXPECT_EQ(application["product"]["alias"], "forexo_basic");
  EXPECT_EQ(application["required_tasks"][0]["task_type"], "INDIVIDUAL_VERIFY_IDENTITY");
  EXPECT_EQ(application["approval_blockers"].size(), 2u);
  EXPECT_FALSE(application.contains("associated_role"));
  EXPECT_THAT(application["history"][0]["date"].get<std::string>(),
              MatchesRegex("[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}"));
}

TEST_F(FakePassfortTest, MakesAnotherApplicationForEveryPost) {
  TestConnection connection(passfort_.port());
  const Json first = Json::parse(connection.Send("POST", kApplications, kBasic).body);
  const Json second = Json::parse(connection.Send("POST", kApplications, kBasic).body);
  EXPECT_NE(first["id"], second["id"]);
  EXPECT_EQ(created(), 2);
}

TEST_F(FakePassfortTest, TakesProductIdsAndRoles) {
  const Reply reply = Add(R"({"product": {"id": "6CCEB65E-d86b-11e9-b8b6-7a5deda3a0a3"},
                              "associated_role": "DIRECTOR"})");
  ASSERT_EQ(reply.status, 200) << reply.body;
  EXPECT_EQ(Json::parse(reply.body)["product"]["alias"], "forexo_associate");
  EXPECT_EQ(Json::parse(reply.body)["associated_role"], "DIRECTOR");
}

struct RefusedCase {
  std::string name;
  std::string target;
  std::string body;
  std::string api_key;
  int status;
  std::string code;
};

void PrintTo(const RefusedCase& row, std::ostream* out) { *out << row.name; }

class RefusedRequestTest : public ::testing::TestWithParam<RefusedCase> {};

TEST_P(RefusedRequestTest, MakesNothing) {
  FakePassfort passfort;
  const RefusedCase& row = GetParam();
  const Reply reply = SendOnce(passfort.port(), "POST", row.target, row.body, row.api_key);
  EXPECT_EQ(reply.status, row.status);
  EXPECT_EQ(ErrorCode(reply), row.code);
  EXPECT_EQ(passfort.counts().created, 0);
}

INSTANTIATE_TEST_SUITE_P(
    FakePassfort, RefusedRequestTest,
    ::testing::Values(
        RefusedCase{"NoKey", kApplications, kBasic, "", 401, "203"},
        RefusedCase{"WrongKey", kApplications, kBasic, "other-key", 401, "204"},
        RefusedCase{"KeyInTheQuery", std::string(kApplications) + "?apikey=test-key", kBasic, "",
                    401, "203"},
        RefusedCase{"NoSuchProfile",
                    "/4.0/profiles/00000000-e219-67a4-5ab4-2186952e9038/applications", kBasic,
                    "test-key", 404, "null"},
        RefusedCase{"NoUuid", "/4.0/profiles/7/applications", kBasic, "test-key", 404, "null"},
        RefusedCase{"NoJson", kApplications, "{", "test-key", 400, "201"},
        RefusedCase{"NoProduct", kApplications, "{}", "test-key", 422, "101"},
        RefusedCase{"UnknownAlias", kApplications, R"({"product": {"alias": "x"}})", "test-key",
                    422, "201"},
        RefusedCase{"UnknownRole", kApplications,
                    R"({"product": {"alias": "forexo_basic"}, "associated_role": "KING"})",
                    "test-key", 422, "201"}),
    [](const auto& info) { return info.param.name; });

TEST_F(FakePassfortTest, MovesOnBetweenTwoGets) {
  const std::string id = Json::parse(Add().body)["id"];
  const std::string target = std::string(kApplications) + "/" + id;
  EXPECT_EQ(Json::parse(Get(target).body)["flag"], "AUTOMATING");
  EXPECT_EQ(Json::parse(Get(target).body)["flag"], "WAITING_ON_CHECKS");
  EXPECT_EQ(Json::parse(Get(kApplications).body)[0]["flag"], "REQUIRES_MANUAL_TASK_COMPLETION");
  EXPECT_EQ(Json::parse(Get(target).body)["approval_blockers"], Json::array());
}

TEST_F(FakePassfortTest, DecidesAndReverts) {
  const std::string id = Json::parse(Add().body)["id"];
  const std::string target = std::string(kApplications) + "/" + id;
  passfort_.Script({.endpoint = Endpoint::kRevert, .reverted_id = PassfortState::RevertedId::kNew});

  const Reply rejected =
      SendOnce(passfort_.port(), "POST", target, R"({"status": "REJECTED", "comment": "No"})");
  const Reply reverted = SendOnce(passfort_.port(), "POST", target + "/revert_decision");

  EXPECT_EQ(Json::parse(rejected.body)["history"][1]["comment"], "No");
  EXPECT_EQ(Json::parse(reverted.body)["status"], "APPLIED");
  EXPECT_NE(Json::parse(reverted.body)["id"], id);
  EXPECT_EQ(Json::parse(Get(target).body)["hidden"], true);
}

TEST_F(FakePassfortTest, SaysWhoTheKeyBelongsTo) {
  const Json answer = Json::parse(Get("/4.0/whoami").body);
  EXPECT_TRUE(answer["institution"].contains("id"));
  EXPECT_TRUE(answer["user"].is_null());
}

// What was seen.

TEST_F(FakePassfortTest, LogsExactlyWhatWasOnTheWire) {
  TestConnection connection(passfort_.port());
  connection.Send("POST", kApplications, kBasic);
  connection.Send("GET", "/4.0/whoami");

  const std::vector<LoggedRequest> requests = passfort_.requests();
  ASSERT_EQ(requests.size(), 2u);
  EXPECT_EQ(requests[0].method, "POST");
  EXPECT_EQ(requests[0].target, kApplications);
  EXPECT_THAT(requests[0].headers,
              ElementsAre(Pair("Host", "127.0.0.1"), Pair("apikey", "test-key"),
                          Pair("Content-Length", std::to_string(sizeof(kBasic) - 1))));
  EXPECT_EQ(requests[0].body, kBasic);
  EXPECT_TRUE(requests[0].body_complete);
  EXPECT_EQ(requests[0].answered_status, 200);
  EXPECT_EQ(requests[0].made_id, passfort_.Applications(kProfileId)[0].id);
  EXPECT_EQ(requests[1].connection, requests[0].connection);
}

TEST_F(FakePassfortTest, TellsAWholeBodyFromABrokenOne) {
  TestConnection(passfort_.port())
      .WriteRaw(std::string("POST ") + kApplications +
                " HTTP/1.1\r\napikey: test-key\r\nContent-Length: 10\r\n\r\n{\"pro");
  ASSERT_TRUE(passfort_.WaitUntil([this] {
    return !passfort_.requests().empty() && !passfort_.requests()[0].body.empty();
  })) << "waited for the broken request";
  EXPECT_EQ(passfort_.requests()[0].body, "{\"pro");
  EXPECT_FALSE(passfort_.requests()[0].body_complete);
  EXPECT_EQ(passfort_.counts().posts_begun, 1);
  EXPECT_EQ(passfort_.counts().posts_read, 0);
  EXPECT_EQ(created(), 0);
}

// When it is made, and how the exchange ends.

struct LostAnswerCase {
  std::string name;
  Fault::CarryOut carry_out;
  Fault::Then then;
  int created;
  Ending ending;
};

void PrintTo(const LostAnswerCase& row, std::ostream* out) { *out << row.name; }

class LostAnswerTest : public ::testing::TestWithParam<LostAnswerCase> {};

TEST_P(LostAnswerTest, EndsAsScriptedOnAFreshAndOnAReusedConnection) {
  const LostAnswerCase& row = GetParam();
  for (const int requests_before : {0, 1}) {
    FakePassfort passfort;
    TestConnection connection(passfort.port());
    if (requests_before == 1) connection.Send("GET", kApplications);
    passfort.Script({.endpoint = Endpoint::kAdd,
                     .carry_out = row.carry_out,
                     .send = Fault::Send::kNothing,
                     .then = row.then});

    const Reply reply = connection.Send("POST", kApplications, kBasic);

    EXPECT_EQ(reply.ending, row.ending);
    EXPECT_EQ(passfort.counts(kProfileId).created, row.created);
    EXPECT_EQ(passfort.counts().posts_read, 1);
    EXPECT_EQ(passfort.faults_waiting(), 0u);
  }
}

INSTANTIATE_TEST_SUITE_P(
    FakePassfort, LostAnswerTest,
    ::testing::Values(LostAnswerCase{"ClosesBeforeMaking", Fault::CarryOut::kNever,
                                     Fault::Then::kClose, 0, Ending::kClosed},
                      LostAnswerCase{"ResetsBeforeMaking", Fault::CarryOut::kNever,
                                     Fault::Then::kReset, 0, Ending::kReset},
                      LostAnswerCase{"ClosesAfterMaking", Fault::CarryOut::kBeforeAnswer,
                                     Fault::Then::kAsUsual, 1, Ending::kClosed},
                      LostAnswerCase{"ResetsAfterMaking", Fault::CarryOut::kBeforeAnswer,
                                     Fault::Then::kReset, 1, Ending::kReset}),
    [](const auto& info) { return info.param.name; });

TEST_F(FakePassfortTest, DropsBeforeReadingTheBody) {
  // More than the server reads with the headers: closing with unread bytes would be a reset.
  const std::string large_body(200'000, ' ');
  for (const auto& [then, ending] : {std::pair(Fault::Then::kClose, Ending::kClosed),
                                     std::pair(Fault::Then::kReset, Ending::kReset)}) {
    passfort_.Script({.read = Fault::Read::kHeaders,
                      .carry_out = Fault::CarryOut::kNever,
                      .send = Fault::Send::kNothing,
                      .then = then});
    EXPECT_EQ(Add(large_body).ending, ending);
  }
  EXPECT_EQ(passfort_.counts().posts_begun, 2);
  EXPECT_EQ(passfort_.counts().posts_read, 0);
  EXPECT_EQ(created(), 0);
}

TEST_F(FakePassfortTest, MakesItAfterTheConnectionIsGone) {
  Fault late{.endpoint = Endpoint::kAdd,
             .carry_out = Fault::CarryOut::kLate,
             .carry_out_after = std::chrono::hours(1),
             .send = Fault::Send::kNothing,
             .then = Fault::Then::kReset};
  passfort_.Script(late);
  EXPECT_EQ(Add().ending, Ending::kReset);
  EXPECT_EQ(created(), 0);

  late.carry_out_after = 20ms;
  passfort_.Script(late);
  EXPECT_EQ(Add().ending, Ending::kReset);
  EXPECT_TRUE(WaitUntilCreated(1)) << "waited for the late application";
  EXPECT_NE(passfort_.requests()[1].made_id, "");
}

TEST_F(FakePassfortTest, KeepsAConnectionWhoseApplicationIsMadeLater) {
  passfort_.Script({.endpoint = Endpoint::kAdd,
                    .carry_out = Fault::CarryOut::kLate,
                    .carry_out_after = 20ms,
                    .answer = {.status = 504}});
  TestConnection connection(passfort_.port());
  EXPECT_EQ(connection.Send("POST", kApplications, kBasic).status, 504);
  EXPECT_EQ(connection.Send("GET", "/4.0/whoami").status, 200);
  EXPECT_TRUE(WaitUntilCreated(1)) << "waited for the late application";
}

TEST_F(FakePassfortTest, HangsUntilTheClientLeavesAndMakesItThen) {
  passfort_.Script({.endpoint = Endpoint::kAdd,
                    .carry_out = Fault::CarryOut::kLate,
                    .send = Fault::Send::kNothing,
                    .then = Fault::Then::kHang});
  auto connection = std::make_unique<TestConnection>(passfort_.port());
  connection->Write("POST", kApplications, kBasic);
  ASSERT_TRUE(passfort_.WaitUntil([this] { return passfort_.counts().posts_read == 1; }))
      << "waited for the request";
  EXPECT_EQ(Get(kApplications).body, "[]");
  connection.reset();
  EXPECT_TRUE(WaitUntilCreated(1)) << "waited for the application of the client that left";
}

TEST_F(FakePassfortTest, GoesOnAfterTheClientHasLeft) {
  passfort_.Script({.endpoint = Endpoint::kAdd, .hold = Fault::Hold::kBeforeCarryingOut});
  auto connection = std::make_unique<TestConnection>(passfort_.port());
  connection->Write("POST", kApplications, kBasic);
  ASSERT_TRUE(passfort_.WaitUntil([this] { return passfort_.counts().posts_read == 1; }))
      << "waited for the request";
  connection.reset();
  EXPECT_EQ(created(), 0);
  passfort_.Release();
  EXPECT_TRUE(WaitUntilCreated(1)) << "waited for the application of the client that left";
}

TEST_F(FakePassfortTest, AnswersAnotherConnectionWhileOneIsHeld) {
  passfort_.Script({.times = 300, .hold = Fault::Hold::kBeforeAnswer});
  std::vector<std::unique_ptr<TestConnection>> held;
  for (int i = 0; i < 300; ++i) {
    held.push_back(std::make_unique<TestConnection>(passfort_.port()));
    held.back()->Write("POST", kApplications, kBasic);
  }
  ASSERT_TRUE(WaitUntilCreated(300)) << "waited for the held requests";
  EXPECT_EQ(Get("/4.0/whoami").status, 200);
  passfort_.Release();
  for (auto& connection : held) EXPECT_EQ(connection->Read().status, 200);
}

TEST_F(FakePassfortTest, ComesBackOnItsPortWithWhatItKnew) {
  Add();
  passfort_.GoAway();
  EXPECT_NE(Add().ending, Ending::kWhole);
  passfort_.ComeBack();
  EXPECT_EQ(Json::parse(Get(kApplications).body).size(), 1u);
  EXPECT_EQ(passfort_.counts().posts_begun, 1);
}

TEST(FakePassfortDelayTest, AnswersLater) {
  FakePassfort passfort(100ms);
  const auto before = std::chrono::steady_clock::now();
  EXPECT_EQ(SendOnce(passfort.port(), "GET", "/4.0/whoami").status, 200);
  EXPECT_GE(std::chrono::steady_clock::now() - before, 100ms);
}

// What is sent.

TEST_F(FakePassfortTest, AnswersWithHtmlAfterMakingIt) {
  passfort_.Script({.answer = {.status = 502, .body = "<html>Bad gateway</html>"}});
  const Reply reply = Add();
  EXPECT_EQ(reply.status, 502);
  EXPECT_EQ(reply.body, "<html>Bad gateway</html>");
  EXPECT_EQ(reply.headers.at("content-type"), "text/html");
  EXPECT_EQ(created(), 1);
}

TEST_F(FakePassfortTest, AnswersWithHtmlAndMakesNothing) {
  passfort_.Script({.carry_out = Fault::CarryOut::kNever});
  const Reply reply = Add();
  EXPECT_EQ(reply.status, 503);
  EXPECT_THAT(reply.body, StartsWith("<html>"));
  EXPECT_EQ(created(), 0);
}

TEST_F(FakePassfortTest, SendsScriptedHeaders) {
  passfort_.Script(
      {.carry_out = Fault::CarryOut::kNever,
       .answer = {.status = 429,
                  .headers = {{"X-RateLimit-Retry-Secs", "0.5"}, {"Content-Type", "text/plain"}}}});
  const Reply reply = Add();
  EXPECT_EQ(reply.status, 429);
  EXPECT_EQ(reply.headers.at("x-ratelimit-retry-secs"), "0.5");
  EXPECT_EQ(reply.headers.at("content-type"), "text/plain");
}

TEST_F(FakePassfortTest, RefusesTheSecondPostOnly) {
  passfort_.Script({.method = "POST",
                    .skip = 1,
                    .carry_out = Fault::CarryOut::kNever,
                    .answer = {.status = 409, .body = R"({"errors": {"code": 202}})"}});
  EXPECT_EQ(Add().status, 200);
  EXPECT_EQ(Add().status, 409);
  EXPECT_EQ(Add().status, 200);
  EXPECT_EQ(created(), 2);
}

TEST_F(FakePassfortTest, CutsTheBody) {
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

TEST_F(FakePassfortTest, FramesTheBodyInEveryWay) {
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

TEST_F(FakePassfortTest, CutsAChunkedBody) {
  passfort_.Script({.answer = {.framing = AnswerScript::Framing::kChunked, .cut_after = 700}});
  EXPECT_EQ(Add().ending, Ending::kCut);
}

TEST_F(FakePassfortTest, SendsALargeBodyInPieces) {
  passfort_.Script({.answer = {.pad_to = 20'000, .piece_bytes = 1'000, .piece_pause = 1ms}});
  const Reply reply = Add();
  EXPECT_EQ(reply.ending, Ending::kWhole) << reply.status;
  EXPECT_EQ(reply.body.size(), 20'000u);
  EXPECT_EQ(Json::parse(reply.body)["status"], "APPLIED");
}

TEST_F(FakePassfortTest, SendsRawBytes) {
  passfort_.Script({.answer = {.raw = "SSH-2.0-not-http\r\n"}});
  EXPECT_EQ(Add().ending, Ending::kNotHttp);
  EXPECT_EQ(created(), 1);
}

TEST_F(FakePassfortTest, ClosesAKeptConnectionWithoutAnnouncingIt) {
  passfort_.Script({.then = Fault::Then::kClose});
  TestConnection connection(passfort_.port());
  const Reply first = connection.Send("POST", kApplications, kBasic);
  EXPECT_EQ(first.ending, Ending::kWhole);
  EXPECT_EQ(first.headers.count("connection"), 0u);
  EXPECT_EQ(connection.Send("POST", kApplications, kBasic).ending, Ending::kClosed);
  EXPECT_EQ(passfort_.counts().posts_begun, 1);
}

TEST_F(FakePassfortTest, ChangesTheOrdinaryAnswer) {
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

TEST_F(FakePassfortTest, ChangesEveryItemOfAList) {
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

// Other hands.

TEST_F(FakePassfortTest, HidesAnApplicationRightAfterMakingIt) {
  passfort_.Script({.endpoint = Endpoint::kAdd, .hide = true});
  EXPECT_EQ(Json::parse(Add().body)["hidden"], false);
  EXPECT_EQ(Json::parse(Get(kApplications).body)[0]["hidden"], true);
}

TEST_F(FakePassfortTest, AnswersWithAnApplicationThatWasThereBefore) {
  const std::string id = Json::parse(Add().body)["id"];
  passfort_.Script({.endpoint = Endpoint::kAdd,
                    .carry_out = Fault::CarryOut::kNever,
                    .answer = {.existing_application = true}});
  const Reply reply = Add();
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(Json::parse(reply.body)["id"], id);
  EXPECT_EQ(created(), 1);
}

TEST_F(FakePassfortTest, LetsAStrangerAddTheSameBeforeOrAfter) {
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
