#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <ostream>
#include <string>
#include <string_view>

#include "service/authorization/message_text.h"
#include "service/callers/callers_reader.h"
#include "tests/unit/callers/callers_oracle.h"

namespace gateway {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

constexpr CallersLimits kLimits{.max_in_flight = 100, .has_store = true};

std::string ErrorOf(std::string_view text, const CallersLimits& limits = kLimits) {
  return std::string(ReadCallers(text, limits).status().message());
}

struct BadFile {
  std::string_view name;
  std::string_view text;  // with a @ where the error is
  std::string_view message;

  friend void PrintTo(const BadFile& file, std::ostream* out) { *out << file.name; }
};

constexpr BadFile kBadFiles[] = {
    {"Empty", "@", "the file ends before its JSON does; is it complete?"},
    {"CutOff", "{\"callers\": [\n@", "the file ends before its JSON does; is it complete?"},
    {"TextAfterTheEnd", "{\"callers\": [], \"default\": {}}\n @}",
     "text after the end of the JSON; remove it"},
    {"List", "\n @[]", "the file has to be an object, not a list"},
    {"Null", "@null", "the file has to be an object, not null"},
    {"UnknownMember", "{\"callers\": [],\n  @\"defaults\": {}}",
     "unknown member \"defaults\"; the file can have: callers, default"},
    {"DuplicateMember", "{\"default\": null,\n @\"default\": {}, \"callers\": []}",
     "member \"default\" is there twice, first in line 1; remove one of them"},
    {"NoCallers", " @{\"default\": {}}", "the file has no \"callers\"; add it"},
    {"NoDefault", "@{\"callers\": []}", "the file has no \"default\"; add it"},
    {"NothingAtAll", "@{}", "the file has no \"callers\"; add it"},
    {"NobodyCouldCall", "{\"callers\": @[], \"default\": null}",
     "\"callers\" is empty and \"default\" is null, so nobody could call anything; fill in one of "
     "them"},
    {"CallersOfAnotherType", "{\"callers\": @{}, \"default\": null}",
     "\"callers\" has to be a list, not an object"},
    {"CallersNull", "{\"callers\": @null, \"default\": {}}",
     "\"callers\" has to be a list, not null"},
    {"DefaultOfAnotherType", "{\"callers\": [], \"default\": @[]}",
     "\"default\" has to be an object, not a list"},
    {"DefaultFalse", "{\"callers\": [], \"default\": @false}",
     "\"default\" has to be an object, not a boolean"},
    {"DefaultWithName", "{\"callers\": [], \"default\": {\n@\"name\": \"all\"}}",
     "unknown member \"name\"; \"default\" can have: products, max_in_flight, calls_per_minute, "
     "writes_per_day, request_id"},
    {"DefaultWithPrincipals", "{\"callers\": [], \"default\": {@\"principals\": [\"a\"]}}",
     "unknown member \"principals\"; \"default\" can have: products, max_in_flight, "
     "calls_per_minute, writes_per_day, request_id"},
    {"CallerOfAnotherType", "{\"callers\": [\n @\"a\"], \"default\": null}",
     "a caller has to be an object, not a string"},
    {"CallerWithoutName", "{\"callers\": [\n @{\"principals\": [\"a\"]}], \"default\": null}",
     "the caller has no \"name\"; give it one"},
    {"NameOfAnotherType", "{\"callers\": [{\"name\": @1}], \"default\": null}",
     "\"name\" has to be a string, not a number"},
    {"EmptyName", "{\"callers\": [{\"name\": @\"\"}], \"default\": null}",
     "\"name\" is empty; the log shows it, so fill it in"},
    {"NameInUpperCase", "{\"callers\": [{\"name\": @\"Onboarding\"}], \"default\": null}",
     "\"Onboarding\" is no name: 1 to 63 of a-z, 0-9, - and _, of which the first is a letter or a "
     "digit"},
    {"NameWithAColon", "{\"callers\": [{\"name\": @\"a:b\"}], \"default\": null}",
     "\"a:b\" is no name: 1 to 63 of a-z, 0-9, - and _, of which the first is a letter or a digit"},
    {"NameThatBeginsWithADash", "{\"callers\": [{\"name\": @\"-a\"}], \"default\": null}",
     "\"-a\" is no name: 1 to 63 of a-z, 0-9, - and _, of which the first is a letter or a digit"},
    {"NameOf64",
     "{\"callers\": [{\"name\": "
     "@\"a123456789b123456789c123456789d123456789e123456789f123456789g123\"}], \"default\": null}",
     "\"a123456789b123456789c123456789d123456789e123456789f123456789g123\" is no name: 1 to 63 of "
     "a-z, 0-9, - and _, of which the first is a letter or a digit"},
    {"NameLocal", "{\"callers\": [{\"name\": @\"local\"}], \"default\": null}",
     "\"local\" is the gateway's own name for callers in plain text; choose another one"},
    {"NameOther", "{\"callers\": [{\"name\": @\"other\"}], \"default\": null}",
     "\"other\" is the gateway's own name for callers without an entry; choose another one"},
    {"DuplicateKeys",
     "{\"callers\": [{\"name\": \"a\", \"principals\": [\"a\"]},\n"
     "{\"name\": @\"a\", \"principals\": [\"b\"]}], \"default\": null}",
     "another caller is named \"a\", in line 1; merge the two or rename one"},
    {"UnknownMemberOfACaller",
     "{\"callers\": [{\"name\": \"a\",\n @\"principal\": \"a\"}], \"default\": null}",
     "unknown member \"principal\"; a caller can have: name, principals, products, max_in_flight, "
     "calls_per_minute, writes_per_day, request_id"},
    {"NoPrincipals", "{\"callers\": [@{\"name\": \"a\"}], \"default\": null}",
     "the caller has no \"principals\"; add it"},
    {"PrincipalsOfAnotherType",
     "{\"callers\": [{\"name\": \"a\", \"principals\": @\"a\"}], \"default\": null}",
     "\"principals\" has to be a list, not a string"},
    {"EmptyPrincipals",
     "{\"callers\": [{\"name\": \"a\", \"principals\": @[]}], \"default\": null}",
     "\"principals\" is an empty list; fill it in or leave it out"},
    {"PrincipalOfAnotherType",
     "{\"callers\": [{\"name\": \"a\", \"principals\": [\"a\", @null]}], \"default\": null}",
     "each of \"principals\" has to be a string, not null"},
    {"EmptyPrincipal",
     "{\"callers\": [{\"name\": \"a\", \"principals\": [@\"\"]}], \"default\": null}",
     "\"\" is a principal that no certificate can give; write it as in the certificate: a SPIFFE "
     "id "
     "with a path, such as \"spiffe://example.org/ns/shop/sa/web\", or a host name; trust domain "
     "and host name in lower case"},
    {"PrincipalPattern",
     "{\"callers\": [{\"name\": \"a\",\n"
     "\"principals\": [@\"spiffe://example.org/*\"]}], \"default\": null}",
     "\"spiffe://example.org/*\" is a principal that no certificate can give; write it as in the "
     "certificate: a SPIFFE id with a path, such as \"spiffe://example.org/ns/shop/sa/web\", or a "
     "host name; trust domain and host name in lower case"},
    {"PrincipalTwiceInAnEntry",
     "{\"callers\": [{\"name\": \"a\", \"principals\": [\"a\", @\"a\"]}], \"default\": null}",
     "\"a\" is there twice, first in line 1; give it to one caller, once"},
    {"PrincipalInTwoEntries",
     "{\"callers\": [\n{\"name\": \"a\", \"principals\": [\"a\"]},\n"
     "{\"name\": \"b\", \"principals\": [\"b\",\n  @\"a\"]}], \"default\": null}",
     "\"a\" is there twice, first in line 2; give it to one caller, once"},
    {"ProductsOfAnotherType", "{\"callers\": [], \"default\": {\"products\": @\"basic\"}}",
     "\"products\" has to be a list, not a string"},
    {"ProductsNull", "{\"callers\": [], \"default\": {\"products\": @null}}",
     "\"products\" has to be a list, not null"},
    {"EmptyProducts", "{\"callers\": [], \"default\": {\"products\": @[]}}",
     "\"products\" is an empty list; fill it in or leave it out"},
    {"ProductOfAnotherType", "{\"callers\": [], \"default\": {\"products\": [@7]}}",
     "each of \"products\" has to be a string, not a number"},
    {"EmptyProduct", "{\"callers\": [], \"default\": {\"products\": [\"a\", @\"\"]}}",
     "\"\" can be no product: write its alias, of 1 to 256 bytes and printable, or its id"},
    {"ProductWithALineBreak", "{\"callers\": [], \"default\": {\"products\": [@\"a\\nb\"]}}",
     "\"a\\nb\" can be no product: write its alias, of 1 to 256 bytes and printable, or its id"},
    {"ProductTwice", "{\"callers\": [], \"default\": {\"products\": [\"a\", \"b\",\n@\"a\"]}}",
     "\"a\" is there twice, first in line 1; remove one of them"},
    {"ProductTwiceInBothCases",
     "{\"callers\": [], \"default\": {\"products\": [\"0a1b2c3d-0000-4000-8000-00000000000f\",\n"
     "@\"0A1B2C3D-0000-4000-8000-00000000000F\"]}}",
     "\"0a1b2c3d-0000-4000-8000-00000000000f\" is there twice, first in line 1; remove one of "
     "them"},
    {"PlacesOfAnotherType", "{\"callers\": [], \"default\": {\"max_in_flight\": @\"5\"}}",
     "\"max_in_flight\" has to be a number, not a string"},
    {"NoPlaces", "{\"callers\": [], \"default\": {\"max_in_flight\": @0}}",
     "\"max_in_flight\" has to be a whole number from 1 to 100, the gateway's own max_in_flight, "
     "not 0"},
    {"MorePlacesThanThereAre", "{\"callers\": [], \"default\": {\"max_in_flight\": @101}}",
     "\"max_in_flight\" has to be a whole number from 1 to 100, the gateway's own max_in_flight, "
     "not 101"},
    {"HalfAPlace", "{\"callers\": [], \"default\": {\"max_in_flight\": @1.5}}",
     "\"max_in_flight\" has to be a whole number from 1 to 100, the gateway's own max_in_flight, "
     "not 1.5"},
    {"NegativeRate", "{\"callers\": [], \"default\": {\"calls_per_minute\": @-1}}",
     "\"calls_per_minute\" has to be a whole number from 1 to 1000000, not -1"},
    {"RateWithAnExponent", "{\"callers\": [], \"default\": {\"calls_per_minute\": @1e3}}",
     "\"calls_per_minute\" has to be a whole number from 1 to 1000000, not 1e3"},
    {"RateTooLarge", "{\"callers\": [], \"default\": {\"calls_per_minute\": @1000001}}",
     "\"calls_per_minute\" has to be a whole number from 1 to 1000000, not 1000001"},
    // What 64 bits make 1 of.
    {"RateBeyond64Bits",
     "{\"callers\": [], \"default\": {\"calls_per_minute\": @18446744073709551617}}",
     "\"calls_per_minute\" has to be a whole number from 1 to 1000000, not 18446744073709551617"},
    {"RateNull", "{\"callers\": [], \"default\": {\"calls_per_minute\": @null}}",
     "\"calls_per_minute\" has to be a number, not null"},
    {"BudgetOfAnotherType", "{\"callers\": [], \"default\": {\"writes_per_day\": @[2000]}}",
     "\"writes_per_day\" has to be a number, not a list"},
    {"BudgetTooLarge", "{\"callers\": [], \"default\": {\"writes_per_day\": @1000000001}}",
     "\"writes_per_day\" has to be a whole number from 1 to 1000000000, not 1000000001"},
    {"NoBudget", "{\"callers\": [], \"default\": {\"writes_per_day\": @0}}",
     "\"writes_per_day\" has to be a whole number from 1 to 1000000000, not 0"},
    {"RequestIdOfAnotherType", "{\"callers\": [], \"default\": {\"request_id\": @true}}",
     "\"request_id\" has to be a string, not a boolean"},
    {"RequestIdInUpperCase", "{\"callers\": [], \"default\": {\"request_id\": @\"Required\"}}",
     "\"request_id\" has to be \"required\" or \"optional\", not \"Required\""},
    {"EmptyRequestId", "{\"callers\": [], \"default\": {\"request_id\": @\"\"}}",
     "\"request_id\" has to be \"required\" or \"optional\", not \"\""},
    {"BadLimitOfACaller",
     "{\"callers\": [\n{\"name\": \"a\", \"principals\": [\"a\"]},\n{\"name\": \"b\", "
     "\"principals\": "
     "[\"b\"],\n \"writes_per_day\": @2.0}], \"default\": null}",
     "\"writes_per_day\" has to be a whole number from 1 to 1000000000, not 2.0"},
    {"BadDefaultAfterGoodCallers",
     "{\"default\": {@\"product\": \"a\"},\n\"callers\": [{\"name\": \"a\", \"principals\": "
     "[\"a\"]}]}",
     "unknown member \"product\"; \"default\" can have: products, max_in_flight, calls_per_minute, "
     "writes_per_day, request_id"},
};

class CallersReaderErrorTest : public testing::TestWithParam<BadFile> {
 protected:
  const size_t at_ = GetParam().text.find('@');
  const std::string text_ =
      MessageText(GetParam().text.substr(0, at_), GetParam().text.substr(at_ + 1));
};

TEST_P(CallersReaderErrorTest, SaysWhereAndWhat) {
  const std::string_view before = GetParam().text.substr(0, at_);
  const auto line = std::ranges::count(before, '\n') + 1;
  const size_t column = before.size() - (before.rfind('\n') + 1) + 1;
  EXPECT_EQ(ErrorOf(text_),
            MessageText("line ", line, ", column ", column, ": ", GetParam().message));
}

TEST_P(CallersReaderErrorTest, IsRefusedByTheOracleToo) {
  EXPECT_FALSE(CallersOracle::Read(text_, kLimits).has_value());
}

INSTANTIATE_TEST_SUITE_P(Files, CallersReaderErrorTest, testing::ValuesIn(kBadFiles),
                         [](const auto& file) { return std::string(file.param.name); });

TEST(CallersReaderLimitTest, ADailyBudgetNeedsAStore) {
  constexpr std::string_view kText =
      "{\"callers\": [{\"name\": \"a\", \"principals\": [\"a\"],\n\"writes_per_day\": 5}], "
      "\"default\": null}";
  EXPECT_EQ(ErrorOf(kText), "");
  EXPECT_EQ(ErrorOf(kText, {.max_in_flight = 100, .has_store = false}),
            "line 2, column 19: \"writes_per_day\" is counted in the store, and there is none; set "
            "`store`, or leave it out");
}

TEST(CallersReaderLimitTest, AProductOf256BytesIsTakenAndAByteMoreRefused) {
  const auto text = [](size_t bytes) {
    return MessageText("{\"callers\": [], \"default\": {\"products\": [\"", std::string(bytes, 'x'),
                       "\"]}}");
  };
  EXPECT_EQ(ErrorOf(text(256)), "");
  EXPECT_THAT(ErrorOf(text(257)), StartsWith("line 1, column 42: \"xxx"));
  EXPECT_THAT(ErrorOf(text(257)), HasSubstr("can be no product"));
}

std::string FileOf(size_t callers) {
  std::string text = "{\"default\": null, \"callers\": [";
  for (size_t i = 0; i < callers; ++i) {
    text +=
        MessageText(i == 0 ? "" : ",", "\n{\"name\": \"", i, "\", \"principals\": [\"a", i, "\"]}");
  }
  return text + "]}";
}

TEST(CallersReaderLimitTest, AThousandCallersAreTakenAndOneMoreRefused) {
  EXPECT_EQ(ErrorOf(FileOf(1'000)), "");
  EXPECT_EQ(ErrorOf(FileOf(1'001)),
            "line 1002, column 1: more than 1000 callers; let some share an entry");
}

TEST(CallersReaderLimitTest, AFileOf256KiBIsTakenAndAByteMoreRefused) {
  std::string text = FileOf(1);
  text.resize(kMaxCallersBytes, ' ');
  EXPECT_EQ(ErrorOf(text), "");
  EXPECT_THAT(ErrorOf(text + "\n"), HasSubstr("the file is larger than 262144 bytes"));
}

}  // namespace
}  // namespace gateway
