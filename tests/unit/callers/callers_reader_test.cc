#include "service/callers/callers_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace gateway {
namespace {

using testing::ElementsAre;
using testing::Optional;

constexpr CallersLimits kLimits{.max_in_flight = 100, .has_store = true};

CallersText Read(std::string_view text, const CallersLimits& limits = kLimits) {
  const auto read = ReadCallers(text, limits);
  EXPECT_TRUE(read.ok()) << read.status();
  return read.ok() ? *read : CallersText{};
}

TEST(CallersReaderTest, ReadsAllThatAFileCanSay) {
  const CallersText text = Read(R"({
    "callers": [
      {"name": "onboarding", "principals": ["spiffe://example.org/ns/a/sa/on-boarding", "web.example.org"],
       "products": ["forexo_basic", "0A1B2C3D-0000-4000-8000-00000000000F"],
       "max_in_flight": 60, "calls_per_minute": 600, "writes_per_day": 2000,
       "request_id": "required"},
      {"name": "9-lives_", "principals": ["b.example.org"], "request_id": "optional"}],
    "default": {"products": ["Basic Ä"], "max_in_flight": 100, "calls_per_minute": 1000000,
                "writes_per_day": 1000000000, "request_id": "required"}})");

  ASSERT_EQ(text.callers.size(), 2U);
  const CallersText::Caller& onboarding = text.callers[0];
  EXPECT_THAT(onboarding.principals,
              ElementsAre("spiffe://example.org/ns/a/sa/on-boarding", "web.example.org"));
  EXPECT_EQ(onboarding.entry.name, "onboarding");
  EXPECT_THAT(onboarding.entry.products,
              Optional(ElementsAre("forexo_basic", "0a1b2c3d-0000-4000-8000-00000000000f")));
  EXPECT_EQ(onboarding.entry.max_in_flight, 60U);
  EXPECT_THAT(onboarding.entry.calls_per_minute, Optional(600));
  EXPECT_THAT(onboarding.entry.writes_per_day, Optional(2000));
  EXPECT_TRUE(onboarding.entry.needs_request_id);

  EXPECT_EQ(text.callers[1].entry.name, "9-lives_");
  EXPECT_FALSE(text.callers[1].entry.needs_request_id);

  ASSERT_TRUE(text.default_entry.has_value());
  EXPECT_EQ(text.default_entry->name, "other");
  EXPECT_THAT(text.default_entry->products, Optional(ElementsAre("Basic Ä")));
  EXPECT_EQ(text.default_entry->max_in_flight, 100U);
  EXPECT_THAT(text.default_entry->calls_per_minute, Optional(1'000'000));
  EXPECT_THAT(text.default_entry->writes_per_day, Optional(1'000'000'000));
  EXPECT_TRUE(text.default_entry->needs_request_id);
}

TEST(CallersReaderTest, WithoutLimitsACallerHasAQuarterOfThePlacesAndNoOtherLimit) {
  const CallersText text =
      Read(R"({"callers": [{"name": "a", "principals": ["a"]}], "default": null})");
  ASSERT_EQ(text.callers.size(), 1U);
  const CallerEntry& entry = text.callers[0].entry;
  EXPECT_EQ(entry.max_in_flight, 25U);
  EXPECT_EQ(entry.products, std::nullopt);
  EXPECT_EQ(entry.calls_per_minute, std::nullopt);
  EXPECT_EQ(entry.writes_per_day, std::nullopt);
  EXPECT_FALSE(entry.needs_request_id);
  ASSERT_NE(entry.usage, nullptr);
  EXPECT_FALSE(text.default_entry.has_value());
}

TEST(CallersReaderTest, AQuarterOfFewPlacesIsOne) {
  for (const size_t places : {1U, 3U, 4U, 7U}) {
    const CallersText text =
        Read(R"({"callers": [], "default": {}})", {.max_in_flight = places, .has_store = false});
    ASSERT_TRUE(text.default_entry.has_value());
    EXPECT_EQ(text.default_entry->max_in_flight, 1U);
  }
}

TEST(CallersReaderTest, ANameOf63IsTaken) {
  const std::string name(63, 'a');
  const CallersText text =
      Read(R"({"callers": [{"name": ")" + name + R"(", "principals": ["a"]}], "default": null})");
  ASSERT_EQ(text.callers.size(), 1U);
  EXPECT_EQ(text.callers[0].entry.name, name);
}

TEST(CallersReaderTest, TwoCallersMayHaveTheSameProducts) {
  EXPECT_EQ(Read(R"({"callers": [
    {"name": "a", "principals": ["a"], "products": ["p"]},
    {"name": "b", "principals": ["b"], "products": ["p"]}], "default": {"products": ["p"]}})")
                .callers.size(),
            2U);
}

TEST(CallersReaderTest, EveryEntryHasAUsageOfItsOwn) {
  const CallersText text = Read(R"({"callers": [{"name": "a", "principals": ["a"]},
    {"name": "b", "principals": ["b"]}], "default": {}})");
  ASSERT_EQ(text.callers.size(), 2U);
  EXPECT_NE(text.callers[0].entry.usage, text.callers[1].entry.usage);
  EXPECT_NE(text.callers[0].entry.usage, text.default_entry->usage);
}

}  // namespace
}  // namespace gateway
