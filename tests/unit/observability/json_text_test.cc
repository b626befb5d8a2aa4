#include "service/observability/json_text.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>

namespace gateway {
namespace {

std::string JsonString(std::string_view text) {
  std::string out;
  AppendJsonString(text, out);
  return out;
}

std::string JsonNumber(double number) {
  std::string out;
  AppendJsonNumber(number, out);
  return out;
}

std::string Utf8(uint32_t code_point) {
  const auto tail = [&](int shift) {
    return static_cast<char>(0x80 | ((code_point >> shift) & 0x3F));
  };
  if (code_point < 0x80) return {static_cast<char>(code_point)};
  if (code_point < 0x800) return {static_cast<char>(0xC0 | (code_point >> 6)), tail(0)};
  if (code_point < 0x10000) {
    return {static_cast<char>(0xE0 | (code_point >> 12)), tail(6), tail(0)};
  }
  return {static_cast<char>(0xF0 | (code_point >> 18)), tail(12), tail(6), tail(0)};
}

TEST(JsonTextTest, KeepsEveryCharacter) {
  for (uint32_t code_point = 0; code_point <= 0x10FFFF; ++code_point) {
    if (code_point >= 0xD800 && code_point <= 0xDFFF) continue;  // surrogates are no characters
    const std::string text = "a" + Utf8(code_point) + "b";
    // Parsing each of a million texts takes too long; above ASCII they must stand as they are.
    if (code_point >= 0x80) {
      ASSERT_EQ(JsonString(text), "\"" + text + "\"") << code_point;
    } else {
      ASSERT_EQ(nlohmann::json::parse(JsonString(text)), text) << code_point;
    }
  }
}

TEST(JsonTextTest, ReplacesWhatIsNotUtf8) {
  EXPECT_EQ(JsonString("a\xFFz"), "\"a\uFFFDz\"");
  EXPECT_EQ(JsonString("\xC3"), "\"\uFFFD\"");                      // cut at the end
  EXPECT_EQ(JsonString("\xC3(\x80"), "\"\uFFFD(\uFFFD\"");          // no continuation; a lone one
  EXPECT_EQ(JsonString("\xC0\xAF"), "\"\uFFFD\uFFFD\"");            // overlong
  EXPECT_EQ(JsonString("\xE0\x9F\xBF"), "\"\uFFFD\uFFFD\uFFFD\"");  // overlong
  EXPECT_EQ(JsonString("\xED\xA0\x80"), "\"\uFFFD\uFFFD\uFFFD\"");  // surrogate
  EXPECT_EQ(JsonString("\xF4\x90\x80\x80"), "\"\uFFFD\uFFFD\uFFFD\uFFFD\"");  // above U+10FFFF
  EXPECT_EQ(JsonString("\xE2\x82\"x"), "\"\uFFFD\uFFFD\\\"x\"");              // swallows no quote
}

TEST(JsonTextTest, EscapesWhatWouldEndTheStringOrTheLine) {
  EXPECT_EQ(JsonString("\"\\\n\r\t\x1F"), R"("\"\\\n\r\t\u001f")");
  EXPECT_EQ(JsonString(std::string_view("\0", 1)), R"("\u0000")");
}

TEST(JsonTextTest, WritesNumbersThatReadBackAndNullForTheRest) {
  for (const double number : {0.0, -1.5, 0.1, 1e300, 5e-324, 12345678.9}) {
    EXPECT_EQ(nlohmann::json::parse(JsonNumber(number)), number);
  }
  EXPECT_EQ(JsonNumber(std::numeric_limits<double>::infinity()), "null");
  EXPECT_EQ(JsonNumber(std::numeric_limits<double>::quiet_NaN()), "null");
}

}  // namespace
}  // namespace gateway
