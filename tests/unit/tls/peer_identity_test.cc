#include "service/tls/peer_identity.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "tests/support/test_certificates.h"
#include "tests/unit/tls/certificate_files.h"

namespace gateway {
namespace {

using testing::HasSubstr;

constexpr std::string_view kAnyDomain = "";

class PeerIdentityTest : public testing::Test {
 protected:
  // The principal, or why there is none.
  std::string PrincipalWith(std::vector<AlternativeName> names,
                            std::string_view trust_domain = kAnyDomain) const {
    const TlsIdentity peer = authority_.IssueFor(
        {.common_name = "spiffe://prod.example/common-name", .names = std::move(names)});
    const auto principal = PrincipalOf(peer.certificate_pem, trust_domain);
    if (principal.ok()) return *principal;
    EXPECT_EQ(principal.status().code(), absl::StatusCode::kInvalidArgument);
    return "refused: " + std::string(principal.status().message());
  }

  const TestAuthority authority_;
};

TEST_F(PeerIdentityTest, IsTheSpiffeId) {
  EXPECT_EQ(PrincipalWith({Uri("spiffe://prod.example/ns/a/sa/Onboarding_1.x-y")}),
            "spiffe://prod.example/ns/a/sa/Onboarding_1.x-y");
}

TEST_F(PeerIdentityTest, IsTheUriWhateverElseThereIs) {
  EXPECT_EQ(PrincipalWith({Dns("a.example"), Email("a@a.example"), Uri("spiffe://prod/a"),
                           Ip("10.0.0.1"), Dns("*.b.example")}),
            "spiffe://prod/a");
}

TEST_F(PeerIdentityTest, IsTheOneDnsNameIfThereIsNoUri) {
  EXPECT_EQ(PrincipalWith({Dns("Onboarding.prod.EXAMPLE")}), "onboarding.prod.example");
  EXPECT_EQ(PrincipalWith({Dns("onboarding")}), "onboarding");
}

TEST_F(PeerIdentityTest, TakesADnsNameAlsoWhereATrustDomainIsSet) {
  EXPECT_EQ(PrincipalWith({Dns("a.example")}, "prod.example"), "a.example");
}

TEST_F(PeerIdentityTest, IsNotOneOfTwoUris) {
  EXPECT_THAT(PrincipalWith({Uri("spiffe://prod/a"), Uri("spiffe://prod/b")}),
              HasSubstr("refused: it has 2 URIs"));
  EXPECT_THAT(PrincipalWith({Uri("spiffe://prod/a"), Uri("https://a.example/")}),
              HasSubstr("refused: it has 2 URIs"));
}

TEST_F(PeerIdentityTest, IsNoDnsNameBesideAUriThatIsNoSpiffeId) {
  EXPECT_THAT(PrincipalWith({Uri("https://a.example/"), Dns("a.example")}),
              HasSubstr("does not begin with spiffe://"));
}

TEST_F(PeerIdentityTest, IsNotOneOfTwoDnsNames) {
  EXPECT_THAT(PrincipalWith({Dns("a.example"), Dns("b.example")}), HasSubstr("2 DNS names"));
  EXPECT_THAT(PrincipalWith({Dns("a.example"), Dns("*.example")}), HasSubstr("2 DNS names"));
}

TEST_F(PeerIdentityTest, IsNoWildcard) {
  EXPECT_THAT(PrincipalWith({Dns("*.example")}), HasSubstr("is for many hosts"));
}

TEST_F(PeerIdentityTest, IsNeverACommonNameAnAddressOrAMailbox) {
  for (const auto& names : std::vector<std::vector<AlternativeName>>{
           {}, {Ip("10.0.0.1")}, {Ip("::1")}, {Email("a@a.example")}}) {
    EXPECT_THAT(PrincipalWith(names), HasSubstr("refused: it has neither a URI nor a DNS name"));
  }
}

// A program that compares up to the NUL, or a rule with a prefix, would see prod.example.
TEST_F(PeerIdentityTest, RefusesANulInAnyName) {
  const std::string nul(1, '\0');
  EXPECT_THAT(PrincipalWith({Uri("spiffe://prod/a" + nul + ".evil/")}), HasSubstr("has a NUL"));
  EXPECT_THAT(PrincipalWith({Dns("prod.example" + nul + ".evil.example")}), HasSubstr("has a NUL"));
  EXPECT_THAT(PrincipalWith({Uri("spiffe://prod/a"), Dns("a" + nul)}), HasSubstr("has a NUL"));
  EXPECT_THAT(PrincipalWith({Uri("spiffe://prod/a"), Email(nul + "@a")}), HasSubstr("has a NUL"));
}

TEST_F(PeerIdentityTest, RefusesDnsNamesThatReadLikeAnotherKindOfName) {
  for (const char* name :
       {"spiffe://prod/admin", "", ".", "a..example", "a.example.", ".example", "a b", "-a.example",
        "a-.example", "10.0.0.1", "0x7f.1", "a/b", "a@b", "a:443", "caf\xC3\xA9.example"}) {
    EXPECT_THAT(PrincipalWith({Dns(name)}), HasSubstr("is not a host name")) << name;
  }
  EXPECT_THAT(PrincipalWith({Dns(std::string(64, 'a') + ".example")}),
              HasSubstr("not a host name"));
  std::string longest;
  for (int i = 0; i < 126; ++i) longest += "a.";
  EXPECT_EQ(PrincipalWith({Dns(longest + "a")}), longest + "a");
  EXPECT_THAT(PrincipalWith({Dns(longest + "ab")}), HasSubstr("not a host name"));
}

TEST_F(PeerIdentityTest, ShowsWhatAPeerChoseEscapedAndShortened) {
  EXPECT_THAT(PrincipalWith({Dns("a\n\"b")}), HasSubstr("\"a\\n\\\"b\""));
  const std::string refusal = PrincipalWith({Uri(std::string(5000, 'u'))});
  EXPECT_LT(refusal.size(), 500U);
}

TEST_F(PeerIdentityTest, IsInTheTrustDomainThatIsSet) {
  EXPECT_EQ(PrincipalWith({Uri("spiffe://prod.example/a")}, "prod.example"),
            "spiffe://prod.example/a");
  for (const char* id : {"spiffe://test.example/a", "spiffe://prod.example.evil/a",
                         "spiffe://prod/a", "spiffe://a.prod.example/a"}) {
    EXPECT_THAT(PrincipalWith({Uri(id)}, "prod.example"),
                HasSubstr("not in the trust domain \"prod.example\""))
        << id;
  }
}

TEST_F(PeerIdentityTest, NeedsOneCertificate) {
  EXPECT_FALSE(PrincipalOf("", kAnyDomain).ok());
  EXPECT_FALSE(PrincipalOf("garbage", kAnyDomain).ok());
  const std::string pem = authority_.IssueFor({.names = {Dns("a")}}).certificate_pem;
  EXPECT_EQ(PrincipalOf(pem + pem, kAnyDomain).status().message(),
            "there are 2 certificates, not one");
}

TEST(SpiffeIdTest, TakesWhatTheSpecificationAllows) {
  for (const char* id :
       {"spiffe://a/b", "spiffe://a.b-c_d.0/x", "spiffe://a/b/c/d", "spiffe://a/A.b-C_0",
        "spiffe://a/...", "spiffe://a/.b", "spiffe://1.2.3.4/b", "spiffe://-/-"}) {
    EXPECT_TRUE(CheckSpiffeId(id, kAnyDomain).ok()) << id;
  }
}

TEST(SpiffeIdTest, RefusesEverythingElse) {
  for (const char* id : {"",
                         "spiffe",
                         "spiffe:",
                         "spiffe:/a/b",
                         "spiffe://",
                         "spiffe:///",
                         "spiffe:///a",
                         "spiffe://a",
                         "spiffe://a/",
                         "SPIFFE://a/b",
                         "Spiffe://a/b",
                         "https://a/b",
                         " spiffe://a/b",
                         "spiffe://A/b",
                         "spiffe://a%2e/b",
                         "spiffe://a:1/b",
                         "spiffe://a:/b",
                         "spiffe://u@a/b",
                         "spiffe://u:p@a/b",
                         "spiffe://[::1]/b",
                         "spiffe://\xC3\xA9/b",
                         "spiffe://a b/c",
                         "spiffe://a?q",
                         "spiffe://a#f",
                         "spiffe://a//b",
                         "spiffe://a/b/",
                         "spiffe://a/b//c",
                         "spiffe://a/.",
                         "spiffe://a/..",
                         "spiffe://a/./b",
                         "spiffe://a/b/../c",
                         "spiffe://a/b/..",
                         "spiffe://a/b?q=1",
                         "spiffe://a/b?",
                         "spiffe://a/b#f",
                         "spiffe://a/b#",
                         "spiffe://a/b%20c",
                         "spiffe://a/b c",
                         "spiffe://a/b:c",
                         "spiffe://a/b@c",
                         "spiffe://a/b~",
                         "spiffe://a/b*",
                         "spiffe://a/b\n",
                         "spiffe://a/b\\c",
                         "spiffe://a/\xC3\xA9"}) {
    EXPECT_FALSE(CheckSpiffeId(id, kAnyDomain).ok()) << id;
  }
}

TEST(SpiffeIdTest, HasAMaximumLength) {
  const std::string begin = "spiffe://a/";
  EXPECT_TRUE(CheckSpiffeId(begin + std::string(2048 - begin.size(), 'p'), kAnyDomain).ok());
  EXPECT_FALSE(CheckSpiffeId(begin + std::string(2049 - begin.size(), 'p'), kAnyDomain).ok());
  EXPECT_TRUE(CheckSpiffeId("spiffe://" + std::string(255, 'd') + "/a", kAnyDomain).ok());
  EXPECT_FALSE(CheckSpiffeId("spiffe://" + std::string(256, 'd') + "/a", kAnyDomain).ok());
}

TEST(TrustDomainTest, HasFewCharacters) {
  EXPECT_TRUE(CheckTrustDomain("prod.a-b_0").ok());
  for (const char* name : {"", "Prod", "spiffe://prod", "prod/", "prod:1"}) {
    EXPECT_FALSE(CheckTrustDomain(name).ok()) << name;
  }
}

}  // namespace
}  // namespace gateway
