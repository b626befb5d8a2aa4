#include "service/passfort/mapping/product_application_json.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>
#include <string>

#include "absl/strings/str_cat.h"
#include "service/json/json_reader.h"
#include "tests/unit/passfort/mapped_application.h"

namespace gateway {
namespace {

using nlohmann::json;

// The application that a JSON object maps to, without its `id`, which every one has.
pb::ProductApplication MappedMembers(std::string_view members) {
  std::string text(members);
  text.insert(1, R"("id": "7f1d2c08-5b0e-4c55-9a41-0f6a3b9d1e22",)");
  pb::ProductApplication application = MappedText(text);
  EXPECT_EQ(application.id(), "7f1d2c08-5b0e-4c55-9a41-0f6a3b9d1e22");
  application.clear_id();
  return application;
}

// --- Whole answers

TEST(ProductApplicationJsonTest, MapsTheGuidesAnswer) {
  EXPECT_THAT(Mapped(ReadJson(TestData("guide_response.json")).value()),
              IsProto(TestData("guide_response.textproto")));
}

TEST(ProductApplicationJsonTest, MapsAListsItems) {
  const json list = ReadJson(TestData("list_with_associate.json")).value();
  ASSERT_EQ(list.size(), 2);
  EXPECT_THAT(Mapped(list[0]), IsProto(TestData("list_with_associate.0.textproto")));
  EXPECT_THAT(Mapped(list[1]), IsProto(TestData("list_with_associate.1.textproto")));
}

TEST(ProductApplicationJsonTest, KeepsWhatNoDocumentNames) {
  EXPECT_THAT(Mapped(ReadJson(TestData("undocumented_members.json")).value()),
              IsProto(TestData("undocumented_members.textproto")));
}

TEST(ProductApplicationJsonTest, MapsTheFormOf2018) {
  EXPECT_THAT(Mapped(ReadJson(TestData("response_2018.json")).value()),
              IsProto(TestData("response_2018.textproto")));
}

// --- Single rules

struct Rule {
  const char* name;
  const char* json;
  const char* application;
};

void PrintTo(const Rule& rule, std::ostream* out) { *out << rule.name; }

class MappingRuleTest : public testing::TestWithParam<Rule> {};

TEST_P(MappingRuleTest, Holds) {
  EXPECT_THAT(MappedMembers(GetParam().json), IsProto(GetParam().application));
}

INSTANTIATE_TEST_SUITE_P(
    Rules, MappingRuleTest,
    testing::ValuesIn<Rule>({
        {"NullAndDefaultAreAbsent",
         R"({"product": null, "status": null, "flag": null, "associated_role": null,
             "required_tasks": null, "approval_blockers": [], "assignments": [], "history": null,
             "flag_history": [], "hidden": false})",
         ""},
        {"NullInsideAMessageIsAbsent",
         R"({"history": [{"status": null, "date": null, "decisioner": null, "comment": ""}],
             "approval_blockers": [{"task_variant": null, "event_id": null}]})",
         "history {} approval_blockers {}"},
        {"AnEmptyObjectIsAMessage", R"({"product": {}, "history": [{"decisioner": {}}]})",
         "product {} history { decisioner {} }"},
        {"UnknownNullIsKept", R"({"risk": null})",
         R"(unmapped { fields { key: "risk" value { null_value: NULL_VALUE } } })"},
        {"AutoApplyIsUnknown", R"({"product": {"auto_apply": true, "automatically_apply": true}})",
         R"(product { automatically_apply: true }
            unmapped { fields { key: "product" value { struct_value {
              fields { key: "auto_apply" value { bool_value: true } } } } } })"},
        {"AMemberCalledUnmappedIsUnknown", R"({"unmapped": {"a": 1}})",
         R"(unmapped { fields { key: "unmapped" value { struct_value {
              fields { key: "a" value { number_value: 1 } } } } } })"},
        {"PortalSpellingIsUnknown", R"({"status": "CANCELED"})",
         R"(unmapped { fields { key: "status" value { string_value: "CANCELED" } } })"},
        {"EmptyEnumValueIsKept", R"({"flag": ""})",
         R"(unmapped { fields { key: "flag" value { string_value: "" } } })"},
        {"PlainDateIsTypedOnly", R"({"flag_history": [{"date": "2024-03-11 09:26:53"}]})",
         "flag_history { date { seconds: 1710149213 } }"},
        {"DateInAnotherFormIsTypedAndKept",
         R"({"flag_history": [{"date": "2024-03-11T09:26:53"}]})",
         R"(flag_history { date { seconds: 1710149213 } }
            unmapped { fields { key: "flag_history" value { struct_value {
              fields { key: "0" value { struct_value {
                fields { key: "date" value { string_value: "2024-03-11T09:26:53" } } } } } } } } })"},
        {"NoDateIsKeptOnly", R"({"flag_history": [{"date": "2024-02-30 00:00:00"}]})",
         R"(flag_history {}
            unmapped { fields { key: "flag_history" value { struct_value {
              fields { key: "0" value { struct_value {
                fields { key: "date" value { string_value: "2024-02-30 00:00:00" } } } } } } } } })"},
        {"WrongTypesAreKept",
         R"({"product": "forexo", "status": 7, "hidden": "yes", "history": {"0": {"status": 1}}})",
         R"(unmapped {
              fields { key: "product" value { string_value: "forexo" } }
              fields { key: "status" value { number_value: 7 } }
              fields { key: "hidden" value { string_value: "yes" } }
              fields { key: "history" value { struct_value { fields { key: "0" value { struct_value {
                fields { key: "status" value { number_value: 1 } } } } } } } } })"},
        {"IdOfAnotherTypeIsKept", R"({"product": {"id": 5, "name": ["x"]}})",
         R"(product {}
            unmapped { fields { key: "product" value { struct_value {
              fields { key: "id" value { number_value: 5 } }
              fields { key: "name" value { list_value { values { string_value: "x" } } } } } } } })"},
        {"WrongElementsLeaveTheirPlaceEmpty",
         R"({"required_tasks": [{"id": "a"}, null, "x", {"id": "b"}]})",
         R"(required_tasks { id: "a" } required_tasks {} required_tasks {} required_tasks { id: "b" }
            unmapped { fields { key: "required_tasks" value { struct_value {
              fields { key: "1" value { null_value: NULL_VALUE } }
              fields { key: "2" value { string_value: "x" } } } } } })"},
        {"AnAssignmentThatIsNoObjectIsAWrongType", R"({"assignments": [[1], {"a": 2}]})",
         R"(assignments {} assignments { fields { key: "a" value { number_value: 2 } } }
            unmapped { fields { key: "assignments" value { struct_value {
              fields { key: "0" value { list_value { values { number_value: 1 } } } } } } } })"},
        {"IntegersThatNoDoublePrintsBackAreStrings",
         R"({"n": [9007199254740992, 9007199254740993, -9007199254740993, 9223372036854775807,
                   -9223372036854775808, 18446744073709551615, 18446744073709551616,
                   123456789012345678901234567890, 10000000000000000000]})",
         R"(unmapped { fields { key: "n" value { list_value {
              values { number_value: 9007199254740992 }
              values { string_value: "9007199254740993" }
              values { string_value: "-9007199254740993" }
              values { string_value: "9223372036854775807" }
              values { string_value: "-9223372036854775808" }
              values { string_value: "18446744073709551615" }
              values { string_value: "18446744073709551616" }
              values { string_value: "123456789012345678901234567890" }
              values { number_value: 1e19 } } } } })"},
        {"NumbersThatNoDoublePrintsBackAreStrings",
         R"({"n": [12345678901234567.89, 1e-400, 1e400, -0, -0.0, 1E5, 0.1000]})",
         R"(unmapped { fields { key: "n" value { list_value {
              values { string_value: "12345678901234567.89" }
              values { string_value: "1e-400" }
              values { string_value: "1e400" }
              values { string_value: "-0" }
              values { string_value: "-0.0" }
              values { number_value: 100000 }
              values { number_value: 0.1 } } } } })"},
        {"OddWordsAreStrings", R"({"n": [NaN, Infinity, -Infinity], "status": NaN})",
         R"(unmapped {
              fields { key: "n" value { list_value {
                values { string_value: "NaN" }
                values { string_value: "Infinity" }
                values { string_value: "-Infinity" } } } }
              fields { key: "status" value { string_value: "NaN" } } })"},
        {"OddStringsAreEscapedTypedAndKept",
         "{\"product\": {\"alias\": \"a\xff\"}, \"risk\": \"\\ud83d\"}",
         R"(product { alias: "a\\xff" }
            unmapped {
              fields { key: "product" value { struct_value {
                fields { key: "alias" value { string_value: "a\\xff" } } } } }
              fields { key: "risk" value { string_value: "\\ud83d" } } })"},
        {"AnOddStringIsNoEnumValueAndNoDate",
         R"({"status": "APPLIED\ud83d", "flag_history": [{"date": "2024-03-11 09:26:53\ud83d"}]})",
         R"(flag_history {}
            unmapped {
              fields { key: "status" value { string_value: "APPLIED\\ud83d" } }
              fields { key: "flag_history" value { struct_value {
                fields { key: "0" value { struct_value {
                  fields { key: "date" value { string_value: "2024-03-11 09:26:53\\ud83d" } }
                } } } } } } })"},
        {"AnOddNameIsEscaped", "{\"\xff\": 1}",
         R"(unmapped { fields { key: "\\xff" value { number_value: 1 } } })"},
        {"DeepMembersKeepTheirPlace",
         R"({"approval_blockers": [{}, {"task_variant": {"weight": 2}}]})",
         R"(approval_blockers {} approval_blockers { task_variant {} }
            unmapped { fields { key: "approval_blockers" value { struct_value {
              fields { key: "1" value { struct_value {
                fields { key: "task_variant" value { struct_value {
                  fields { key: "weight" value { number_value: 2 } } } } } } } } } } } })"},
    }),
    [](const testing::TestParamInfo<Rule>& info) { return info.param.name; });

// --- Depth

// {"a": {"a": ... {"n": 18446744073709551617}}} with the innermost object `level` below the
// outermost.
json ObjectAtLevel(int level) {
  json object = ReadJson(R"({"n": 18446744073709551617})").value();
  for (; level > 0; --level) {
    object = json::object({{"a", std::move(object)}});
  }
  return object;
}

TEST(ProductApplicationJsonTest, CarriesASubtreeBelow24LevelsAsItsText) {
  json source = ObjectAtLevel(24);
  source["id"] = "x";
  EXPECT_TRUE(Below(Mapped(source).unmapped(), 24).has_struct_value());

  source = ObjectAtLevel(25);
  source["id"] = "x";
  EXPECT_EQ(Below(Mapped(source).unmapped(), 25).string_value(), R"({"n":18446744073709551617})");
}

TEST(ProductApplicationJsonTest, CarriesListsAndScalarsInADeepSubtreeAsText) {
  json source = {{"id", "x"}, {"a", json::parse(R"([{}, [], null, true, -1, 0.5, "\u00e9\""])")}};
  for (int level = 1; level <= 24; ++level) source["a"] = json::object({{"a", source["a"]}});
  source["b"] = {{"c", 1}};
  const auto unmapped = Mapped(source).unmapped();
  EXPECT_EQ(Below(unmapped, 25).string_value(), R"([{},[],null,true,-1,0.5,"é\""])");
  EXPECT_EQ(unmapped.fields().at("b").struct_value().fields().at("c").number_value(), 1);
}

TEST(ProductApplicationJsonTest, ReadsTheDeepestNestingAllowed) {
  const auto with_lists = [](int lists) {
    return absl::StrCat(R"({"id": "x", "a": )", std::string(lists, '['), std::string(lists, ']'),
                        "}");
  };
  EXPECT_TRUE(ReadProductApplication(with_lists(kMaxJsonDepth - 1)).has_value());
  EXPECT_FALSE(ReadProductApplication(with_lists(kMaxJsonDepth)).has_value());
}

TEST(ProductApplicationJsonTest, CountsTheLevelsOfAMemberOfAnotherTypeFromTheRoot) {
  const auto at_limit = Mapped({{"id", "x"}, {"flag", ObjectAtLevel(23)}}).unmapped();
  EXPECT_TRUE(Below(at_limit.fields().at("flag").struct_value(), 23).has_struct_value());

  const auto beyond = Mapped({{"id", "x"}, {"flag", ObjectAtLevel(24)}}).unmapped();
  EXPECT_TRUE(Below(beyond.fields().at("flag").struct_value(), 24).has_string_value());
}

TEST(ProductApplicationJsonTest, CountsTheLevelsOfAnAssignmentFromTheAssignment) {
  const auto at_limit = Mapped({{"id", "x"},
                                {"a", {"an unknown member", "before it"}},
                                {"assignments", json::array({ObjectAtLevel(24)})}});
  EXPECT_TRUE(Below(at_limit.assignments(0), 24).has_struct_value());

  const auto beyond = Mapped({{"id", "x"}, {"assignments", json::array({ObjectAtLevel(25)})}});
  EXPECT_EQ(Below(beyond.assignments(0), 25).string_value(), R"({"n":18446744073709551617})");
}

// --- Enums: every value of the contract is read from its own name.

template <typename Enum>
void ExpectEveryValueIsRead(const std::string& path, Enum (*read)(const pb::ProductApplication&)) {
  const auto& type = *google::protobuf::GetEnumDescriptor<Enum>();
  const std::string zero(type.value(0)->name());
  const std::string prefix = zero.substr(0, zero.find("UNSPECIFIED"));
  for (int i = 1; i < type.value_count(); ++i) {
    const auto json_name = std::string(type.value(i)->name()).substr(prefix.size());
    json source = {{"id", "x"}};
    source[json::json_pointer(path)] = json_name;
    const pb::ProductApplication application = Mapped(source);
    EXPECT_EQ(read(application), type.value(i)->number()) << json_name;
    EXPECT_FALSE(application.has_unmapped()) << json_name;
  }
  json source = {{"id", "x"}};
  source[json::json_pointer(path)] = "UNSPECIFIED";
  EXPECT_TRUE(Mapped(source).has_unmapped()) << path;
}

TEST(ProductApplicationJsonTest, ReadsEveryEnumValueOfTheContract) {
  using Application = pb::ProductApplication;
  ExpectEveryValueIsRead<pb::AssociatedRole>(
      "/associated_role", [](const Application& a) { return a.associated_role(); });
  ExpectEveryValueIsRead<pb::ProductApplicationStatus>(
      "/status", [](const Application& a) { return a.status(); });
  ExpectEveryValueIsRead<pb::ProductApplicationFlag>("/flag",
                                                     [](const Application& a) { return a.flag(); });
}

TEST(ProductApplicationJsonTest, ReadsEveryBlockerType) {
  for (int number = pb::ApprovalBlockerType_MIN + 1; number <= pb::ApprovalBlockerType_MAX;
       ++number) {
    const auto type = static_cast<pb::ApprovalBlockerType>(number);
    const std::string name =
        pb::ApprovalBlockerType_Name(type).substr(std::string("APPROVAL_BLOCKER_TYPE_").size());
    const pb::ProductApplication application =
        Mapped({{"id", "x"},
                {"approval_blockers", json::array({json::object({{"blocker_type", name}})})}});
    EXPECT_EQ(application.approval_blockers(0).blocker_type(), type) << name;
    EXPECT_FALSE(application.has_unmapped()) << name;
  }
}

TEST(AssociatedRoleJsonNameTest, IsTheNameWithoutItsPrefix) {
  for (int number = 1; number <= pb::AssociatedRole_MAX; ++number) {
    const auto role = static_cast<pb::AssociatedRole>(number);
    EXPECT_EQ(absl::StrCat("ASSOCIATED_ROLE_", std::string(AssociatedRoleJsonName(role))),
              pb::AssociatedRole_Name(role));
  }
}

TEST(AssociatedRoleJsonNameTest, IsEmptyWithoutARole) {
  EXPECT_EQ(AssociatedRoleJsonName(pb::ASSOCIATED_ROLE_UNSPECIFIED), "");
  EXPECT_EQ(AssociatedRoleJsonName(static_cast<pb::AssociatedRole>(99)), "");
}

// --- The request

TEST(CreateApplicationJsonTest, NamesTheProductByAlias) {
  EXPECT_EQ(CreateApplicationJson("forexo_basic", "", pb::ASSOCIATED_ROLE_UNSPECIFIED),
            R"({"product":{"alias":"forexo_basic"}})");
}

TEST(CreateApplicationJsonTest, NamesTheProductByIdWithoutAnAlias) {
  EXPECT_EQ(CreateApplicationJson("", "6cceb65e-d86b-11e9-b8b6-7a5deda3a0a3",
                                  pb::ASSOCIATED_ROLE_UNSPECIFIED),
            R"({"product":{"id":"6cceb65e-d86b-11e9-b8b6-7a5deda3a0a3"}})");
}

TEST(CreateApplicationJsonTest, SendsTheAliasAloneIfBothAreGiven) {
  EXPECT_EQ(CreateApplicationJson("forexo_associate", "6cceb65e-d86b-11e9-b8b6-7a5deda3a0a3",
                                  pb::ASSOCIATED_ROLE_DIRECTOR),
            R"({"product":{"alias":"forexo_associate"},"associated_role":"DIRECTOR"})");
}

TEST(CreateApplicationJsonTest, EscapesTheAlias) {
  const std::string alias = "a\"b\\c\n😀\"},\"status\":\"APPROVED";
  const json body = json::parse(CreateApplicationJson(alias, "", pb::ASSOCIATED_ROLE_OTHER));
  EXPECT_EQ(body, json({{"product", {{"alias", alias}}}, {"associated_role", "OTHER"}}));
}

}  // namespace
}  // namespace gateway
