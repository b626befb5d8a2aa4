#include "service/sql/sqlite_executor.h"

#include <pthread.h>

#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "absl/time/clock.h"
#include "service/base/one_shot.h"
#include "service/sql/sqlite_connection.h"
#include "service/sql/sqlite_file.h"
#include "service/sql/sqlite_place.h"

namespace gateway {
namespace {

constexpr char kTruncateLog[] = "PRAGMA wal_checkpoint(TRUNCATE)";

using Results = absl::StatusOr<std::vector<SqlRows>>;

struct Job {
  std::vector<SqlStatement> statements;
  Deadline deadline;
  // In the frame of the waiting coroutine.
  OneShot<Results>* waiter;
  // After the transaction of all, in place of statements.
  bool truncates_log = false;
  Results results = absl::UnknownError("not run");
};

}  // namespace

// All but the constructor, Add and the destructor runs on the worker's own thread.
class SqliteExecutor::Worker {
 public:
  // Without a `place` the database is in memory.
  Worker(EventLoop& loop, SqliteHandle database, std::optional<SqlitePlace> place, Clocks clocks,
         Log* log)
      : loop_(loop),
        database_(std::move(database)),
        place_(std::move(place)),
        clocks_(std::move(clocks)),
        log_(log),
        thread_([this] {
          pthread_setname_np(pthread_self(), "store");
          RunJobs();
        }) {}

  ~Worker() {
    {
      const std::lock_guard lock(mutex_);
      is_ending_ = true;
    }
    job_came_.notify_one();
    thread_.join();
  }

  void Add(Job job) {
    bool first = false;
    {
      const std::lock_guard lock(mutex_);
      first = waiting_.empty();
      waiting_.push_back(std::move(job));
    }
    if (first) job_came_.notify_one();
  }

 private:
  void RunJobs() {
    while (true) {
      std::vector<Job> jobs;
      {
        std::unique_lock lock(mutex_);
        job_came_.wait(lock, [this] { return is_ending_ || !waiting_.empty(); });
        if (waiting_.empty()) return;
        jobs.swap(waiting_);
      }
      GroupCommit(jobs);
      loop_.Post([jobs = std::move(jobs)]() mutable {
        for (Job& job : jobs) job.waiter->Set(std::move(job.results));
      });
    }
  }

  // One transaction around all of them. A job that fails takes back its own changes only. Where
  // SQLite gives up the transaction as well, and where the commit fails, no job counts, not even a
  // read: it may have seen what is taken back.
  void GroupCommit(std::vector<Job>& jobs) {
    absl::Status failure = CheckPlace();
    if (failure.ok()) failure = database_.Execute("BEGIN");
    for (Job& job : jobs) {
      if (!failure.ok()) break;
      if (job.deadline.HasPassed(clocks_.steady_now())) {
        job.results = absl::DeadlineExceededError("SQLite: the time ran out before the statement");
        continue;
      }
      job.results = database_.RunAll(job.statements, clocks_.now());
      if (!database_.IsInTransaction()) failure = job.results.status();
    }
    if (failure.ok()) failure = database_.Execute("COMMIT");
    // Again: between the two looks it may have gone to a file that nobody finds any more.
    if (failure.ok()) failure = CheckPlace();
    if (failure.ok()) {
      TruncateLog(jobs);
      return;
    }
    if (database_.IsInTransaction()) (void)database_.Execute("ROLLBACK");
    for (Job& job : jobs) job.results = failure;
  }

  // For those who want it and still wait. What the others wrote is durable whether this succeeds or
  // not.
  void TruncateLog(std::vector<Job>& jobs) {
    std::optional<absl::Status> truncated;
    for (Job& job : jobs) {
      if (!job.truncates_log || !job.results.ok()) continue;
      if (!truncated.has_value()) {
        truncated = database_.Run(kTruncateLog, {}, clocks_.now()).status();
      }
      if (!truncated->ok()) job.results = *truncated;
    }
  }

  absl::Status CheckPlace() {
    const bool is_in_place = !place_.has_value() || place_->IsAsOpened();
    if (is_in_place != was_in_place_ && log_ != nullptr) {
      if (is_in_place) {
        log_->Info("the store's file is back");
      } else {
        log_->Error(
            "the store's file was moved, deleted or replaced: until it is back, calls with a "
            "request_id are refused");
      }
    }
    was_in_place_ = is_in_place;
    if (is_in_place) return absl::OkStatus();
    return absl::UnavailableError("SQLite: the file is not at its path any more");
  }

  EventLoop& loop_;
  SqliteConnection database_;
  const std::optional<SqlitePlace> place_;
  bool was_in_place_ = true;
  const Clocks clocks_;
  Log* const log_;

  std::mutex mutex_;
  std::condition_variable job_came_;
  std::vector<Job> waiting_;  // guarded by mutex_
  bool is_ending_ = false;    // guarded by mutex_

  std::thread thread_;  // last: it uses all the others
};

SqliteExecutor::Clocks SqliteExecutor::RealClocks() {
  return {.now = [] { return absl::Now(); },
          .steady_now = [] { return std::chrono::steady_clock::now(); }};
}

absl::StatusOr<std::unique_ptr<SqliteExecutor>> SqliteExecutor::Open(EventLoop& loop,
                                                                     const std::string& path,
                                                                     const SqlSchema& schema,
                                                                     Clocks clocks, Log* log) {
  auto database = OpenSqliteFile(path, schema);
  if (!database.ok()) return database.status();
  std::optional<SqlitePlace> place;
  if (path != kSqliteMemory) place.emplace(path);
  auto worker = std::make_unique<Worker>(loop, *std::move(database), std::move(place),
                                         std::move(clocks), log);
  return std::unique_ptr<SqliteExecutor>(new SqliteExecutor(std::move(worker)));
}

SqliteExecutor::SqliteExecutor(std::unique_ptr<Worker> worker) : worker_(std::move(worker)) {}

SqliteExecutor::~SqliteExecutor() = default;

Task<absl::StatusOr<std::vector<SqlRows>>> SqliteExecutor::RunAll(
    std::vector<SqlStatement> statements, Deadline deadline) {
  OneShot<Results> results;
  worker_->Add({.statements = std::move(statements), .deadline = deadline, .waiter = &results});
  co_return co_await results;
}

Task<absl::Status> SqliteExecutor::EraseDeleted(Deadline deadline) {
  OneShot<Results> results;
  worker_->Add({.statements = {}, .deadline = deadline, .waiter = &results, .truncates_log = true});
  const Results truncated = co_await results;
  co_return truncated.status();
}

}  // namespace gateway
