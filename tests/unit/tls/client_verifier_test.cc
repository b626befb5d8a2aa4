#include "service/tls/client_verifier.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "tests/support/test_certificates.h"
#include "tests/unit/tls/certificate_files.h"

namespace gateway {
namespace {

using testing::AllOf;
using testing::HasSubstr;

constexpr std::string_view kNoChain = "";

class ClientVerifierTest : public testing::Test {
 protected:
  ClientVerifierTest() { EXPECT_TRUE(verifier_.SetBundle(authority_.certificate_pem()).ok()); }

  CertificateContent ClientContent() const {
    return {.names = {Uri("spiffe://prod.example/onboarding")},
            .not_before = now_ - absl::Hours(1),
            .not_after = now_ + absl::Hours(1),
            .key_usage = "critical,digitalSignature",
            .extended_key_usage = "clientAuth"};
  }
  std::string Client() const { return authority_.IssueFor(ClientContent()).certificate_pem; }

  // The principal, or the refusal.
  std::string Verify(std::string_view leaf, std::string_view chain = kNoChain,
                     absl::Duration later = absl::ZeroDuration()) {
    const auto client = verifier_.Verify(leaf, chain, now_ + later);
    if (client.ok()) return client->principal;
    EXPECT_EQ(client.status().code(), absl::StatusCode::kUnauthenticated);
    return "refused: " + std::string(client.status().message());
  }
  std::string VerifyWith(const CertificateContent& content) {
    return Verify(authority_.IssueFor(content).certificate_pem);
  }

  const absl::Time now_ = absl::FromUnixSeconds(absl::ToUnixSeconds(absl::Now()));
  const TestAuthority authority_;
  const TestAuthority other_authority_{AuthorityContent("another authority")};
  ClientVerifier verifier_{"prod.example"};
};

TEST_F(ClientVerifierTest, SaysWhoTheCallerIsAndUntilWhen) {
  const auto client = verifier_.Verify(Client(), kNoChain, now_);
  ASSERT_TRUE(client.ok()) << client.status();
  EXPECT_EQ(*client, (VerifiedClient{.principal = "spiffe://prod.example/onboarding",
                                     .valid_until = now_ + absl::Hours(1)}));
}

TEST_F(ClientVerifierTest, RefusesEverybodyBeforeTheFirstBundle) {
  ClientVerifier verifier("");
  EXPECT_EQ(verifier.Verify(Client(), kNoChain, now_).status().code(),
            absl::StatusCode::kUnauthenticated);
}

TEST_F(ClientVerifierTest, VerifiesACertificateOnce) {
  const std::string client = Client();
  for (int i = 0; i < 5; ++i) EXPECT_EQ(Verify(client), "spiffe://prod.example/onboarding");
  EXPECT_EQ(verifier_.verifications(), 1U);
  EXPECT_EQ(Verify(Client()), "spiffe://prod.example/onboarding");
  EXPECT_EQ(verifier_.verifications(), 2U);
}

TEST_F(ClientVerifierTest, VerifiesARefusedCertificateOnceToo) {
  const std::string stranger = other_authority_.IssueFor(ClientContent()).certificate_pem;
  for (int i = 0; i < 5; ++i) EXPECT_THAT(Verify(stranger), HasSubstr("refused"));
  EXPECT_EQ(verifier_.verifications(), 1U);
}

TEST_F(ClientVerifierTest, RefusesACertificateOfAnotherAuthority) {
  EXPECT_THAT(Verify(other_authority_.IssueFor(ClientContent()).certificate_pem),
              AllOf(HasSubstr("refused"), HasSubstr("issuer certificate")));
}

TEST_F(ClientVerifierTest, RefusesACertificateOfANamesakeOfTheAuthority) {
  const TestAuthority namesake;
  EXPECT_THAT(Verify(namesake.IssueFor(ClientContent()).certificate_pem), HasSubstr("refused"));
}

TEST_F(ClientVerifierTest, RefusesACertificateThatIsForServersOnly) {
  CertificateContent content = ClientContent();
  content.extended_key_usage = "serverAuth";
  EXPECT_THAT(VerifyWith(content), HasSubstr("purpose"));
}

TEST_F(ClientVerifierTest, RefusesACertificateWithoutOneIdentity) {
  CertificateContent content = ClientContent();
  content.names = {Ip("10.0.0.1")};
  EXPECT_THAT(VerifyWith(content), HasSubstr("neither a URI nor a DNS name"));
}

TEST_F(ClientVerifierTest, RefusesAnotherTrustDomain) {
  CertificateContent content = ClientContent();
  content.names = {Uri("spiffe://test.example/onboarding")};
  EXPECT_THAT(VerifyWith(content), HasSubstr("not in the trust domain"));
}

TEST_F(ClientVerifierTest, RefusesAWeakSignature) {
  CertificateContent content = ClientContent();
  content.digest = "SHA1";
  EXPECT_THAT(VerifyWith(content), HasSubstr("too weak"));
}

TEST_F(ClientVerifierTest, RefusesWhatIsNoCertificate) {
  EXPECT_THAT(Verify(""), HasSubstr("it is empty"));
  EXPECT_THAT(Verify(std::string_view()), HasSubstr("it is empty"));
  EXPECT_THAT(Verify("garbage"), HasSubstr("no PEM certificate"));
  EXPECT_THAT(Verify(Client() + Client()), HasSubstr("more than one"));
  EXPECT_THAT(Verify(Client(), "garbage"), HasSubstr("its chain"));
  EXPECT_THAT(Verify(std::string(ClientVerifier::kMaxPemBytes + 1, 'x')), HasSubstr("too large"));
  EXPECT_THAT(Verify(Client(), std::string(ClientVerifier::kMaxPemBytes + 1, 'x')),
              HasSubstr("too large"));
}

// Removal and rotation of authorities.

TEST_F(ClientVerifierTest, RefusesAnOpenConnectionOnceItsAuthorityIsRemoved) {
  const std::string client = Client();
  EXPECT_EQ(Verify(client), "spiffe://prod.example/onboarding");
  ASSERT_TRUE(verifier_.SetBundle(other_authority_.certificate_pem()).ok());
  EXPECT_THAT(Verify(client), HasSubstr("refused"));
  EXPECT_EQ(verifier_.generation(), 2U);
}

TEST_F(ClientVerifierTest, TrustsAgainOnceTheAuthorityIsBack) {
  const std::string client = Client();
  ASSERT_TRUE(verifier_.SetBundle(other_authority_.certificate_pem()).ok());
  EXPECT_THAT(Verify(client), HasSubstr("refused"));
  ASSERT_TRUE(
      verifier_.SetBundle(other_authority_.certificate_pem() + authority_.certificate_pem()).ok());
  EXPECT_EQ(Verify(client), "spiffe://prod.example/onboarding");
}

TEST_F(ClientVerifierTest, KeepsWhatItKnowsIfTheBundleIsTheSame) {
  const std::string client = Client();
  Verify(client);
  ASSERT_TRUE(verifier_.SetBundle(authority_.certificate_pem()).ok());
  Verify(client);
  EXPECT_EQ(verifier_.verifications(), 1U);
  EXPECT_EQ(verifier_.generation(), 1U);
}

TEST_F(ClientVerifierTest, KeepsItsBundleIfTheNewOneIsBad) {
  for (const std::string& bundle :
       {std::string(), std::string("garbage"),
        other_authority_.certificate_pem() + other_authority_.certificate_pem().substr(0, 300)}) {
    EXPECT_EQ(verifier_.SetBundle(bundle).code(), absl::StatusCode::kInvalidArgument);
  }
  EXPECT_EQ(Verify(Client()), "spiffe://prod.example/onboarding");
  EXPECT_EQ(verifier_.generation(), 1U);
}

// Chains.

TEST_F(ClientVerifierTest, FollowsTheChainThatTheCallerSent) {
  const TestAuthority issuer(AuthorityContent("issuer"), authority_);
  const std::string client = issuer.IssueFor(ClientContent()).certificate_pem;
  EXPECT_EQ(Verify(client, issuer.certificate_pem()), "spiffe://prod.example/onboarding");
}

TEST_F(ClientVerifierTest, TakesAChainThatBeginsWithTheCertificateItself) {
  const TestAuthority issuer(AuthorityContent("issuer"), authority_);
  const std::string client = issuer.IssueFor(ClientContent()).certificate_pem;
  EXPECT_EQ(Verify(client, client + issuer.certificate_pem()), "spiffe://prod.example/onboarding");
}

TEST_F(ClientVerifierTest, DoesNotTrustAnAuthorityBecauseTheCallerSentIt) {
  const std::string stranger = other_authority_.IssueFor(ClientContent()).certificate_pem;
  EXPECT_THAT(Verify(stranger, other_authority_.certificate_pem()), HasSubstr("refused"));
}

TEST_F(ClientVerifierTest, DoesNotLetACallerIssueCertificates) {
  CertificateContent content = ClientContent();
  const TestAuthority caller(content, authority_);
  EXPECT_THAT(Verify(caller.IssueFor(ClientContent()).certificate_pem, caller.certificate_pem()),
              HasSubstr("refused"));
}

TEST_F(ClientVerifierTest, RemembersARefusalForOneChainOnly) {
  const TestAuthority issuer(AuthorityContent("issuer"), authority_);
  const std::string client = issuer.IssueFor(ClientContent()).certificate_pem;
  EXPECT_THAT(Verify(client), HasSubstr("refused"));
  EXPECT_EQ(Verify(client, issuer.certificate_pem()), "spiffe://prod.example/onboarding");
}

TEST_F(ClientVerifierTest, TrustsAnIntermediateAuthorityOnItsOwn) {
  const TestAuthority issuer(AuthorityContent("issuer"), authority_);
  ASSERT_TRUE(verifier_.SetBundle(issuer.certificate_pem()).ok());
  EXPECT_EQ(Verify(issuer.IssueFor(ClientContent()).certificate_pem),
            "spiffe://prod.example/onboarding");
  EXPECT_THAT(Verify(Client()), HasSubstr("refused"));
}

// Time.

TEST_F(ClientVerifierTest, RefusesACertificatePastItsEndThoughItWasTrustedBefore) {
  const std::string client = Client();
  EXPECT_EQ(Verify(client, kNoChain, absl::Hours(1) - absl::Seconds(1)),
            "spiffe://prod.example/onboarding");
  EXPECT_THAT(Verify(client, kNoChain, absl::Hours(1)), HasSubstr("expired"));
}

TEST_F(ClientVerifierTest, RefusesACertificateThatIsNotValidYetAndLooksAgain) {
  CertificateContent content = ClientContent();
  content.not_before = now_ + absl::Seconds(30);
  const std::string client = authority_.IssueFor(content).certificate_pem;
  EXPECT_THAT(Verify(client), HasSubstr("not yet valid"));
  EXPECT_THAT(Verify(client, kNoChain, ClientVerifier::kRefusalLifetime - absl::Seconds(1)),
              HasSubstr("not yet valid"));
  EXPECT_EQ(Verify(client, kNoChain, ClientVerifier::kRefusalLifetime),
            "spiffe://prod.example/onboarding");
}

TEST_F(ClientVerifierTest, TrustsNobodyLongerThanTheChain) {
  CertificateContent content = AuthorityContent("issuer");
  content.not_after = now_ + absl::Minutes(10);
  const TestAuthority issuer(content, authority_);
  const std::string client = issuer.IssueFor(ClientContent()).certificate_pem;
  EXPECT_EQ(verifier_.Verify(client, issuer.certificate_pem(), now_)->valid_until,
            now_ + absl::Minutes(10));
  EXPECT_THAT(Verify(client, issuer.certificate_pem(), absl::Minutes(10)), HasSubstr("expired"));
}

TEST_F(ClientVerifierTest, VerifiesAgainOnceTheWayToTheAuthorityHasEnded) {
  CertificateContent content = AuthorityContent("issuer");
  content.not_after = now_ + absl::Minutes(10);
  const TestAuthority issuer(content, authority_);
  const std::string client = issuer.IssueFor(ClientContent()).certificate_pem;
  EXPECT_EQ(Verify(client, issuer.certificate_pem()), "spiffe://prod.example/onboarding");
  // Another way might last longer, so the end of this one is not the last word.
  EXPECT_THAT(Verify(client, kNoChain, absl::Minutes(11)), HasSubstr("refused"));
  EXPECT_EQ(verifier_.verifications(), 2U);
}

// The cache.

TEST_F(ClientVerifierTest, KeepsABoundedNumberAndForgetsTheOldestFirst) {
  const std::string client = Client();
  Verify(client);
  const auto verify_others = [this](size_t from, size_t to) {
    for (size_t i = from; i < to; ++i) Verify(absl::StrCat("no certificate ", i));
  };
  verify_others(1, ClientVerifier::kMaxKept);
  EXPECT_EQ(verifier_.kept(), ClientVerifier::kMaxKept);
  Verify(client);
  EXPECT_EQ(verifier_.verifications(), ClientVerifier::kMaxKept);  // it was still there

  verify_others(ClientVerifier::kMaxKept, ClientVerifier::kMaxKept + 1);
  EXPECT_EQ(verifier_.kept(), ClientVerifier::kMaxKept);
  EXPECT_EQ(Verify(client), "spiffe://prod.example/onboarding");
  EXPECT_EQ(verifier_.verifications(), ClientVerifier::kMaxKept + 2);  // it was not

  // Those that came last are there, not only the very last.
  Verify(absl::StrCat("no certificate ", ClientVerifier::kMaxKept));
  EXPECT_EQ(verifier_.verifications(), ClientVerifier::kMaxKept + 2);

  verify_others(ClientVerifier::kMaxKept + 1, 3 * ClientVerifier::kMaxKept);
  EXPECT_EQ(verifier_.kept(), ClientVerifier::kMaxKept);
}

TEST_F(ClientVerifierTest, ForgetsEverythingWithItsBundle) {
  Verify(Client());
  Verify("garbage");
  EXPECT_EQ(verifier_.kept(), 2U);
  ASSERT_TRUE(verifier_.SetBundle(other_authority_.certificate_pem()).ok());
  EXPECT_EQ(verifier_.kept(), 0U);
}

// Whoever was verifying with a bundle when the next one came must not leave its answer behind.
TEST_F(ClientVerifierTest, ServesManyThreadsWhileTheBundleChanges) {
  const std::string ours = Client();
  const std::string theirs = other_authority_.IssueFor(ClientContent()).certificate_pem;
  std::atomic<bool> is_over = false;
  std::array<std::atomic<int>, 3> rounds = {};
  std::vector<std::thread> callers;
  for (std::atomic<int>& round : rounds) {
    callers.emplace_back([&] {
      for (; !is_over; ++round) {
        (void)verifier_.Verify(ours, kNoChain, now_);
        (void)verifier_.Verify(theirs, kNoChain, now_);
      }
    });
  }
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(verifier_.SetBundle(other_authority_.certificate_pem()).ok());
    for (int turn = 0; turn < i % 10; ++turn) std::this_thread::yield();
    ASSERT_TRUE(verifier_.SetBundle(authority_.certificate_pem()).ok());
    // What was begun with the bundle before has ended then.
    for (std::atomic<int>& round : rounds) {
      for (const int begun = round; round < begun + 2;) std::this_thread::yield();
    }
    EXPECT_EQ(Verify(ours), "spiffe://prod.example/onboarding");
    EXPECT_THAT(Verify(theirs), HasSubstr("refused"));
  }
  is_over = true;
  for (std::thread& caller : callers) caller.join();
  EXPECT_LE(verifier_.kept(), 2U);
}

}  // namespace
}  // namespace gateway
