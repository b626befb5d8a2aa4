#include "tests/fake_passfort/control.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "tests/fake_passfort/fake_passfort.h"
#include "tests/fake_passfort/test_connection.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;
using Json = nlohmann::json;

constexpr char kProfileId[] = "a2c4393a-e219-67a4-5ab4-2186952e9038";
constexpr char kApplications[] = "/4.0/profiles/a2c4393a-e219-67a4-5ab4-2186952e9038/applications";
constexpr char kBasic[] = R"({"product": {"alias": "forexo_basic"}})";

class ControlTest : public ::testing::Test {
 protected:
  // Without a key: the endpoint asks for none.
  Reply Control(std::string_view method, std::string_view path, std::string_view body = "") {
    return SendOnce(passfort_.port(), method, std::string("/control").append(path), body, "");
  }
  Json State() { return Json::parse(Control("GET", "/state").body); }

  FakePassfort passfort_;
};

TEST_F(ControlTest, ScriptsFaultsAndShowsWhatTheyDid) {
  const Reply scripted = Control(
      "POST", "/faults", R"({"endpoint": "add", "answer": {"status": 502, "body": "<html>"}})");
  ASSERT_EQ(scripted.status, 200) << scripted.body;
  EXPECT_EQ(State()["faults_waiting"], 1);

  const Reply reply = SendOnce(passfort_.port(), "POST", kApplications, kBasic);

  EXPECT_EQ(reply.status, 502);
  EXPECT_EQ(reply.body, "<html>");
  const Json state = State();
  EXPECT_EQ(state["faults_waiting"], 0);
  const Json counts = {{"requests", 1},
                       {"posts_begun", 1},
                       {"posts_read", 1},
                       {"created", 1},
                       {"added_otherwise", 0},
                       {"profiles_created", 0},
                       {"by_endpoint", {{"add", 1}}}};
  EXPECT_EQ(state["counts"], counts);
  EXPECT_EQ(state["profiles"][kProfileId]["counts"], counts);
  EXPECT_EQ(state["profiles"][kProfileId]["applications"][0]["made_by"], "api");
}

TEST_F(ControlTest, ShowsTheDataOfACreatedProfile) {
  const std::string data = R"({"entity_type":"INDIVIDUAL","customer_ref":"crm-000417"})";
  const Reply created =
      SendOnce(passfort_.port(), "POST", "/4.0/profiles",
               R"({"role": "INDIVIDUAL_CUSTOMER", "collected_data": )" + data + "}");
  ASSERT_EQ(created.status, 200) << created.body;
  const Json profile = State()["profiles"][Json::parse(created.body)["id"].get<std::string>()];
  EXPECT_EQ(profile["role"], "INDIVIDUAL_CUSTOMER");
  EXPECT_EQ(profile["collected_data"], Json::parse(data));
  EXPECT_EQ(profile["counts"]["profiles_created"], 1);
  EXPECT_EQ(profile["applications"][0]["made_by"], "policy");
  EXPECT_EQ(State()["counts"]["by_endpoint"], Json({{"profile_create", 1}}));
}

TEST_F(ControlTest, RefusesAFaultItDoesNotUnderstand) {
  const Reply reply = Control("POST", "/faults", R"({"then": "explode"})");
  EXPECT_EQ(reply.status, 400);
  EXPECT_THAT(reply.body, HasSubstr("as_usual close reset hang"));
  EXPECT_EQ(passfort_.faults_waiting(), 0u);
}

TEST_F(ControlTest, ForgetsFaults) {
  Control("POST", "/faults", R"([{"times": "always"}, {"times": 7}])");
  ASSERT_EQ(passfort_.faults_waiting(), 2u);
  EXPECT_EQ(Control("DELETE", "/faults").status, 200);
  EXPECT_EQ(passfort_.faults_waiting(), 0u);
}

TEST_F(ControlTest, ForgetsEverything) {
  SendOnce(passfort_.port(), "POST", kApplications, kBasic);
  EXPECT_EQ(Control("DELETE", "/state").status, 200);
  EXPECT_EQ(State()["profiles"], Json::object());
  EXPECT_EQ(passfort_.counts().created, 0);
  EXPECT_TRUE(passfort_.requests().empty());
}

TEST_F(ControlTest, AddsAndChangesApplicationsFromOutside) {
  const Reply added = Control("POST", "/applications", R"({"made_by": "policy",
      "profile_id": "a2c4393a-e219-67a4-5ab4-2186952e9038", "product": "forexo_basic"})");
  ASSERT_EQ(added.status, 200) << added.body;
  const std::string id = Json::parse(added.body)["id"];
  const std::string path = std::string("/profiles/") + kProfileId + "/applications/" + id;
  EXPECT_EQ(Control("POST", path, R"({"status": "REJECTED", "hidden": true})").status, 200);

  const auto applications = passfort_.Applications(kProfileId);
  ASSERT_EQ(applications.size(), 1u);
  EXPECT_EQ(applications[0].made_by, MadeBy::kPolicy);
  EXPECT_EQ(applications[0].status, "REJECTED");
  EXPECT_TRUE(applications[0].hidden);
  EXPECT_EQ(passfort_.counts(kProfileId).added_otherwise, 1);
  EXPECT_EQ(passfort_.counts(kProfileId).created, 0);
}

TEST_F(ControlTest, AddsApplicationsThatShowNoAlias) {
  const Reply added = Control("POST", "/applications", R"({"shows_alias": false,
      "profile_id": "a2c4393a-e219-67a4-5ab4-2186952e9038", "product": "forexo_basic"})");
  ASSERT_EQ(added.status, 200) << added.body;
  const auto shown = [this] {
    return Json::parse(SendOnce(passfort_.port(), "GET", kApplications).body)[0]["product"];
  };
  EXPECT_FALSE(shown().contains("alias"));
  EXPECT_EQ(shown()["id"], "b0ce7c17-2cab-86e7-9a83-ebee0d4d5dc8");

  const std::string id = Json::parse(added.body)["id"];
  const std::string path = std::string("/profiles/") + kProfileId + "/applications/" + id;
  EXPECT_EQ(Control("POST", path, R"({"shows_alias": true})").status, 200);
  EXPECT_EQ(shown()["alias"], "forexo_basic");
}

TEST_F(ControlTest, MakesAnOutageOfEverything) {
  ASSERT_EQ(Control("POST", "/faults", R"({"times": "always", "carry_out": "never",
      "send": "nothing", "then": "reset"})")
                .status,
            200);
  for (const char* const target : {"/4.0/whoami", kApplications}) {
    EXPECT_EQ(SendOnce(passfort_.port(), "GET", target).ending, Reply::Ending::kReset) << target;
  }
  EXPECT_EQ(Control("DELETE", "/faults").status, 200);
  EXPECT_EQ(SendOnce(passfort_.port(), "GET", "/4.0/whoami").status, 200);
}

TEST_F(ControlTest, ShowsWhatWasOnTheWire) {
  SendOnce(passfort_.port(), "POST", kApplications, kBasic);
  const Json requests = Json::parse(Control("GET", "/requests").body);
  ASSERT_EQ(requests.size(), 1u);
  EXPECT_EQ(requests[0]["target"], kApplications);
  EXPECT_EQ(requests[0]["body"], kBasic);
  EXPECT_EQ(requests[0]["made_id"], passfort_.Applications(kProfileId)[0].id);
}

TEST_F(ControlTest, ReleasesWhatIsHeld) {
  passfort_.Script({.hold = Fault::Hold::kBeforeAnswer});
  TestConnection connection(passfort_.port());
  connection.Write("POST", kApplications, kBasic);
  ASSERT_TRUE(passfort_.WaitUntil([this] { return passfort_.counts().created == 1; }))
      << "waited for the application";
  EXPECT_EQ(Control("POST", "/release").status, 200);
  EXPECT_EQ(connection.Read().status, 200);
}

TEST_F(ControlTest, SaysThatAPathIsNotThere) {
  EXPECT_EQ(Control("GET", "/nothing").status, 404);
  EXPECT_EQ(Control("GET", "").status, 404);
}

}  // namespace
}  // namespace gateway
