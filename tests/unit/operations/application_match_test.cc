#include "service/operations/application_match.h"

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
          .associated_role = ""};
}

MatchResult Weigh(const ApplicationDraft& draft, const std::vector<ListedApplication>& listed) {
  return MatchApplications(draft, {}, {}, listed);
}

TEST(ApplicationMatchTest, OneNewEqualApplicationIsTheOne) {
  const MatchResult evidence = Weigh(DraftOfAlias(), {Listed("a1")});
  ASSERT_TRUE(evidence.found.has_value());
  EXPECT_EQ(evidence.found->id, "a1");
}

TEST(ApplicationMatchTest, AnEmptyListShowsNothing) {
  EXPECT_TRUE(Weigh(DraftOfAlias(), {}).IsEmpty());
}

TEST(ApplicationMatchTest, WhatWasThereBeforeIsNotTheOne) {
  EXPECT_TRUE(MatchApplications(DraftOfAlias(), {"a1"}, {}, {Listed("a1")}).IsEmpty());
}

TEST(ApplicationMatchTest, WhatAnotherRecordHoldsIsNotTheOne) {
  EXPECT_TRUE(MatchApplications(DraftOfAlias(), {}, {"a1"}, {Listed("a1")}).IsEmpty());
}

TEST(ApplicationMatchTest, TwoEqualOnesCannotBeToldApart) {
  const MatchResult evidence = Weigh(DraftOfAlias(), {Listed("a1"), Listed("a2")});
  EXPECT_FALSE(evidence.found.has_value());
  EXPECT_THAT(evidence.candidate_ids, ElementsAre("a1", "a2"));
}

TEST(ApplicationMatchTest, OneListedTwiceIsOne) {
  const MatchResult evidence = Weigh(DraftOfAlias(), {Listed("a1"), Listed("a1")});
  EXPECT_TRUE(evidence.found.has_value());
  EXPECT_THAT(evidence.candidate_ids, ElementsAre("a1"));
}

TEST(ApplicationMatchTest, AnUnsureOneBesideAMatchLeavesItOpen) {
  ListedApplication nameless = Listed("a2");
  nameless.product_alias.clear();
  const MatchResult evidence = Weigh(DraftOfAlias(), {Listed("a1"), nameless});
  EXPECT_FALSE(evidence.found.has_value());
  EXPECT_THAT(evidence.candidate_ids, ElementsAre("a1", "a2"));
}

TEST(ApplicationMatchTest, AnotherAliasThanTheOneThatWasSentIsAnotherProduct) {
  ListedApplication listed = Listed("a1");
  listed.product_alias = "forexo_premium";
  EXPECT_THAT(Weigh(DraftOfAlias(), {listed}).candidate_ids, IsEmpty());
  listed.product_id = kOtherProductId;
  const ApplicationDraft draft{.product_alias = "forexo_basic", .product_id = kProductId};
  EXPECT_THAT(Weigh(draft, {listed}).candidate_ids, IsEmpty());
}

TEST(ApplicationMatchTest, AnotherIdThanTheOneThatWasSentIsAnotherProduct) {
  ListedApplication listed = Listed("a1");
  listed.product_id = kOtherProductId;
  EXPECT_THAT(Weigh({.product_id = kProductId}, {listed}).candidate_ids, IsEmpty());
}

// The alias was sent, and the id may be wrong: Passfort made what the alias names.
TEST(ApplicationMatchTest, AnIdThatTheCallerOnlyExpectsExcludesNothing) {
  ListedApplication listed = Listed("a1");
  listed.product_alias.clear();
  listed.product_id = kOtherProductId;
  const ApplicationDraft draft{.product_alias = "forexo_basic", .product_id = kProductId};
  const MatchResult evidence = Weigh(draft, {listed});
  EXPECT_FALSE(evidence.found.has_value());
  EXPECT_THAT(evidence.candidate_ids, ElementsAre("a1"));
}

TEST(ApplicationMatchTest, AnIdThatTheCallerExpectsConfirmsAnItemWithoutAlias) {
  ListedApplication listed = Listed("a1");
  listed.product_alias.clear();
  const ApplicationDraft draft{.product_alias = "forexo_basic", .product_id = kProductId};
  EXPECT_TRUE(Weigh(draft, {listed}).found.has_value());
}

TEST(ApplicationMatchTest, AnotherAliasOfTheExpectedProductIsUnsure) {
  ListedApplication listed = Listed("a1");
  listed.product_alias = "forexo_basic_v2";
  const ApplicationDraft draft{.product_alias = "forexo_basic", .product_id = kProductId};
  const MatchResult evidence = Weigh(draft, {listed});
  EXPECT_FALSE(evidence.found.has_value());
  EXPECT_THAT(evidence.candidate_ids, ElementsAre("a1"));
}

TEST(ApplicationMatchTest, AnAliasMatchesInAnotherCaseAndWithBlanksAround) {
  for (const char* const alias : {"FOREXO_Basic", " forexo_basic", "forexo_basic\t\n"}) {
    ListedApplication listed = Listed("a1");
    listed.product_alias = alias;
    EXPECT_TRUE(Weigh(DraftOfAlias(), {listed}).found.has_value()) << alias;
    const ApplicationDraft sent_so{.product_alias = alias};
    EXPECT_TRUE(Weigh(sent_so, {Listed("a1")}).found.has_value()) << alias;
  }
}

TEST(ApplicationMatchTest, AnAliasOfBlanksIsNone) {
  ListedApplication listed = Listed("a1");
  listed.product_alias = "  ";
  EXPECT_FALSE(Weigh(DraftOfAlias(), {listed}).found.has_value());
  EXPECT_THAT(Weigh(DraftOfAlias(), {listed}).candidate_ids, ElementsAre("a1"));
}

// Whether these two differ in more than their case is a question of Unicode's tables, and of which
// of them Passfort uses.
TEST(ApplicationMatchTest, AliasesThatAreNotAsciiAreNotClearlyDifferent) {
  ListedApplication listed = Listed("a1");
  listed.product_alias = "\u00dcBER_BASIC";
  const ApplicationDraft draft{.product_alias = "\u00fcber_basic"};
  EXPECT_FALSE(Weigh(draft, {listed}).found.has_value());
  EXPECT_THAT(Weigh(draft, {listed}).candidate_ids, ElementsAre("a1"));
  listed.product_alias = draft.product_alias;
  EXPECT_TRUE(Weigh(draft, {listed}).found.has_value());
}

TEST(ApplicationMatchTest, AnotherRoleAloneIsUnsure) {
  ListedApplication listed = Listed("a1");
  listed.associated_role = "SHAREHOLDER";
  const ApplicationDraft draft{.product_alias = "forexo_basic",
                               .associated_role = pb::ASSOCIATED_ROLE_DIRECTOR};
  EXPECT_FALSE(Weigh(draft, {listed}).found.has_value());
  EXPECT_THAT(Weigh(draft, {listed}).candidate_ids, ElementsAre("a1"));
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
  const MatchResult evidence = Weigh(DraftOfAlias(), {listed});
  EXPECT_FALSE(evidence.found.has_value());
  EXPECT_THAT(evidence.candidate_ids, ElementsAre("a1"));
}

TEST(ApplicationMatchTest, ARoleOnOneSideOnlyIsUnsure) {
  ListedApplication with_role = Listed("a1");
  with_role.associated_role = "DIRECTOR";
  EXPECT_FALSE(Weigh(DraftOfAlias(), {with_role}).found.has_value());
  EXPECT_THAT(Weigh(DraftOfAlias(), {with_role}).candidate_ids, ElementsAre("a1"));
}

TEST(ApplicationMatchTest, ARoleThatIsUnknownToTheContractIsUnsure) {
  ListedApplication listed = Listed("a1");
  listed.associated_role = "NEW_ROLE_OF_PASSFORT";
  const ApplicationDraft draft{.product_alias = "forexo_basic",
                               .associated_role = pb::ASSOCIATED_ROLE_DIRECTOR};
  EXPECT_FALSE(Weigh(draft, {listed}).found.has_value());
  EXPECT_FALSE(Weigh(draft, {listed}).IsEmpty());
}

TEST(ApplicationMatchTest, EveryStatusCounts) {
  ListedApplication cancelled = Listed("a1");
  cancelled.status = pb::PRODUCT_APPLICATION_STATUS_CANCELLED;
  EXPECT_TRUE(Weigh(DraftOfAlias(), {cancelled}).found.has_value());
}

}  // namespace
}  // namespace gateway
