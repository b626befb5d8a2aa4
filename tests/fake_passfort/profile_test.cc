// POST /profiles and GET /profiles/{profile_id}, without faults and with them.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>
#include <ostream>
#include <string>
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

constexpr char kAda[] = R"({"role": "INDIVIDUAL_CUSTOMER",
    "collected_data": {"entity_type": "INDIVIDUAL", "customer_ref": "crm-000417",
                       "personal_details": {"name": {"given_names": ["Ada", "May"],
                                                     "family_name": "Okafor"},
                                            "dob": "1990-04-17"},
                       "contact_details": {"email": "ada@example.com"}},
    "applications": [{"product": {"alias": "forexo_basic"}}]})";

std::string ProfileTarget(const std::string& profile_id) { return "/4.0/profiles/" + profile_id; }

class ProfileTest : public FakePassfortFixture {
 protected:
  Reply Create(std::string_view body = kAda) {
    return SendOnce(passfort_.port(), "POST", "/4.0/profiles", body);
  }
  int profiles_created() { return passfort_.counts().profiles_created; }
  bool WaitUntilProfiles(int number) {
    return passfort_.WaitUntil([this, number] { return profiles_created() == number; });
  }
};

TEST_F(ProfileTest, CreatesAProfileWithItsApplications) {
  const Reply reply = Create();

  ASSERT_EQ(reply.status, 200) << reply.body;
  const Json profile = Json::parse(reply.body);
  EXPECT_EQ(profile["role"], "INDIVIDUAL_CUSTOMER");
  EXPECT_EQ(profile["display_name"], "Ada May Okafor");
  EXPECT_EQ(profile["collected_data"], Json::parse(kAda)["collected_data"]);
  ASSERT_EQ(profile["applications"].size(), 1u);
  EXPECT_EQ(profile["applications"][0]["product"]["alias"], "forexo_basic");
  EXPECT_EQ(profile["applications"][0]["status"], "APPLIED");
  EXPECT_EQ(profile["applications"][0]["flag"], "AUTOMATING");
  EXPECT_EQ(profile["tasks"][0]["state"], "INCOMPLETE");
  EXPECT_EQ(profile["task_progress"]["total_count"], 1);

  const std::string id = profile["id"];
  const Reply list = Get(ProfileTarget(id) + "/applications");
  EXPECT_EQ(Json::parse(list.body)[0]["id"], profile["applications"][0]["id"]);
  const std::vector<FakeProfile> created = passfort_.CreatedProfiles();
  ASSERT_EQ(created.size(), 1u);
  EXPECT_EQ(created[0].id, id);
  EXPECT_EQ(passfort_.requests()[0].made_id, id);
}

TEST_F(ProfileTest, CreatesAnotherProfileForEveryPost) {
  EXPECT_NE(Json::parse(Create().body)["id"], Json::parse(Create().body)["id"]);
  EXPECT_EQ(profiles_created(), 2);
}

TEST_F(ProfileTest, ShowsACreatedProfileAsItIsNow) {
  const std::string id = Json::parse(Create().body)["id"];
  EXPECT_EQ(Json::parse(Get(ProfileTarget(id)).body)["applications"][0]["flag"], "AUTOMATING");
  const Json profile = Json::parse(Get(ProfileTarget(id)).body);
  EXPECT_EQ(profile["id"], id);
  EXPECT_EQ(profile["collected_data"]["customer_ref"], "crm-000417");
  EXPECT_EQ(profile["applications"][0]["flag"], "WAITING_ON_CHECKS");
}

TEST_F(ProfileTest, CompletesTheTasksOfAnApplicationThatIsReadyForADecision) {
  const std::string id = Json::parse(Create().body)["id"];
  for (int i = 0; i < 3; ++i) Get(ProfileTarget(id));
  const Json profile = Json::parse(Get(ProfileTarget(id)).body);
  EXPECT_EQ(profile["applications"][0]["flag"], "READY_FOR_DECISION");
  EXPECT_EQ(profile["tasks"][0]["state"], "COMPLETED_PASS");
  EXPECT_EQ(profile["task_progress"], Json({{"completed_count", 1}, {"total_count", 1}}));
}

TEST_F(ProfileTest, ShowsAPlainProfileThatNobodyCreated) {
  Add();
  const Reply reply = Get(ProfileTarget("A2C4393A-E219-67A4-5AB4-2186952E9038"));
  ASSERT_EQ(reply.status, 200);
  const Json profile = Json::parse(reply.body);
  EXPECT_EQ(profile["id"], kProfileId);
  EXPECT_EQ(profile["role"], "INDIVIDUAL_CUSTOMER");
  EXPECT_EQ(profile["collected_data"]["entity_type"], "INDIVIDUAL");
  EXPECT_EQ(profile["applications"].size(), 1u);
  EXPECT_TRUE(passfort_.CreatedProfiles().empty());
  EXPECT_EQ(Get(ProfileTarget("00000000-e219-67a4-5ab4-2186952e9038")).status, 404);
  EXPECT_EQ(Get(ProfileTarget("not-a-uuid")).status, 404);
}

TEST_F(ProfileTest, FindsTheNameOfACompanyByItsNumber) {
  const Reply reply = Create(R"({"role": "COMPANY_CUSTOMER",
      "collected_data": {"entity_type": "COMPANY",
                         "metadata": {"country_of_incorporation": "GBR", "number": "09565115"}}})");
  ASSERT_EQ(reply.status, 200) << reply.body;
  EXPECT_EQ(Json::parse(reply.body)["display_name"], "Company 09565115");
}

TEST_F(ProfileTest, ForgetsACreatedProfile) {
  const std::string id = Json::parse(Create().body)["id"];
  passfort_.Forget(id);
  EXPECT_TRUE(passfort_.CreatedProfiles().empty());
  EXPECT_FALSE(Json::parse(Get(ProfileTarget(id)).body)["collected_data"].contains("customer_ref"));
}

TEST_F(ProfileTest, CountsEachEndpointForItself) {
  const std::string id = Json::parse(Create().body)["id"];
  Create("{");
  for (int i = 0; i < 3; ++i) Get(ProfileTarget(id));
  Get(ProfileTarget(kProfileId));
  Get(ProfileTarget(id) + "/applications");

  const Counts all = passfort_.counts();
  EXPECT_EQ(all.profiles_created, 1);
  EXPECT_EQ(all.requests_to(Endpoint::kProfileCreate), 2);
  EXPECT_EQ(all.requests_to(Endpoint::kProfileGet), 4);
  EXPECT_EQ(all.requests_to(Endpoint::kList), 1);
  EXPECT_EQ(all.requests_to(Endpoint::kAdd), 0);
  EXPECT_EQ(all.created, 0) << "counts POST .../applications alone";
  const Counts of_it = passfort_.counts(id);
  EXPECT_EQ(of_it.profiles_created, 1);
  EXPECT_EQ(of_it.requests_to(Endpoint::kProfileGet), 3);
}

struct RefusedProfileCase {
  std::string name;
  std::string body;
  int status;
  int code;
};

void PrintTo(const RefusedProfileCase& row, std::ostream* out) { *out << row.name; }

class RefusedProfileTest : public ::testing::TestWithParam<RefusedProfileCase> {};

TEST_P(RefusedProfileTest, CreatesNothing) {
  FakePassfort passfort;
  const Reply reply = SendOnce(passfort.port(), "POST", "/4.0/profiles", GetParam().body);
  EXPECT_EQ(reply.status, GetParam().status);
  EXPECT_EQ(Json::parse(reply.body)["errors"][0]["code"], GetParam().code);
  EXPECT_EQ(passfort.counts().profiles_created, 0);
  EXPECT_TRUE(passfort.CreatedProfiles().empty());
}

INSTANTIATE_TEST_SUITE_P(
    FakePassfort, RefusedProfileTest,
    ::testing::Values(
        RefusedProfileCase{"NoJson", "{", 400, 201}, RefusedProfileCase{"AList", "[]", 400, 201},
        RefusedProfileCase{"NoRole", R"({"collected_data": {"entity_type": "COMPANY"}})", 422, 101},
        RefusedProfileCase{"UnknownRole",
                           R"({"role": "KING", "collected_data": {"entity_type": "COMPANY"}})", 422,
                           201},
        RefusedProfileCase{"NoData", R"({"role": "COMPANY_CUSTOMER"})", 422, 101},
        RefusedProfileCase{"NoEntityType", R"({"role": "COMPANY_CUSTOMER", "collected_data": {}})",
                           422, 101},
        RefusedProfileCase{
            "UnknownEntityType",
            R"({"role": "COMPANY_CUSTOMER", "collected_data": {"entity_type": "CLUB"}})", 422, 201},
        RefusedProfileCase{
            "ApplicationsThatAreNoList",
            R"({"role": "COMPANY_CUSTOMER", "collected_data": {"entity_type": "COMPANY"},
                "applications": {}})",
            422, 201},
        RefusedProfileCase{
            "NoProduct",
            R"({"role": "COMPANY_CUSTOMER", "collected_data": {"entity_type": "COMPANY"},
                "applications": [{"product": {"alias": "forexo_basic"}}, 7]})",
            422, 101},
        RefusedProfileCase{
            "UnknownAssociatedRole",
            R"({"role": "COMPANY_CUSTOMER", "collected_data": {"entity_type": "COMPANY"},
                "applications": [{"product": {"alias": "forexo_basic"},
                                  "associated_role": "KING"}]})",
            422, 201}),
    [](const auto& info) { return info.param.name; });

TEST(ProfileKeyTest, NeedsTheKey) {
  FakePassfort passfort;
  EXPECT_EQ(SendOnce(passfort.port(), "POST", "/4.0/profiles", kAda, "").status, 401);
  EXPECT_EQ(SendOnce(passfort.port(), "GET", ProfileTarget(kProfileId), "", "other").status, 401);
  EXPECT_EQ(passfort.counts().profiles_created, 0);
}

// Faults.

struct LostProfileCase {
  std::string name;
  Fault::CarryOut carry_out;
  Fault::Then then;
  int created;
  Ending ending;
};

void PrintTo(const LostProfileCase& row, std::ostream* out) { *out << row.name; }

class LostProfileTest : public ::testing::TestWithParam<LostProfileCase> {};

TEST_P(LostProfileTest, EndsAsScripted) {
  const LostProfileCase& row = GetParam();
  FakePassfort passfort;
  passfort.Script({.endpoint = Endpoint::kProfileCreate,
                   .carry_out = row.carry_out,
                   .send = Fault::Send::kNothing,
                   .then = row.then});

  const Reply reply = SendOnce(passfort.port(), "POST", "/4.0/profiles", kAda);

  EXPECT_EQ(reply.ending, row.ending);
  EXPECT_EQ(passfort.counts().profiles_created, row.created);
  EXPECT_EQ(passfort.counts().requests_to(Endpoint::kProfileCreate), 1);
  EXPECT_EQ(passfort.faults_waiting(), 0u);
}

INSTANTIATE_TEST_SUITE_P(
    FakePassfort, LostProfileTest,
    ::testing::Values(LostProfileCase{"ClosesBeforeCreating", Fault::CarryOut::kNever,
                                      Fault::Then::kClose, 0, Ending::kClosed},
                      LostProfileCase{"ResetsAfterCreating", Fault::CarryOut::kBeforeAnswer,
                                      Fault::Then::kReset, 1, Ending::kReset}),
    [](const auto& info) { return info.param.name; });

TEST_F(ProfileTest, CreatesItAfterTheConnectionIsGone) {
  passfort_.Script({.endpoint = Endpoint::kProfileCreate,
                    .carry_out = Fault::CarryOut::kLate,
                    .carry_out_after = 20ms,
                    .send = Fault::Send::kNothing,
                    .then = Fault::Then::kReset});
  EXPECT_EQ(Create().ending, Ending::kReset);
  EXPECT_TRUE(WaitUntilProfiles(1)) << "waited for the late profile";
  EXPECT_EQ(passfort_.requests()[0].made_id, passfort_.CreatedProfiles()[0].id);
}

TEST_F(ProfileTest, HangsUntilTheClientLeavesAndCreatesItThen) {
  passfort_.Script({.endpoint = Endpoint::kProfileCreate,
                    .carry_out = Fault::CarryOut::kLate,
                    .send = Fault::Send::kNothing,
                    .then = Fault::Then::kHang});
  auto connection = std::make_unique<TestConnection>(passfort_.port());
  connection->Write("POST", "/4.0/profiles", kAda);
  ASSERT_TRUE(passfort_.WaitUntil([this] { return passfort_.counts().posts_read == 1; }))
      << "waited for the request";
  EXPECT_EQ(profiles_created(), 0);
  connection.reset();
  EXPECT_TRUE(WaitUntilProfiles(1)) << "waited for the profile of the client that left";
}

TEST_F(ProfileTest, CutsTheAnswerAndHasCreatedIt) {
  passfort_.Script({.endpoint = Endpoint::kProfileCreate, .answer = {.cut_after = 20}});
  const Reply reply = Create();
  EXPECT_EQ(reply.ending, Ending::kCut);
  EXPECT_EQ(reply.body.size(), 20u);
  EXPECT_EQ(profiles_created(), 1);
}

TEST_F(ProfileTest, AnswersWithHtmlAndHasCreatedIt) {
  passfort_.Script({.endpoint = Endpoint::kProfileCreate,
                    .answer = {.status = 502, .body = "<html>Bad gateway</html>"}});
  EXPECT_EQ(Create().status, 502);
  EXPECT_EQ(profiles_created(), 1);
}

TEST_F(ProfileTest, HidesTheApplicationsOfACreatedProfile) {
  passfort_.Script({.endpoint = Endpoint::kProfileCreate, .hide = true});
  const Json profile = Json::parse(Create().body);
  EXPECT_EQ(profile["applications"][0]["hidden"], false);
  EXPECT_TRUE(passfort_.Applications(profile["id"].get<std::string>())[0].hidden);
}

TEST_F(ProfileTest, RefusesTheReadingOfOneProfileOnly) {
  passfort_.Script({.endpoint = Endpoint::kProfileGet,
                    .profile_id = kProfileId,
                    .carry_out = Fault::CarryOut::kNever});
  EXPECT_EQ(Get(ProfileTarget("b2c4393a-e219-67a4-5ab4-2186952e9038")).status, 200);
  const Reply refused = Get(ProfileTarget(kProfileId));
  EXPECT_EQ(refused.status, 503);
  EXPECT_THAT(refused.body, StartsWith("<html>"));
}

TEST_F(ProfileTest, HangsReadingsCutsThemAndChangesThem) {
  passfort_.Script({.endpoint = Endpoint::kProfileGet,
                    .send = Fault::Send::kNothing,
                    .then = Fault::Then::kReset});
  passfort_.Script({.endpoint = Endpoint::kProfileGet, .answer = {.cut_after = 20}});
  passfort_.Script({.endpoint = Endpoint::kProfileGet,
                    .answer = {.set = {{"/status", "\"PAUSED\""}}, .upper_case_ids = true}});
  EXPECT_EQ(Get(ProfileTarget(kProfileId)).ending, Ending::kReset);
  EXPECT_EQ(Get(ProfileTarget(kProfileId)).ending, Ending::kCut);
  const Json profile = Json::parse(Get(ProfileTarget(kProfileId)).body);
  EXPECT_EQ(profile["status"], "PAUSED");
  EXPECT_EQ(profile["id"], "A2C4393A-E219-67A4-5AB4-2186952E9038");
}

TEST(ProfileFaultTest, NamesWhatMakesNoSenseForACreate) {
  const Fault with_profile{.endpoint = Endpoint::kProfileCreate, .profile_id = kProfileId};
  EXPECT_THAT(with_profile.Problem(), StartsWith("profile_create has no profile_id"));
  const Fault with_stranger{.endpoint = Endpoint::kProfileCreate,
                            .stranger = Fault::Stranger::kAfter};
  EXPECT_THAT(with_stranger.Problem(), StartsWith("profile_create has no profile yet"));
  const Fault with_existing{.endpoint = Endpoint::kProfileCreate,
                            .answer = {.existing_application = true}};
  EXPECT_THAT(with_existing.Problem(), StartsWith("profile_create has no existing application"));
}

}  // namespace
}  // namespace gateway
