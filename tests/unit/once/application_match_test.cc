#include "service/once/application_match.h"

#include <gmock/gmock.h>

namespace gateway {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr char kProductId[] = "aaaaaaaa-0000-4000-8000-00000000000a";
constexpr char kOtherProductId[] = "bbbbbbbb-0000-4000-8000-00000000000b";

ApplicationDraft DraftOfAlias() { return {.product_alias = "forexo_basic"}; }

ListedApplication Listed(std::string id) {
  return {.id = std::move(id),
          .product_alias = "forexo_basic",
          .product_id = kProductId,
          .associated_role = "",
          .application = nullptr};
}

Evidence Weigh(const ApplicationDraft& draft, const std::vector<ListedApplication>& listed) {
  return WeighList(draft, {}, {}, listed);
}

TEST(ApplicationMatchTest, OneNewEqualApplicationIsTheOne) {
  const Evidence evidence = Weigh(DraftOfAlias(), {Listed("a1")});
  ASSERT_TRUE(evidence.found.has_value());
  EXPECT_EQ(evidence.found->id, "a1");
}

TEST(ApplicationMatchTest, AnEmptyListShowsNothing) {
  EXPECT_TRUE(Weigh(DraftOfAlias(), {}).ShowsNothing());
}

TEST(ApplicationMatchTest, WhatWasThereBeforeIsNotTheOne) {
  EXPECT_TRUE(WeighList(DraftOfAlias(), {"a1"}, {}, {Listed("a1")}).ShowsNothing());
}

TEST(ApplicationMatchTest, WhatAnotherRecordHoldsIsNotTheOne) {
  EXPECT_TRUE(WeighList(DraftOfAlias(), {}, {"a1"}, {Listed("a1")}).ShowsNothing());
}

TEST(ApplicationMatchTest, TwoEqualOnesCannotBeToldApart) {
  const Evidence evidence = Weigh(DraftOfAlias(), {Listed("a1"), Listed("a2")});
  EXPECT_FALSE(evidence.found.has_value());
  EXPECT_THAT(evidence.candidate_ids, ElementsAre("a1", "a2"));
}

TEST(ApplicationMatchTest, OneListedTwiceIsOne) {
  const Evidence evidence = Weigh(DraftOfAlias(), {Listed("a1"), Listed("a1")});
  EXPECT_TRUE(evidence.found.has_value());
  EXPECT_THAT(evidence.candidate_ids, ElementsAre("a1"));
}

TEST(ApplicationMatchTest, AnUnsureOneBesideAMatchLeavesItOpen) {
  ListedApplication nameless = Listed("a2");
  nameless.product_alias.clear();
  const Evidence evidence = Weigh(DraftOfAlias(), {Listed("a1"), nameless});
  EXPECT_FALSE(evidence.found.has_value());
  EXPECT_THAT(evidence.candidate_ids, ElementsAre("a1", "a2"));
}

TEST(ApplicationMatchTest, OtherProductsAndRolesDoNotMatter) {
  ListedApplication other_alias = Listed("a2");
  other_alias.product_alias = "forexo_premium";
  ListedApplication other_id = Listed("a3");
  other_id.product_alias.clear();
  other_id.product_id = kOtherProductId;
  ListedApplication other_role = Listed("a4");
  other_role.associated_role = "SHAREHOLDER";

  ApplicationDraft draft{.product_alias = "forexo_basic",
                         .product_id = kProductId,
                         .associated_role = pb::ASSOCIATED_ROLE_DIRECTOR};
  EXPECT_THAT(Weigh(draft, {other_alias, other_id, other_role}).candidate_ids, IsEmpty());
}

TEST(ApplicationMatchTest, TheAliasDecidesWhereBothSidesHaveOne) {
  ListedApplication listed = Listed("a1");
  listed.product_id = kOtherProductId;
  const ApplicationDraft draft{.product_alias = "forexo_basic", .product_id = kProductId};
  EXPECT_TRUE(Weigh(draft, {listed}).found.has_value());
}

TEST(ApplicationMatchTest, AProductIdIsComparedWithoutCase) {
  const ApplicationDraft draft{.product_id = "AAAAAAAA-0000-4000-8000-00000000000A"};
  EXPECT_TRUE(Weigh(draft, {Listed("a1")}).found.has_value());
}

TEST(ApplicationMatchTest, AnItemWithoutAliasIsUnsureForADraftWithOnlyAnAlias) {
  ListedApplication listed = Listed("a1");
  listed.product_alias.clear();
  const Evidence evidence = Weigh(DraftOfAlias(), {listed});
  EXPECT_FALSE(evidence.found.has_value());
  EXPECT_THAT(evidence.candidate_ids, ElementsAre("a1"));
}

TEST(ApplicationMatchTest, ARoleOnOneSideOnlyIsUnsure) {
  ListedApplication with_role = Listed("a1");
  with_role.associated_role = "DIRECTOR";
  EXPECT_FALSE(Weigh(DraftOfAlias(), {with_role}).found.has_value());
  EXPECT_THAT(Weigh(DraftOfAlias(), {with_role}).candidate_ids, ElementsAre("a1"));
}

TEST(ApplicationMatchTest, ARoleThatIsUnknownToTheContractIsAnotherRole) {
  ListedApplication listed = Listed("a1");
  listed.associated_role = "NEW_ROLE_OF_PASSFORT";
  const ApplicationDraft draft{.product_alias = "forexo_basic",
                               .associated_role = pb::ASSOCIATED_ROLE_DIRECTOR};
  EXPECT_TRUE(Weigh(draft, {listed}).ShowsNothing());
}

TEST(ApplicationMatchTest, HiddenOnesAndEveryStatusCount) {
  ListedApplication hidden = Listed("a1");
  hidden.application = std::make_shared<pb::ProductApplication>();
  hidden.application->set_hidden(true);
  hidden.application->set_status(pb::PRODUCT_APPLICATION_STATUS_CANCELLED);
  EXPECT_TRUE(Weigh(DraftOfAlias(), {hidden}).found.has_value());
}

}  // namespace
}  // namespace gateway
