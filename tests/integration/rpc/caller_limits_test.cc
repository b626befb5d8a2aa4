// What the callers file gives each caller, and in which order it is asked for.

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <future>
#include <string>
#include <utility>
#include <vector>

#include "grpc/health/v1/health.grpc.pb.h"
#include "tests/integration/rpc/callers_fixture.h"
#include "tests/integration/rpc/stock_client.h"

namespace gateway {
namespace {

using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Ge;
using ::testing::HasSubstr;
using ::testing::Le;
using ::testing::Not;
using ::testing::SizeIs;

constexpr char kOneCallAtATime[] = R"("max_in_flight": 1)";
constexpr char kOneCallAMinute[] = R"("calls_per_minute": 1)";
constexpr char kNeedsRequestId[] = R"("request_id": "required")";
constexpr char kBasicOnly[] = R"("products": ["forexo_basic"])";
constexpr char kDeniesEverybody[] =
    R"({"name": "test", "deny_rules": [{"name": "everybody", "request": {"paths": ["*"]}}],
        "allow_rules": [{"name": "all", "request": {"paths": ["*"]}}]})";

pb::AddProductApplicationRequest WithRequestId(
    pb::AddProductApplicationRequest request = ARequest()) {
  request.set_request_id("order-1");
  return request;
}

pb::AddProductApplicationRequest ForProduct(const std::string& alias, const std::string& id = "") {
  auto request = ARequest();
  request.mutable_product()->set_alias(alias);
  request.mutable_product()->set_id(id);
  return request;
}

pb::AddProductApplicationRequest TooLarge() {
  auto request = ARequest();
  request.mutable_product()->set_alias(std::string(SomeOptions().max_request_bytes, 'x'));
  return request;
}

pb::AddProductApplicationRequest Invalid() {
  auto request = ARequest();
  request.set_profile_id("none");
  return request;
}

pb::CreateProfileRequest AProfile() {
  pb::CreateProfileRequest request;
  request.set_role(pb::PROFILE_ROLE_INDIVIDUAL_CUSTOMER);
  (*request.mutable_collected_data()->mutable_fields())["entity_type"].set_string_value(
      "INDIVIDUAL");
  request.add_product_applications()->mutable_product()->set_alias("forexo_basic");
  return request;
}

CallPipeline::Options RoomFor(size_t calls) {
  auto options = SomeOptions();
  options.max_in_flight = calls;
  return options;
}

std::string Field(const Answered& answered) {
  const auto info = DetailOf<google::rpc::ErrorInfo>(answered.status);
  const auto found = info.metadata().find("field");
  return found == info.metadata().end() ? "" : found->second;
}

std::vector<std::string> FieldsViolated(const Answered& answered) {
  std::vector<std::string> fields;
  const auto request = DetailOf<google::rpc::BadRequest>(answered.status);
  for (const auto& violation : request.field_violations()) {
    fields.push_back(violation.field());
  }
  return fields;
}

// The methods that read, each of them once.
std::vector<Answered> ReadAllAs(const CallersFixture& fixture, const std::string& principal) {
  const auto channel = fixture.ConnectAs(principal);
  std::vector<Answered> answered(3);
  CallersFixture::Call(answered[0], [&](grpc::ClientContext& context) {
    pb::GetProductApplicationRequest request;
    request.set_profile_id(kProfileId);
    request.set_product_application_id(kProductId);
    pb::GetProductApplicationResponse response;
    return pb::ProductApplicationService::NewStub(channel)->GetProductApplication(&context, request,
                                                                                  &response);
  });
  CallersFixture::Call(answered[1], [&](grpc::ClientContext& context) {
    pb::ListProductApplicationsRequest request;
    request.set_profile_id(kProfileId);
    pb::ListProductApplicationsResponse response;
    return pb::ProductApplicationService::NewStub(channel)->ListProductApplications(
        &context, request, &response);
  });
  CallersFixture::Call(answered[2], [&](grpc::ClientContext& context) {
    pb::GetProfileRequest request;
    request.set_profile_id(kProfileId);
    pb::GetProfileResponse response;
    return pb::ProfileService::NewStub(channel)->GetProfile(&context, request, &response);
  });
  return answered;
}

grpc::Status CallUnknownAs(const CallersFixture& fixture, const std::string& principal) {
  const grpc::Slice nothing;
  grpc::ByteBuffer answer;
  return StockClient(fixture.ConnectAs(principal))
      .CallPath("/no.such.Service/Method", grpc::ByteBuffer(&nothing, 1), &answer)
      .status;
}

// Whoever refuses a call also says so in a form that clients can use.
void ExpectRefused(const Answered& answered, grpc::StatusCode code, const std::string& reason) {
  EXPECT_EQ(answered.status.error_code(), code) << answered.status.error_message();
  EXPECT_EQ(ReasonOf(answered.status), reason) << answered.status.error_message();
  EXPECT_THAT(answered.error(), IsWellFormedError());
}

TEST(CallerEntryTest, WhoHasNoEntryIsRefusedBeforeTheRequestIsLookedAt) {
  const CallersFixture fixture(CallersJson(""));
  EXPECT_TRUE(fixture.AddAs(kOnboarding).status.ok());
  const Answered refused = fixture.AddAs(kStranger, TooLarge());
  ExpectRefused(refused, grpc::StatusCode::PERMISSION_DENIED, "CALLER_NOT_ALLOWED");
  EXPECT_THAT(refused.status.error_message(), HasSubstr("has no entry for this caller"));
  fixture.rpc.log.WaitForLine("reason=CALLER_NOT_ALLOWED phase=NOT_SENT callers_file=no entry");
}

TEST(CallerEntryTest, WhoHasNoEntryGetsNothingOfGrpcsOwnServices) {
  const CallersFixture fixture(CallersJson(""));
  const auto health = [&](const char* principal) {
    grpc::health::v1::HealthCheckResponse response;
    Answered answered;
    CallersFixture::Call(answered, [&](grpc::ClientContext& context) {
      return grpc::health::v1::Health::NewStub(fixture.ConnectAs(principal))
          ->Check(&context, {}, &response);
    });
    return answered.status;
  };
  EXPECT_TRUE(health(kOnboarding).ok());
  EXPECT_EQ(health(kStranger).error_code(), grpc::StatusCode::PERMISSION_DENIED);
  grpc::ClientContext context;
  const auto watch =
      grpc::health::v1::Health::NewStub(fixture.ConnectAs(kStranger))->Watch(&context, {});
  grpc::health::v1::HealthCheckResponse response;
  EXPECT_FALSE(watch->Read(&response));
  EXPECT_EQ(watch->Finish().error_code(), grpc::StatusCode::PERMISSION_DENIED);
}

TEST(CallerEntryTest, WhoHasNoEntryLearnsNothingOfUnknownMethods) {
  const CallersFixture fixture(CallersJson(""));
  EXPECT_EQ(ReasonOf(CallUnknownAs(fixture, kStranger)), "CALLER_NOT_ALLOWED");
  EXPECT_EQ(ReasonOf(CallUnknownAs(fixture, kOnboarding)), "UNKNOWN_METHOD");
  EXPECT_EQ(fixture.rpc.Counter("passfort_gateway_failed_calls_total",
                                {"caller=\"onboarding\"", "reason=\"UNKNOWN_METHOD\""}),
            1);
}

TEST(CallerEntryTest, ThePolicyIsAskedFirst) {
  const CallersFixture fixture(CallersJson(""), kDeniesEverybody);
  const Answered refused = fixture.AddAs(kStranger);
  EXPECT_THAT(refused.status.error_message(), HasSubstr("authorization policy"));
  // The name is known all the same.
  EXPECT_EQ(ReasonOf(fixture.AddAs(kOnboarding).status), "CALLER_NOT_ALLOWED");
  EXPECT_EQ(fixture.rpc.Counter("passfort_gateway_failed_calls_total",
                                {"caller=\"onboarding\"", "reason=\"CALLER_NOT_ALLOWED\""}),
            1);
}

TEST(CallerRateTest, IsACallersOwn) {
  const CallersFixture fixture(CallersJson(kOneCallAMinute));
  EXPECT_TRUE(fixture.AddAs(kOnboarding).status.ok());
  const Answered refused = fixture.AddAs(kOnboarding);
  ExpectRefused(refused, grpc::StatusCode::RESOURCE_EXHAUSTED, "CALLER_RATE_REACHED");
  const auto delay = DetailOf<google::rpc::RetryInfo>(refused.status).retry_delay();
  EXPECT_THAT(delay.seconds(), AllOf(Ge(1), Le(60)));
  EXPECT_TRUE(fixture.AddAs(kSupport).status.ok());
}

TEST(CallerRateTest, IsAskedBeforeTheSizeAndCountsWhatIsRefusedLater) {
  const CallersFixture fixture(CallersJson(kOneCallAMinute));
  EXPECT_EQ(ReasonOf(fixture.AddAs(kOnboarding, TooLarge()).status), "INVALID_REQUEST");
  EXPECT_EQ(ReasonOf(fixture.AddAs(kOnboarding, TooLarge()).status), "CALLER_RATE_REACHED");
}

TEST(CallerRateTest, CountsUnknownMethodsAsOthers) {
  const CallersFixture fixture(CallersJson(R"("calls_per_minute": 2)"));
  EXPECT_EQ(ReasonOf(CallUnknownAs(fixture, kOnboarding)), "UNKNOWN_METHOD");
  EXPECT_TRUE(fixture.AddAs(kOnboarding).status.ok());
  const grpc::Status refused = CallUnknownAs(fixture, kOnboarding);
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(ReasonOf(refused), "CALLER_RATE_REACHED");
  EXPECT_EQ(ReasonOf(fixture.AddAs(kOnboarding).status), "CALLER_RATE_REACHED");
  EXPECT_EQ(ReasonOf(CallUnknownAs(fixture, kSupport)), "UNKNOWN_METHOD");
}

TEST(CallerRateTest, CountsReads) {
  const CallersFixture fixture(CallersJson(R"("calls_per_minute": 3)"));
  for (const Answered& read : ReadAllAs(fixture, kOnboarding)) EXPECT_TRUE(read.status.ok());
  EXPECT_EQ(ReasonOf(fixture.AddAs(kOnboarding).status), "CALLER_RATE_REACHED");
}

TEST(CallerRequestIdTest, IsRequiredOfWritesOnly) {
  const CallersFixture fixture(CallersJson(kNeedsRequestId));
  for (const Answered& refused :
       {fixture.AddAs(kOnboarding), fixture.CreateAs(kOnboarding, AProfile())}) {
    ExpectRefused(refused, grpc::StatusCode::INVALID_ARGUMENT, "INVALID_REQUEST");
    EXPECT_THAT(FieldsViolated(refused), ElementsAre("request_id"));
  }
  EXPECT_TRUE(fixture.AddAs(kOnboarding, WithRequestId()).status.ok());
  EXPECT_TRUE(fixture.AddAs(kSupport).status.ok());
  for (const Answered& read : ReadAllAs(fixture, kOnboarding)) EXPECT_TRUE(read.status.ok());
}

TEST(CallerRequestIdTest, IsAskedForAfterValidityAndBeforeTheProducts) {
  const CallersFixture fixture(CallersJson(absl::StrCat(kNeedsRequestId, ", ", kBasicOnly)));
  EXPECT_THAT(FieldsViolated(fixture.AddAs(kOnboarding, Invalid())), ElementsAre("profile_id"));
  EXPECT_EQ(ReasonOf(fixture.AddAs(kOnboarding, ForProduct("forexo_gold")).status),
            "INVALID_REQUEST");
}

TEST(CallerProductsTest, AnApplicationHasToBeForOneOfThem) {
  const CallersFixture fixture(CallersJson(kBasicOnly));
  EXPECT_TRUE(fixture.AddAs(kOnboarding).status.ok());
  EXPECT_TRUE(fixture.AddAs(kSupport, ForProduct("forexo_gold")).status.ok());

  const Answered by_alias = fixture.AddAs(kOnboarding, ForProduct("forexo_gold"));
  ExpectRefused(by_alias, grpc::StatusCode::PERMISSION_DENIED, "CALLER_NOT_ALLOWED");
  EXPECT_EQ(Field(by_alias), "product.alias");
  EXPECT_THAT(by_alias.status.error_message(), Not(HasSubstr("forexo_gold")));
  // The alias alone would do.
  EXPECT_EQ(Field(fixture.AddAs(kOnboarding, ForProduct("forexo_basic", kProductId))),
            "product.id");
  EXPECT_THAT(fixture.rpc.writer.asked(), SizeIs(2));
}

TEST(CallerProductsTest, SoDoAllOfANewProfile) {
  const CallersFixture fixture(CallersJson(kBasicOnly));
  auto request = AProfile();
  EXPECT_TRUE(fixture.CreateAs(kOnboarding, request).status.ok());
  request.add_product_applications()->mutable_product()->set_id(kProductId);
  const Answered refused = fixture.CreateAs(kOnboarding, request);
  ExpectRefused(refused, grpc::StatusCode::PERMISSION_DENIED, "CALLER_NOT_ALLOWED");
  EXPECT_EQ(Field(refused), "product_applications[1].product.id");
  EXPECT_TRUE(fixture.CreateAs(kSupport, request).status.ok());
}

TEST(CallerProductsTest, DoNotLimitReads) {
  const CallersFixture fixture(CallersJson(kBasicOnly));
  for (const Answered& read : ReadAllAs(fixture, kOnboarding)) EXPECT_TRUE(read.status.ok());
}

TEST(CallerProductsTest, AreAskedForBeforeThePlaces) {
  CallersFixture fixture(CallersJson(absl::StrCat(kOneCallAtATime, ", ", kBasicOnly)));
  fixture.rpc.writer.Hold();
  auto held = fixture.StartAddAs(kOnboarding);
  fixture.rpc.writer.WaitUntilAsked(1);
  EXPECT_EQ(ReasonOf(fixture.AddAs(kOnboarding, ForProduct("forexo_gold")).status),
            "CALLER_NOT_ALLOWED");
  EXPECT_EQ(ReasonOf(fixture.AddAs(kOnboarding).status), "CALLER_OVERLOADED");
  fixture.rpc.writer.Release();
  EXPECT_TRUE(held.get().status.ok());
}

TEST(CallerPlacesTest, ACallerThatHasNoneLeftHindersNoOther) {
  CallersFixture fixture(CallersJson(kOneCallAtATime, kOneCallAtATime));
  fixture.rpc.writer.Hold();
  auto held = fixture.StartAddAs(kOnboarding);
  fixture.rpc.writer.WaitUntilAsked(1);

  const Answered refused = fixture.AddAs(kOnboarding, WithRequestId());
  ExpectRefused(refused, grpc::StatusCode::RESOURCE_EXHAUSTED, "CALLER_OVERLOADED");
  EXPECT_EQ(DetailOf<google::rpc::RetryInfo>(refused.status).retry_delay().seconds(), 1);
  EXPECT_EQ(DetailOf<google::rpc::RequestInfo>(refused.status).request_id(), "order-1");
  auto other = fixture.StartAddAs(kSupport);
  fixture.rpc.writer.WaitUntilAsked(2);

  fixture.rpc.writer.Release();
  EXPECT_TRUE(held.get().status.ok());
  EXPECT_TRUE(other.get().status.ok());
}

TEST(CallerPlacesTest, ReadsNeedOneToo) {
  CallersFixture fixture(CallersJson(kOneCallAtATime));
  fixture.rpc.writer.Hold();
  auto held = fixture.StartAddAs(kOnboarding);
  fixture.rpc.writer.WaitUntilAsked(1);
  for (const Answered& read : ReadAllAs(fixture, kOnboarding)) {
    EXPECT_EQ(ReasonOf(read.status), "CALLER_OVERLOADED");
  }
  fixture.rpc.writer.Release();
  EXPECT_TRUE(held.get().status.ok());
}

TEST(CallerPlacesTest, CallersWithoutAnEntryShareThoseOfTheDefault) {
  CallersFixture fixture(CallersJson("", "", R"({"max_in_flight": 1})"));
  fixture.rpc.writer.Hold();
  auto held = fixture.StartAddAs(kStranger);
  fixture.rpc.writer.WaitUntilAsked(1);
  EXPECT_EQ(ReasonOf(fixture.AddAs(std::string(kStranger) + "2").status), "CALLER_OVERLOADED");
  fixture.rpc.writer.Release();
  EXPECT_TRUE(held.get().status.ok());
}

// However soon after its answer a caller calls again.
TEST(CallerPlacesTest, OneIsFreeOnceTheAnswerHasArrived) {
  CallersFixture fixture(CallersJson(kOneCallAtATime));
  const auto channel = fixture.ConnectAs(kOnboarding);
  for (int i = 0; i < 300; ++i) {
    ASSERT_TRUE(CallersFixture::Add(channel).status.ok()) << "call " << i;
  }
  fixture.rpc.writer.Answer(SentResult(Ambiguous::Cause::kTimeout));
  for (int i = 0; i < 300; ++i) {
    ASSERT_EQ(ReasonOf(CallersFixture::Add(channel).status), "OUTCOME_UNKNOWN") << "call " << i;
  }
}

TEST(CallerPlacesTest, AWriteWhoseCallersHaveLeftKeepsItsOwn) {
  CallersFixture fixture(CallersJson(kOneCallAtATime));
  ScriptedWriter::Script script;
  script.keeps_places = true;
  fixture.rpc.writer.Follow(script);
  EXPECT_TRUE(fixture.AddAs(kOnboarding).status.ok());
  EXPECT_EQ(ReasonOf(fixture.AddAs(kOnboarding).status), "CALLER_OVERLOADED");
  EXPECT_TRUE(fixture.AddAs(kSupport).status.ok());
  fixture.rpc.writer.DropPlaces();
  EXPECT_TRUE(fixture.AddAs(kOnboarding).status.ok());
}

TEST(CallerPlacesTest, AreTakenBeforeTheGatewaysAndGivenBackWhereThatHasNone) {
  CallersFixture fixture(CallersJson(kOneCallAtATime, kOneCallAtATime), "", RoomFor(1));
  fixture.rpc.writer.Hold();
  auto held = fixture.StartAddAs(kOnboarding);
  fixture.rpc.writer.WaitUntilAsked(1);
  EXPECT_EQ(ReasonOf(fixture.AddAs(kOnboarding).status), "CALLER_OVERLOADED");
  EXPECT_EQ(ReasonOf(fixture.AddAs(kSupport).status), "OVERLOADED");
  EXPECT_EQ(ReasonOf(fixture.AddAs(kSupport).status), "OVERLOADED");

  fixture.rpc.writer.Release();
  EXPECT_TRUE(held.get().status.ok());
  EXPECT_TRUE(fixture.AddAs(kSupport).status.ok());
}

RequestKey KeyOfAddAs(const CallersFixture& fixture, const std::string& principal) {
  EXPECT_TRUE(fixture.AddAs(principal, WithRequestId()).status.ok());
  const auto asked = fixture.rpc.writer.asked();
  return asked.empty() ? RequestKey() : asked.back().key;
}

TEST(RequestKeyTest, NamesTheEntryAndThePrincipal) {
  const CallersFixture fixture(CallersJson(R"("writes_per_day": 20)"));
  const RequestKey key = KeyOfAddAs(fixture, kOnboarding);
  EXPECT_EQ(key.request_id, "order-1");
  EXPECT_EQ(key.caller, "caller:onboarding");
  EXPECT_EQ(key.principal, kOnboarding);
  ASSERT_TRUE(key.budget.has_value());
  EXPECT_EQ(key.budget->account, "onboarding");
  EXPECT_EQ(key.budget->writes_per_day, 20);
  EXPECT_FALSE(KeyOfAddAs(fixture, kSupport).budget.has_value());
}

// They share the budget, and nothing else: a request_id is the principal's.
TEST(RequestKeyTest, OfTheDefaultNamesThePrincipal) {
  const CallersFixture fixture(CallersJson("", "", R"({"writes_per_day": 20})"));
  const RequestKey key = KeyOfAddAs(fixture, kStranger);
  EXPECT_EQ(key.caller, kStranger);
  EXPECT_EQ(key.principal, kStranger);
  ASSERT_TRUE(key.budget.has_value());
  EXPECT_EQ(key.budget->account, "other");
}

TEST(RequestKeyTest, OfALocalCallerNamesNobody) {
  const RpcFixture fixture;
  EXPECT_TRUE(fixture.Add(WithRequestId()).status.ok());
  const auto asked = fixture.writer.asked();
  ASSERT_THAT(asked, SizeIs(1));
  EXPECT_EQ(asked[0].key.request_id, "order-1");
  EXPECT_EQ(asked[0].key.caller, "");
  EXPECT_EQ(asked[0].key.principal, "");
  EXPECT_FALSE(asked[0].key.budget.has_value());
}

TEST(CallerNameTest, IsALabelOfFailuresAndOfWrites) {
  const CallersFixture fixture(CallersJson("", "", "{}"));
  for (const char* principal : {kOnboarding, kOnboarding, kSupport, kStranger}) {
    EXPECT_TRUE(fixture.AddAs(principal).status.ok());
    EXPECT_FALSE(fixture.AddAs(principal, Invalid()).status.ok());
  }
  const auto created = [&](const std::string& caller) {
    return fixture.rpc.Counter("passfort_gateway_write_outcomes_total",
                               {"caller=\"" + caller + "\"", "outcome=\"created\""});
  };
  const auto refused = [&](const std::string& caller) {
    return fixture.rpc.Counter("passfort_gateway_write_outcomes_total",
                               {"caller=\"" + caller + "\"", "outcome=\"refused\""});
  };
  const auto failed = [&](const std::string& caller) {
    return fixture.rpc.Counter("passfort_gateway_failed_calls_total",
                               {"caller=\"" + caller + "\"", "reason=\"INVALID_REQUEST\""});
  };
  const std::vector<std::pair<std::string, double>> calls = {
      {"onboarding", 2}, {"support", 1}, {"other", 1}};
  for (const auto& [caller, number] : calls) {
    EXPECT_EQ(created(caller), number) << caller;
    EXPECT_EQ(refused(caller), number) << caller;
    EXPECT_EQ(failed(caller), number) << caller;
  }
}

TEST(CallerNameTest, StandsInTheLogBesideThePrincipalForEntriesOnly) {
  const CallersFixture fixture(CallersJson("", "", "{}"));
  EXPECT_TRUE(fixture.AddAs(kOnboarding).status.ok());
  EXPECT_FALSE(fixture.AddAs(kSupport, Invalid()).status.ok());
  fixture.rpc.log.WaitForLine(absl::StrCat("caller=", kOnboarding, " caller_name=onboarding"));
  fixture.rpc.log.WaitForLine(absl::StrCat("caller=", kSupport, " caller_name=support"));

  const CallersFixture strangers(CallersJson("", "", "{}"));
  EXPECT_TRUE(strangers.AddAs(kStranger).status.ok());
  EXPECT_FALSE(strangers.AddAs(kStranger, Invalid()).status.ok());
  strangers.rpc.log.WaitForLine(absl::StrCat("caller=", kStranger));
  EXPECT_THAT(strangers.rpc.log.lines(), Each(Not(HasSubstr("caller_name"))));
}

}  // namespace
}  // namespace gateway
