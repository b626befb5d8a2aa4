#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "service/sql/sqlite_file.h"
#include "tests/integration/idempotency/store_fixture.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class SqliteStoreTest : public ::testing::Test {
 protected:
  std::string Url() const { return "sqlite:" + path_; }

  // What is said at the start about the file as it is.
  std::string OpenMessage() {
    const StoreUnderTest store(*loop_, Url());
    EXPECT_TRUE(absl::IsFailedPrecondition(store.status())) << store.status();
    EXPECT_THAT(std::string(store.status().message()), HasSubstr(path_));
    return std::string(store.status().message());
  }
  void WriteFile(const std::string& content) { std::ofstream(path_) << content; }
  // Runs SQL on the file with nothing of the gateway's.
  void Execute(const std::string& sql) {
    sqlite3* database = nullptr;
    ASSERT_EQ(sqlite3_open(path_.c_str(), &database), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(database, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK)
        << sqlite3_errmsg(database);
    sqlite3_close(database);
  }

  const std::unique_ptr<EventLoop> loop_ = *EventLoop::Create();
  const TemporaryFolder folder_;
  const std::string path_ = folder_.File("store.db");
};

TEST_F(SqliteStoreTest, KeepsRecordsOverARestart) {
  Record sent;
  {
    StoreUnderTest store(*loop_, Url());
    ASSERT_TRUE(store.status().ok()) << store.status();
    sent = store.InState(RecordState::kSent, AClaim("request", "profile"));
  }
  StoreUnderTest store(*loop_, Url());
  ASSERT_TRUE(store.status().ok()) << store.status();
  const auto found = store.Find("request");
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->epoch, sent.epoch);
  EXPECT_EQ(found->lease_until, sent.lease_until);
}

TEST_F(SqliteStoreTest, InMemoryForgetsWithTheStore) {
  {
    StoreUnderTest store(*loop_, "sqlite::memory:");
    ASSERT_TRUE(store.status().ok()) << store.status();
    store.Claimed(AClaim("request", "profile"));
    EXPECT_TRUE(store.Find("request").has_value());
  }
  StoreUnderTest store(*loop_, "sqlite::memory:");
  EXPECT_FALSE(store.Find("request").has_value());
}

TEST_F(SqliteStoreTest, ClaimsOfAFormerProcessAreVoid) {
  {
    StoreUnderTest store(*loop_, Url());
    store.Claimed(AClaim("fresh", "profile 1"));
    const Record absent = store.InState(RecordState::kNoEffect, AClaim("again", "profile 2"));
    store.Changed(absent, {.state = RecordState::kClaimed, .lease = kAnHour});
    store.InState(RecordState::kSent, AClaim("list_sent", "profile 3"));
  }
  StoreUnderTest store(*loop_, Url());

  EXPECT_FALSE(store.Find("fresh").has_value());
  EXPECT_EQ(store.Find("again")->state, RecordState::kNoEffect);
  EXPECT_EQ(store.Find("list_sent")->state, RecordState::kSent);
}

TEST_F(SqliteStoreTest, WhatWasAcknowledgedSurvivesAKill) {
  constexpr int kRounds = 5;
  for (int round = 0; round < kRounds; ++round) {
    // A folder's file each: ids start anew.
    const std::string path = folder_.File(absl::StrCat("killed", round));
    int pipe_ends[2];
    ASSERT_EQ(pipe2(pipe_ends, O_CLOEXEC), 0);
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      dup2(pipe_ends[1], STDOUT_FILENO);
      execl(STORE_CRASH_CHILD, STORE_CRASH_CHILD, path.c_str(), nullptr);
      _exit(127);
    }
    close(pipe_ends[1]);
    std::FILE* const output = fdopen(pipe_ends[0], "r");
    std::vector<std::string> ids;
    const auto read_line = [&] {
      char line[64];
      if (std::fgets(line, sizeof(line), output) == nullptr) return false;
      ids.push_back(std::string(line).substr(0, std::string(line).find('\n')));
      return true;
    };
    for (int i = 0; i < 20 + 7 * round; ++i) ASSERT_TRUE(read_line()) << "the child ended";
    kill(child, SIGKILL);
    while (read_line()) {
    }
    std::fclose(output);
    waitpid(child, nullptr, 0);

    StoreUnderTest store(*loop_, "sqlite:" + path);
    ASSERT_TRUE(store.status().ok()) << store.status();
    for (const std::string& id : ids) {
      const auto found = store.Find(id);
      ASSERT_TRUE(found.has_value()) << id;
      EXPECT_EQ(found->state, RecordState::kSent) << id;
    }
  }
}

TEST_F(SqliteStoreTest, BelongsToOneProcess) {
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

TEST_F(SqliteStoreTest, BelongsToOneStoreOfAProcess) {
  StoreUnderTest first(*loop_, Url());
  ASSERT_TRUE(first.status().ok()) << first.status();

  EXPECT_THAT(OpenMessage(), HasSubstr("another process uses the file"));
  EXPECT_THAT(OpenMessage(), HasSubstr("another process uses the file"));
  first.Claimed(AClaim("request", "profile"));
}

TEST_F(SqliteStoreTest, RefusesAFileThatIsNoDatabase) {
  WriteFile(std::string(8192, 'x'));
  EXPECT_THAT(OpenMessage(), HasSubstr("not an SQLite database"));
}

TEST_F(SqliteStoreTest, RefusesADamagedFile) {
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

TEST_F(SqliteStoreTest, RefusesAnotherProgramsDatabase) {
  Execute("CREATE TABLE theirs (x); INSERT INTO theirs VALUES (1)");
  EXPECT_THAT(OpenMessage(), HasSubstr("another program's"));
  Execute("SELECT x FROM theirs");  // and left it alone
}

TEST_F(SqliteStoreTest, RefusesTheFileOfANewerGateway) {
  {
    const StoreUnderTest store(*loop_, Url());
  }
  Execute("PRAGMA user_version = 1000");
  EXPECT_THAT(OpenMessage(), HasSubstr("newer gateway"));
}

// What a later version of the records' tables will need.
TEST_F(SqliteStoreTest, MigratesTheTablesOfAnOlderVersionAndKeepsWhatTheyHold) {
  SqlSchema schema{.migrations = {{{"CREATE TABLE IF NOT EXISTS things (id text)"}}}};
  ASSERT_TRUE(OpenSqliteFile(path_, schema).ok());
  Execute("INSERT INTO things VALUES ('kept')");
  schema.migrations.push_back({{"ALTER TABLE things ADD COLUMN IF NOT EXISTS size bigint"}});
  for (const char* const opened : {"with the new version", "and once more"}) {
    const auto file = OpenSqliteFile(path_, schema);
    ASSERT_TRUE(file.ok()) << opened << ": " << file.status();
  }
  // The constraint fails unless the row and its new column are there.
  Execute(
      "CREATE TABLE proof (rows integer CHECK (rows = 1)); "
      "INSERT INTO proof SELECT count(*) FROM things WHERE id = 'kept' AND size IS NULL");
}

TEST_F(SqliteStoreTest, RefusesAPathWhoseFolderHasNone) {
  const StoreUnderTest store(*loop_, "sqlite:" + folder_.File("missing/folder/store.db"));
  EXPECT_TRUE(absl::IsFailedPrecondition(store.status())) << store.status();
  EXPECT_THAT(std::string(store.status().message()), HasSubstr("No such file"));
}

// A volume of Kubernetes: root's, and its group may write it, which it hands down to what is made
// in it.
TEST_F(SqliteStoreTest, MakesAFolderForItsOwnUserOnlyInOneThatAGroupMayWrite) {
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

TEST_F(SqliteStoreTest, RefusesAReadOnlyFile) {
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

TEST_F(SqliteStoreTest, MakesAFileForItsOwnUserOnly) {
  const StoreUnderTest store(*loop_, Url());
  for (const std::string& name : {path_, path_ + "-wal"}) {
    struct stat file = {};
    ASSERT_EQ(stat(name.c_str(), &file), 0) << name;
    EXPECT_EQ(file.st_mode & 0777, 0600u) << name;
  }
}

// SQLite would leave it in the log until that is written to anew.
TEST_F(SqliteStoreTest, WhatHasExpiredIsInNoFile) {
  StoreOptions options = AnOptions();
  options.records.replay_window = Milliseconds(0);
  StoreUnderTest store(*loop_, Url(), std::move(options));
  store.InState(RecordState::kInconclusive, AClaim("canary-request", "canary-profile"));
  const auto bytes = [this] {
    std::string all;
    for (const std::string& name : {path_, path_ + "-wal"}) {
      std::ifstream file(name, std::ios::binary);
      all.append(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
    }
    return all;
  };
  EXPECT_THAT(bytes(), HasSubstr("canary"));

  EXPECT_EQ(store.Sweep().expired, 1);

  EXPECT_THAT(bytes(), testing::Not(HasSubstr("canary")));
  store.Claimed(AClaim("another", "profile"));
}

TEST_F(SqliteStoreTest, RefusesASymbolicLink) {
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

TEST_F(SqliteStoreTest, RefusesWhatOthersCanWrite) {
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

TEST_F(SqliteStoreTest, RefusesWhatBelongsToAnotherUser) {
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
TEST_F(SqliteStoreTest, ATriggerInTheFileDoesNotRun) {
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

TEST_F(SqliteStoreTest, AViewInPlaceOfTheTableIsRefused) {
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

TEST_F(SqliteStoreTest, WhatIsDeletedIsGoneFromTheFile) {
  {
    StoreUnderTest store(*loop_, Url());
    const Record sent = store.InState(RecordState::kSent, AClaim("request-canary", "profile"));
    ASSERT_TRUE(*store.Remove(sent));
  }
  std::ifstream file(path_, std::ios::binary);
  const std::string content{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  EXPECT_THAT(content, testing::Not(HasSubstr("canary")));
}

// Counts the lines of each level.
class CountingLog final : public Log {
 public:
  bool IsOn(LogLevel) const override { return true; }
  void Write(LogLevel level, std::string_view, std::span<const LogField>) override {
    if (level == LogLevel::kError) ++errors;
  }

  std::atomic<int> errors = 0;
};

// A commit to a file without a name, or with another one, is forgotten by the next start.
TEST_F(SqliteStoreTest, AFileThatIsMovedOrDeletedIsUnavailableUntilItIsBack) {
  CountingLog log;
  StoreOptions options = AnOptions();
  options.log = &log;
  StoreUnderTest store(*loop_, Url(), std::move(options));
  int lost = 0;
  for (const std::string& name : {path_, path_ + "-wal"}) {
    const std::string elsewhere = folder_.File("elsewhere");
    ASSERT_EQ(rename(name.c_str(), elsewhere.c_str()), 0);
    for (int i = 0; i < 2; ++i) {
      const auto begun = store.TryClaim(AClaim(absl::StrCat("moved ", lost), "moved"));
      EXPECT_TRUE(absl::IsUnavailable(begun.status())) << begun.status();
    }
    // Another file in its place is not the store's.
    std::ofstream(name) << "";
    EXPECT_TRUE(absl::IsUnavailable(store.TryClaim(AClaim("other", "other")).status()));
    EXPECT_EQ(log.errors, ++lost) << "one line for each loss";

    ASSERT_EQ(rename(elsewhere.c_str(), name.c_str()), 0);
    store.Claimed(AClaim(absl::StrCat("back ", lost), absl::StrCat("back ", lost)));
  }
  EXPECT_FALSE(store.Find("moved 0").has_value());
  ASSERT_EQ(unlink(path_.c_str()), 0);
  EXPECT_TRUE(absl::IsUnavailable(store.TryClaim(AClaim("deleted", "deleted")).status()));
}

TEST_F(SqliteStoreTest, AFullDiskIsAnErrorAndLosesNothing) {
  StoreUnderTest store(*loop_, Url());
  const Record before = store.InState(RecordState::kSent, AClaim("before", "profile"));
  // The kernel's limit on files in place of a disk's.
  struct stat log = {};
  ASSERT_EQ(stat((path_ + "-wal").c_str(), &log), 0);
  rlimit limit = {};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &limit), 0);
  const rlimit small = {.rlim_cur = static_cast<rlim_t>(log.st_size) + 100 * 1024,
                        .rlim_max = limit.rlim_max};
  std::signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  const absl::Status full =
      store.StoreResponse(before, {"application", std::string(1024 * 1024, 'x')}).status();
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);

  EXPECT_TRUE(absl::IsUnavailable(full)) << full;
  const auto kept = store.Find("before");
  ASSERT_TRUE(kept.has_value());
  EXPECT_EQ(kept->state, RecordState::kSent);
  EXPECT_TRUE(store.StoreResponse(before, {"application", "answer"}).ok());
}

// Whoever goes through them page by page must not lose one where leases are equal.
TEST_F(SqliteStoreTest, SentRecordsOfOneMomentHaveAnOrder) {
  StoreOptions options = AnOptions();
  options.sqlite_clocks.now = [] { return absl::FromUnixSeconds(1'700'000'000); };
  StoreUnderTest store(*loop_, "sqlite::memory:", std::move(options));
  for (const char* id : {"b", "c", "a"}) {
    const Record claimed = store.Claimed(AClaim(id, id));
    store.Changed(claimed, {.state = RecordState::kSent, .lease = -Milliseconds(1000)});
  }
  const absl::Time lease_until = store.Find("a")->lease_until;
  EXPECT_THAT(store.SentIds(2), ElementsAre("a", "b"));
  EXPECT_THAT(store.SentIds(2, {lease_until, "b"}), ElementsAre("c"));
}

TEST_F(SqliteStoreTest, TimeIsTheInjectedClocks) {
  auto now = std::make_shared<std::atomic<int64_t>>(1'700'000'000'000'000);
  StoreOptions options = AnOptions();
  options.sqlite_clocks.now = [now] { return absl::FromUnixMicros(now->load()); };
  StoreUnderTest store(*loop_, "sqlite::memory:", std::move(options));
  RecordStore::Claim claim = AClaim("request", "profile");
  claim.lease = Milliseconds(10'000);
  const Record claimed = store.Claimed(claim);
  EXPECT_EQ(claimed.store_now, absl::FromUnixMicros(1'700'000'000'000'000));
  EXPECT_EQ(claimed.lease_until, claimed.store_now + absl::Seconds(10));

  const RecordStore::RecordUpdate change{.state = RecordState::kClaimed,
                                         .lease = Milliseconds(10'000)};
  *now += 9'999'999;
  EXPECT_TRUE(std::holds_alternative<RecordStore::VersionConflict>(
      *store.UpdateIfLeaseExpired(claimed, change)));
  *now += 1;
  EXPECT_TRUE(std::holds_alternative<Record>(*store.UpdateIfLeaseExpired(claimed, change)));
}

TEST_F(SqliteStoreTest, RefusesAUrlOfNoStore) {
  for (const char* const url : {"", "store.db", "redis://x", "sqlite:"}) {
    const StoreUnderTest store(*loop_, url);
    EXPECT_FALSE(store.status().ok()) << url;
  }
}

}  // namespace
}  // namespace gateway
