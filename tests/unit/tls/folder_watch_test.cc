#include "service/tls/folder_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "service/base/event_loop.h"
#include "tests/support/temporary_folder.h"

namespace gateway {
namespace {

namespace fs = std::filesystem;
using std::chrono::operator""s;
using testing::HasSubstr;

class FolderWatchTest : public testing::Test {
 protected:
  FolderWatchTest() {
    auto loop = EventLoop::Create();
    EXPECT_TRUE(loop.ok()) << loop.status();
    loop_ = *std::move(loop);
  }
  ~FolderWatchTest() override {
    loop_->RunAndWait([this] { watch_.reset(); });
  }

  absl::Status Watch(std::vector<std::string> folders) {
    absl::Status renewed;
    loop_->RunAndWait([this, &folders, &renewed] {
      auto watch = FolderWatch::Create(*loop_, std::move(folders), [this] {
        const std::lock_guard lock(mutex_);
        ++changes_;
        changed_.notify_all();
      });
      EXPECT_TRUE(watch.ok()) << watch.status();
      watch_ = *std::move(watch);
      renewed = watch_->Renew();
    });
    return renewed;
  }
  absl::Status Renew() {
    absl::Status renewed;
    loop_->RunAndWait([this, &renewed] { renewed = watch_->Renew(); });
    return renewed;
  }
  void Rearm() {
    loop_->RunAndWait([this] { watch_->Rearm(); });
  }

  // Waits until that many changes were told, and says how many were.
  int WaitForChanges(int changes) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, 10s, [this, changes] { return changes_ >= changes; });
    return changes_;
  }
  // Two turns later all that the kernel had to tell has been told.
  int ChangesTold() {
    for (int turn = 0; turn < 2; ++turn) loop_->RunAndWait([] {});
    return WaitForChanges(0);
  }

  void Write(const std::string& path) const { std::ofstream(path) << "x"; }

  const TemporaryFolder folder_;
  std::unique_ptr<EventLoop> loop_;
  std::unique_ptr<FolderWatch> watch_;  // the loop's
  std::mutex mutex_;
  std::condition_variable changed_;
  int changes_ = 0;  // guarded by mutex_
};

TEST_F(FolderWatchTest, TellsEachKindOfChange) {
  ASSERT_TRUE(Watch({folder_.path()}).ok());
  const std::string file = folder_.File("file");
  const std::string link = folder_.File("link");
  int changes = 0;
  const auto expect_told = [this, &changes](const char* kind) {
    EXPECT_EQ(WaitForChanges(++changes), changes) << kind;
    Rearm();
  };
  Write(file);
  expect_told("a new file");
  Write(file);
  expect_told("written over");
  fs::permissions(file, fs::perms::owner_read);
  expect_told("other rights");
  fs::create_symlink("file", link);
  expect_told("a new symlink");
  fs::create_symlink("other", folder_.File("next"));
  fs::rename(folder_.File("next"), link);
  expect_told("a symlink replaced");
  fs::remove(file);
  expect_told("removed");
}

TEST_F(FolderWatchTest, TellsMuchAsOneUntilItIsRearmed) {
  ASSERT_TRUE(Watch({folder_.path()}).ok());
  for (int i = 0; i < 100; ++i) Write(folder_.File("file"));
  EXPECT_EQ(WaitForChanges(1), 1);
  for (int i = 0; i < 100; ++i) Write(folder_.File("file"));
  EXPECT_EQ(ChangesTold(), 1);
  Rearm();
  EXPECT_EQ(ChangesTold(), 1);  // what happened before is forgotten
  Write(folder_.File("file"));
  EXPECT_EQ(WaitForChanges(2), 2);
}

TEST_F(FolderWatchTest, IsNotToldOfReading) {
  Write(folder_.File("file"));
  ASSERT_TRUE(Watch({folder_.path()}).ok());
  std::ifstream(folder_.File("file")).get();
  EXPECT_EQ(ChangesTold(), 0);
}

TEST_F(FolderWatchTest, WatchesTheOthersIfOneIsMissing) {
  const absl::Status watched = Watch({folder_.File("missing"), folder_.path()});
  EXPECT_THAT(std::string(watched.message()),
              HasSubstr("watch the folder " + folder_.File("missing") + ": No such file"));
  Write(folder_.File("file"));
  EXPECT_EQ(WaitForChanges(1), 1);
}

TEST_F(FolderWatchTest, FollowsAPathThatLeadsElsewhere) {
  fs::create_directory(folder_.File("v1"));
  fs::create_directory(folder_.File("v2"));
  const std::string path = folder_.File("current");
  fs::create_directory_symlink("v1", path);
  ASSERT_TRUE(Watch({path}).ok());
  fs::remove(path);
  fs::create_directory_symlink("v2", path);
  ASSERT_TRUE(Renew().ok());
  EXPECT_EQ(WaitForChanges(1), 1);  // that the first folder is no longer watched
  Rearm();
  Write(folder_.File("v2/file"));
  EXPECT_EQ(WaitForChanges(2), 2);
  Rearm();
  Write(folder_.File("v1/file"));
  EXPECT_EQ(ChangesTold(), 2);
}

TEST_F(FolderWatchTest, FindsAFolderThatIsBack) {
  const std::string path = folder_.File("folder");
  fs::create_directory(path);
  ASSERT_TRUE(Watch({path, path}).ok());
  fs::remove(path);
  EXPECT_EQ(WaitForChanges(1), 1);
  EXPECT_FALSE(Renew().ok());
  fs::create_directory(path);
  EXPECT_TRUE(Renew().ok());
  Rearm();
  Write(path + "/file");
  EXPECT_EQ(WaitForChanges(2), 2);
}

}  // namespace
}  // namespace gateway
