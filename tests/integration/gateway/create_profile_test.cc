// Profiles are created at most once per request_id: the whole program with a SQLite file.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/integration/gateway/at_most_once_fixture.h"
#include "tests/integration/gateway/create_profile_fixture.h"
#include "tests/integration/gateway/faults.h"
#include "tests/integration/gateway/gateway_fixture.h"
#include "tests/support/read_caller.h"
#include "tests/support/temporary_folder.h"

namespace gateway {
namespace {

using namespace std::chrono_literals;
using grpc::StatusCode;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Key;
using ::testing::Not;
using ::testing::Pair;

using Trailers = std::multimap<std::string, std::string>;

class CreateProfileTest : public testing::Test {
 protected:
  // An application's state stays as it is while it is looked at.
  CreateProfileTest() { passfort_.Behave(WithoutProgress()); }

  std::string StoreUrl() const { return "sqlite:" + folder_.File("records.db"); }
  int Posts() const { return passfort_.counts().requests_to(Endpoint::kProfileCreate); }

  const TemporaryFolder folder_;
  FakePassfort passfort_;
};

TEST_F(CreateProfileTest, ReturnsTheProfileWithItsApplications) {
  const GatewayWithStore gateway(passfort_, StoreUrl());
  const auto created = ReadCaller(gateway.process.target()).Create(AProfile());

  ASSERT_TRUE(created.status.ok()) << created.status.error_message();
  EXPECT_THAT(created.trailers, IsEmpty());
  const pb::Profile& profile = created.response.profile();
  ASSERT_EQ(passfort_.CreatedProfiles().size(), 1u);
  EXPECT_EQ(profile.id(), passfort_.CreatedProfiles()[0].id);
  EXPECT_EQ(profile.role(), pb::PROFILE_ROLE_INDIVIDUAL_CUSTOMER);
  ASSERT_EQ(profile.product_applications_size(), 1);
  EXPECT_EQ(profile.product_applications(0).product().alias(), "forexo_basic");
  EXPECT_EQ(passfort_.CreatedProfiles()[0].collected_data,
            R"({"entity_type":"INDIVIDUAL","number_of_things":3,)"
            R"("personal_details":{"name":{"family_name":"Okafor"}}})");
}

TEST_F(CreateProfileTest, ARepeatShowsTheProfileAsItIsNow) {
  const GatewayWithStore gateway(passfort_, StoreUrl());
  const ReadCaller caller(gateway.process.target());
  const auto first = caller.Create(AProfile());
  ASSERT_TRUE(first.status.ok()) << first.status.error_message();
  const std::string id = first.response.profile().id();
  ASSERT_TRUE(
      passfort_.ForceStatus(id, first.response.profile().product_applications(0).id(), "APPROVED"));

  const auto again = caller.Create(AProfile());

  ASSERT_TRUE(again.status.ok()) << again.status.error_message();
  EXPECT_EQ(again.trailers, (Trailers{{"gateway-replayed", "true"}}));
  EXPECT_EQ(again.response.profile().id(), id);
  EXPECT_EQ(again.response.profile().product_applications(0).status(),
            pb::PRODUCT_APPLICATION_STATUS_APPROVED);
  EXPECT_EQ(Posts(), 1);
}

TEST_F(CreateProfileTest, ARepeatWithoutPassfortHasTheIds) {
  const GatewayWithStore gateway(passfort_, StoreUrl());
  const ReadCaller caller(gateway.process.target());
  const auto first = caller.Create(AProfile());
  ASSERT_TRUE(first.status.ok()) << first.status.error_message();
  passfort_.GoAway();

  const auto again = caller.Create(AProfile());

  ASSERT_TRUE(again.status.ok()) << again.status.error_message();
  EXPECT_EQ(again.trailers,
            (Trailers{{"gateway-replayed", "true"}, {"gateway-answer-shortened", "true"}}));
  EXPECT_EQ(again.response.profile().id(), first.response.profile().id());
  ASSERT_EQ(again.response.profile().product_applications_size(), 1);
  EXPECT_EQ(again.response.profile().product_applications(0).id(),
            first.response.profile().product_applications(0).id());
}

TEST_F(CreateProfileTest, ALostResponseStaysUnknownForEverAndIsNeverSentAgain) {
  passfort_.Script(ProfileMadeAndLost());
  {
    GatewayWithStore gateway(passfort_, StoreUrl());
    const ReadCaller caller(gateway.process.target());
    ExpectUnknownForGood(caller.Create(AProfile()));
    ExpectUnknownForGood(caller.Create(AProfile()));
    gateway.process.Signal(SIGKILL);
    EXPECT_EQ(gateway.process.WaitForExit(), -SIGKILL);
  }
  const GatewayWithStore next_life(passfort_, StoreUrl());
  ExpectUnknownForGood(ReadCaller(next_life.process.target()).Create(AProfile()));
  EXPECT_EQ(Posts(), 1);
  EXPECT_EQ(passfort_.CreatedProfiles().size(), 1u);
}

TEST_F(CreateProfileTest, ACallerThatLeavesBeforeTheResponseIsNotSentToThePortal) {
  const GatewayWithStore gateway(passfort_, StoreUrl(), EndsEveryCallWithin2s());
  Fault slow{.endpoint = Endpoint::kProfileCreate, .hold = Fault::Hold::kBeforeAnswer};
  passfort_.Script(slow);
  const auto early = ReadCaller(gateway.process.target()).Create(AProfile());
  ASSERT_EQ(early.status.error_code(), StatusCode::UNKNOWN) << early.status.error_message();
  EXPECT_THAT(early.status.error_message(), HasSubstr("Retry with the same request_id"));
  EXPECT_THAT(early.status.error_message(), Not(HasSubstr("portal")));
  EXPECT_THAT(DetailOf<google::rpc::ErrorInfo>(early.status).metadata(),
              Not(Contains(Key("final"))));
  passfort_.Release();

  const auto again = ReadCaller(gateway.process.target()).Create(AProfile());
  EXPECT_TRUE(again.status.ok()) << again.status.error_message();
  EXPECT_EQ(Posts(), 1);
}

TEST_F(CreateProfileTest, SaysOfARequestIdWhatItStandsFor) {
  const GatewayWithStore gateway(passfort_, StoreUrl());
  const ReadCaller caller(gateway.process.target());
  auto request = AProfile();
  ASSERT_TRUE(caller.Create(request).status.ok());
  request.mutable_product_applications(0)->mutable_product()->set_id(
      "b0ce7c17-2cab-86e7-9a83-ebee0d4d5dc8");
  const auto reused = caller.Create(request);
  EXPECT_EQ(ReasonOf(reused.status), "REQUEST_ID_REUSED") << "also for what is not sent";
  EXPECT_THAT(reused.status.error_message(), HasSubstr("look for its profile"));
}

TEST_F(CreateProfileTest, OneThatWasSentByAProcessThatDiedStaysUnknown) {
  {
    GatewayWithStore gateway(passfort_, StoreUrl());
    Fault hang = ProfileMadeAndLost();
    hang.hold = Fault::Hold::kBeforeAnswer;
    passfort_.Script(hang);
    const ReadCaller caller(gateway.process.target(), 1s);
    EXPECT_FALSE(caller.Create(AProfile()).status.ok());
    ASSERT_TRUE(passfort_.WaitUntil([this] { return Posts() == 1; }));
    gateway.process.Signal(SIGKILL);
    EXPECT_EQ(gateway.process.WaitForExit(), -SIGKILL);
  }
  const GatewayWithStore next_life(passfort_, StoreUrl());
  ExpectUnknownForGood(ReadCaller(next_life.process.target()).Create(AProfile()));
  passfort_.Release();
  EXPECT_EQ(Posts(), 1);
}

TEST_F(CreateProfileTest, ARefusedOneLeavesTheRequestIdFree) {
  const GatewayWithStore gateway(passfort_, StoreUrl());
  const ReadCaller caller(gateway.process.target());
  auto request = AProfile();
  request.mutable_product_applications(0)->mutable_product()->set_alias("no_such_product");
  const auto refused = caller.Create(request);
  EXPECT_EQ(refused.status.error_code(), StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(ReasonOf(refused.status), "PASSFORT_REJECTED_INPUT");

  EXPECT_TRUE(caller.Create(AProfile()).status.ok());
  EXPECT_EQ(passfort_.CreatedProfiles().size(), 1u);
}

TEST_F(CreateProfileTest, ARequestIdStandsForOneRequestOfOneMethod) {
  const GatewayWithStore gateway(passfort_, StoreUrl());
  const ReadCaller caller(gateway.process.target());
  ASSERT_TRUE(caller.Create(AProfile()).status.ok());
  auto other = AProfile();
  (*other.mutable_collected_data()->mutable_fields())["x"].set_bool_value(true);
  EXPECT_EQ(ReasonOf(caller.Create(other).status), "REQUEST_ID_REUSED");
  EXPECT_EQ(ReasonOf(gateway.caller.Add(ARequestWithId()).status), "REQUEST_ID_REUSED");
  EXPECT_EQ(Posts(), 1);
}

TEST_F(CreateProfileTest, WithoutARequestIdEachCallIsOnePost) {
  const GatewayWithStore gateway(passfort_, StoreUrl());
  const ReadCaller caller(gateway.process.target());
  passfort_.Script(ProfileMadeAndLost());
  const auto unknown = caller.Create(AProfile(""));
  EXPECT_EQ(unknown.status.error_code(), StatusCode::UNKNOWN);
  EXPECT_EQ(Posts(), 1);
  EXPECT_TRUE(caller.Create(AProfile("")).status.ok());
  EXPECT_EQ(Posts(), 2);
}

TEST_F(CreateProfileTest, TellsWhichApplicationsTheResponseDoesNotShow) {
  Behaviour forgetful = WithoutProgress();
  forgetful.applications_in_create_answer = Behaviour::ApplicationsInCreateAnswer::kWithoutTheLast;
  passfort_.Behave(forgetful);
  const GatewayWithStore gateway(passfort_, StoreUrl());
  auto request = AProfile();
  request.add_product_applications()->mutable_product()->set_alias("forexo_business");

  const ReadCaller caller(gateway.process.target());

  const auto created = caller.Create(request);

  ASSERT_TRUE(created.status.ok()) << created.status.error_message();
  EXPECT_EQ(created.trailers, (Trailers{{"gateway-applications-missing", "1"}}));

  // One of two that look the same.
  auto twice = AProfile("order-2");
  *twice.add_product_applications() = twice.product_applications(0);
  EXPECT_EQ(caller.Create(twice).trailers, (Trailers{{"gateway-applications-missing", "1"}}));
}

TEST_F(CreateProfileTest, ARefusalSpeaksOfNoProfile) {
  passfort_.Script({.endpoint = Endpoint::kProfileCreate,
                    .carry_out = Fault::CarryOut::kNever,
                    .answer = {.status = 400, .body = ErrorBody(106)}});
  const GatewayWithStore gateway(passfort_, StoreUrl());
  const auto refused = ReadCaller(gateway.process.target()).Create(AProfile());
  EXPECT_EQ(ReasonOf(refused.status), "PASSFORT_PRECONDITION");
  EXPECT_THAT(refused.status.error_message(), HasSubstr("(HTTP 400, code 106)"));
  EXPECT_THAT(refused.status.error_message(), Not(HasSubstr("profile")));
}

TEST_F(CreateProfileTest, TheResponseMayBeAsLargeAsAProfile) {
  passfort_.Script({.endpoint = Endpoint::kProfileCreate, .answer = {.pad_to = 3 << 20}});
  const GatewayWithStore gateway(passfort_, StoreUrl());
  const auto created = ReadCaller(gateway.process.target()).Create(AProfile());
  EXPECT_TRUE(created.status.ok()) << created.status.error_message();
}

// Each is about another profile, so they are no matter of one.
TEST_F(CreateProfileTest, FiveFailuresInARowOpenTheCircuit) {
  passfort_.Script({.endpoint = Endpoint::kProfileCreate,
                    .times = Fault::kAlways,
                    .carry_out = Fault::CarryOut::kNever,
                    .answer = {.status = 502}});
  const GatewayWithStore gateway(passfort_, StoreUrl(), {});
  const ReadCaller caller(gateway.process.target());
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(caller.Create(AProfile(absl::StrCat("order-", i))).status.error_code(),
              StatusCode::UNKNOWN);
  }
  const auto refused = caller.Create(AProfile("order-5"));
  EXPECT_EQ(ReasonOf(refused.status), "CIRCUIT_OPEN") << refused.status.error_message();
  EXPECT_EQ(Posts(), 5);
}

TEST_F(CreateProfileTest, NeedsAStoreForARequestId) {
  GatewayProcess gateway({.api_url = passfort_.url()});
  const auto refused = ReadCaller(gateway.target()).Create(AProfile());
  EXPECT_EQ(ReasonOf(refused.status), "REQUEST_ID_NEEDS_STORE");
  EXPECT_THAT(refused.status.error_message(), HasSubstr("one profile for a request_id"));
  EXPECT_EQ(Posts(), 0);
}

TEST_F(CreateProfileTest, LeavesNothingOfThePersonInTheStore) {
  const GatewayWithStore gateway(passfort_, StoreUrl());
  ASSERT_TRUE(ReadCaller(gateway.process.target()).Create(AProfile()).status.ok());
  std::ostringstream kept;
  for (const char* file : {"records.db", "records.db-wal"}) {
    kept << std::ifstream(folder_.File(file), std::ios::binary).rdbuf();
  }
  const std::string all = kept.str();
  EXPECT_THAT(all, HasSubstr("order-1"));
  EXPECT_THAT(all, Not(HasSubstr("Okafor")));
  EXPECT_THAT(all, Not(HasSubstr("forexo")));
}

}  // namespace
}  // namespace gateway
