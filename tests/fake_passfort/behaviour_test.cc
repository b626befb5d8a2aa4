// The switches for what Passfort's documents contradict or leave open, one test for each.

#include "tests/fake_passfort/behaviour.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/fake_passfort/fake_passfort.h"
#include "tests/fake_passfort/fake_passfort_fixture.h"
#include "tests/fake_passfort/test_connection.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Json = nlohmann::json;
using namespace std::chrono_literals;

constexpr char kProfile[] = "/4.0/profiles/a2c4393a-e219-67a4-5ab4-2186952e9038";
constexpr char kOtherProfileId[] = "b2c4393a-e219-67a4-5ab4-2186952e9038";
constexpr char kAnApplication[] = R"([{"product": {"alias": "forexo_basic"}}])";
constexpr char kTwoApplications[] =
    R"([{"product": {"alias": "forexo_basic"}}, {"product": {"alias": "forexo_business"}}])";
constexpr char kAnUnknownProduct[] =
    R"([{"product": {"alias": "forexo_basic"}}, {"product": {"alias": "forexo_gold"}}])";

std::vector<std::string> Aliases(const Json& applications) {
  std::vector<std::string> aliases;
  for (const Json& application : applications) {
    aliases.push_back(application["product"]["alias"]);
  }
  return aliases;
}

class BehaviourTest : public FakePassfortFixture {
 protected:
  // `applications` is JSON; empty: the member is left out.
  Reply Create(std::string_view applications = "") {
    Json body = {{"role", "INDIVIDUAL_CUSTOMER"},
                 {"collected_data", {{"entity_type", "INDIVIDUAL"}}}};
    if (!applications.empty()) body["applications"] = Json::parse(applications);
    return SendOnce(passfort_.port(), "POST", "/4.0/profiles", body.dump());
  }
  std::vector<std::string> AliasesOfCreate(std::string_view applications = "") {
    return Aliases(Json::parse(Create(applications).body)["applications"]);
  }
  // Of the profile that was created last, of which there is one only.
  std::vector<std::string> AliasesMade() {
    std::vector<std::string> aliases;
    for (const auto& application : passfort_.Applications(passfort_.CreatedProfiles()[0].id)) {
      aliases.emplace_back(application.product->alias);
    }
    return aliases;
  }
  std::string Flag(const std::string& target = kApplications) {
    return Json::parse(Get(target).body)[0]["flag"];
  }
  Reply Control(std::string_view method, std::string_view body = "") {
    return SendOnce(passfort_.port(), method, "/control/behaviour", body, "");
  }
};

TEST_F(BehaviourTest, AnswersACreateWith200OrWith201) {
  EXPECT_EQ(Create().status, 200);
  passfort_.Behave({.create_status = 201});
  EXPECT_EQ(Create().status, 201);
}

TEST_F(BehaviourTest, AppliesByItselfOnlyForAProfileWithNoApplication) {
  EXPECT_THAT(AliasesOfCreate(), ElementsAre("forexo_starter"));
  EXPECT_THAT(AliasesOfCreate("null"), ElementsAre("forexo_starter"));
  EXPECT_THAT(AliasesOfCreate(kAnApplication), ElementsAre("forexo_basic"));
}

TEST_F(BehaviourTest, TellsWhatAppliedByItselfFromWhatWasAskedFor) {
  const std::string id = Json::parse(Create().body)["id"];
  EXPECT_EQ(passfort_.Applications(id)[0].made_by, MadeBy::kPolicy);
  EXPECT_EQ(passfort_.counts(id).added_otherwise, 1);
}

TEST_F(BehaviourTest, NeverAppliesByItself) {
  passfort_.Behave({.auto_apply = Behaviour::AutoApply::kNever});
  EXPECT_THAT(AliasesOfCreate(), IsEmpty());
}

TEST_F(BehaviourTest, AlwaysAppliesByItselfButNotTwiceForOneProduct) {
  passfort_.Behave({.auto_apply = Behaviour::AutoApply::kAlways});
  EXPECT_THAT(AliasesOfCreate(kAnApplication), ElementsAre("forexo_basic", "forexo_starter"));
  EXPECT_THAT(AliasesOfCreate(R"([{"product": {"alias": "forexo_starter"}}])"),
              ElementsAre("forexo_starter"));
}

TEST_F(BehaviourTest, TakesAnEmptyListForNoneOrForAWish) {
  EXPECT_THAT(AliasesOfCreate("[]"), ElementsAre("forexo_starter"));
  passfort_.Behave({.empty_list_is_none = false});
  EXPECT_THAT(AliasesOfCreate("[]"), IsEmpty());
  EXPECT_THAT(AliasesOfCreate(), ElementsAre("forexo_starter"));
}

TEST_F(BehaviourTest, ShowsNoApplicationInTheAnswerToACreate) {
  passfort_.Behave({.applications_in_create_answer = Behaviour::ApplicationsInCreateAnswer::kNone});
  EXPECT_THAT(AliasesOfCreate(kTwoApplications), IsEmpty());
  EXPECT_THAT(AliasesMade(), ElementsAre("forexo_basic", "forexo_business"));
}

TEST_F(BehaviourTest, ShowsAllApplicationsButTheLastInTheAnswerToACreate) {
  passfort_.Behave(
      {.applications_in_create_answer = Behaviour::ApplicationsInCreateAnswer::kWithoutTheLast});
  EXPECT_THAT(AliasesOfCreate(kTwoApplications), ElementsAre("forexo_basic"));
  EXPECT_THAT(AliasesMade(), ElementsAre("forexo_basic", "forexo_business"));
}

TEST_F(BehaviourTest, RefusesACreateWithAnUnknownProductAsAWhole) {
  const Reply reply = Create(kAnUnknownProduct);
  EXPECT_EQ(reply.status, 422);
  EXPECT_EQ(Json::parse(reply.body)["errors"][0]["code"], 201);
  EXPECT_EQ(passfort_.counts().profiles_created, 0);
}

TEST_F(BehaviourTest, LeavesAnUnknownProductOut) {
  passfort_.Behave({.unknown_product = Behaviour::UnknownProduct::kLeaveOut});
  EXPECT_THAT(AliasesOfCreate(kAnUnknownProduct), ElementsAre("forexo_basic"));
  EXPECT_THAT(AliasesMade(), ElementsAre("forexo_basic"));
}

TEST_F(BehaviourTest, DoesNotApplyByItselfWhereAllThatWasAskedForIsLeftOut) {
  passfort_.Behave({.unknown_product = Behaviour::UnknownProduct::kLeaveOut});
  EXPECT_THAT(AliasesOfCreate(R"([{"product": {"alias": "forexo_gold"}}])"), IsEmpty());
}

TEST_F(BehaviourTest, RewritesAddressesOrShowsThemAsTheyWereSent) {
  const auto address = [this] {
    return Json::parse(Get(kProfile).body)["collected_data"]["address_history"][0]["address"];
  };
  EXPECT_EQ(address(), Json({{"type", "STRUCTURED"},
                             {"country", "GBR"},
                             {"original_freeform_address", "1 High Street, Leeds"}}));
  passfort_.Behave({.rewrites_addresses = false});
  EXPECT_EQ(address(),
            Json({{"type", "FREEFORM"}, {"country", "GBR"}, {"text", "1 High Street, Leeds"}}));
}

TEST_F(BehaviourTest, ShowsTheCreationDateOrLeavesItOut) {
  EXPECT_EQ(Json::parse(Get(kProfile).body)["creation_date"], "2019-10-03 13:48:16");
  passfort_.Behave({.shows_creation_date = false});
  EXPECT_FALSE(Json::parse(Get(kProfile).body).contains("creation_date"));
  EXPECT_FALSE(Json::parse(Create().body).contains("creation_date"));
}

TEST_F(BehaviourTest, NeverMovesAnApplicationOn) {
  passfort_.Behave({.moves_on = {.when = MovesOn::When::kNever}});
  Add();
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(Flag(), "AUTOMATING");
    Get(kProfile);
  }
}

TEST_F(BehaviourTest, MovesAnApplicationOnAsTimePasses) {
  passfort_.Behave({.moves_on = {.when = MovesOn::When::kEvery, .every = 1h}});
  Add();
  EXPECT_EQ(Flag(), "AUTOMATING");
  EXPECT_EQ(Flag(), "AUTOMATING");

  passfort_.Behave({.moves_on = {.when = MovesOn::When::kEvery, .every = 1ms}});
  const auto bound = std::chrono::steady_clock::now() + 20s;
  while (Flag() != "READY_FOR_DECISION" && std::chrono::steady_clock::now() < bound) {
  }
  EXPECT_EQ(Flag(), "READY_FOR_DECISION");
  EXPECT_EQ(passfort_.Applications(kProfileId)[0].flag, "READY_FOR_DECISION");
}

TEST_F(BehaviourTest, ShowsAnotherValueOfTheRestlessMemberInEveryAnswer) {
  passfort_.Behave({.restless_member = true, .moves_on = {.when = MovesOn::When::kNever}});
  Json first = Json::parse(Add().body);
  Json second = Json::parse(Get(kApplications).body)[0];
  EXPECT_NE(first["restless_member"], second["restless_member"]);
  first.erase("restless_member");
  second.erase("restless_member");
  EXPECT_EQ(first, second);

  const Json profile = Json::parse(Get(kProfile).body);
  EXPECT_NE(profile["restless_member"], Json::parse(Get(kProfile).body)["restless_member"]);
  EXPECT_TRUE(profile["applications"][0].contains("restless_member"));
  passfort_.Behave({});
  EXPECT_FALSE(Json::parse(Get(kProfile).body).contains("restless_member"));
}

TEST_F(BehaviourTest, KeepsTheBehaviourOfOneProfileApartFromTheOthers) {
  passfort_.Behave(kProfileId, {.moves_on = {.when = MovesOn::When::kNever}});
  passfort_.Behave({.shows_creation_date = false});
  const std::string other = std::string("/4.0/profiles/") + kOtherProfileId;
  Add();
  SendOnce(passfort_.port(), "POST", other + "/applications", kBasic);
  Flag();
  Flag(other + "/applications");

  EXPECT_EQ(Flag(), "AUTOMATING");
  EXPECT_EQ(Flag(other + "/applications"), "WAITING_ON_CHECKS");
  EXPECT_TRUE(Json::parse(Get(kProfile).body).contains("creation_date"));
  EXPECT_FALSE(Json::parse(Get(other).body).contains("creation_date"));

  passfort_.Forget(kProfileId);
  EXPECT_FALSE(Json::parse(Get(kProfile).body).contains("creation_date"));
}

// POST /control/behaviour.

TEST_F(BehaviourTest, IsTheDefaultUntilSomebodyChangesIt) {
  EXPECT_EQ(Json::parse(Control("GET").body), Json({{"create_status", 200},
                                                    {"auto_apply", "when_empty"},
                                                    {"empty_list_is_none", true},
                                                    {"applications_in_create_answer", "all"},
                                                    {"unknown_product", "refuse_all"},
                                                    {"rewrites_addresses", true},
                                                    {"creation_date", "present"},
                                                    {"moves_on", "on_read"},
                                                    {"restless_member", "off"}}));
}

TEST_F(BehaviourTest, TakesEverySwitchThroughTheControlEndpoint) {
  const Json all = {
      {"create_status", 201},           {"auto_apply", "always"},
      {"empty_list_is_none", false},    {"applications_in_create_answer", "without_the_last"},
      {"unknown_product", "leave_out"}, {"rewrites_addresses", false},
      {"creation_date", "absent"},      {"moves_on", "every 1500ms"},
      {"restless_member", "on"}};
  const Reply reply = Control("POST", all.dump());
  ASSERT_EQ(reply.status, 200) << reply.body;
  EXPECT_EQ(Json::parse(reply.body), all);
  EXPECT_EQ(Json::parse(Control("GET").body), all);

  EXPECT_EQ(Control("DELETE").status, 200);
  EXPECT_EQ(Json::parse(Control("GET").body)["create_status"], 200);
}

TEST_F(BehaviourTest, ChangesOnlyWhatIsNamed) {
  Control("POST", R"({"create_status": 201})");
  Control("POST", R"({"moves_on": "never"})");
  const Json now = Json::parse(Control("GET").body);
  EXPECT_EQ(now["create_status"], 201);
  EXPECT_EQ(now["moves_on"], "never");
}

TEST_F(BehaviourTest, ChangesOneProfileThroughTheControlEndpoint) {
  const Reply reply = Control("POST", R"({"moves_on": "never",
      "profile_id": "A2C4393A-E219-67A4-5AB4-2186952E9038"})");
  ASSERT_EQ(reply.status, 200) << reply.body;
  Add();
  Flag();
  EXPECT_EQ(Flag(), "AUTOMATING");
  EXPECT_EQ(Json::parse(Control("GET").body)["moves_on"], "on_read");
}

TEST_F(BehaviourTest, IsForgottenWithEverythingElse) {
  passfort_.Behave({.create_status = 201});
  SendOnce(passfort_.port(), "DELETE", "/control/state", "", "");
  EXPECT_EQ(Create().status, 200);
}

TEST_F(BehaviourTest, RefusesWhatItDoesNotKnowAndChangesNothing) {
  const Json before = Json::parse(Control("GET").body);
  for (const auto& [body, problem] : std::vector<std::pair<std::string, std::string>>{
           {R"({"create_status": 204})", "none of 200 201"},
           {R"({"auto_apply": "sometimes"})", "when_empty never always"},
           {R"({"create_status": 201, "moves_off": "never"})", "not known"},
           {R"({"moves_on": "every 0s"})", "every 2s"},
           {R"({"moves_on": "every"})", "every 2s"},
           {R"({"restless_member": true})", "must be string"},
           {R"({"profile_id": "7", "moves_on": "never"})", "does not exist"},
           {R"({"profile_id": "a2c4393a-e219-67a4-5ab4-2186952e9038", "create_status": 201})",
            "leave profile_id out"},
           {"7", "not an object"}}) {
    const Reply reply = Control("POST", body);
    EXPECT_EQ(reply.status, 400) << body;
    EXPECT_THAT(reply.body, HasSubstr(problem)) << body;
  }
  EXPECT_EQ(Json::parse(Control("GET").body), before);
}

}  // namespace
}  // namespace gateway
