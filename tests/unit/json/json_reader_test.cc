#include "service/json/json_reader.h"

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

INSTANTIATE_TEST_SUITE_P(Texts, UnreadableJsonTest,
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
                             {"ZeroByteThenGarbage", std::string("{}\0}", 4)},
                             {"ZeroByteAtTheEnd", std::string("{}\0", 3)},
                             {"CutAfterABackslash", R"(["a\)"},
                             {"CutWithinAnEscape", R"(["a\ud8)"},
                             {"QuoteEscapedAtTheEnd", R"(["a\"])"},
                             {"NameWithoutQuotes", "{id: 1}"},
                             {"NumberAsName", "{1: 1}"},
                             {"SingleQuotes", "{'id': 'x'}"},
                             {"NoComma", "[1 2]"},
                             {"TwoCommas", "[1,,2]"},
                             {"CommaFirst", "[,1]"},
                             {"CommaBeforeTheEndOfAnObject", R"({"a": 1,})"},
                             {"NoColon", R"({"a" 1})"},
                             {"NoValue", R"({"a":})"},
                             {"WrongBracket", R"({"a": 1])"},
                             {"TwoWords", "[NaN NaN]"},
                             {"WordAndString", R"([x"a"])"},
                             {"ByteOrderMarkAlone", "\xef\xbb\xbf"},
                             {"ByteOrderMarkOfUtf16", std::string("\xff\xfe[\0]\0", 6)},
                             {"TwoByteOrderMarks", "\xef\xbb\xbf\xef\xbb\xbf[]"},
                             {"InvalidUtf8OutsideAString", "[\xff]"},
                             {"NoBreakSpace", "[\xc2\xa0 1]"},
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

TEST(JsonReaderTest, TakesTheLastOfMembersWithDuplicateKeys) {
  EXPECT_EQ(ReadJson(R"({"a": {"b": 1}, "a": {"c": 2}})"), json({{"a", {{"c", 2}}}}));
}

class NumberTextTest : public testing::TestWithParam<std::string> {};

TEST_P(NumberTextTest, KeepsItsDigits) {
  const json read = ReadJson(GetParam()).value();
  ASSERT_TRUE(read.is_binary());
  EXPECT_EQ(std::string(read.get_binary().begin(), read.get_binary().end()), GetParam());
  EXPECT_EQ(WriteJson(read), GetParam());
}

INSTANTIATE_TEST_SUITE_P(
    Digits, NumberTextTest,
    testing::Values("18446744073709551617", "18446744073709551616", "-18446744073709551616",
                    "99999999999999991611392", "-9223372036854775809", "100000000000000000000001",
                    "123456789012345678901234567890", "12345678901234567890123.0",
                    "12345678901234567.89", "-12345678901234567.89", "0.1000000000000000055511",
                    "3.14159265358979323846", "1e400", "-1e400", "1" + std::string(400, '0'),
                    "1e-400", "-1e-400", "4e-324", "1.2345678e-322", "1.7976931348623159e308",
                    "1e99999999999999999999", "1e-99999999999999999999", "-0", "-0.0", "-0e5",
                    "9007199254740993.0", "9007199254740993e0", "123456789012345678e-1"));

class DoubleTest : public testing::TestWithParam<std::string> {};

// They print back as the same value, if not with the same digits.
TEST_P(DoubleTest, IsANumber) {
  const json read = ReadJson(GetParam()).value();
  ASSERT_TRUE(read.is_number());
  EXPECT_EQ(read, json::parse(GetParam()));
}

INSTANTIATE_TEST_SUITE_P(Texts, DoubleTest,
                         testing::Values("0.1", "0.1000", "1E5", "1e+5", "1e-5",
                                         "0e99999999999999999999", "0.0", "0e-5", "-1.5e300",
                                         "1.7976931348623157e308", "2.2250738585072014e-308",
                                         "5e-324", "0.30000000000000004", "1e22", "123456789e30",
                                         "9007199254740991", "9007199254740992.0",
                                         "0.000000000000000000000000000001", "41.50",
                                         "1000000000000000000000000000000e-30", "100.0"));

TEST(JsonReaderTest, ReadsALargeIntegerThatADoublePrintsBackAsADouble) {
  EXPECT_EQ(ReadJson("100000000000000000000"), json(1e20));
  EXPECT_EQ(ReadJson("-100000000000000000000000"), json(-1e23));
}

TEST(JsonReaderTest, ReadsAFractionOrExponentAsADouble) {
  EXPECT_TRUE(ReadJson("12345678901234.5")->is_number_float());
  EXPECT_TRUE(ReadJson("123456789e30")->is_number_float());
}

// --- Values that strict JSON or Unicode does not allow

json OddString(const std::string& text) {
  return json::binary({text.begin(), text.end()}, kOddStringSubtype);
}

json OddWord(const std::string& text) {
  return json::binary({text.begin(), text.end()}, kOddWordSubtype);
}

struct OddCase {
  const char* name;
  std::string value;
  json read;
};

void PrintTo(const OddCase& row, std::ostream* out) { *out << row.name; }

class OddValueTest : public testing::TestWithParam<OddCase> {};

TEST_P(OddValueTest, DoesNotHideWhatIsBesideIt) {
  const auto read = ReadJson(R"({"before": 1, "odd": )" + GetParam().value + R"(, "after": 2})");
  EXPECT_EQ(read, json({{"before", 1}, {"odd", GetParam().read}, {"after", 2}}));
}

TEST_P(OddValueTest, IsWrittenAsAStringOfItsText) {
  const json& odd = GetParam().read;
  if (!odd.is_binary()) return;
  const std::string text(odd.get_binary().begin(), odd.get_binary().end());
  EXPECT_EQ(json::parse(WriteJson(json::array({odd}))), json::array({text}));
}

INSTANTIATE_TEST_SUITE_P(
    Values, OddValueTest,
    testing::ValuesIn<OddCase>({
        {"LoneHighSurrogate", R"("\ud83d")", OddString(R"(\ud83d)")},
        {"LoneLowSurrogate", R"("a\uDE00b")", OddString(R"(a\uDE00b)")},
        {"SurrogatesInTheWrongOrder", R"("\ude00\ud83d")", OddString(R"(\ude00\ud83d)")},
        {"TwoHighSurrogatesAndALowOne", R"("\ud83d\ud83d\ude00")", OddString(R"(\ud83d😀)")},
        {"HighSurrogateBeforeAnotherEscape", R"("\ud83d\n")", OddString("\\ud83d\n")},
        {"InvalidByte", "\"a\xff b\"", OddString(R"(a\xff b)")},
        {"OverlongUtf8", "\"\xc0\x80\"", OddString(R"(\xc0\x80)")},
        {"Utf8Surrogate", "\"\xed\xa0\x80\"", OddString(R"(\xed\xa0\x80)")},
        {"Utf8BeyondUnicode", "\"\xf4\x90\x80\x80\"", OddString(R"(\xf4\x90\x80\x80)")},
        {"CutCharacter", "\"\xe6\xbc\"", OddString(R"(\xe6\xbc)")},
        {"CutCharacterBeforeAWholeOne", "\"\xf0\x9f\xe6\xbc\xa2\"", OddString(R"(\xf0\x9f漢)")},
        {"UnknownEscape", R"("\q\x41\'")", OddString(R"(\q\x41\')")},
        {"ShortEscape", R"("\u12 \u")", OddString(R"(\u12 \u)")},
        {"NotANumber", "NaN", OddWord("NaN")},
        {"Infinity", "Infinity", OddWord("Infinity")},
        {"NegativeInfinity", "-Infinity", OddWord("-Infinity")},
        {"WordOfPython", "None", OddWord("None")},
        {"LeadingZero", "01", OddWord("01")},
        {"LeadingPlus", "+1", OddWord("+1")},
        {"NoDigitAfterThePoint", "1.", OddWord("1.")},
        {"NoDigitBeforeThePoint", ".5", OddWord(".5")},
        {"NoExponent", "1e", OddWord("1e")},
        {"HexadecimalNumber", "0x1F", OddWord("0x1F")},
        {"MinusAlone", "-", OddWord("-")},
        // The value is clear, so nothing is odd about it.
        {"ControlCharacters", std::string("\"a\n\t\0b\"", 7), json(std::string("a\n\t\0b", 5))},
    }),
    [](const auto& info) { return info.param.name; });

TEST(JsonReaderTest, ReadsABodyWithAByteOrderMark) {
  EXPECT_EQ(ReadJson("\xef\xbb\xbf {\"a\": 1}"), json({{"a", 1}}));
}

TEST(JsonReaderTest, ReadsAnOddName) {
  EXPECT_EQ(ReadJson("{\"a\xff\": 1}"), json({{R"(a\xff)", 1}}));
}

TEST(JsonReaderTest, CountsScalarsObjectsAndListsUpToItsLimit) {
  EXPECT_TRUE(ReadJson(R"([{"a": 1}, [2], "x"])", 6).has_value());
  EXPECT_FALSE(ReadJson(R"([{"a": 1}, [2], "x"])", 5).has_value());
}

TEST(WriteJsonTest, WritesDoublesInTheirShortestForm) {
  EXPECT_EQ(WriteJson(ReadJson("[1e23, 0.1000, 2.5, -1E-7, 100.0]").value()),
            "[1e+23,0.1,2.5,-1e-07,100]");
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
