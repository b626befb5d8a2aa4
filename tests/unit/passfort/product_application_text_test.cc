// Whole texts: what is an application or a list of them, and members with duplicate keys.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "service/http/http_client.h"
#include "service/json/json_reader.h"
#include "service/passfort/mapping/product_application_json.h"
#include "service/passfort/mapping/resource_reading.h"
#include "service/passfort/product_application_client.h"
#include "tests/unit/passfort/mapped_application.h"

namespace gateway {
namespace {

using nlohmann::json;

std::vector<ListedApplication> ItemsOf(const std::string& list) {
  const HttpResult result{.response_or_failure = HttpResponse{.status = 200, .body = list}};
  const auto read = ReadAtOnce(kListApplications, "", result, absl::UnixEpoch(), nullptr);
  return std::get<ApplicationList>(ToListOutcome(read.outcome)).applications;
}

// --- What is no application

struct Text {
  const char* name;
  const char* json;
};

void PrintTo(const Text& row, std::ostream* out) { *out << row.name; }

class NoApplicationTest : public testing::TestWithParam<Text> {};

TEST_P(NoApplicationTest, IsNothing) {
  EXPECT_FALSE(ReadProductApplication(GetParam().json).has_value());
}

INSTANTIATE_TEST_SUITE_P(Texts, NoApplicationTest,
                         testing::ValuesIn<Text>({
                             {"NoId", R"({"status": "APPLIED"})"},
                             {"EmptyId", R"({"id": ""})"},
                             {"NullAsId", R"({"id": null})"},
                             {"NumberAsId", R"({"id": 7})"},
                             {"LargeIntegerAsId", R"({"id": 18446744073709551617})"},
                             {"ObjectAsId", R"({"id": {"id": "x"}})"},
                             {"ListAsId", R"({"id": ["x"]})"},
                             {"IdFurtherDown", R"({"product": {"id": "x"}})"},
                             {"List", R"([{"id": "x"}])"},
                             {"Text", R"("x")"},
                             {"Number", "7"},
                             {"Null", "null"},
                             {"CutOff", R"({"id": "x", "history": [{"status": "APPLIED")"},
                             {"CutOffUnknown", R"({"id": "x", "risk": [{"a": 1)"},
                             {"Garbage", R"({"id": "x"} x)"},
                             {"WordAsId", R"({"id": NaN})"},
                             {"LongNumberAsId", R"({"id": 1e400})"},
                             {"NoStructure", R"({"id": "x", "risk": <b>})"},
                         }),
                         [](const auto& info) { return info.param.name; });

TEST(ProductApplicationJsonTest, ReadsNoTextWithAZeroByte) {
  EXPECT_FALSE(ReadProductApplication(std::string_view("{\"id\": \"x\"}\0", 12)).has_value());
}

// --- Members with duplicate keys

struct DuplicateKeys {
  const char* name;
  const char* json;
  // The same without the members that do not count.
  const char* last_ones;
};

void PrintTo(const DuplicateKeys& row, std::ostream* out) { *out << row.name; }

class DuplicateKeysTest : public testing::TestWithParam<DuplicateKeys> {};

TEST_P(DuplicateKeysTest, TheLastOneCounts) {
  const json last_ones = ReadJson(GetParam().last_ones).value();
  ASSERT_EQ(ReadJson(GetParam().json), last_ones);

  const pb::ProductApplication read = ReadProductApplication(GetParam().json).value();

  EXPECT_THAT(read, IsProto(MappedText(GetParam().last_ones).DebugString()));
  const auto listed =
      ItemsOf(absl::StrCat(R"([{"id": "y"}, )", GetParam().json, R"(, {"id": "z"}])"));
  ASSERT_EQ(listed.size(), 3);
  EXPECT_EQ(listed[1].id, read.id());
  EXPECT_EQ(listed[1].product_alias, read.product().alias());
  EXPECT_EQ(listed[1].product_id, read.product().id());
  EXPECT_THAT(ApplicationOf(listed[1]), IsProto(Kept(read).DebugString()));
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, DuplicateKeysTest,
    testing::ValuesIn<DuplicateKeys>({
        {"TypedThenTyped", R"({"id": "x", "status": "APPLIED", "status": "APPROVED"})",
         R"({"id": "x", "status": "APPROVED"})"},
        {"TypedThenObject", R"({"id": "x", "status": "APPLIED", "status": {"a": 1}})",
         R"({"id": "x", "status": {"a": 1}})"},
        {"TypedThenNull", R"({"id": "x", "hidden": true, "hidden": null})",
         R"({"id": "x", "hidden": null})"},
        {"NullThenTyped", R"({"id": "x", "flag": null, "flag": "DECIDED"})",
         R"({"id": "x", "flag": "DECIDED"})"},
        {"KeptThenTyped", R"({"id": "x", "status": "PAUSED", "status": "APPLIED"})",
         R"({"id": "x", "status": "APPLIED"})"},
        {"KeptThenNull", R"({"id": "x", "status": "PAUSED", "status": null})",
         R"({"id": "x", "status": null})"},
        {"KeptObjectThenKeptNumber", R"({"id": "x", "flag": {"a": 1}, "flag": 2})",
         R"({"id": "x", "flag": 2})"},
        {"IdOfAnotherTypeThenId", R"({"id": {"a": 1}, "id": "x"})", R"({"id": "x"})"},
        {"NameWrittenInTwoWays", R"({"id": "x", "st\u0061tus": "APPLIED", "status": 7})",
         R"({"id": "x", "status": 7})"},
        {"MessageThenMessage",
         R"({"id": "x", "product": {"id": "a", "weight": 1}, "product": {"alias": "b"}})",
         R"({"id": "x", "product": {"alias": "b"}})"},
        {"MessageThenNull", R"({"id": "x", "product": {"weight": 1}, "product": null})",
         R"({"id": "x", "product": null})"},
        {"ListThenList",
         R"({"id": "x", "history": [{"status": "APPLIED"}, 5], "history": [{"comment": "c"}]})",
         R"({"id": "x", "history": [{"comment": "c"}]})"},
        {"ListThenText", R"({"id": "x", "history": [{"status": "APPLIED"}], "history": "none"})",
         R"({"id": "x", "history": "none"})"},
        {"TextThenList", R"({"id": "x", "assignments": "none", "assignments": [{"a": 1}]})",
         R"({"id": "x", "assignments": [{"a": 1}]})"},
        {"UnknownThenNull", R"({"id": "x", "risk": {"a": 1}, "risk": null})",
         R"({"id": "x", "risk": null})"},
        {"UnknownListThenObject", R"({"id": "x", "risk": [1, 2], "risk": {"b": 2}})",
         R"({"id": "x", "risk": {"b": 2}})"},
        {"UnknownObjectThenObject", R"({"id": "x", "risk": {"a": 1}, "risk": {"b": 2}})",
         R"({"id": "x", "risk": {"b": 2}})"},
        {"InAMessage", R"({"id": "x", "product": {"alias": "a", "alias": ["b"]}})",
         R"({"id": "x", "product": {"alias": ["b"]}})"},
        {"UnknownInAMessage", R"({"id": "x", "product": {"weight": 1, "weight": null}})",
         R"({"id": "x", "product": {"weight": null}})"},
        {"InAnElement",
         R"({"id": "x", "history": [{}, {"date": "2024-03-11T09:26:53", "date": "2024-03-12 00:00:00"}]})",
         R"({"id": "x", "history": [{}, {"date": "2024-03-12 00:00:00"}]})"},
        {"InAMessageOfAnElement",
         R"({"id": "x", "approval_blockers": [{"task_variant": {"name": 1, "weight": 2, "name": "n"}}]})",
         R"({"id": "x", "approval_blockers": [{"task_variant": {"weight": 2, "name": "n"}}]})"},
        {"InAnAssignment", R"({"id": "x", "assignments": [{"a": [1], "b": 2, "a": "c"}]})",
         R"({"id": "x", "assignments": [{"b": 2, "a": "c"}]})"},
        {"ObjectThenObjectInAnUnknownMember",
         R"({"id": "x", "risk": {"a": {"b": 1}, "a": {"c": 2}}})",
         R"({"id": "x", "risk": {"a": {"c": 2}}})"},
        {"DeepInAnUnknownMember", R"({"id": "x", "risk": [{"a": {"b": 1, "b": {"c": 2}}}]})",
         R"({"id": "x", "risk": [{"a": {"b": {"c": 2}}}]})"},
        {"ThreeOfThem", R"({"id": "x", "flag": 1, "flag": "DECIDED", "flag": [2], "id": "y"})",
         R"({"id": "y", "flag": [2]})"},
        {"OddValuesBesideThem",
         R"({"id": "x", "flag": 1, "n": [NaN, "\q"], "product": {"alias": "\ud83d"}, "flag": 2})",
         R"({"id": "x", "flag": 2, "n": [NaN, "\q"], "product": {"alias": "\ud83d"}})"},
        {"OddValuesThatDoNotCount",
         R"({"id": NaN, "status": "\ud83d", "id": "x", "status": "APPLIED"})",
         R"({"id": "x", "status": "APPLIED"})"},
        {"LargeNumbersAndTextsBesideThem",
         R"({"id": "x", "flag": 1, "n": [18446744073709551617, -0.5e-3, "\u0001\ud83d\ude00\""], "flag": 2})",
         R"({"id": "x", "flag": 2, "n": [18446744073709551617, -0.5e-3, "\u0001\ud83d\ude00\""]})"},
    }),
    [](const auto& info) { return info.param.name; });

TEST(ProductApplicationJsonTest, TheLastOfDuplicateKeysCountsInTheTextOfADeepSubtree) {
  std::string text = R"({"n": [1], "m": 2, "n": {"o": 3}})";
  for (int level = 25; level > 0; --level) text = absl::StrCat(R"({"a": )", text, "}");
  text.insert(1, R"("id": "x", )");
  const auto application = ReadProductApplication(text);
  EXPECT_EQ(Below(application.value().unmapped(), 25).string_value(), R"({"m":2,"n":{"o":3}})");
}

// Or a large result would be taken for a small one.
TEST(ProductApplicationJsonTest, TheMemoryOfAResultIsKnownWhetherOrNotItHasDuplicateKeys) {
  std::string blockers = R"({"blocker_type": "Q"})";
  for (int i = 1; i < 5'000; ++i) blockers += R"(, {"blocker_type": "Q"})";
  for (const char* before : {"", R"("n": 1, "n": 2, )"}) {
    const std::string text =
        absl::StrCat("{", before, R"("id": "x", "approval_blockers": [)", blockers, "]}");
    ResourceReading<pb::ProductApplication> reading(text);
    while (!reading.ReadPiece()) {
    }
    const size_t memory = reading.MemoryOfResult();
    const auto application = reading.TakeResult();
    ASSERT_TRUE(application.has_value());
    EXPECT_GE(memory, application->SpaceUsedLong() + application->ByteSizeLong()) << before;
    EXPECT_LE(memory, 3 * application->SpaceUsedLong()) << before;
  }
}

TEST(ProductApplicationJsonTest, AnIdThatDoesNotCountIsNone) {
  EXPECT_FALSE(ReadProductApplication(R"({"id": "x", "id": ""})").has_value());
}

TEST(ProductApplicationJsonTest, IsNothingIfTheTextBreaksAfterDuplicateKeys) {
  EXPECT_FALSE(ReadProductApplication(R"({"id": "x", "flag": 1, "flag": 2)").has_value());
}

// --- Lists

TEST(ProductApplicationJsonTest, ReadsEveryItemOfAListAsIfItWereAlone) {
  const std::string text = TestData("list_with_associate.json");
  const json list = ReadJson(text).value();
  const std::vector<ListedApplication> items = ItemsOf(text);
  ASSERT_EQ(items.size(), list.size());
  for (size_t i = 0; i < list.size(); ++i) {
    EXPECT_THAT(ApplicationOf(items[i]), IsProto(Kept(Mapped(list[i])).DebugString())) << i;
  }
}

}  // namespace
}  // namespace gateway
