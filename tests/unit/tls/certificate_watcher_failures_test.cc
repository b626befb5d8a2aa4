// What the watcher does about files that cannot be used, and without inotify.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <cerrno>
#include <cstddef>
#include <filesystem>
#include <iterator>
#include <string>

#include "absl/time/time.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_certificates.h"
#include "tests/unit/tls/certificate_watcher_fixture.h"

namespace gateway {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

using CertificateWatcherFailuresTest = CertificateWatcherTest;

TEST_F(CertificateWatcherFailuresTest, KeepsTheSetAndReportsABadOneOnce) {
  StartLooking(Looks::kByTimer);
  files_.WriteKey(second_.key_pem);
  EXPECT_THAT(log_.WaitForLines(1),
              ElementsAre(AllOf(HasSubstr("error: TLS certificates: the files as they are now are "
                                          "not used"),
                                HasSubstr("tls_key_file"), HasSubstr("not the key of"))));
  clock_->WaitForLooks();
  EXPECT_THAT(log_.lines(), SizeIs(1));
  EXPECT_GE(RefusedSets(), 2);  // goes on for as long as it lasts
  ExpectFirstSetStill();
}

TEST_F(CertificateWatcherFailuresTest, ReportsAnotherFailureAndTheEnd) {
  StartLooking(Looks::kByTimer);
  files_.WriteKey("");
  log_.WaitForLines(1);
  files_.WriteKey("garbage");
  log_.WaitForLines(2);
  files_.WriteKey(first_.key_pem);
  EXPECT_THAT(log_.WaitForLines(3),
              ElementsAre(HasSubstr("it is empty"), HasSubstr("no PEM private key"),
                          "info: TLS certificates: the files are good again, and in use"));
  clock_->WaitForLooks();
  EXPECT_THAT(log_.lines(), SizeIs(3));
  // A failure like the last one is a new one.
  files_.WriteKey("garbage");
  EXPECT_THAT(log_.WaitForLines(4).back(), HasSubstr("no PEM private key"));
  ExpectFirstSetStill();
}

TEST_F(CertificateWatcherFailuresTest, KeepsTheSetWhateverHappensToTheFiles) {
  StartLooking(Looks::kByTimer);
  size_t lines = 0;
  const auto expect_refused = [this, &lines](const char* why) {
    EXPECT_THAT(log_.WaitForLines(++lines).back(), HasSubstr(why));
    ExpectFirstSetStill();
    files_.Write(first_, clients_.certificate_pem());
    EXPECT_THAT(log_.WaitForLines(++lines).back(), HasSubstr("good again"));
  };
  files_.WriteCertificate("");
  expect_refused("it is empty");
  files_.WriteCertificate("garbage");
  expect_refused("no PEM certificate");
  files_.WriteCertificate(first_.certificate_pem.substr(0, 400));
  expect_refused("broken or cut off");
  files_.WriteCertificate(second_.certificate_pem);
  expect_refused("not the key of the certificate");
  files_.WriteClientCa("");
  expect_refused("tls_client_ca_file");
  files_.WriteClientCa(first_.certificate_pem);
  expect_refused("is no CA's");
  fs::remove(files_.paths().client_ca_file);
  expect_refused("No such file");
  fs::remove(files_.paths().cert_file);
  expect_refused("No such file");
}

TEST_F(CertificateWatcherFailuresTest, UsesAGoodSetAfterABadOne) {
  StartLooking(Looks::kByInotify);
  files_.WriteKey(second_.key_pem);
  log_.WaitForLines(1);
  files_.WriteCertificate(second_.certificate_pem);
  ExpectSecondSet();
  EXPECT_THAT(log_.WaitForLines(2).back(), HasSubstr("good again"));
}

TEST_F(CertificateWatcherFailuresTest, UsesACertificateOnceItIsValidThoughNoFileChanges) {
  CertificateContent content = ServerContent();
  content.not_before = now_ + absl::Hours(1);
  StartLooking(Looks::kByTimer);
  const TlsIdentity later = authority_.IssueFor(content);
  loop_->RunAndWait([&] { files_.Write(later, clients_.certificate_pem()); });
  EXPECT_THAT(log_.WaitForLines(1).back(), HasSubstr("valid only from"));
  clock_->MoveAhead(absl::Hours(2));
  EXPECT_EQ(WaitForSets(2).back().certificate_pem, later.certificate_pem);
}

TEST_F(CertificateWatcherFailuresTest, TriesAgainToStageASet) {
  StartLooking(Looks::kByTimer);
  fs::create_directories(stage_->folder() + "/next/full");
  loop_->RunAndWait([this] { files_.Write(second_, clients_.certificate_pem()); });
  EXPECT_THAT(log_.WaitForLines(1).back(), HasSubstr("stage the TLS certificates"));
  ExpectFirstSetStill();
  fs::remove_all(stage_->folder() + "/next");
  ExpectSecondSet();
}

// Without inotify.

// As if the user had used up his share of inotify. For the rest of this thread's life.
void RefuseInotify() {
  sock_filter steps[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_inotify_init1, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EMFILE),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog program = {.len = std::size(steps), .filter = steps};
  ASSERT_EQ(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
  ASSERT_EQ(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
}

TEST_F(CertificateWatcherFailuresTest, WarnsOnceWithoutInotifyAndLooksByTheTimer) {
  loop_->RunAndWait(RefuseInotify);
  StartLooking(Looks::kByTimer);
  EXPECT_THAT(log_.lines(), ElementsAre(AllOf(HasSubstr("warning: TLS certificates: changes of the "
                                                        "files are not noticed at once"),
                                              HasSubstr("start inotify: Too many open files"))));
  clock_->WaitForLooks();
  EXPECT_THAT(log_.lines(), SizeIs(1));
  loop_->RunAndWait([this] { files_.Write(second_, clients_.certificate_pem()); });
  ExpectSecondSet();
}

TEST_F(CertificateWatcherFailuresTest, WarnsOnceOfAFolderThatIsGone) {
  TemporaryFolder parent;
  const std::string folder = parent.File("tls");
  fs::copy(files_.folder(), folder);
  const CertificatePaths paths = {.cert_file = folder + "/tls.crt",
                                  .key_file = folder + "/tls.key",
                                  .client_ca_file = folder + "/ca.crt"};
  ASSERT_TRUE(Start(LooksBy(Looks::kByTimer, paths)).ok());
  fs::rename(folder, folder + ".gone");
  EXPECT_THAT(log_.WaitForLines(2),
              ElementsAre(HasSubstr("watch the folder " + folder), HasSubstr("tls_cert_file")));
  clock_->WaitForLooks();
  EXPECT_THAT(log_.lines(), SizeIs(2));
  ExpectFirstSetStill();
}

}  // namespace
}  // namespace gateway
