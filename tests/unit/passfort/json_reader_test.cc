#include "service/passfort/json_reader.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

namespace gateway {
namespace {

using nlohmann::json;

std::string Nested(int depth) { return std::string(depth, '[') + std::string(depth, ']'); }

struct Case {
  const char* name;
  std::string text;
};

void PrintTo(const Case& row, std::ostream* out) { *out << row.name; }

std::string NameOf(const testing::TestParamInfo<Case>& info) { return info.param.name; }

class UnreadableJsonTest : public testing::TestWithParam<Case> {};

TEST_P(UnreadableJsonTest, IsNothing) { EXPECT_EQ(ReadJson(GetParam().text), std::nullopt); }

INSTANTIATE_TEST_SUITE_P(
    Texts, UnreadableJsonTest,
    testing::ValuesIn<Case>({
        {"Nothing", ""},
        {"SpaceOnly", " \n"},
        {"CutObject", R"({"id": "x")"},
        {"CutString", R"({"id": "x)"},
        {"TrailingGarbage", R"({"id": "x"} x)"},
        {"TwoValues", "{}{}"},
        {"TrailingComma", "[1,]"},
        {"Comment", "/* */ {}"},
        {"Html", "<html><body>502 Bad Gateway</body></html>"},
        // nlohmann takes a zero byte for the end, and would accept what follows.
        {"ZeroByteThenGarbage", std::string("{}\0}", 4)},
        {"ZeroByteAtTheEnd", std::string("{}\0", 3)},
        {"ZeroByteInAString", std::string("[\"a\0b\"]", 7)},
        {"LoneHighSurrogate", R"(["\ud83d"])"},
        {"LoneLowSurrogate", R"(["\ude00"])"},
        {"SurrogatesInTheWrongOrder", R"(["\ude00\ud83d"])"},
        {"InvalidUtf8", "[\"\xff\"]"},
        {"OverlongUtf8", "[\"\xc0\x80\"]"},
        {"Utf8Surrogate", "[\"\xed\xa0\x80\"]"},
        {"NumberBeyondDouble", "[1e400]"},
        {"NegativeNumberBeyondDouble", "[-1e400]"},
        {"IntegerBeyondDouble", "[1" + std::string(400, '0') + "]"},
        {"NotANumber", "[NaN]"},
        {"LeadingZero", "[01]"},
        {"OneLevelTooDeep", Nested(kMaxJsonDepth + 1)},
        {"FarTooDeepAndCut", std::string(1'000'000, '[')},
        {"ObjectsTooDeep",
         [] {
           std::string text;
           for (int i = 0; i <= kMaxJsonDepth; ++i) text += R"({"a":)";
           return text + "1" + std::string(kMaxJsonDepth + 1, '}');
         }()},
    }),
    NameOf);

TEST(JsonReaderTest, ReadsTheDeepestNestingAllowed) {
  EXPECT_EQ(WriteJson(ReadJson(Nested(kMaxJsonDepth)).value()), Nested(kMaxJsonDepth));
}

TEST(JsonReaderTest, CountsDepthAndNotTheNumberOfLists) {
  std::string text = "[";
  for (int i = 0; i < 10 * kMaxJsonDepth; ++i) text += "[],{},";
  EXPECT_TRUE(ReadJson(text + "0]").has_value());
}

TEST(JsonReaderTest, ReadsEveryKindOfValueWhereItStands) {
  const json expected = {{"null", nullptr},
                         {"true", true},
                         {"integer", -7},
                         {"big", uint64_t{18446744073709551615u}},
                         {"float", 0.25},
                         {"text", "😀"},
                         {"list", {1, json::array(), json::object(), {{"a", 1}}, 2}},
                         {"object", {{"a", {1}}, {"b", 2}}}};
  EXPECT_EQ(ReadJson(R"( {"null": null, "true": true, "integer": -7, "big": 18446744073709551615,
      "float": 25e-2, "text": "\ud83d\ude00", "list": [1, [], {}, {"a": 1}, 2],
      "object": {"a": [1], "b": 2}} )"),
            expected);
}

TEST(JsonReaderTest, ReadsAValueThatIsNoObject) { EXPECT_EQ(ReadJson("\"x\""), json("x")); }

TEST(JsonReaderTest, TakesTheLastOfMembersWithEqualNames) {
  EXPECT_EQ(ReadJson(R"({"a": {"b": 1}, "a": {"c": 2}})"), json({{"a", {{"c", 2}}}}));
}

class LargeIntegerTest : public testing::TestWithParam<const char*> {};

TEST_P(LargeIntegerTest, KeepsItsDigits) {
  const json read = ReadJson(GetParam()).value();
  ASSERT_TRUE(read.is_binary());
  EXPECT_EQ(std::string(read.get_binary().begin(), read.get_binary().end()), GetParam());
  EXPECT_EQ(WriteJson(read), GetParam());
}

INSTANTIATE_TEST_SUITE_P(Digits, LargeIntegerTest,
                         testing::Values("18446744073709551617", "-9223372036854775809",
                                         "100000000000000000000001",
                                         "123456789012345678901234567890"));

TEST(JsonReaderTest, ReadsALargeIntegerThatADoubleHoldsAsADouble) {
  EXPECT_EQ(ReadJson("100000000000000000000"), json(1e20));
  EXPECT_EQ(ReadJson("-18446744073709551616"), json(-18446744073709551616.0));
  EXPECT_TRUE(ReadJson("18446744073709551616")->is_number_float());
}

TEST(JsonReaderTest, ReadsAFractionOrExponentAsADouble) {
  EXPECT_TRUE(ReadJson("12345678901234567890123.0")->is_number_float());
  EXPECT_TRUE(ReadJson("123456789e30")->is_number_float());
}

TEST(WriteJsonTest, WritesWhatWasRead) {
  for (const char* text :
       {"{}", "[]", "null", R"({"a":[1,"\"\n",{"b":0.5}],"c":18446744073709551617,"":{}})"}) {
    EXPECT_EQ(WriteJson(ReadJson(text).value()).size(), std::string(text).size()) << text;
    EXPECT_EQ(ReadJson(WriteJson(ReadJson(text).value())), ReadJson(text)) << text;
  }
}

}  // namespace
}  // namespace gateway
