#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <string_view>

#include "service/authorization/authorization_policy.h"
#include "service/authorization/message_text.h"
#include "tests/unit/authorization/policy_oracle.h"

namespace gateway {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

std::string ErrorOf(std::string_view text) {
  return std::string(AuthorizationPolicy::Parse(text, kTestMethods).status().message());
}

struct BadFile {
  std::string_view name;
  std::string_view text;
  std::string_view place;  // "LINE:COLUMN"
  std::string_view message;

  friend void PrintTo(const BadFile& file, std::ostream* out) { *out << file.name; }
};

constexpr BadFile kBadFiles[] = {
    {"Empty", "", "1:1", "the file ends before its JSON does"},
    {"OnlySpace", "\n \n  ", "3:3", "the file ends before its JSON does"},
    {"CutOff", "{\"name\": \"p\",\n", "2:1", "the file ends before its JSON does"},
    {"CutOffInAString", "{\"name\": \"p", "1:12", "the file ends within a string"},
    {"NoJson", "{\n  name: \"p\"}", "2:3", "unexpected \"name\""},
    {"SingleQuotes", "{\n  'name': \"p\"}", "2:3", "unexpected"},
    {"MissingComma", "{\"name\": \"p\"\n\n \"allow_rules\": []}", "3:2", "unexpected"},
    {"CommaTooMany", "{\"name\": \"p\",\n}", "2:1", "unexpected \"}\""},
    {"Comment", "{\n// production\n\"name\": \"p\"}", "2:1", "unexpected \"/\""},
    {"LeadingZero", "{\"name\": 01}", "1:11", "unexpected"},
    {"NumberTooLarge", "{\"name\": 1e999}", "1:10", "unexpected \"1e999\""},
    {"TextAfterTheEnd", "{}\n x", "2:2", "text after the end of the JSON"},
    {"SecondDocument", "{} {}", "1:4", "text after the end of the JSON"},
    {"ZeroByte", std::string_view("{}\n\0 x", 6), "2:1", "a zero byte"},
    {"ByteOrderMark", "\xEF\xBB\xBF{}", "1:1", "byte order mark"},
    {"InvalidUtf8", "{\"name\":\n \"\xC3\xA4\xC3(\"}", "2:5", "bytes that are not UTF-8"},
    {"InvalidUtf8OutsideOfStrings", "{\"name\":\n \xFF}", "2:2", "not JSON"},
    {"LineBreakInAString", "{\"name\": \"a\n\"}", "1:12", "a control character or line break"},
    {"UnknownEscape", R"({"name": "a\q"})", "1:13", "an unknown escape"},
    {"LoneSurrogate", R"({"name": "\ud83d"})", "1:17", "an unknown escape"},
    {"TooDeep", "{\"name\": [[[[[[[[[[[[[[[[[[0]]]]]]]]]]]]]]]]]]}", "1:25", "deeper than 16"},
    {"List", "\n[]", "2:1", "the policy has to be an object, not a list"},
    {"Null", "null", "1:1", "the policy has to be an object, not null"},
    {"DuplicateMember", "{\"name\": \"p\",\n \"name\": \"p\"}", "2:2",
     "member \"name\" is there twice, first in line 1; remove one"},
    {"DuplicateMemberByEscape", R"({"name": "p", "n\u0061me": "p"})", "1:15", "twice"},
    {"UnknownMember", "{\"name\": \"p\",\n  \"deny\": []}", "2:3",
     "unknown member \"deny\"; the policy can have: name, deny_rules, allow_rules"},
    {"UnknownMemberIsCountedInCharacters", "{\"name\": \"\xC3\xA4\xE2\x82\xAC\", \"x\": 1}", "1:16",
     "unknown member \"x\""},
    {"NoName", "\n  {\"allow_rules\": [{\"name\": \"r\"}]}", "2:3", "the policy has no \"name\""},
    {"EmptyName", "{\"name\": \"\"}", "1:10", "\"name\" is empty"},
    {"NameOfAnotherType", "{\"name\":\n7}", "2:1", "\"name\" has to be a string, not a number"},
    {"NoAllowRules", " {\"name\": \"p\"}", "1:2", "no \"allow_rules\""},
    {"OnlyDenyRules", R"({"name": "p", "deny_rules": [{"name": "r"}]})", "1:1",
     "no \"allow_rules\""},
    {"EmptyAllowRules", R"({"name": "p", "allow_rules": []})", "1:30",
     "\"allow_rules\" is an empty list"},
    {"EmptyDenyRules", R"({"deny_rules": [], "name": "p"})", "1:16",
     "\"deny_rules\" is an empty list"},
    {"RulesOfAnotherType", R"({"name": "p", "allow_rules": {}})", "1:30",
     "\"allow_rules\" has to be a list, not an object"},
    {"RuleOfAnotherType", R"({"name": "p", "allow_rules": ["r"]})", "1:31",
     "a rule has to be an object, not a string"},
    {"RuleWithoutName", R"({"name": "p", "allow_rules": [{}]})", "1:31", "the rule has no"},
    {"NullSource", R"({"name": "p", "allow_rules": [{"name": "r", "source": null}]})", "1:55",
     "\"source\" has to be an object, not null"},
    {"EmptySource", R"({"name": "p", "allow_rules": [{"name": "r", "source": {}}]})", "1:55",
     "to match all principals, leave \"source\" out"},
    {"EmptyRequest", R"({"name": "p", "allow_rules": [{"name": "r", "request": {}}]})", "1:56",
     "to match all paths, leave \"request\" out"},
    {"HeadersOfGrpc",
     R"({"name": "p", "allow_rules": [{"name": "r", "request": {"headers": [], "paths": ["*"]}}]})",
     "1:57", "unknown member \"headers\"; \"request\" can have: paths"},
    {"PrincipalsOnTheRule",
     "{\"name\": \"p\", \"allow_rules\": [\n{\"name\": \"r\",\n \"principals\": [\"a\"]}]}", "3:2",
     "unknown member \"principals\"; a rule can have: name, source, request"},
    {"EmptyPrincipals",
     R"({"name": "p", "allow_rules": [{"name": "r", "source": {"principals": []}}]})", "1:70",
     "\"principals\" is an empty list; fill it in or leave it out"},
    {"EmptyPrincipal",
     R"({"name": "p", "allow_rules": [{"name": "r", "source": {"principals": ["a", ""]}}]})",
     "1:76", "an empty string"},
    {"PrincipalOfAnotherType",
     R"({"name": "p", "allow_rules": [{"name": "r", "source": {"principals": [true]}}]})", "1:71",
     "each of \"principals\" has to be a string, not a boolean"},
    {"PrincipalsAsString",
     R"({"name": "p", "allow_rules": [{"name": "r", "source": {"principals": "*"}}]})", "1:70",
     "\"principals\" has to be a list, not a string"},
    {"AsteriskInside",
     R"({"name": "p", "allow_rules": [{"name": "r", "source": {"principals": ["a*b"]}}]})", "1:71",
     "there can be one *"},
    {"AsterisksAtBothEnds",
     R"({"name": "p", "allow_rules": [{"name": "r", "source": {"principals": ["*a*"]}}]})", "1:71",
     "there can be one *"},
    {"TwoAsterisks",
     R"({"name": "p", "allow_rules": [{"name": "r", "source": {"principals": ["**"]}}]})", "1:71",
     "there can be one *"},
    {"PrincipalInUpperCase",
     R"({"name": "p", "allow_rules": [{"name": "r", "source": {"principals": ["Shop.org"]}}]})",
     "1:71", "\"Shop.org\" is a principal that no certificate can give; write it as in the"},
    {"PrincipalPatternInUpperCase",
     R"({"name": "p", "allow_rules": [{"name": "r", "source": {"principals": ["*.Org"]}}]})",
     "1:71", "\"*.Org\" can match no principal; write it as in the certificate"},
    {"HalfATrustDomain",
     R"({"name": "p", "allow_rules": [{"name": "r", "source": {"principals": ["spiffe://a*"]}}]})",
     "1:71", "\"spiffe://a*\" is for other trust domains too; write the whole trust domain and a"},
    {"UnknownPath",
     "{\"name\": \"p\", \"deny_rules\": [{\"name\": \"r\", \"request\": {\"paths\": [\n"
     "    \"/shop.v1.Orders/Get\",\n    \"/shop.v1.Orders/Gte\"]}}]}",
     "3:5", "\"/shop.v1.Orders/Gte\" matches no method of this gateway; the methods are: /shop."},
    {"UnknownPrefix",
     R"({"name": "p", "allow_rules": [{"name": "r", "request": {"paths": ["/shop.v2.*"]}}]})",
     "1:67", "\"/shop.v2.*\" matches no method"},
    {"UnknownSuffix",
     R"({"name": "p", "allow_rules": [{"name": "r", "request": {"paths": ["*/Remove"]}}]})", "1:67",
     "\"*/Remove\" matches no method"},
    {"EqualRuleNames",
     "{\"name\": \"p\", \"deny_rules\": [{\"name\": \"r\"}],\n\"allow_rules\": [{\"name\": "
     "\"r\"}]}",
     "2:26", "another rule is named \"r\", in line 1"},
};

class AuthorizationPolicyErrorTest : public testing::TestWithParam<BadFile> {};

TEST_P(AuthorizationPolicyErrorTest, SaysWhereAndWhat) {
  const auto colon = GetParam().place.find(':');
  const std::string place = MessageText("line ", GetParam().place.substr(0, colon), ", column ",
                                        GetParam().place.substr(colon + 1), ": ");
  EXPECT_THAT(ErrorOf(GetParam().text), StartsWith(place));
  EXPECT_THAT(ErrorOf(GetParam().text), HasSubstr(GetParam().message));
}

TEST_P(AuthorizationPolicyErrorTest, IsRefusedByTheOracleToo) {
  // Its own limit of depth is the parser's: a policy that nests so deep has members of another
  // type.
  EXPECT_FALSE(PolicyOracle::Read(GetParam().text, kTestMethods).has_value());
}

INSTANTIATE_TEST_SUITE_P(Files, AuthorizationPolicyErrorTest, testing::ValuesIn(kBadFiles),
                         [](const auto& file) { return std::string(file.param.name); });

std::string PolicyOfRules(size_t rules) {
  std::string text = "{\"name\": \"p\", \"allow_rules\": [";
  for (size_t i = 0; i < rules; ++i) {
    text += MessageText(i == 0 ? "" : ",", "\n{\"name\": \"", i, "\"}");
  }
  return text + "]}";
}

TEST(AuthorizationPolicyLimitTest, AThousandRulesAreTaken) {
  EXPECT_EQ(ErrorOf(PolicyOfRules(1'000)), "");
}

TEST(AuthorizationPolicyLimitTest, TheRuleAfterTheThousandthIsRefused) {
  EXPECT_THAT(ErrorOf(PolicyOfRules(1'001)),
              StartsWith("line 1002, column 1: more than 1000 rules"));
}

TEST(AuthorizationPolicyLimitTest, RulesOfBothListsCount) {
  std::string text = PolicyOfRules(1'000);
  text.insert(1, "\"deny_rules\": [{\"name\": \"r\"}],");
  EXPECT_THAT(ErrorOf(text), StartsWith("line 1001, column 1: more than 1000 rules"));
}

TEST(AuthorizationPolicyLimitTest, AFileOf256KiBIsTakenAndAByteMoreRefused) {
  std::string text = PolicyOfRules(1);
  text.resize(AuthorizationPolicy::kMaxBytes, ' ');
  EXPECT_EQ(ErrorOf(text), "");
  EXPECT_THAT(ErrorOf(text + "\n"), StartsWith("line 2, column 262114: the file is larger than"));
}

TEST(AuthorizationPolicyLimitTest, ManyMembersOfAnObjectAreRefusedAtOnce) {
  std::string text = "{";
  for (int i = 0; i < 20'000; ++i) text += MessageText("\"", i, "\":0,");
  EXPECT_THAT(ErrorOf(text), HasSubstr("an object of more than 64 members"));
}

TEST(AuthorizationPolicyLimitTest, AMessageShowsLongAndStrangeTextShortAndInAscii) {
  const std::string error = ErrorOf("{\"\\n\xC3\xA4" + std::string(1'000, 'x') + "\": 1}");
  EXPECT_THAT(error, HasSubstr("unknown member \"\\n\\xc3\\xa4xxx"));
  EXPECT_LT(error.size(), 300U);
}

}  // namespace
}  // namespace gateway
