#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
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
#include "tests/integration/idempotency/sqlite_store_fixture.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

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
