#include "service/tls/certificate_watcher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "service/base/clock.h"
#include "service/base/event_loop.h"
#include "service/base/task.h"
#include "service/observability/log.h"
#include "service/observability/metrics.h"
#include "service/tls/certificate_stage.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_certificates.h"
#include "tests/unit/tls/certificate_files.h"

namespace gateway {
namespace {

namespace fs = std::filesystem;
using std::chrono::operator""h;
using std::chrono::operator""ms;
using std::chrono::operator""s;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

// Fails the test if it waits longer.
constexpr std::chrono::seconds kPatience = 20s;

// The machine's clock, with a date that can be moved, which counts how often it is asked for.
class MovableClock final : public Clock {
 public:
  explicit MovableClock(EventLoop& loop) : clock_(loop) {}

  SteadyTime Now() const override { return clock_.Now(); }
  BootTime BootNow() const override { return clock_.BootNow(); }
  absl::Time WallNow() const override {
    const std::lock_guard lock(mutex_);
    ++looks_;
    looked_.notify_all();
    return clock_.WallNow() + ahead_;
  }
  Task<SleepResult> SleepUntil(SteadyTime at, std::stop_token stop) override {
    return clock_.SleepUntil(at, std::move(stop));
  }

  void MoveAhead(absl::Duration by) {
    const std::lock_guard lock(mutex_);
    ahead_ += by;
  }
  // A look asks two or three times. Several looks later what the first of them saw has been told.
  void WaitForLooks() const {
    std::unique_lock lock(mutex_);
    const int enough = looks_ + 12;
    EXPECT_TRUE(looked_.wait_for(lock, kPatience, [&] { return looks_ >= enough; }))
        << "waited for looks at the files";
  }

 private:
  LoopClock clock_;
  mutable std::mutex mutex_;
  mutable std::condition_variable looked_;
  mutable int looks_ = 0;  // guarded by mutex_, likewise the next one
  absl::Duration ahead_;
};

// Keeps the lines, each as "level: message: detail".
class KeptLog final : public Log {
 public:
  bool IsOn(LogLevel /*level*/) const override { return true; }
  void Write(LogLevel level, std::string_view message, std::span<const LogField> fields) override {
    std::string line = level == LogLevel::kError  ? "error: "
                       : level == LogLevel::kWarn ? "warning: "
                                                  : "info: ";
    line += message;
    for (const LogField& field : fields) {
      if (field.name != "detail") continue;
      line += ": ";
      line += std::get<std::string_view>(field.value);
    }
    const std::lock_guard lock(mutex_);
    lines_.push_back(line);
    written_.notify_all();
  }

  std::vector<std::string> lines() const {
    const std::lock_guard lock(mutex_);
    return lines_;
  }
  // All lines, once there are that many.
  std::vector<std::string> WaitForLines(size_t count) const {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(written_.wait_for(lock, kPatience, [&] { return lines_.size() >= count; }))
        << "waited for " << count << " lines of the log";
    return lines_;
  }

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable written_;
  std::vector<std::string> lines_;  // guarded by mutex_
};

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

class CertificateWatcherTest : public testing::Test {
 protected:
  // What makes the watcher look, in a test: nothing else happens in its time.
  enum class Looks { kByTimer, kByInotify };

  CertificateWatcherTest() {
    auto loop = EventLoop::Create();
    EXPECT_TRUE(loop.ok()) << loop.status();
    loop_ = *std::move(loop);
    clock_.emplace(*loop_);
    auto stage = CertificateStage::Create(stage_parent_.path());
    EXPECT_TRUE(stage.ok()) << stage.status();
    stage_ = *std::move(stage);
    files_.Write(first_, clients_.certificate_pem());
  }

  static CertificateWatcher::Options LooksBy(Looks looks, const CertificatePaths& paths) {
    if (looks == Looks::kByTimer) {
      return {.paths = paths, .look_every = 5ms, .settle_time = 1h};
    }
    return {.paths = paths, .look_every = 1h, .settle_time = 5ms};
  }

  absl::Status Start(const CertificateWatcher::Options& options) {
    auto watcher = CertificateWatcher::Start(
        options,
        {.loop = *loop_, .stage = *stage_, .clock = *clock_, .log = log_, .metrics = metrics_},
        [this](const CertificateSet& set) {
          const std::lock_guard lock(mutex_);
          // What is told is staged already.
          staged_.push_back(ReadWhole(stage_->current().cert_file));
          told_.push_back(set);
          changed_.notify_all();
        });
    if (!watcher.ok()) return watcher.status();
    watcher_ = *std::move(watcher);
    return absl::OkStatus();
  }
  void StartLooking(Looks looks) {
    const auto started = Start(LooksBy(looks, files_.paths()));
    ASSERT_TRUE(started.ok()) << started;
  }

  // All sets that were told, once there are that many.
  std::vector<CertificateSet> WaitForSets(size_t count) {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, kPatience, [&] { return told_.size() >= count; }))
        << "waited for " << count << " sets";
    return told_;
  }
  void ExpectSecondSet() {
    const auto sets = WaitForSets(2);
    ASSERT_THAT(sets, SizeIs(2));
    EXPECT_EQ(sets[1].certificate_pem, second_.certificate_pem);
    EXPECT_EQ(ReadWhole(stage_->current().cert_file), second_.certificate_pem);
    EXPECT_EQ(ReadWhole(stage_->current().key_file), second_.key_pem);
  }
  void ExpectFirstSetStill() {
    EXPECT_THAT(WaitForSets(1), SizeIs(1));
    EXPECT_EQ(ReadWhole(stage_->current().cert_file), first_.certificate_pem);
    EXPECT_EQ(ReadWhole(stage_->current().key_file), first_.key_pem);
  }

  double Value(const std::string& metric) const {
    const std::string text = "\n" + metrics_.Text();
    const size_t at = text.find("\n" + metric + " ");
    if (at == std::string::npos) return -1;
    return std::stod(text.substr(at + metric.size() + 2));
  }
  double RefusedSets() const { return Value("passfort_gateway_tls_refused_sets_total"); }

  const absl::Time now_ = absl::FromUnixSeconds(absl::ToUnixSeconds(absl::Now()));
  const TestAuthority authority_;
  const TestAuthority clients_;
  const TlsIdentity first_ = authority_.IssueFor(ServerContent());
  const TlsIdentity second_ = authority_.IssueFor(ServerContent());
  const CertificateFiles files_;
  const TemporaryFolder stage_parent_;

  Metrics metrics_;
  KeptLog log_;
  std::unique_ptr<EventLoop> loop_;
  std::optional<MovableClock> clock_;
  std::unique_ptr<CertificateStage> stage_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<CertificateSet> told_;  // guarded by mutex_, likewise the next one
  std::vector<std::string> staged_;
  std::unique_ptr<CertificateWatcher> watcher_;
};

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

// Bad sets.

TEST_F(CertificateWatcherTest, KeepsTheSetAndReportsABadOneOnce) {
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

TEST_F(CertificateWatcherTest, ReportsAnotherFailureAndTheEnd) {
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

TEST_F(CertificateWatcherTest, KeepsTheSetWhateverHappensToTheFiles) {
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

TEST_F(CertificateWatcherTest, UsesAGoodSetAfterABadOne) {
  StartLooking(Looks::kByInotify);
  files_.WriteKey(second_.key_pem);
  log_.WaitForLines(1);
  files_.WriteCertificate(second_.certificate_pem);
  ExpectSecondSet();
  EXPECT_THAT(log_.WaitForLines(2).back(), HasSubstr("good again"));
}

TEST_F(CertificateWatcherTest, UsesACertificateOnceItIsValidThoughNoFileChanges) {
  CertificateContent content = ServerContent();
  content.not_before = now_ + absl::Hours(1);
  StartLooking(Looks::kByTimer);
  const TlsIdentity later = authority_.IssueFor(content);
  loop_->RunAndWait([&] { files_.Write(later, clients_.certificate_pem()); });
  EXPECT_THAT(log_.WaitForLines(1).back(), HasSubstr("valid only from"));
  clock_->MoveAhead(absl::Hours(2));
  EXPECT_EQ(WaitForSets(2).back().certificate_pem, later.certificate_pem);
}

TEST_F(CertificateWatcherTest, TriesAgainToStageASet) {
  StartLooking(Looks::kByTimer);
  fs::create_directories(stage_->folder() + "/next/full");
  loop_->RunAndWait([this] { files_.Write(second_, clients_.certificate_pem()); });
  EXPECT_THAT(log_.WaitForLines(1).back(), HasSubstr("stage the TLS certificates"));
  ExpectFirstSetStill();
  fs::remove_all(stage_->folder() + "/next");
  ExpectSecondSet();
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

// Without inotify.

TEST_F(CertificateWatcherTest, WarnsOnceWithoutInotifyAndLooksByTheTimer) {
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

TEST_F(CertificateWatcherTest, WarnsOnceOfAFolderThatIsGone) {
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
