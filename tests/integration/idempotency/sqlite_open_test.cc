// Which files the store takes: nobody else's, nobody else can write, and one process at a time.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "tests/integration/idempotency/sqlite_store_fixture.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;

using SqliteOpenTest = SqliteStoreTest;

TEST_F(SqliteOpenTest, BelongsToOneProcess) {
  const pid_t child = [this] {
    const pid_t forked = fork();
    if (forked == 0) {
      const int null = open("/dev/null", O_WRONLY);
      dup2(null, STDOUT_FILENO);
      execl(STORE_CRASH_CHILD, STORE_CRASH_CHILD, path_.c_str(), nullptr);
      _exit(127);
    }
    return forked;
  }();
  ASSERT_GT(child, 0);
  // The child's first commit is when the log has a frame in it.
  const std::string log = path_ + "-wal";
  struct stat file = {};
  const auto bound = std::chrono::steady_clock::now() + kTaskBound;
  while (stat(log.c_str(), &file) != 0 || file.st_size == 0) {
    ASSERT_LT(std::chrono::steady_clock::now(), bound) << "waited for the child's first commit";
    sched_yield();
  }

  EXPECT_THAT(OpenMessage(), HasSubstr("another process uses the file"));

  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  const StoreUnderTest store(*loop_, Url());
  EXPECT_TRUE(store.status().ok()) << store.status();
}

TEST_F(SqliteOpenTest, BelongsToOneStoreOfAProcess) {
  StoreUnderTest first(*loop_, Url());
  ASSERT_TRUE(first.status().ok()) << first.status();

  EXPECT_THAT(OpenMessage(), HasSubstr("another process uses the file"));
  EXPECT_THAT(OpenMessage(), HasSubstr("another process uses the file"));
  first.Claimed(AClaim("request", "profile"));
}

TEST_F(SqliteOpenTest, RefusesAFileThatIsNoDatabase) {
  WriteFile(std::string(8192, 'x'));
  EXPECT_THAT(OpenMessage(), HasSubstr("not an SQLite database"));
}

TEST_F(SqliteOpenTest, RefusesADamagedFile) {
  {
    StoreUnderTest store(*loop_, Url());
    for (int i = 0; i < 100; ++i) {
      store.InState(RecordState::kSent, AClaim(absl::StrCat("request ", i), absl::StrCat("p", i)));
    }
  }
  std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(0, std::ios::end);
  const auto size = static_cast<std::streamoff>(file.tellp());
  ASSERT_GT(size, 3 * 4096);
  file.seekp(size / 4096 / 2 * 4096);  // a page in the middle
  file << std::string(4096, '\xaa');
  file.close();

  EXPECT_THAT(OpenMessage(), HasSubstr("damaged"));
}

TEST_F(SqliteOpenTest, RefusesAnotherProgramsDatabase) {
  Execute("CREATE TABLE theirs (x); INSERT INTO theirs VALUES (1)");
  EXPECT_THAT(OpenMessage(), HasSubstr("another program's"));
  Execute("SELECT x FROM theirs");  // and left it alone
}

TEST_F(SqliteOpenTest, RefusesTheFileOfANewerGateway) {
  {
    const StoreUnderTest store(*loop_, Url());
  }
  Execute("PRAGMA user_version = 1000");
  EXPECT_THAT(OpenMessage(), HasSubstr("newer gateway"));
}

TEST_F(SqliteOpenTest, RefusesAPathWhoseFolderHasNone) {
  const StoreUnderTest store(*loop_, "sqlite:" + folder_.File("missing/folder/store.db"));
  EXPECT_TRUE(absl::IsFailedPrecondition(store.status())) << store.status();
  EXPECT_THAT(std::string(store.status().message()), HasSubstr("No such file"));
}

// A volume of Kubernetes: root's, and its group may write it, which it hands down to what is made
// in it.
TEST_F(SqliteOpenTest, MakesAFolderForItsOwnUserOnlyInOneThatAGroupMayWrite) {
  ASSERT_EQ(chmod(folder_.path().c_str(), 02775), 0);
  const StoreUnderTest direct(*loop_, Url());
  EXPECT_THAT(std::string(direct.status().message()), HasSubstr("chmod go-w"));
  for (const char* const opened : {"a new folder", "the folder of before"}) {
    const StoreUnderTest store(*loop_, "sqlite:" + folder_.File("store/records.db"));
    EXPECT_TRUE(store.status().ok()) << opened << ": " << store.status();
    struct stat made = {};
    ASSERT_EQ(stat(folder_.File("store").c_str(), &made), 0);
    EXPECT_EQ(made.st_mode & 0777, 0700u) << opened;
  }
}

TEST_F(SqliteOpenTest, RefusesAReadOnlyFile) {
  {
    const StoreUnderTest store(*loop_, Url());
  }
  ASSERT_EQ(chmod(path_.c_str(), 0444), 0);
  ASSERT_EQ(chmod(folder_.path().c_str(), 0755), 0);
  // Root may write to any file, so for a moment this process is not root.
  const uid_t user = geteuid();
  if (user == 0) {
    ASSERT_EQ(chown(path_.c_str(), 65534, 65534), 0);
    ASSERT_EQ(seteuid(65534), 0);
  }
  const std::string message = OpenMessage();
  if (user == 0) {
    ASSERT_EQ(seteuid(0), 0);
  }
  EXPECT_THAT(message, HasSubstr("read-only"));
}

TEST_F(SqliteOpenTest, MakesAFileForItsOwnUserOnly) {
  const StoreUnderTest store(*loop_, Url());
  for (const std::string& name : {path_, path_ + "-wal"}) {
    struct stat file = {};
    ASSERT_EQ(stat(name.c_str(), &file), 0) << name;
    EXPECT_EQ(file.st_mode & 0777, 0600u) << name;
  }
}

TEST_F(SqliteOpenTest, RefusesASymbolicLink) {
  const std::string target = folder_.File("elsewhere");
  {
    const StoreUnderTest store(*loop_, "sqlite:" + target);
    ASSERT_TRUE(store.status().ok()) << store.status();
  }
  ASSERT_EQ(symlink(target.c_str(), path_.c_str()), 0);
  EXPECT_THAT(OpenMessage(), HasSubstr("symbolic link"));
  // SQLite would follow it, and write to what it leads to.
  ASSERT_EQ(unlink(path_.c_str()), 0);
  ASSERT_EQ(symlink(target.c_str(), (path_ + "-wal").c_str()), 0);
  EXPECT_THAT(OpenMessage(), HasSubstr("store.db-wal is a symbolic link"));
}

TEST_F(SqliteOpenTest, RefusesWhatOthersCanWrite) {
  {
    const StoreUnderTest store(*loop_, Url());
  }
  for (const mode_t mode : {0620, 0602}) {
    ASSERT_EQ(chmod(path_.c_str(), mode), 0);
    EXPECT_THAT(OpenMessage(), HasSubstr("can write " + path_ + ";"));
  }
  ASSERT_EQ(chmod(path_.c_str(), 0600), 0);
  for (const mode_t mode : {0770, 0707, 01777}) {
    ASSERT_EQ(chmod(folder_.path().c_str(), mode), 0);
    EXPECT_THAT(OpenMessage(), HasSubstr("can write its folder"));
  }
  ASSERT_EQ(chmod(folder_.path().c_str(), 0755), 0);
  {
    const StoreUnderTest store(*loop_, Url());
    EXPECT_TRUE(store.status().ok()) << store.status();
  }
  std::ofstream(path_ + "-wal") << "";
  ASSERT_EQ(chmod((path_ + "-wal").c_str(), 0666), 0);
  EXPECT_THAT(OpenMessage(), HasSubstr("can write " + path_ + "-wal;"));
}

TEST_F(SqliteOpenTest, RefusesWhatBelongsToAnotherUser) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can give files away";
  constexpr uid_t kSomebody = 65534;
  {
    const StoreUnderTest store(*loop_, Url());
  }
  ASSERT_EQ(chown(path_.c_str(), kSomebody, kSomebody), 0);
  EXPECT_THAT(OpenMessage(), HasSubstr("store.db belongs to another user"));
  ASSERT_EQ(chown(path_.c_str(), 0, 0), 0);
  ASSERT_EQ(chown(folder_.path().c_str(), kSomebody, kSomebody), 0);
  EXPECT_THAT(OpenMessage(), HasSubstr("folder belongs to another user"));
}

// The trigger took records back, so a retry made a second application.
TEST_F(SqliteOpenTest, ATriggerInTheFileDoesNotRun) {
  {
    const StoreUnderTest store(*loop_, Url());
  }
  Execute(
      "CREATE TRIGGER forget AFTER UPDATE ON passfort_gateway_records "
      "BEGIN DELETE FROM passfort_gateway_records; END");
  StoreUnderTest store(*loop_, Url());
  ASSERT_TRUE(store.status().ok()) << store.status();
  store.InState(RecordState::kSent, AClaim("request", "profile"));
  EXPECT_TRUE(store.Find("request").has_value());
}

TEST_F(SqliteOpenTest, AViewInPlaceOfTheTableIsRefused) {
  {
    const StoreUnderTest store(*loop_, Url());
  }
  Execute(
      "ALTER TABLE passfort_gateway_records RENAME TO hidden; "
      "CREATE VIEW passfort_gateway_records AS SELECT * FROM hidden; "
      "CREATE TRIGGER d INSTEAD OF DELETE ON passfort_gateway_records BEGIN SELECT 1; END; "
      "CREATE TRIGGER u INSTEAD OF UPDATE ON passfort_gateway_records BEGIN SELECT 1; END");
  OpenMessage();
}

}  // namespace
}  // namespace gateway
