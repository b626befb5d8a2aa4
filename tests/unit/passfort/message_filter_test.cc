#include "service/passfort/message_filter.h"

#include <gtest/gtest.h>

#include <string>

namespace gateway {
namespace {

constexpr char kKey[] = "sk-Live-0123456789abcdef";

std::string Shown(std::string_view text) { return MessageFilter({kKey}).Shown(text); }

TEST(MessageFilterTest, PlainWordsOfAnyLanguageStayAsTheyAre) {
  EXPECT_EQ(Shown("The product is unknown."), "The product is unknown.");
  EXPECT_EQ(Shown("Müller – 株式会社 🙂"), "Müller – 株式会社 🙂");
  EXPECT_EQ(Shown(""), "");
}

TEST(MessageFilterTest, ControlCharactersAndLineBreaksAreSpaces) {
  EXPECT_EQ(Shown("a\r\nb\tc\x1b[31md\x7f"), "a  b c [31md ");
  EXPECT_EQ(Shown(std::string_view("a\0b", 3)), "a b");
  EXPECT_EQ(Shown("a\u0085b\u2028c\u2029d"), "a b c d");
}

TEST(MessageFilterTest, CharactersThatTurnOrHideTextAreLeftOut) {
  EXPECT_EQ(Shown("a\u202eb\u202cc\u2066d\u2069e"), "abcde");
  EXPECT_EQ(Shown("a\u200bb\u200fc\u2060d\ufeffe\u00adf\u061cg"), "abcdefg");
  EXPECT_EQ(Shown("a\U000E0041b\U000E007Fc\U0001D173d"), "abcd");
}

TEST(MessageFilterTest, WhatIsNoUtf8IsReplaced) {
  EXPECT_EQ(Shown("a\xff"
                  "b"),
            "a\uFFFDb");
  EXPECT_EQ(Shown("a\xc0\xafz"), "a\uFFFD\uFFFDz");          // an overlong slash
  EXPECT_EQ(Shown("\xed\xa0\x80z"), "\uFFFD\uFFFD\uFFFDz");  // a surrogate
  EXPECT_EQ(Shown("\xe6\xa0"), "\uFFFD\uFFFD");
}

TEST(MessageFilterTest, IsCutAfter200BytesBetweenCharacters) {
  EXPECT_EQ(Shown(std::string(500, 'x')), std::string(200, 'x'));
  EXPECT_EQ(Shown(std::string(199, 'x') + "é"), std::string(199, 'x'));
  EXPECT_EQ(Shown(std::string(198, 'x') + "é"), std::string(198, 'x') + "é");
}

TEST(MessageFilterTest, AWebPageIsNotShown) {
  EXPECT_EQ(Shown(" \n<html>secret</html>"), "");
  EXPECT_EQ(Shown("\u200b<html>"), "");
}

TEST(MessageFilterTest, AMessageThatHoldsTheKeyIsNotShown) {
  for (const std::string& held : {
           std::string(kKey), std::string("sk-live-0123456789ABCDEF"),
           std::string("sk-\u200bLive-0123\u202e456789abcdef"),     // taken apart
           std::string("sk%2DLive%2d0123456789abcdef"),             // as in a URL
           std::string("sk%252DLive%252D0123456789abcdef"),         // twice
           std::string(R"(sk\u002dLive\u002D0123456789abcdef)"),    // as in JSON
           std::string(R"(sk\\u002dLive\\u002d0123456789abcdef)"),  // twice
           std::string(R"(sk\x2dLive\x2d0123456789abcdef)"),        // as a script would
           std::string("sk-Live-0123..."), std::string("...9abcdef") + "89abcdef",  // its ends
       }) {
    EXPECT_EQ(Shown("The key '" + held + "' is wrong"), "") << held;
  }
  // Also where it would be cut off, or in two.
  EXPECT_EQ(Shown(std::string(190, 'x') + kKey), "");
  EXPECT_EQ(Shown(std::string(5000, 'x') + kKey), "");
}

TEST(MessageFilterTest, FormerKeysAreKeysTooAndNoKeyIsNone) {
  const MessageFilter filter({"new-key", "", "old-key"});
  EXPECT_EQ(filter.Shown("no new-key"), "");
  EXPECT_EQ(filter.Shown("no old-key"), "");
  EXPECT_EQ(filter.Shown("no other"), "no other");
}

}  // namespace
}  // namespace gateway
