#include "service/authorization/authorization_policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>
#include <string>
#include <string_view>
#include <tuple>

#include "service/authorization/message_text.h"
#include "tests/unit/authorization/policy_oracle.h"

namespace gateway {
namespace {

constexpr std::string_view kAnna = "spiffe://example.org/anna";
constexpr std::string_view kGet = "/shop.v1.Orders/Get";

AuthorizationPolicy Policy(std::string_view text) {
  auto policy = AuthorizationPolicy::Parse(text, kTestMethods);
  EXPECT_TRUE(policy.ok()) << policy.status();
  return *std::move(policy);
}

// A policy with one allow rule.
AuthorizationPolicy Allows(std::string_view source_and_request) {
  return Policy(
      MessageText(R"({"name": "p", "allow_rules": [{"name": "r")", source_and_request, "}]}"));
}

AuthorizationPolicy AllowsPrincipal(std::string_view pattern) {
  return Allows(MessageText(R"(, "source": {"principals": [")", pattern, "\"]}"));
}

AuthorizationPolicy AllowsPath(std::string_view pattern) {
  return Allows(MessageText(R"(, "request": {"paths": [")", pattern, "\"]}"));
}

TEST(AuthorizationPolicyTest, NamesTheRuleThatAllows) {
  EXPECT_EQ(AllowsPrincipal(kAnna).Decide(kAnna, kGet),
            (AuthorizationDecision{.allowed = true, .rule = "r"}));
}

TEST(AuthorizationPolicyTest, DeniesWithoutARuleIfNoneMatches) {
  EXPECT_EQ(AllowsPrincipal(kAnna).Decide("spiffe://example.org/bert", kGet),
            AuthorizationDecision{});
}

TEST(AuthorizationPolicyTest, ADenyRuleBeatsAnAllowRuleInAnyOrder) {
  const AuthorizationPolicy policy = Policy(
      R"({"allow_rules": [{"name": "all"}], "name": "p", "deny_rules": [{"name": "none"}]})");
  EXPECT_EQ(policy.Decide(kAnna, kGet), (AuthorizationDecision{.allowed = false, .rule = "none"}));
}

TEST(AuthorizationPolicyTest, TheFirstRuleThatMatchesIsNamed) {
  const AuthorizationPolicy policy =
      Policy(R"({"name": "p", "allow_rules": [{"name": "b"}, {"name": "a"}]})");
  EXPECT_EQ(policy.Decide(kAnna, kGet).rule, "b");
}

TEST(AuthorizationPolicyTest, ARuleNeedsBothItsPrincipalAndItsPath) {
  const AuthorizationPolicy policy = Allows(MessageText(
      R"(, "source": {"principals": [")", kAnna, R"("]}, "request": {"paths": [")", kGet, "\"]}"));
  EXPECT_TRUE(policy.Decide(kAnna, kGet).allowed);
  EXPECT_FALSE(policy.Decide("bert", kGet).allowed);
  EXPECT_FALSE(policy.Decide(kAnna, "/shop.v1.Orders/Add").allowed);
}

TEST(AuthorizationPolicyTest, NobodyIsDeniedEvenWhereEverybodyIsAllowed) {
  for (const AuthorizationPolicy& policy : {Allows(""), AllowsPrincipal("*")}) {
    EXPECT_TRUE(policy.Decide(kAnna, kGet).allowed);
    EXPECT_EQ(policy.Decide("", kGet), AuthorizationDecision{});
  }
}

TEST(AuthorizationPolicyTest, UnknownMethodsAreAskedAboutToo) {
  EXPECT_TRUE(AllowsPath("/shop.v1.*").Decide(kAnna, "/shop.v1.Orders/Unknown").allowed);
  EXPECT_FALSE(AllowsPath(kGet).Decide(kAnna, "/shop.v1.Orders/Unknown").allowed);
}

struct PatternCase {
  std::string_view pattern;
  std::string_view principal;
  bool matches;
};

TEST(AuthorizationPolicyTest, PatternsMatchWholeTexts) {
  for (const PatternCase& row : std::initializer_list<PatternCase>{{"abc", "abc", true},
                                                                   {"abc", "abcd", false},
                                                                   {"abc", "xabc", false},
                                                                   {"abc", "ABC", false},
                                                                   {"ab*", "ab", true},
                                                                   {"ab*", "abc", true},
                                                                   {"ab*", "xab", false},
                                                                   {"ab*", "a", false},
                                                                   {"*bc", "bc", true},
                                                                   {"*bc", "abc", true},
                                                                   {"*bc", "bcd", false},
                                                                   {"*bc", "c", false},
                                                                   {"*", "anything", true},
                                                                   {"a.c", "abc", false}}) {
    EXPECT_EQ(AllowsPrincipal(row.pattern).Decide(row.principal, kGet).allowed, row.matches)
        << row.pattern << " and " << row.principal;
  }
}

TEST(AuthorizationPolicyTest, PatternsAreForSpiffeIdsOrForHostNames) {
  for (const PatternCase& row : std::initializer_list<PatternCase>{
           {"*.example.org", "web.example.org", true},
           {"*.example.org", "spiffe://evil.test/ns/x.example.org", false},
           {"s*", "shop.example.org", true},
           {"s*", "spiffe://example.org/anna", false},
           {"spiffe*", "spiffe.example.org", true},
           {"spiffe*", "spiffe://example.org/anna", false},
           {"spiffe://example.org/*", "spiffe://example.org/anna", true},
           {"spiffe://example.org/*", "spiffe://example.org.evil/anna", false},
           {"spiffe://example.org/Ns*", "spiffe://example.org/Ns/anna", true},
           {"*/sa/Web", "spiffe://example.org/sa/Web", true},
           {"*", "spiffe://example.org/anna", true},
           {"*", "web.example.org", true}}) {
    EXPECT_EQ(AllowsPrincipal(row.pattern).Decide(row.principal, kGet).allowed, row.matches)
        << row.pattern << " and " << row.principal;
  }
}

TEST(AuthorizationPolicyTest, PrincipalsThatNoCertificateCanGiveAreRefused) {
  const std::string long_label(64, 'a');
  for (const std::string& pattern :
       std::initializer_list<std::string>{"Payments.Example.Org",
                                          "a?c",
                                          "a/b",
                                          "dns:a.example.org",
                                          "10.0.0.1",
                                          "a..b",
                                          ".a",
                                          "a.",
                                          "-a",
                                          "a-",
                                          long_label,
                                          "spiffe://example.org",
                                          "spiffe://example.org/",
                                          "spiffe://example.org/a/",
                                          "spiffe://example.org//a",
                                          "spiffe://example.org/a/../b",
                                          "spiffe://Example.org/a",
                                          "SPIFFE://example.org/a",
                                          "spiffe://example.org:1/a",
                                          "spiffe:///a",
                                          "spiffe://example.org/a b",
                                          "Pay*",
                                          "*.Example.org",
                                          "*.",
                                          "*..org",
                                          "*.1",
                                          "a/*",
                                          "spiffe:*",
                                          "spiffe:/*",
                                          "spiffe://*",
                                          "spiffe://example.org*",
                                          "spiffe://Example.org/*",
                                          "spiffe:///*",
                                          "spiffe://example.org//*",
                                          "*/",
                                          "*//a",
                                          "*/a b",
                                          "*/../a",
                                          long_label + "*"}) {
    const std::string text =
        MessageText(R"({"name": "p", "allow_rules": [{"name": "r"}], "deny_rules":
[{"name": "d", "source": {"principals": [")",
                    pattern, "\"]}}]}");
    const auto policy = AuthorizationPolicy::Parse(text, kTestMethods);
    EXPECT_TRUE(std::string(policy.status().message()).starts_with("line 2, column 42: "))
        << pattern << policy.status();
    EXPECT_FALSE(PolicyOracle::Read(text, kTestMethods).has_value()) << pattern;
  }
}

TEST(AuthorizationPolicyTest, PrincipalsThatACertificateCanGiveAreTaken) {
  const std::string longest_label(63, '1');
  for (const std::string& pattern : std::initializer_list<std::string>{
           "a", "a_b.example.org", "1.a", "xn--a.org", longest_label + "*", "a.*", "a-*", "*-a",
           "*1", "*a.org", "spiffe://example.org/a", "spiffe://a_b-1/A/.b/...", "spiffe://a/.*",
           "spiffe://a/b/*", "*A/b", "*/..."}) {
    AllowsPrincipal(pattern);
    EXPECT_TRUE(
        PolicyOracle::Read(MessageText(R"({"name": "p", "allow_rules": [{"name": "r", "source":)",
                                       R"({"principals": [")", pattern, "\"]}}]}"),
                           kTestMethods)
            .has_value())
        << pattern;
  }
}

TEST(AuthorizationPolicyTest, EscapesInPrincipalsAreRead) {
  EXPECT_TRUE(AllowsPrincipal(R"(spiffe:\/\/\u0061\/b)").Decide("spiffe://a/b", kGet).allowed);
}

TEST(AuthorizationPolicyTest, TheDigestIsTheBeginningOfTheSha256OfTheText) {
  // printf '{"name": "p", "allow_rules": [{"name": "r"}]}' | sha256sum
  const AuthorizationPolicy policy = Allows("");
  EXPECT_EQ(policy.digest(), "611202987161b2c2");
  EXPECT_TRUE(policy.full_digest().starts_with(policy.digest()));
  EXPECT_EQ(policy.full_digest().size(), 64U);
}

TEST(AuthorizationPolicyTest, IsWholeAfterAMove) {
  AuthorizationPolicy policy = AllowsPrincipal(kAnna);
  const AuthorizationPolicy moved = std::move(policy);
  EXPECT_EQ(moved.Decide(kAnna, kGet).rule, "r");
  EXPECT_EQ(moved.name(), "p");
  EXPECT_EQ(moved.rules(), 1U);
}

// Every method for three callers, each of whom a policy allows, denies or does not name.
class AuthorizationMatrixTest : public testing::TestWithParam<std::tuple<int, int, int>> {
 protected:
  static constexpr std::string_view kCallers[] = {kAnna, "spiffe://example.org/bert",
                                                  "carla.example.org"};

  // The rules of the list `which` of the policy.
  static std::string Rules(std::string_view list, int which) {
    const int stances[] = {std::get<0>(GetParam()), std::get<1>(GetParam()),
                           std::get<2>(GetParam())};
    std::string rules;
    for (size_t caller = 0; caller < 3; ++caller) {
      if (stances[caller] != which) continue;
      for (const std::string_view method : kTestMethods) {
        rules += MessageText(rules.empty() ? "" : ",", R"({"name": ")", list, caller, method,
                             R"(", "source": {"principals": [")", kCallers[caller],
                             R"("]}, "request": {"paths": [")", method, "\"]}}");
      }
    }
    return rules.empty() ? "" : MessageText("\"", list, "\": [", rules, "],");
  }
};

constexpr int kAbsent = 0;
constexpr int kAllow = 1;
constexpr int kDeny = 2;

TEST_P(AuthorizationMatrixTest, IsJudgedAsTheOracleDoes) {
  std::string allow = Rules("allow_rules", kAllow);
  if (allow.empty()) {
    allow = R"("allow_rules": [{"name": "x", "source": {"principals": ["nobody"]}}],)";
  }
  const std::string text =
      MessageText("{", allow, Rules("deny_rules", kDeny), R"("name": "matrix"})");
  const AuthorizationPolicy policy = Policy(text);
  const auto oracle = PolicyOracle::Read(text, kTestMethods);
  ASSERT_TRUE(oracle.has_value());
  for (const std::string_view caller : kCallers) {
    for (const std::string_view method : kTestMethods) {
      const AuthorizationDecision decision = policy.Decide(caller, method);
      EXPECT_EQ(std::pair(decision.allowed, std::string(decision.rule)),
                oracle->Decide(std::string(caller), std::string(method)))
          << caller << " " << method;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Stances, AuthorizationMatrixTest,
                         testing::Combine(testing::Values(kAbsent, kAllow, kDeny),
                                          testing::Values(kAbsent, kAllow, kDeny),
                                          testing::Values(kAbsent, kAllow, kDeny)));

// A measurement rather than a test: the bound is far above what it takes.
TEST(AuthorizationPolicyTest, TenRulesAreDecidedInMicroseconds) {
  std::string text = R"({"name": "p", "allow_rules": [)";
  for (int i = 0; i < 10; ++i) {
    absl::StrAppend(
        &text, i == 0 ? "" : ",", R"({"name": "r)", i,
        R"(", "source": {"principals": ["spiffe://example.org/ns/prod/sa/caller)", i,
        R"("]}, "request": {"paths": ["/shop.v1.Orders/Get", "/shop.v1.Orders/Add"]}})");
  }
  const AuthorizationPolicy policy = Policy(text + "]}");
  constexpr int kDecisions = 100'000;
  int allowed = 0;
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < kDecisions; ++i) {
    allowed +=
        policy.Decide("spiffe://example.org/ns/prod/sa/caller9", "/shop.v1.Orders/Add").allowed;
  }
  const std::chrono::nanoseconds taken = std::chrono::steady_clock::now() - begin;
  EXPECT_EQ(allowed, kDecisions);
  RecordProperty("nanoseconds_per_decision", std::to_string(taken.count() / kDecisions));
  EXPECT_LT(taken / kDecisions, std::chrono::microseconds(50));
}

}  // namespace
}  // namespace gateway
