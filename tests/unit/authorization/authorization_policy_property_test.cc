#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "service/authorization/authorization_policy.h"
#include "service/authorization/message_text.h"
#include "tests/unit/authorization/policy_oracle.h"

namespace gateway {
namespace {

using nlohmann::json;

// Policies of few short texts, so that patterns often match and names are often equal.
class RandomPolicies {
 public:
  explicit RandomPolicies(unsigned seed) : random_(seed) {}

  size_t Below(size_t bound) {
    return std::uniform_int_distribution<size_t>(0, bound - 1)(random_);
  }
  bool Once(size_t in) { return Below(in) == 0; }

  std::string Principal() {
    static constexpr std::string_view kPrincipals[] = {"a",
                                                       "ab",
                                                       "ab.c",
                                                       "b",
                                                       "ba",
                                                       "aba",
                                                       "spiffe://a/b",
                                                       "spiffe://a/b/ab",
                                                       "spiffe://a.b/ab.c"};
    return std::string(kPrincipals[Below(std::size(kPrincipals))]);
  }
  std::string Path() { return std::string(kTestMethods[Below(std::size(kTestMethods))]); }

  json Policy() {
    json policy = {{"name", "p"}, {"allow_rules", Rules("allow")}};
    if (!Once(3)) policy["deny_rules"] = Rules("deny");
    return policy;
  }

 private:
  std::string Pattern(std::string text) {
    switch (Below(4)) {
      case 0:
        return text.substr(0, Below(text.size() + 1)) + "*";
      case 1:
        return "*" + text.substr(Below(text.size() + 1));
      default:
        return text;
    }
  }

  template <typename Make>
  json Patterns(Make make) {
    json patterns = json::array();
    for (size_t i = Below(3) + 1; i > 0; --i) patterns.push_back(Pattern(make()));
    return patterns;
  }

  json Rules(std::string_view prefix) {
    json rules = json::array();
    for (size_t i = Below(4) + 1; i > 0; --i) {
      json rule = {{"name", MessageText(Once(20) ? "same" : prefix, i)}};
      if (!Once(4)) rule["source"]["principals"] = Patterns([this] { return Principal(); });
      if (!Once(4)) rule["request"]["paths"] = Patterns([this] { return Path(); });
      rules.push_back(std::move(rule));
    }
    return rules;
  }

  std::mt19937 random_;
};

void ExpectSameDecisions(const AuthorizationPolicy& policy, const PolicyOracle& oracle,
                         RandomPolicies& random, const std::string& text) {
  for (int i = 0; i < 30; ++i) {
    const std::string principal = random.Once(10) ? "" : random.Principal();
    const std::string path = random.Once(10) ? "/shop.v1.Unknown/Get" : random.Path();
    const AuthorizationDecision decision = policy.Decide(principal, path);
    ASSERT_EQ(std::pair(decision.allowed, std::string(decision.rule)),
              oracle.Decide(principal, path))
        << text << "\n"
        << principal << " " << path;
  }
}

TEST(AuthorizationPolicyPropertyTest, RandomPoliciesAreJudgedAsTheOracleDoes) {
  RandomPolicies random(1);
  int accepted = 0;
  for (int i = 0; i < 3'000; ++i) {
    const std::string text = random.Policy().dump(1);
    const auto policy = AuthorizationPolicy::Parse(text, kTestMethods);
    const auto oracle = PolicyOracle::Read(text, kTestMethods);
    ASSERT_EQ(policy.ok(), oracle.has_value()) << text << policy.status();
    if (!policy.ok()) continue;
    ++accepted;
    ASSERT_NO_FATAL_FAILURE(ExpectSameDecisions(*policy, *oracle, random, text));
  }
  EXPECT_GT(accepted, 1'000);
}

TEST(AuthorizationPolicyPropertyTest, BrokenPoliciesAreTakenOnlyIfTheOracleTakesThem) {
  RandomPolicies random(2);
  constexpr std::string_view kPieces[] = {
      "\"", "*",  ",", ":", "{", "}",    "[",    "]",
      "\\", "\n", "0", "x", "",  "\xC3", "null", "\"name\": \"p\","};
  for (int i = 0; i < 10'000; ++i) {
    std::string text = random.Policy().dump();
    for (size_t changes = random.Below(3) + 1; changes > 0 && !text.empty(); --changes) {
      text.replace(random.Below(text.size()), random.Below(3),
                   kPieces[random.Below(std::size(kPieces))]);
    }
    const auto policy = AuthorizationPolicy::Parse(text, kTestMethods);
    ASSERT_EQ(policy.ok(), PolicyOracle::Read(text, kTestMethods).has_value()) << text << "\n"
                                                                               << policy.status();
    if (!policy.ok())
      ASSERT_TRUE(std::string(policy.status().message()).starts_with("line ")) << text;
  }
}

TEST(AuthorizationPolicyPropertyTest, APolicyThatIsCutOffAnywhereIsRefused) {
  const std::string text = RandomPolicies(3).Policy().dump(1);
  ASSERT_TRUE(AuthorizationPolicy::Parse(text, kTestMethods).ok());
  for (size_t size = 0; size < text.size(); ++size) {
    EXPECT_FALSE(AuthorizationPolicy::Parse(text.substr(0, size), kTestMethods).ok()) << size;
  }
}

}  // namespace
}  // namespace gateway
