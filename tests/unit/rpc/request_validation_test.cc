#include "service/rpc/request_validation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

#include "service/base/uuid.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr char kProfileId[] = "a2c4393a-e219-67a4-5ab4-2186952e9038";
constexpr char kProductId[] = "BBBBBBBB-0000-11EC-9621-0242AC130002";

pb::AddProductApplicationRequest ARequest() {
  pb::AddProductApplicationRequest request;
  request.set_profile_id(kProfileId);
  request.mutable_product()->set_alias("forexo_basic");
  return request;
}

std::vector<std::string> WrongFields(const pb::AddProductApplicationRequest& request) {
  const auto checked = ValidateRequest(request);
  std::vector<std::string> fields;
  if (const auto* violations = std::get_if<std::vector<FieldViolation>>(&checked)) {
    for (const auto& violation : *violations) fields.push_back(violation.field);
  }
  return fields;
}

TEST(ValidateRequestTest, MakesADraftOfARequestByAlias) {
  EXPECT_EQ(std::get<ApplicationDraft>(ValidateRequest(ARequest())),
            (ApplicationDraft{.profile_id = kProfileId,
                              .product_alias = "forexo_basic",
                              .product_id = "",
                              .associated_role = pb::ASSOCIATED_ROLE_UNSPECIFIED}));
}

TEST(ValidateRequestTest, MakesADraftWithAllThatTheRequestHas) {
  auto request = ARequest();
  request.mutable_product()->set_id(kProductId);
  request.set_associated_role(pb::ASSOCIATED_ROLE_OTHER);
  request.set_request_id("5a9b2ad0-9b93-4d52-8a09-6f5c1f6cd2e5");
  EXPECT_EQ(std::get<ApplicationDraft>(ValidateRequest(request)),
            (ApplicationDraft{.profile_id = kProfileId,
                              .product_alias = "forexo_basic",
                              .product_id = kProductId,
                              .associated_role = pb::ASSOCIATED_ROLE_OTHER}));
}

TEST(ValidateRequestTest, TakesAProductByItsIdAlone) {
  auto request = ARequest();
  request.mutable_product()->clear_alias();
  request.mutable_product()->set_id(kProductId);
  EXPECT_THAT(WrongFields(request), IsEmpty());
}

TEST(ValidateRequestTest, TellsAllThatIsWrongAtOnce) {
  pb::AddProductApplicationRequest request;
  request.set_profile_id("../..");
  request.mutable_product()->set_alias(std::string(300, 'a') + '\n');
  request.mutable_product()->set_id("1");
  request.set_associated_role(static_cast<pb::AssociatedRole>(11));
  request.set_request_id(std::string(129, ' '));
  const auto checked = ValidateRequest(request);
  EXPECT_THAT(
      std::get<std::vector<FieldViolation>>(checked),
      ElementsAre(
          FieldViolation{"profile_id",
                         "must be a UUID: 8-4-4-4-12 hexadecimal digits joined by hyphens"},
          FieldViolation{"product.alias", "must be at most 256 bytes long; it has 301"},
          FieldViolation{"product.alias", "must be printable text, without control characters"},
          FieldViolation{"product.id",
                         "must be a UUID: 8-4-4-4-12 hexadecimal digits joined by hyphens"},
          FieldViolation{"associated_role", "must be one of the roles of this contract (0 to 10)"},
          FieldViolation{"request_id", "must be at most 128 characters long; it has 129"},
          FieldViolation{"request_id", "must be visible ASCII characters only, without spaces"}));
}

TEST(ValidateRequestTest, AsksForWhatIsRequired) {
  EXPECT_THAT(std::get<std::vector<FieldViolation>>(ValidateRequest({})),
              ElementsAre(FieldViolation{"profile_id",
                                         "is required: a UUID: 8-4-4-4-12 hexadecimal digits "
                                         "joined by hyphens"},
                          FieldViolation{"product",
                                         "is required: name the product by its alias or its id"}));
}

TEST(ValidateRequestTest, AnEmptyProductIsAMissingOne) {
  auto request = ARequest();
  request.mutable_product()->Clear();
  EXPECT_THAT(WrongFields(request), ElementsAre("product"));
}

struct TextCase {
  std::string name;
  std::string text;
  bool right;
};

std::string CaseName(const testing::TestParamInfo<TextCase>& info) { return info.param.name; }

class UuidTest : public testing::TestWithParam<TextCase> {};

TEST_P(UuidTest, IsTakenInItsOneForm) {
  EXPECT_EQ(IsUuid(GetParam().text), GetParam().right);
  auto request = ARequest();
  request.set_profile_id(GetParam().text);
  EXPECT_EQ(WrongFields(request).empty(), GetParam().right);
}

INSTANTIATE_TEST_SUITE_P(
    All, UuidTest,
    testing::Values(TextCase{"LowerCase", kProfileId, true},
                    TextCase{"UpperCase", kProductId, true},
                    TextCase{"NoRfc4122Variant", "a2c4393a-e219-67a4-5ab4-2186952e9038", true},
                    TextCase{"Empty", "", false}, TextCase{"PathUpwards", "../..", false},
                    TextCase{"Braces", "{a2c4393a-e219-67a4-5ab4-2186952e9038}", false},
                    TextCase{"NewlineBehind", "a2c4393a-e219-67a4-5ab4-2186952e9038\n", false},
                    TextCase{"NewlineBefore", "\na2c4393a-e219-67a4-5ab4-2186952e9038", false},
                    TextCase{"ZeroByteBehind", std::string(kProfileId) + '\0', false},
                    TextCase{"PathBehind", "a2c4393a-e219-67a4-5ab4-2186952e9038/..", false},
                    TextCase{"OneShort", "a2c4393a-e219-67a4-5ab4-2186952e903", false},
                    TextCase{"NoHyphens", "a2c4393ae21967a45ab42186952e9038", false},
                    TextCase{"HyphenMoved", "a2c4393-ae219-67a4-5ab4-2186952e9038", false},
                    TextCase{"NoHexDigit", "g2c4393a-e219-67a4-5ab4-2186952e9038", false},
                    TextCase{"PercentEscape", "a2c4393a-e219-67a4-5ab4-2186952e%2e8", false},
                    TextCase{"TenKilobytes", std::string(10'000, 'a'), false}),
    CaseName);

class AliasTest : public testing::TestWithParam<TextCase> {};

TEST_P(AliasTest, IsPrintableTextOfAtMost256Bytes) {
  auto request = ARequest();
  request.mutable_product()->set_alias(GetParam().text);
  EXPECT_EQ(WrongFields(request), GetParam().right ? std::vector<std::string>{}
                                                   : std::vector<std::string>{"product.alias"});
}

INSTANTIATE_TEST_SUITE_P(
    All, AliasTest,
    testing::Values(TextCase{"Plain", "forexo_basic", true},
                    TextCase{"Spaces", "forexo basic", true},
                    TextCase{"OtherScripts", "k\u00e4se \u540d\U0001f600", true},
                    TextCase{"NoBreakSpace", "a\u00a0b", true},
                    TextCase{"Longest", std::string(256, 'a'), true},
                    TextCase{"TooLong", std::string(257, 'a'), false},
                    TextCase{"Tab", "a\tb", false},
                    TextCase{"ZeroByte", std::string("a\0b", 3), false},
                    TextCase{"Delete", "a\x7f", false}, TextCase{"C1Control", "a\u0085", false}),
    CaseName);

class RequestIdTest : public testing::TestWithParam<TextCase> {};

TEST_P(RequestIdTest, IsVisibleAscii) {
  auto request = ARequest();
  request.set_request_id(GetParam().text);
  EXPECT_EQ(WrongFields(request),
            GetParam().right ? std::vector<std::string>{} : std::vector<std::string>{"request_id"});
}

INSTANTIATE_TEST_SUITE_P(
    All, RequestIdTest,
    testing::Values(TextCase{"None", "", true}, TextCase{"First", "!", true},
                    TextCase{"Last", "~", true}, TextCase{"Longest", std::string(128, 'r'), true},
                    TextCase{"TooLong", std::string(129, 'r'), false},
                    TextCase{"Space", "a b", false}, TextCase{"Newline", "a\n", false},
                    TextCase{"Delete", "\x7f", false}, TextCase{"NotAscii", "\u00e4", false}),
    CaseName);

TEST(ValidateRequestTest, KnowsTheRolesOfTheContractOnly) {
  for (int number = -2; number <= 20; ++number) {
    auto request = ARequest();
    request.set_associated_role(static_cast<pb::AssociatedRole>(number));
    EXPECT_EQ(WrongFields(request).empty(), number >= 0 && number <= 10) << number;
  }
}

TEST(ValidateRequestTest, RepeatsNoValueInItsDescriptions) {
  pb::AddProductApplicationRequest request;
  request.set_profile_id("canary-1\n");
  request.mutable_product()->set_alias("canary-2\n");
  request.mutable_product()->set_id("canary-3\n");
  request.set_request_id("canary-4\n");
  const auto checked = ValidateRequest(request);
  const auto& violations = std::get<std::vector<FieldViolation>>(checked);
  ASSERT_EQ(violations.size(), 4u);
  for (const auto& violation : violations) {
    EXPECT_EQ(violation.description.find("canary"), std::string::npos) << violation.field;
  }
}

pb::CreateProfileRequest AProfile() {
  pb::CreateProfileRequest request;
  request.set_role(pb::PROFILE_ROLE_INDIVIDUAL_CUSTOMER);
  (*request.mutable_collected_data()->mutable_fields())["entity_type"].set_string_value(
      "INDIVIDUAL");
  request.add_product_applications()->mutable_product()->set_alias("forexo_basic");
  return request;
}

std::vector<std::string> WrongFieldsOf(const pb::CreateProfileRequest& request) {
  std::vector<std::string> fields;
  const auto checked = ValidateCreateProfile(request);
  if (const auto* violations = std::get_if<std::vector<FieldViolation>>(&checked)) {
    for (const FieldViolation& violation : *violations) fields.push_back(violation.field);
  }
  return fields;
}

using testing::ElementsAre;
using testing::IsEmpty;

TEST(ValidateCreateProfileTest, TakesWhatPassfortNeeds) {
  EXPECT_THAT(WrongFieldsOf(AProfile()), IsEmpty());
  auto company = AProfile();
  company.set_role(pb::PROFILE_ROLE_COMPANY_CUSTOMER);
  EXPECT_THAT(WrongFieldsOf(company), ElementsAre("collected_data.entity_type"));
  (*company.mutable_collected_data()->mutable_fields())["entity_type"].set_string_value("COMPANY");
  company.clear_product_applications();
  EXPECT_THAT(WrongFieldsOf(company), IsEmpty());
}

TEST(ValidateCreateProfileTest, ListsAllThatIsWrong) {
  EXPECT_THAT(WrongFieldsOf({}), ElementsAre("role"));
  auto wrong = AProfile();
  wrong.set_role(static_cast<pb::ProfileRole>(77));
  wrong.mutable_product_applications(0)->clear_product();
  wrong.mutable_product_applications(0)->set_associated_role(static_cast<pb::AssociatedRole>(77));
  wrong.add_product_applications()->mutable_product()->set_id("no uuid");
  wrong.set_request_id("with space");
  EXPECT_THAT(WrongFieldsOf(wrong),
              ElementsAre("role", "product_applications[0].product",
                          "product_applications[0].associated_role",
                          "product_applications[1].product.id", "request_id"));
}

TEST(ValidateCreateProfileTest, BoundsWhatIsCollected) {
  auto endless = AProfile();
  auto& data = *endless.mutable_collected_data()->mutable_fields();
  data["x"].set_number_value(std::numeric_limits<double>::infinity());
  EXPECT_THAT(WrongFieldsOf(endless), ElementsAre("collected_data"));

  auto nested = AProfile();
  google::protobuf::Value* value = &(*nested.mutable_collected_data()->mutable_fields())["x"];
  for (int level = 1; level < 24; ++level) {
    value = value->mutable_list_value()->add_values();
  }
  EXPECT_THAT(WrongFieldsOf(nested), IsEmpty());
  value->mutable_list_value();
  EXPECT_THAT(WrongFieldsOf(nested), ElementsAre("collected_data"));

  auto many = AProfile();
  for (int i = 0; i < kMaxDrafts; ++i)
    *many.add_product_applications() = AProfile().product_applications(0);
  EXPECT_THAT(WrongFieldsOf(many), ElementsAre("product_applications"));
}

}  // namespace
}  // namespace gateway
