// deploy/base/callers.json, by itself and beside the sample of the policy.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "service/callers/callers_reader.h"

namespace gateway {
namespace {

constexpr size_t kMaxInFlight = 5'000;  // the setting's default, which the manifests leave as it is

std::string TextOf(const char* path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

absl::StatusOr<CallersText> Sample() {
  return ReadCallers(TextOf(SAMPLE_CALLERS), {.max_in_flight = kMaxInFlight, .has_store = true});
}

std::set<std::string> PrincipalsOfSample() {
  std::set<std::string> principals;
  const auto sample = Sample();
  if (!sample.ok()) return principals;
  for (const CallersText::Caller& caller : sample->callers) {
    principals.insert(caller.principals.begin(), caller.principals.end());
  }
  return principals;
}

// Whom a rule of the sample policy names and lets call what contains `method`.
std::set<std::string> WhoMayCall(const std::string& method) {
  std::set<std::string> principals;
  const auto policy = nlohmann::json::parse(TextOf(SAMPLE_POLICY));
  for (const auto& rule : policy.at("allow_rules")) {
    if (!rule.contains("source")) continue;
    for (const auto& path : rule.at("request").at("paths")) {
      if (path.get<std::string>().find(method) == std::string::npos) continue;
      for (const auto& principal : rule.at("source").at("principals")) principals.insert(principal);
    }
  }
  return principals;
}

void ExpectIsBounded(const CallerEntry& entry) {
  EXPECT_LT(entry.max_in_flight, kMaxInFlight) << entry.name;
  EXPECT_TRUE(entry.calls_per_minute.has_value()) << entry.name;
  EXPECT_TRUE(entry.writes_per_day.has_value()) << entry.name;
  EXPECT_TRUE(entry.needs_request_id) << entry.name;
}

TEST(SampleCallersTest, IsAGoodCallersFile) { EXPECT_TRUE(Sample().ok()) << Sample().status(); }

TEST(SampleCallersTest, BoundsEverybody) {
  const auto sample = Sample();
  ASSERT_TRUE(sample.ok());
  for (const CallersText::Caller& caller : sample->callers) ExpectIsBounded(caller.entry);
  ASSERT_TRUE(sample->default_entry.has_value());
  ExpectIsBounded(*sample->default_entry);
}

TEST(SampleCallersTest, HasAnEntryForEverybodyWhomTheSamplePolicyLetsWrite) {
  std::set<std::string> writers = WhoMayCall("/AddProductApplication");
  writers.merge(WhoMayCall("/CreateProfile"));
  ASSERT_FALSE(writers.empty());
  EXPECT_THAT(PrincipalsOfSample(), testing::IsSupersetOf(writers));
}

TEST(SampleCallersTest, NamesNobodyWhomTheSamplePolicyDoesNotLetIn) {
  EXPECT_THAT(WhoMayCall("/"), testing::IsSupersetOf(PrincipalsOfSample()));
}

}  // namespace
}  // namespace gateway
