#ifndef TESTS_INTEGRATION_IDEMPOTENCY_STORE_FIXTURE_H_
#define TESTS_INTEGRATION_IDEMPOTENCY_STORE_FIXTURE_H_

#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "service/base/event_loop.h"
#include "service/base/random.h"
#include "service/idempotency/store/record_store.h"
#include "service/idempotency/store/store_factory.h"
#include "tests/fakes/run_task.h"
#include "tests/support/temporary_folder.h"

namespace gateway {

inline constexpr Milliseconds kAnHour = std::chrono::hours(1);
// Long enough for any operation under test.
inline Deadline Soon() { return Deadline(std::chrono::steady_clock::now() + kTaskBound / 2); }

inline StoreOptions AnOptions() {
  StoreOptions options;
  options.records = {.replay_window = kAnHour * 24, .max_records = 100000};
  return options;
}

// A claim of `request_id` on `key` whose lease is an hour.
inline RecordStore::Claim AClaim(const std::string& request_id, const std::string& key) {
  return {.request_id = request_id,
          .caller = "caller",
          .fingerprint = "fingerprint",
          .operation = "operation",
          .serialization_key = key,
          .target = "target",
          .lease = kAnHour};
}

// A store with its operations as plain calls from the thread of a test.
class StoreUnderTest {
 public:
  explicit StoreUnderTest(EventLoop& loop, const std::string& url,
                          StoreOptions options = AnOptions())
      : loop_(loop) {
    auto opened = OpenStore(loop, *random_, url, std::move(options));
    status_ = opened.status();
    if (opened.ok()) store_ = *std::move(opened);
  }
  ~StoreUnderTest() {
    loop_.RunAndWait([this] { store_.reset(); });
  }

  const absl::Status& status() const { return status_; }
  RecordStore& operator*() { return *store_; }
  RecordStore* operator->() { return store_.get(); }

  auto TryClaim(RecordStore::Claim claim, Deadline deadline = Soon()) {
    return RunTask(loop_, [&] { return store_->TryClaim(claim, deadline); });
  }
  // The record that a claim of a fresh id gives; none of another result.
  Record Claimed(const RecordStore::Claim& claim) {
    auto begun = TryClaim(claim);
    if (!begun.ok()) Fail(begun.status().ToString());
    auto* const claimed = std::get_if<RecordStore::Claimed>(&*begun);
    if (claimed == nullptr) Fail("the claim was not made");
    return claimed->record;
  }
  std::optional<Record> Find(const std::string& request_id) {
    auto found = RunTask(loop_, [&] { return store_->Find(request_id, Soon()); });
    if (!found.ok()) Fail(found.status().ToString());
    return *found;
  }
  auto Update(const Record& seen, RecordStore::RecordUpdate change) {
    return RunTask(loop_, [&] { return store_->Update(seen, change, Soon()); });
  }
  // As Update, which must succeed.
  Record Changed(const Record& seen, const RecordStore::RecordUpdate& change) {
    auto changed = Update(seen, change);
    if (!changed.ok()) Fail(changed.status().ToString());
    auto* const record = std::get_if<Record>(&*changed);
    if (record == nullptr) Fail("the change was not made");
    return *record;
  }
  // A record in `state`, by the changes that lead there.
  Record InState(RecordState state, const RecordStore::Claim& claim) {
    const Record claimed = Claimed(claim);
    if (state == RecordState::kClaimed) return claimed;
    const Record sent = Changed(claimed, {.state = RecordState::kSent,
                                          .lease = claim.lease,
                                          .conclusive_after = kAnHour,
                                          .first_baseline = Baseline{}});
    if (state == RecordState::kSent) return sent;
    return Changed(sent, {.state = state, .was_ambiguous = true});
  }
  auto UpdateIfLeaseExpired(const Record& seen, RecordStore::RecordUpdate change) {
    return RunTask(loop_, [&] { return store_->UpdateIfLeaseExpired(seen, change, Soon()); });
  }
  auto Remove(const Record& seen) {
    return RunTask(loop_, [&] { return store_->Remove(seen, Soon()); });
  }
  auto StoreResponse(const Record& seen, StoredResult result) {
    return RunTask(loop_, [&] { return store_->StoreResponse(seen, result, Soon()); });
  }
  auto StoreReconciled(const Record& seen, StoredResult result) {
    return RunTask(loop_, [&] { return store_->StoreReconciled(seen, result, Soon()); });
  }
  std::vector<std::string> AttributedIds(const std::string& profile_id,
                                         const std::string& request_id) {
    auto held =
        RunTask(loop_, [&] { return store_->AttributedIds(profile_id, request_id, Soon()); });
    if (!held.ok()) Fail(held.status().ToString());
    return *held;
  }
  std::vector<std::string> SentIds(int limit, RecordStore::Cursor after = {}) {
    auto sent = RunTask(loop_, [&] { return store_->ListSent(after, limit, Soon()); });
    if (!sent.ok()) Fail(sent.status().ToString());
    std::vector<std::string> ids;
    for (const Record& record : *sent) ids.push_back(record.request_id);
    return ids;
  }
  std::vector<Record> Unresolved(const RecordStore::UnresolvedQuery& query) {
    auto page = RunTask(loop_, [&] { return store_->ListUnresolved(query, Soon()); });
    if (!page.ok()) Fail(page.status().ToString());
    return *page;
  }
  RecordStore::SettleResult Settle(const Record& seen, const RecordStore::Settlement& settlement) {
    auto settled = RunTask(loop_, [&] { return store_->Settle(seen, settlement, Soon()); });
    if (!settled.ok()) Fail(settled.status().ToString());
    return *std::move(settled);
  }
  auto Charge(const WriteBudget& budget) {
    return RunTask(loop_, [&] { return store_->Charge(budget, Soon()); });
  }
  auto GiveBack(const BudgetCharge& charge) {
    return RunTask(loop_, [&] { return store_->GiveBack(charge, Soon()); });
  }
  // How much of its budget an account may still use today.
  int64_t Left(const std::string& account, int64_t writes_per_day) {
    int64_t left = 0;
    for (int64_t limit = writes_per_day; limit > 0; --limit) {
      const WriteBudget budget{.account = account, .writes_per_day = limit};
      auto reached = RunTask(loop_, [&] { return store_->LookAtBudget(budget, Soon()); });
      if (!reached.ok()) Fail(reached.status().ToString());
      if (reached->has_value()) break;
      ++left;
    }
    return left;
  }
  RecordStore::SweepResult Sweep() {
    auto swept = RunTask(loop_, [&] { return store_->Sweep(Soon()); });
    if (!swept.ok()) Fail(swept.status().ToString());
    return *swept;
  }

 private:
  // A test could not go on either.
  [[noreturn]] static void Fail(const std::string& reason) {
    std::fprintf(stderr, "the store under test: %s\n", reason.c_str());
    std::abort();
  }

  EventLoop& loop_;
  std::unique_ptr<RandomSource> random_ = MakeSystemRandom();
  absl::Status status_;
  std::unique_ptr<RecordStore> store_;
};

// Starts `count` tasks at once, task i by `start(i)`, and returns their results.
template <typename Start>
auto AllAtOnce(EventLoop& loop, int count, Start start) {
  using T = decltype(start(0).await_resume());
  std::vector<RunningTask<T>> running;
  running.reserve(static_cast<size_t>(count));
  for (int i = 0; i < count; ++i) {
    running.push_back(StartTask(loop, [start, i] { return start(i); }));
  }
  std::vector<T> results;
  results.reserve(static_cast<size_t>(count));
  for (int i = 0; i < count; ++i) {
    results.push_back(running[static_cast<size_t>(i)].Wait(absl::StrCat("task ", i, " of many")));
  }
  return results;
}

}  // namespace gateway

#endif  // TESTS_INTEGRATION_IDEMPOTENCY_STORE_FIXTURE_H_
