#include "service/tls/certificate_stage.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <set>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "service/tls/certificate_set.h"
#include "tests/support/temporary_folder.h"
#include "tests/unit/tls/certificate_files.h"

namespace gateway {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

// Not looked at by the stage, so it can be any text.
CertificateSet SetNumber(int number) {
  return {.certificate_pem = absl::StrCat("certificate ", number),
          .key_pem = absl::StrCat("key ", number),
          .client_ca_pem = absl::StrCat("authorities ", number)};
}

struct stat StatusOf(const std::string& path) {
  struct stat status = {};
  EXPECT_EQ(stat(path.c_str(), &status), 0) << path;
  return status;
}

class CertificateStageTest : public testing::Test {
 protected:
  CertificateStageTest() {
    auto stage = CertificateStage::Create(parent_.path());
    EXPECT_TRUE(stage.ok()) << stage.status();
    stage_ = *std::move(stage);
  }

  void Publish(int number, absl::Time now = absl::FromUnixSeconds(1000)) {
    const auto published = stage_->Publish(SetNumber(number), now);
    EXPECT_TRUE(published.ok()) << published;
  }

  std::set<std::string> FolderContent() const {
    std::set<std::string> names;
    for (const auto& entry : fs::directory_iterator(stage_->folder())) {
      names.insert(entry.path().filename());
    }
    return names;
  }

  const TemporaryFolder parent_;
  std::unique_ptr<CertificateStage> stage_;
};

TEST_F(CertificateStageTest, ShowsTheLastSetUnderTheSamePaths) {
  const CertificatePaths paths = stage_->current();
  for (int number = 1; number <= 3; ++number) {
    Publish(number);
    EXPECT_EQ(stage_->current(), paths);
    EXPECT_EQ(ReadWhole(paths.cert_file), absl::StrCat("certificate ", number));
    EXPECT_EQ(ReadWhole(paths.key_file), absl::StrCat("key ", number));
    EXPECT_EQ(ReadWhole(paths.client_ca_file), absl::StrCat("authorities ", number));
  }
}

TEST_F(CertificateStageTest, IsForItsUserOnly) {
  const mode_t before = umask(0);
  Publish(1);
  umask(before);
  EXPECT_EQ(StatusOf(stage_->folder()).st_mode & 07777, 0700U);
  EXPECT_EQ(StatusOf(stage_->folder() + "/current").st_mode & 07777, 0700U);
  const CertificatePaths paths = stage_->current();
  for (const std::string& path : {paths.cert_file, paths.key_file, paths.client_ca_file}) {
    EXPECT_EQ(StatusOf(path).st_mode & 07777, 0600U) << path;
  }
}

TEST_F(CertificateStageTest, HasNoAuthoritiesFileWithoutAuthorities) {
  CertificateSet set = SetNumber(1);
  set.client_ca_pem.clear();
  ASSERT_TRUE(stage_->Publish(set, absl::Now()).ok());
  EXPECT_TRUE(fs::exists(stage_->current().cert_file));
  EXPECT_EQ(stage_->current().client_ca_file, "");
  EXPECT_FALSE(fs::exists(stage_->folder() + "/current/ca.crt"));
}

TEST_F(CertificateStageTest, GivesEachSetASecondOfItsOwn) {
  const CertificatePaths paths = stage_->current();
  std::vector<int64_t> seconds;
  // Two in one second, then the clock goes back, then a later one.
  for (const int now : {1000, 1000, 500, 2000}) {
    Publish(1, absl::FromUnixSeconds(now) + absl::Milliseconds(700));
    for (const std::string& path : {paths.key_file, paths.client_ca_file}) {
      EXPECT_EQ(StatusOf(path).st_mtim.tv_sec, StatusOf(paths.cert_file).st_mtim.tv_sec);
    }
    EXPECT_EQ(StatusOf(paths.cert_file).st_mtim.tv_nsec, 0);
    seconds.push_back(StatusOf(paths.cert_file).st_mtim.tv_sec);
  }
  EXPECT_THAT(seconds, ElementsAre(1000, 1001, 1002, 2000));
}

TEST_F(CertificateStageTest, KeepsTheSetBeforeAndNoOlderOne) {
  Publish(1);
  EXPECT_THAT(FolderContent(), ElementsAre("current", "set-1"));
  Publish(2);
  EXPECT_THAT(FolderContent(), ElementsAre("current", "set-1", "set-2"));
  for (int number = 3; number <= 9; ++number) Publish(number);
  EXPECT_THAT(FolderContent(), ElementsAre("current", "set-8", "set-9"));
}

TEST_F(CertificateStageTest, RemovesTheSetBeforeOnceTheNewOneCanHaveBeenRead) {
  const absl::Time published = absl::FromUnixSeconds(1000);
  Publish(1, published);
  Publish(2, published);
  stage_->RemovePrevious(published + absl::Seconds(1));
  EXPECT_TRUE(FolderContent().contains("set-1"));
  stage_->RemovePrevious(published + absl::Seconds(10));
  EXPECT_FALSE(FolderContent().contains("set-1"));
  EXPECT_TRUE(FolderContent().contains("set-2"));
}

TEST_F(CertificateStageTest, ReplacesTheSetInOneStep) {
  Publish(0);
  std::atomic<bool> is_over = false;
  std::thread reader([this, &is_over] {
    const CertificatePaths paths = stage_->current();
    while (!is_over) {
      std::error_code error;
      EXPECT_NE(fs::read_symlink(stage_->folder() + "/current", error), "");
      // Two sets may come between finding the folder and opening the file, but none is half there.
      std::ifstream file(paths.cert_file);
      if (!file) continue;
      const std::string text{std::istreambuf_iterator<char>(file), {}};
      EXPECT_TRUE(text.starts_with("certificate ") && text.size() > 12) << text;
    }
  });
  for (int number = 1; number <= 300; ++number) Publish(number);
  is_over = true;
  reader.join();
}

TEST_F(CertificateStageTest, KeepsTheSetIfTheNextCannotBeStaged) {
  Publish(1);
  // A folder in the way of the symlink.
  fs::create_directories(stage_->folder() + "/next/full");
  const auto published = stage_->Publish(SetNumber(2), absl::FromUnixSeconds(1000));
  EXPECT_THAT(std::string(published.message()), HasSubstr("stage the TLS certificates: link"));
  EXPECT_EQ(ReadWhole(stage_->current().cert_file), "certificate 1");
  EXPECT_THAT(FolderContent(), ElementsAre("current", "next", "set-1"));

  fs::remove_all(stage_->folder() + "/next");
  Publish(3);
  EXPECT_EQ(ReadWhole(stage_->current().cert_file), "certificate 3");
  EXPECT_THAT(FolderContent(), ElementsAre("current", "set-1", "set-3"));
}

TEST_F(CertificateStageTest, IsNotDisturbedByASymlinkThatWasLeftOver) {
  fs::create_symlink("set-77", stage_->folder() + "/next");
  Publish(1);
  EXPECT_EQ(ReadWhole(stage_->current().cert_file), "certificate 1");
}

TEST_F(CertificateStageTest, IsRemovedInTheEnd) {
  Publish(1);
  Publish(2);
  stage_.reset();
  EXPECT_TRUE(fs::is_empty(parent_.path()));
}

TEST_F(CertificateStageTest, RemovesWhatAKilledProcessLeft) {
  const std::string left = parent_.File("passfort-gateway-tls-Ab12Cd");
  fs::create_directories(left + "/set-1");
  std::ofstream(left + "/set-1/tls.key") << "key";
  fs::create_symlink("set-1", left + "/current");
  Publish(1);
  const auto next = CertificateStage::Create(parent_.path());
  ASSERT_TRUE(next.ok()) << next.status();
  EXPECT_FALSE(fs::exists(left));
  // But not what another stage is using.
  EXPECT_EQ(ReadWhole(stage_->current().key_file), "key 1");
  EXPECT_TRUE(fs::exists((*next)->folder()));
}

TEST_F(CertificateStageTest, RemovesNothingThatIsNotItsOwn) {
  const TemporaryFolder elsewhere;
  std::ofstream(elsewhere.File("file")) << "x";
  fs::create_directory_symlink(elsewhere.path(), parent_.File("passfort-gateway-tls-symlk"));
  std::ofstream(parent_.File("passfort-gateway-tls-afile")) << "x";
  fs::create_directory(parent_.File("another-folder"));
  ASSERT_TRUE(CertificateStage::Create(parent_.path()).ok());
  EXPECT_TRUE(fs::exists(elsewhere.File("file")));
  EXPECT_TRUE(fs::is_symlink(parent_.File("passfort-gateway-tls-symlk")));
  EXPECT_TRUE(fs::exists(parent_.File("passfort-gateway-tls-afile")));
  EXPECT_TRUE(fs::exists(parent_.File("another-folder")));
}

TEST_F(CertificateStageTest, IsMadeBySeveralProcessesAtOnce) {
  std::vector<std::thread> makers;
  for (int i = 0; i < 4; ++i) {
    makers.emplace_back([this] {
      for (int round = 0; round < 20; ++round) {
        const auto stage = CertificateStage::Create(parent_.path());
        ASSERT_TRUE(stage.ok()) << stage.status();
        ASSERT_TRUE((*stage)->Publish(SetNumber(round), absl::Now()).ok());
        ASSERT_EQ(ReadWhole((*stage)->current().key_file), absl::StrCat("key ", round));
      }
    });
  }
  for (std::thread& maker : makers) maker.join();
}

TEST_F(CertificateStageTest, NamesTheFolderThatCannotBeWritten) {
  const auto stage = CertificateStage::Create(parent_.File("missing"));
  EXPECT_EQ(stage.status().message(),
            "make a private folder for the TLS certificates in " + parent_.File("missing") +
                ": No such file or directory; set TMPDIR to a folder that the gateway can write");
}

TEST_F(CertificateStageTest, IsInTheFolderForTemporaryFiles) {
  const char* const before = getenv("TMPDIR");
  const std::string kept = before != nullptr ? before : "";
  setenv("TMPDIR", parent_.path().c_str(), 1);
  const auto in_variable = CertificateStage::Create();
  unsetenv("TMPDIR");
  const auto in_default = CertificateStage::Create();
  if (before != nullptr) setenv("TMPDIR", kept.c_str(), 1);
  ASSERT_TRUE(in_variable.ok() && in_default.ok());
  EXPECT_THAT((*in_variable)->folder(), HasSubstr(parent_.path() + "/passfort-gateway-tls-"));
  EXPECT_TRUE((*in_default)->folder().starts_with("/tmp/passfort-gateway-tls-"));
}

}  // namespace
}  // namespace gateway
