#include "service/tls/certificate_watcher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_certificates.h"
#include "tests/unit/tls/certificate_watcher_fixture.h"

namespace gateway {
namespace {

namespace fs = std::filesystem;
using std::chrono::operator""h;
using std::chrono::operator""ms;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

// The start.

TEST_F(CertificateWatcherTest, TellsTheFirstSetBeforeItHasStarted) {
  StartLooking(Looks::kByInotify);
  ASSERT_THAT(told_, SizeIs(1));
  EXPECT_EQ(told_[0].client_ca_pem, clients_.certificate_pem());
  EXPECT_THAT(staged_, ElementsAre(first_.certificate_pem));
  EXPECT_THAT(log_.lines(), IsEmpty());
  EXPECT_EQ(RefusedSets(), 0);
}

TEST_F(CertificateWatcherTest, DoesNotStartWithABadFirstSet) {
  files_.WriteKey(second_.key_pem);
  const absl::Status started = Start(LooksBy(Looks::kByTimer, files_.paths()));
  EXPECT_EQ(started.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(started.message()), HasSubstr("tls_key_file"));
  EXPECT_THAT(told_, IsEmpty());
  EXPECT_FALSE(fs::exists(stage_->current().cert_file));
}

TEST_F(CertificateWatcherTest, DoesNotStartIfTheFirstSetCannotBeStaged) {
  fs::create_directories(stage_->folder() + "/next/full");
  EXPECT_EQ(Start(LooksBy(Looks::kByTimer, files_.paths())).code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(told_, IsEmpty());
}

TEST_F(CertificateWatcherTest, WatchesFilesWithoutAuthoritiesOfCallers) {
  const auto started = Start(LooksBy(Looks::kByTimer, files_.paths_without_client_ca()));
  ASSERT_TRUE(started.ok()) << started;
  EXPECT_EQ(Value("passfort_gateway_tls_client_ca_not_after_seconds"), -1);
  files_.Write(second_, "not looked at");
  ExpectSecondSet();
}

// Rotation.

TEST_F(CertificateWatcherTest, SeesRenamedFilesAtOnce) {
  StartLooking(Looks::kByInotify);
  loop_->RunAndWait([this] { files_.Write(second_, clients_.certificate_pem()); });
  ExpectSecondSet();
  EXPECT_THAT(log_.WaitForLines(1), ElementsAre("info: TLS certificates: a new set is in use"));
}

TEST_F(CertificateWatcherTest, SeesRenamedFilesByTheTimer) {
  StartLooking(Looks::kByTimer);
  loop_->RunAndWait([this] { files_.Write(second_, clients_.certificate_pem()); });
  ExpectSecondSet();
}

TEST_F(CertificateWatcherTest, SeesFilesWrittenInPlace) {
  StartLooking(Looks::kByInotify);
  loop_->RunAndWait([this] {
    std::ofstream(files_.paths().cert_file, std::ios::trunc) << second_.certificate_pem;
    std::ofstream(files_.paths().key_file, std::ios::trunc) << second_.key_pem;
  });
  ExpectSecondSet();
}

// As Kubernetes and cert-manager do it: FOLDER/tls.crt -> ..data/tls.crt, FOLDER/..data -> ..1.
class MountedSecretTest : public CertificateWatcherTest {
 protected:
  MountedSecretTest() {
    AddVersion("..1", first_);
    fs::create_directory_symlink("..1", mount_.File("..data"));
    for (const char* name : {"tls.crt", "tls.key", "ca.crt"}) {
      fs::create_symlink(std::string("..data/") + name, mount_.File(name));
    }
  }

  CertificatePaths paths() const {
    return {.cert_file = mount_.File("tls.crt"),
            .key_file = mount_.File("tls.key"),
            .client_ca_file = mount_.File("ca.crt")};
  }
  void AddVersion(const std::string& version, const TlsIdentity& server) const {
    const std::string folder = mount_.File(version);
    fs::create_directory(folder);
    std::ofstream(folder + "/tls.crt") << server.certificate_pem;
    std::ofstream(folder + "/tls.key") << server.key_pem;
    std::ofstream(folder + "/ca.crt") << clients_.certificate_pem();
  }
  void SwapTo(const std::string& version) const {
    fs::create_directory_symlink(version, mount_.File("..data_tmp"));
    fs::rename(mount_.File("..data_tmp"), mount_.File("..data"));
  }

  const TemporaryFolder mount_;
};

TEST_F(MountedSecretTest, IsSeenAtOnceWhenItsSymlinkIsSwapped) {
  ASSERT_TRUE(Start(LooksBy(Looks::kByInotify, paths())).ok());
  AddVersion("..2", second_);
  SwapTo("..2");
  fs::remove_all(mount_.File("..1"));
  ExpectSecondSet();
  EXPECT_EQ(RefusedSets(), 0);
}

TEST_F(MountedSecretTest, IsSeenByTheTimerWhenItsSymlinkIsSwapped) {
  ASSERT_TRUE(Start(LooksBy(Looks::kByTimer, paths())).ok());
  AddVersion("..2", second_);
  SwapTo("..2");
  ExpectSecondSet();
  EXPECT_EQ(RefusedSets(), 0);
}

TEST_F(MountedSecretTest, IsNoNewSetIfItHoldsTheSame) {
  ASSERT_TRUE(Start(LooksBy(Looks::kByTimer, paths())).ok());
  AddVersion("..2", first_);
  SwapTo("..2");
  clock_->WaitForLooks();
  ExpectFirstSetStill();
  EXPECT_THAT(log_.lines(), IsEmpty());
}

TEST_F(CertificateWatcherTest, TellsTheAuthoritiesThatAreLeft) {
  const std::string both = clients_.certificate_pem() + authority_.certificate_pem();
  files_.WriteClientCa(both);
  StartLooking(Looks::kByInotify);
  files_.WriteClientCa(clients_.certificate_pem());
  const auto sets = WaitForSets(2);
  EXPECT_EQ(sets.at(0).client_ca_pem, both);
  EXPECT_EQ(sets.at(1).client_ca_pem, clients_.certificate_pem());
  EXPECT_EQ(sets.at(1).certificate_pem, first_.certificate_pem);
}

TEST_F(CertificateWatcherTest, SeesManyRotationsOneAfterTheOther) {
  StartLooking(Looks::kByInotify);
  for (size_t i = 0; i < 10; ++i) {
    const TlsIdentity& next = i % 2 == 0 ? second_ : first_;
    loop_->RunAndWait([&] { files_.Write(next, clients_.certificate_pem()); });
    const auto sets = WaitForSets(i + 2);
    ASSERT_EQ(sets.back().certificate_pem, next.certificate_pem);
  }
}

TEST_F(CertificateWatcherTest, GivesWriterOfThreeFilesTimeToFinish) {
  constexpr auto kSettle = 500ms;
  ASSERT_TRUE(Start({.paths = files_.paths(), .look_every = 1h, .settle_time = kSettle}).ok());
  const auto began = std::chrono::steady_clock::now();
  files_.WriteCertificate(second_.certificate_pem);
  loop_->RunAndWait([] {});
  files_.WriteKey(second_.key_pem);
  if (std::chrono::steady_clock::now() - began > kSettle / 2) {
    GTEST_SKIP() << "the machine is too slow for this";
  }
  ExpectSecondSet();
  EXPECT_EQ(RefusedSets(), 0);
}

// Metrics.

TEST_F(CertificateWatcherTest, ShowsWhenCertificateAndAuthoritiesEnd) {
  CertificateContent content = ServerContent();
  content.not_after = now_ + absl::Hours(5);
  CertificateContent authority = AuthorityContent();
  authority.not_after = now_ + absl::Hours(7);
  files_.Write(authority_.IssueFor(content), TestAuthority(authority).certificate_pem());
  StartLooking(Looks::kByInotify);
  EXPECT_EQ(Value("passfort_gateway_tls_certificate_not_after_seconds"),
            static_cast<double>(absl::ToUnixSeconds(now_ + absl::Hours(5))));
  EXPECT_EQ(Value("passfort_gateway_tls_client_ca_not_after_seconds"),
            static_cast<double>(absl::ToUnixSeconds(now_ + absl::Hours(7))));

  loop_->RunAndWait([this] { files_.Write(second_, clients_.certificate_pem()); });
  WaitForSets(2);
  EXPECT_GT(Value("passfort_gateway_tls_certificate_not_after_seconds"),
            static_cast<double>(absl::ToUnixSeconds(now_ + absl::Hours(20))));
}

TEST_F(CertificateWatcherTest, ShowsThatTheCertificateInUseHasExpired) {
  StartLooking(Looks::kByTimer);
  EXPECT_EQ(Value("passfort_gateway_tls_certificate_expired"), 0);
  clock_->MoveAhead(absl::Hours(48));
  clock_->WaitForLooks();
  EXPECT_EQ(Value("passfort_gateway_tls_certificate_expired"), 1);
  // It goes on being used, and nothing was refused.
  ExpectFirstSetStill();
  EXPECT_THAT(log_.lines(), IsEmpty());
  EXPECT_EQ(RefusedSets(), 0);
}

// Whoever read them again would refuse them by then.
TEST_F(CertificateWatcherTest, ReadsTheFilesOfALaterSetOnceToo) {
  StartLooking(Looks::kByTimer);
  loop_->RunAndWait([this] { files_.Write(second_, clients_.certificate_pem()); });
  ExpectSecondSet();
  clock_->MoveAhead(absl::Hours(48));
  clock_->WaitForLooks();
  EXPECT_EQ(RefusedSets(), 0);
}

}  // namespace
}  // namespace gateway
