// What a profile's list says about an application whose response was lost, and what is stored of
// one. How lists compare with drafts in detail is the subject of application_match_test.

#include "service/operations/add_product_application.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "service/base/netstring_list.h"
#include "tests/fakes/run_to_completion.h"

namespace gateway {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr char kProfile[] = "96d5c92b-6e20-4b4e-9a8c-6e5d6a1f0f01";

// Has one list.
class ListingPassfort final : public ApiTransport {
 public:
  ApiOutcome list;
  std::string asked_for;

  Task<ApiResult> Call(const ApiEndpoint& endpoint, ApiRequest request,
                       const CallContext& /*context*/) override {
    EXPECT_EQ(endpoint.name, kListApplications.name);
    asked_for = request.profile_id;
    co_return ApiResult{list};
  }
};

ListedApplication Listed(std::string id, std::string alias = "forexo_basic") {
  return {.id = std::move(id), .product_alias = std::move(alias)};
}

class AddProductApplicationTest : public testing::Test {
 protected:
  std::unique_ptr<const Observation> Observe(ApplicationList list) {
    passfort_.list = ApiResponse{std::make_shared<ApplicationList>(std::move(list))};
    auto result = RunToCompletion(operation_.Observe(target_, {}));
    return std::get<std::unique_ptr<const Observation>>(std::move(result));
  }
  std::string BaselineOf(ApplicationList list) { return Observe(std::move(list))->ToBaseline(); }
  Effect Evaluate(ApplicationList list) {
    return operation_.Evaluate(target_, baseline_, *Observe(std::move(list)), attributed_ids_);
  }

  ListingPassfort passfort_;
  ProductApplicationClient client_{passfort_};
  AddProductApplication operation_{client_};
  const std::string target_ =
      EncodeDraft({.profile_id = kProfile, .product_alias = "forexo_basic"});
  std::string baseline_ = BaselineOf({.applications = {Listed("before")}});
  std::vector<std::string> attributed_ids_;
};

TEST_F(AddProductApplicationTest, ObservesTheListOfTheTargetsProfile) {
  Observe({});
  EXPECT_EQ(passfort_.asked_for, kProfile);
}

TEST_F(AddProductApplicationTest, AWholeListThatShowsNothingNewIsComplete) {
  const Effect effect = Evaluate({.applications = {Listed("before")}});
  EXPECT_THAT(effect.candidate_ids, IsEmpty());
  EXPECT_TRUE(effect.is_complete);
}

TEST_F(AddProductApplicationTest, OneMatchInAWholeListIsTheOne) {
  const Effect effect = Evaluate({.applications = {Listed("before"), Listed("new")}});
  ASSERT_NE(effect.result, nullptr);
  EXPECT_EQ(effect.result->stored.resource_id, "new");
}

TEST_F(AddProductApplicationTest, WhatBelongsToAnotherRecordIsNoMatch) {
  attributed_ids_ = {"new"};
  const Effect effect = Evaluate({.applications = {Listed("new")}});
  EXPECT_EQ(effect.result, nullptr);
  EXPECT_THAT(effect.candidate_ids, IsEmpty());
}

// What could not be read may be what we look for.
TEST_F(AddProductApplicationTest, AMatchInAListThatIsNotWholeIsACandidateOnly) {
  const Effect effect = Evaluate({.applications = {Listed("new")}, .is_complete = false});
  EXPECT_EQ(effect.result, nullptr);
  EXPECT_THAT(effect.candidate_ids, ElementsAre("new"));
  EXPECT_FALSE(effect.is_complete);
}

// It may have been there before, and unreadable.
TEST_F(AddProductApplicationTest, AMatchAfterABaselineThatWasNotWholeIsACandidateOnly) {
  baseline_ = BaselineOf({.applications = {Listed("before")}, .is_complete = false});
  const Effect effect = Evaluate({.applications = {Listed("new")}});
  EXPECT_EQ(effect.result, nullptr);
  EXPECT_THAT(effect.candidate_ids, ElementsAre("new"));
}

TEST_F(AddProductApplicationTest, AWholeListIsCompleteAlsoAfterABaselineThatWasNot) {
  baseline_ = BaselineOf({.applications = {Listed("before")}, .is_complete = false});
  const Effect effect = Evaluate({.applications = {Listed("before")}});
  EXPECT_THAT(effect.candidate_ids, IsEmpty());
  EXPECT_TRUE(effect.is_complete);
}

// The store cannot keep such an id: not as a candidate, and not as what a record stands for.
TEST_F(AddProductApplicationTest, AnItemWhoseIdIsTooLongCountsAsUnreadable) {
  const std::string too_long(kMaxResourceIdBytes + 1, 'a');
  const Effect effect = Evaluate({.applications = {Listed(too_long)}});
  EXPECT_THAT(effect.candidate_ids, IsEmpty());
  EXPECT_FALSE(effect.is_complete);
}

TEST_F(AddProductApplicationTest, KnowsWhatWasThereBefore) {
  EXPECT_TRUE(operation_.IsInBaseline(baseline_, "before"));
  EXPECT_FALSE(operation_.IsInBaseline(baseline_, "new"));
}

// A record that another program wrote: nothing of it is taken for proof.
TEST_F(AddProductApplicationTest, ATargetOrBaselineThatCannotBeReadProvesNothing) {
  const auto now = Observe({.applications = {Listed("new")}});
  for (const std::string broken : {"", "x", "3:abc,"}) {
    const Effect by_target = operation_.Evaluate(broken, baseline_, *now, {});
    EXPECT_EQ(by_target.result, nullptr) << broken;
    EXPECT_FALSE(by_target.is_complete) << broken;
    EXPECT_FALSE(operation_.Evaluate(broken, baseline_, *Observe({}), {}).is_complete) << broken;
    EXPECT_EQ(operation_.Evaluate(target_, broken, *now, {}).result, nullptr) << broken;

    passfort_.asked_for = "nobody";
    const auto observed = RunToCompletion(operation_.Observe(broken, {}));
    EXPECT_TRUE(std::holds_alternative<NotExecuted>(observed)) << broken;
    EXPECT_EQ(passfort_.asked_for, "nobody") << broken;
  }
}

TEST_F(AddProductApplicationTest, AFailedListIsNoObservation) {
  passfort_.list = NotExecuted{.cause = NotExecuted::Cause::kResponseTooLarge};
  const auto result = RunToCompletion(operation_.Observe(target_, {}));
  const auto* const failed = std::get_if<NotExecuted>(&result);
  ASSERT_NE(failed, nullptr);
  EXPECT_EQ(failed->cause, NotExecuted::Cause::kResponseTooLarge);
}

TEST_F(AddProductApplicationTest, OnlyAConflictMayMeanThatItWasExecutedBefore) {
  EXPECT_TRUE(operation_.MayMeanAlreadyExecuted({.http_status = 409}));
  EXPECT_TRUE(operation_.MayMeanAlreadyExecuted({.http_status = 200, .code = 202}));
  EXPECT_FALSE(operation_.MayMeanAlreadyExecuted({.http_status = 422, .code = 201}));
}

// The store keeps nothing about a person, and nothing that grows with what Passfort sends.
TEST(ToStoredResultTest, KeepsIdsProductRoleStatusAndFlagOnly) {
  pb::ProductApplication application;
  application.set_id("ABC");
  application.mutable_product()->set_id("P1");
  application.mutable_product()->set_alias("forexo_basic");
  application.set_associated_role(pb::ASSOCIATED_ROLE_DIRECTOR);
  application.set_status(pb::PRODUCT_APPLICATION_STATUS_APPLIED);
  application.set_flag(pb::PRODUCT_APPLICATION_FLAG_AUTOMATING);
  const std::string kept = application.SerializeAsString();
  application.mutable_product()->set_name("Forexo");
  application.set_etag("e");
  application.add_required_tasks()->set_name("Ada Okafor");
  (*application.mutable_unmapped()->mutable_fields())["name"].set_string_value("Ada Okafor");
  const StoredResult stored = ToStoredResult(application);
  EXPECT_EQ(stored.resource_id, "abc");
  EXPECT_EQ(stored.contents, kept);

  application.mutable_product()->set_alias(std::string(100'000, 'x'));
  EXPECT_LT(ToStoredResult(application).contents.size(), 5000U);
}

}  // namespace
}  // namespace gateway
