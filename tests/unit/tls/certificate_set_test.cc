#include "service/tls/certificate_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <ostream>
#include <string>
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
using testing::Not;

class CertificateSetTest : public testing::Test {
 protected:
  // A good set, from which each test leaves in one way.
  CertificateSetTest() { files_.Write(server_, clients_.certificate_pem()); }

  absl::StatusOr<CertificateSet> Read() const { return ReadCertificateSet(files_.paths(), now_); }

  // What the error about the set says, and that it holds nothing of the key.
  std::string Error() const {
    const auto set = Read();
    if (set.ok()) return "the set is taken";
    EXPECT_EQ(set.status().code(), absl::StatusCode::kInvalidArgument);
    const std::string message(set.status().message());
    EXPECT_THAT(message, Not(HasSubstr("PRIVATE KEY-----")));
    EXPECT_THAT(message, Not(HasSubstr(server_.key_pem.substr(30, 20))));
    return message;
  }
  std::string ErrorWithCertificate(const CertificateContent& content) const {
    files_.Write(authority_.IssueFor(content), clients_.certificate_pem());
    return Error();
  }

  // Faster than to replace it, for which the disk is waited for.
  static void WriteAnew(const std::string& path, const std::string& content) {
    std::filesystem::remove(path);
    std::ofstream(path, std::ios::binary) << content;
  }

  const absl::Time now_ = absl::FromUnixSeconds(absl::ToUnixSeconds(absl::Now()));
  const TestAuthority authority_;
  const TestAuthority clients_;
  const TlsIdentity server_ = authority_.IssueFor(ServerContent());
  const CertificateFiles files_;
};

TEST_F(CertificateSetTest, KeepsWhatTheFilesHold) {
  const auto set = Read();
  ASSERT_TRUE(set.ok()) << set.status();
  EXPECT_EQ(set->certificate_pem, server_.certificate_pem);
  EXPECT_EQ(set->key_pem, server_.key_pem);
  EXPECT_EQ(set->client_ca_pem, clients_.certificate_pem());
}

TEST_F(CertificateSetTest, KnowsWhenTheCertificateEnds) {
  CertificateContent content = ServerContent();
  content.not_after = now_ + absl::Hours(5);
  const TestAuthority early_authority{[this] {
    CertificateContent early = AuthorityContent();
    early.not_after = now_ + absl::Hours(3);
    return early;
  }()};
  files_.Write(authority_.IssueFor(content),
               clients_.certificate_pem() + early_authority.certificate_pem());
  const auto set = Read();
  ASSERT_TRUE(set.ok()) << set.status();
  EXPECT_EQ(set->not_after, now_ + absl::Hours(5));
  EXPECT_EQ(set->client_ca_not_after, now_ + absl::Hours(3));
}

TEST_F(CertificateSetTest, NeedsNoAuthoritiesOfCallers) {
  const auto set = ReadCertificateSet(files_.paths_without_client_ca(), now_);
  ASSERT_TRUE(set.ok()) << set.status();
  EXPECT_EQ(set->client_ca_pem, "");
  EXPECT_EQ(set->client_ca_not_after, absl::InfiniteFuture());
}

TEST_F(CertificateSetTest, HasAnotherDigestIfAnyFileDiffers) {
  const std::string digest = Read()->digest;
  EXPECT_EQ(Read()->digest, digest);
  files_.WriteClientCa(authority_.certificate_pem());
  EXPECT_NE(Read()->digest, digest);
  files_.Write(server_, clients_.certificate_pem());
  EXPECT_EQ(Read()->digest, digest);
  files_.WriteCertificate(server_.certificate_pem + "\n");
  EXPECT_NE(Read()->digest, digest);
  files_.Write(server_, clients_.certificate_pem());
  files_.WriteKey(server_.key_pem + "\n");
  EXPECT_NE(Read()->digest, digest);
}

// Files.

TEST_F(CertificateSetTest, NamesTheMissingFileAndItsSetting) {
  const CertificatePaths paths = files_.paths();
  for (const auto& [setting, path] :
       {std::pair("tls_cert_file ", paths.cert_file), std::pair("tls_key_file ", paths.key_file),
        std::pair("tls_client_ca_file ", paths.client_ca_file)}) {
    files_.Write(server_, clients_.certificate_pem());
    std::filesystem::remove(path);
    EXPECT_EQ(Error(), setting + path + ": No such file or directory");
  }
}

TEST_F(CertificateSetTest, RefusesAnEmptyFile) {
  files_.WriteCertificate("");
  EXPECT_EQ(Error(), "tls_cert_file " + files_.paths().cert_file + ": it is empty");
  files_.Write(server_, "");
  EXPECT_EQ(Error(), "tls_client_ca_file " + files_.paths().client_ca_file + ": it is empty");
  files_.Write(server_, clients_.certificate_pem());
  files_.WriteKey("");
  EXPECT_EQ(Error(), "tls_key_file " + files_.paths().key_file + ": it is empty");
}

TEST_F(CertificateSetTest, RefusesGarbage) {
  files_.WriteCertificate("garbage\n");
  EXPECT_THAT(Error(), AllOf(HasSubstr("tls_cert_file"), HasSubstr("no PEM certificate")));
  files_.Write(server_, "garbage\n");
  EXPECT_THAT(Error(), AllOf(HasSubstr("tls_client_ca_file"), HasSubstr("no PEM certificate")));
  files_.Write(server_, clients_.certificate_pem());
  files_.WriteKey("garbage\n");
  EXPECT_THAT(Error(), AllOf(HasSubstr("tls_key_file"), HasSubstr("no PEM private key")));
}

// Wherever a writer was interrupted, apart from the last line break and the border between two
// certificates.
TEST_F(CertificateSetTest, RefusesFilesCutOffAnywhere) {
  const std::string two = clients_.certificate_pem() + authority_.certificate_pem();
  for (size_t size = 0; size + 1 < two.size(); ++size) {
    const size_t border = clients_.certificate_pem().size();
    if (size + 1 == border || size == border) continue;
    WriteAnew(files_.paths().client_ca_file, two.substr(0, size));
    ASSERT_THAT(Error(), HasSubstr("tls_client_ca_file")) << size;
  }
  files_.WriteClientCa(clients_.certificate_pem());
  for (size_t size = 0; size + 1 < server_.key_pem.size(); ++size) {
    WriteAnew(files_.paths().key_file, server_.key_pem.substr(0, size));
    ASSERT_THAT(Error(), HasSubstr("tls_key_file")) << size;
  }
}

TEST_F(CertificateSetTest, SaysThatACertificateIsCutOff) {
  files_.WriteCertificate(server_.certificate_pem.substr(0, 300));
  EXPECT_THAT(Error(), HasSubstr("certificate 1 in it is broken or cut off"));
  files_.WriteCertificate(server_.certificate_pem + "-----BEGIN CERT");
  EXPECT_THAT(Error(), HasSubstr("certificate 2 in it is broken or cut off"));
}

TEST_F(CertificateSetTest, ReadsNoMoreThanAMebibyte) {
  const std::string comment(1024 * 1024 - clients_.certificate_pem().size(), '\n');
  files_.WriteClientCa(comment + clients_.certificate_pem());
  EXPECT_TRUE(Read().ok()) << Read().status();
  files_.WriteClientCa("\n" + comment + clients_.certificate_pem());
  EXPECT_THAT(Error(), HasSubstr("larger than 1048576 bytes"));
}

TEST_F(CertificateSetTest, DoesNotWaitForAPipe) {
  std::filesystem::remove(files_.paths().key_file);
  ASSERT_EQ(mkfifo(files_.paths().key_file.c_str(), 0600), 0);
  EXPECT_THAT(Error(), AllOf(HasSubstr("tls_key_file"), HasSubstr("not a regular file")));
}

TEST_F(CertificateSetTest, SkipsTextBetweenCertificates) {
  files_.WriteClientCa("# ours\n" + clients_.certificate_pem() + "\n# theirs\n" +
                       authority_.certificate_pem() + "# end");
  EXPECT_TRUE(Read().ok()) << Read().status();
}

TEST_F(CertificateSetTest, RefusesAKindOfCertificateThatIsReadDifferentlyElsewhere) {
  std::string trusted = clients_.certificate_pem();
  for (size_t at = 0; (at = trusted.find(" CERTIFICATE", at)) != std::string::npos; at += 20) {
    trusted.replace(at, 12, " TRUSTED CERTIFICATE");
  }
  files_.WriteClientCa(clients_.certificate_pem() + trusted);
  EXPECT_THAT(Error(), HasSubstr("TRUSTED CERTIFICATE"));
}

// The key.

TEST_F(CertificateSetTest, RefusesTheKeyOfAnotherCertificate) {
  files_.WriteKey(authority_.IssueFor(ServerContent()).key_pem);
  EXPECT_EQ(Error(), "tls_key_file " + files_.paths().key_file +
                         ": it is not the key of the certificate in " + files_.paths().cert_file +
                         "; replace both files together");
}

TEST_F(CertificateSetTest, RefusesAnEncryptedKeyWithoutAskingForThePassphrase) {
  files_.WriteKey(
      "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
      "MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAgxZbVmqwL1MgICCAAw\n"
      "DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEM3WqLqxrIUDrWVMWSpFM/MEgZBs\n"
      "-----END ENCRYPTED PRIVATE KEY-----\n");
  EXPECT_THAT(Error(), AllOf(HasSubstr("tls_key_file"), HasSubstr("encrypted")));
}

struct KeyCase {
  std::string key;
  bool is_taken;

  friend std::ostream& operator<<(std::ostream& out, const KeyCase& c) { return out << c.key; }
};

class CertificateSetKeyTest : public CertificateSetTest,
                              public testing::WithParamInterface<KeyCase> {};

TEST_P(CertificateSetKeyTest, TakesP256OrRsa2048AndStronger) {
  CertificateContent content = ServerContent();
  content.key = GetParam().key;
  const std::string error = ErrorWithCertificate(content);
  if (GetParam().is_taken) {
    EXPECT_EQ(error, "the set is taken");
  } else {
    EXPECT_THAT(error, HasSubstr("key is too weak or of an unusual kind"));
  }
}

INSTANTIATE_TEST_SUITE_P(Keys, CertificateSetKeyTest,
                         testing::Values(KeyCase{"P-256", true}, KeyCase{"P-384", true},
                                         KeyCase{"P-521", true}, KeyCase{"RSA-2048", true},
                                         KeyCase{"RSA-3072", true}, KeyCase{"P-224", false},
                                         KeyCase{"secp256k1", false}, KeyCase{"RSA-1024", false},
                                         KeyCase{"RSA-2040", false}, KeyCase{"ED25519", false}),
                         [](const auto& test) {
                           std::string name = test.param.key;
                           std::erase(name, '-');
                           return name;
                         });

// The server's certificate.

TEST_F(CertificateSetTest, RefusesACertificateThatHasExpired) {
  CertificateContent content = ServerContent();
  content.not_after = now_;  // the second itself counts no more
  EXPECT_THAT(ErrorWithCertificate(content),
              AllOf(HasSubstr("tls_cert_file"), HasSubstr("expired at")));
  content.not_after = now_ + absl::Seconds(1);
  EXPECT_EQ(ErrorWithCertificate(content), "the set is taken");
}

TEST_F(CertificateSetTest, RefusesACertificateThatIsNotValidYet) {
  CertificateContent content = ServerContent();
  content.not_before = now_ + absl::Seconds(1);
  EXPECT_THAT(ErrorWithCertificate(content), HasSubstr("valid only from"));
  content.not_before = now_;
  EXPECT_EQ(ErrorWithCertificate(content), "the set is taken");
}

TEST_F(CertificateSetTest, RefusesACertificateOfACa) {
  CertificateContent content = ServerContent();
  content.basic_constraints = "critical,CA:TRUE";
  content.key_usage = "critical,digitalSignature,keyCertSign";
  EXPECT_THAT(ErrorWithCertificate(content), HasSubstr("the first certificate is a CA's"));
}

TEST_F(CertificateSetTest, RefusesACertificateThatIsForClientsOnly) {
  CertificateContent content = ServerContent();
  content.extended_key_usage = "clientAuth";
  EXPECT_THAT(ErrorWithCertificate(content), HasSubstr("lacks serverAuth"));
}

TEST_F(CertificateSetTest, TakesACertificateWithoutExtendedKeyUsage) {
  CertificateContent content = ServerContent();
  content.extended_key_usage = "";
  content.key_usage = "";
  content.basic_constraints = "";
  EXPECT_EQ(ErrorWithCertificate(content), "the set is taken");
}

TEST_F(CertificateSetTest, RefusesACertificateWhoseKeyMustNotSign) {
  CertificateContent content = ServerContent();
  content.key_usage = "critical,cRLSign";
  EXPECT_THAT(ErrorWithCertificate(content), HasSubstr("key usage does not allow a TLS server"));
}

TEST_F(CertificateSetTest, RefusesAWeakSignature) {
  CertificateContent content = ServerContent();
  content.digest = "SHA1";
  EXPECT_THAT(ErrorWithCertificate(content),
              HasSubstr("certificate 1 has a signature that is too weak (by SHA1)"));
}

// The chain.

TEST_F(CertificateSetTest, TakesAChainInOrder) {
  const TestAuthority issuer(AuthorityContent("issuer"), authority_);
  const TlsIdentity server = issuer.IssueFor(ServerContent());
  files_.Write(server, clients_.certificate_pem());
  files_.WriteCertificate(server.certificate_pem + issuer.certificate_pem() +
                          authority_.certificate_pem());
  EXPECT_TRUE(Read().ok()) << Read().status();
}

TEST_F(CertificateSetTest, RefusesAChainOutOfOrder) {
  const TestAuthority issuer(AuthorityContent("issuer"), authority_);
  const TlsIdentity server = issuer.IssueFor(ServerContent());
  files_.Write(server, clients_.certificate_pem());
  files_.WriteCertificate(server.certificate_pem + authority_.certificate_pem() +
                          issuer.certificate_pem());
  EXPECT_THAT(Error(), HasSubstr("certificate 1 is not signed by certificate 2"));
  files_.WriteCertificate(server.certificate_pem + issuer.certificate_pem() +
                          clients_.certificate_pem());
  EXPECT_THAT(Error(), HasSubstr("certificate 2 is not signed by certificate 3"));
}

// By all that its fields say it could be the issuer.
TEST_F(CertificateSetTest, LooksAtTheSignatureNotOnlyAtTheName) {
  const TestAuthority namesake;
  CertificateContent content = ServerContent();
  content.authority_key_identifier = "";
  const TlsIdentity server = authority_.IssueFor(content);
  files_.Write(server, clients_.certificate_pem());
  files_.WriteCertificate(server.certificate_pem + authority_.certificate_pem());
  EXPECT_EQ(Error(), "the set is taken");
  files_.WriteCertificate(server.certificate_pem + namesake.certificate_pem());
  EXPECT_THAT(Error(), HasSubstr("certificate 1 is not signed by certificate 2"));
}

TEST_F(CertificateSetTest, RefusesAWeakSignatureInTheChain) {
  CertificateContent content = AuthorityContent("issuer");
  content.digest = "SHA1";
  const TestAuthority issuer(content, authority_);
  const TlsIdentity server = issuer.IssueFor(ServerContent());
  files_.Write(server, clients_.certificate_pem());
  files_.WriteCertificate(server.certificate_pem + issuer.certificate_pem());
  EXPECT_THAT(Error(), HasSubstr("certificate 2 has a signature that is too weak (by SHA1)"));
}

TEST_F(CertificateSetTest, RefusesAnEndlessChain) {
  std::vector<std::unique_ptr<TestAuthority>> issuers;
  std::string chain;
  const TestAuthority* last = &authority_;
  for (int i = 0; i < 10; ++i) {
    chain = last->certificate_pem() + chain;
    issuers.push_back(
        std::make_unique<TestAuthority>(AuthorityContent(absl::StrCat("issuer ", i)), *last));
    last = issuers.back().get();
  }
  const TlsIdentity server = last->IssueFor(ServerContent());
  files_.Write(server, clients_.certificate_pem());
  files_.WriteCertificate(server.certificate_pem + last->certificate_pem() + chain);
  EXPECT_THAT(Error(), HasSubstr("more than 10 certificates"));
}

// The callers' authorities.

TEST_F(CertificateSetTest, RefusesAnAuthorityThatIsNoCa) {
  files_.WriteClientCa(clients_.certificate_pem() + server_.certificate_pem);
  EXPECT_THAT(Error(), AllOf(HasSubstr("tls_client_ca_file"), HasSubstr("certificate 2 is no CA")));
}

TEST_F(CertificateSetTest, RefusesAnAuthorityThatDoesNotSayThatItIsACa) {
  CertificateContent content = AuthorityContent();
  content.basic_constraints = "";
  files_.WriteClientCa(TestAuthority(content).certificate_pem());
  EXPECT_THAT(Error(), HasSubstr("certificate 1 is no CA"));
}

TEST_F(CertificateSetTest, TakesAnAuthorityThatHasExpired) {
  CertificateContent content = AuthorityContent();
  content.not_before = now_ - absl::Hours(2);
  content.not_after = now_ - absl::Hours(1);
  files_.WriteClientCa(clients_.certificate_pem() + TestAuthority(content).certificate_pem());
  const auto set = Read();
  ASSERT_TRUE(set.ok()) << set.status();
  EXPECT_EQ(set->client_ca_not_after, now_ - absl::Hours(1));
}

}  // namespace
}  // namespace gateway
