// The API as it is without faults, and what is seen of it.

#include "tests/fake_passfort/fake_passfort.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <ostream>
#include <string>
#include <vector>

#include "tests/fake_passfort/fake_passfort_fixture.h"
#include "tests/fake_passfort/test_connection.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::MatchesRegex;
using ::testing::Pair;
using Json = nlohmann::json;
using Ending = Reply::Ending;
using namespace std::chrono_literals;

using FakePassfortTest = FakePassfortFixture;

std::string ErrorCode(const Reply& reply) {
  return Json::parse(reply.body)["errors"][0]["code"].dump();
}

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

TEST_F(FakePassfortTest, ForgetsOneProfileAndGoesOnCountingForEverything) {
  constexpr char kOther[] = "/4.0/profiles/b2c4393a-e219-67a4-5ab4-2186952e9038/applications";
  Add();
  SendOnce(passfort_.port(), "POST", kOther, kBasic);
  passfort_.Script({.profile_id = kProfileId, .answer = {.status = 500}});

  passfort_.Forget("A2C4393A-E219-67A4-5AB4-2186952E9038");

  EXPECT_TRUE(passfort_.Applications(kProfileId).empty());
  EXPECT_EQ(passfort_.counts(kProfileId).created, 0);
  EXPECT_EQ(passfort_.faults_waiting(), 0u);
  EXPECT_EQ(passfort_.Applications("b2c4393a-e219-67a4-5ab4-2186952e9038").size(), 1u);
  EXPECT_EQ(passfort_.counts().created, 2);
  EXPECT_EQ(Add().status, 200);
  EXPECT_EQ(created(), 1);
  EXPECT_EQ(passfort_.counts().created, 3);
}

TEST_F(FakePassfortTest, KeepsItsPortWhileItIsAway) {
  passfort_.GoAway();
  const int other = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(passfort_.port());
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  EXPECT_NE(bind(other, generic, sizeof(address)), 0);
  EXPECT_NE(connect(other, generic, sizeof(address)), 0);
  close(other);

  passfort_.ComeBack();
  EXPECT_EQ(Add().status, 200);
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

}  // namespace
}  // namespace gateway
