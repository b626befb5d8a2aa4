// When the background reconciler looks at the store. What it does with a record it finds there is
// the subject of the history checker.

#include "service/idempotency/background_reconciler.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "service/observability/log.h"
#include "tests/fakes/manual_clock.h"
#include "tests/fakes/scripted_random.h"
#include "tests/unit/idempotency/listing_observer.h"

namespace gateway {
namespace {

using namespace std::chrono_literals;

constexpr Milliseconds kInterval = 30s;
// The next round comes so long after the last one, no sooner and no later.
constexpr Milliseconds kSoonest = kInterval - kInterval / 4;
constexpr Milliseconds kLatest = kInterval + kInterval / 4;
// A page of the store.
constexpr int kPage = 100;

// Holds what a test says, and counts who asks. Nothing else is asked for.
class CountingStore final : public RecordStore {
 public:
  std::vector<Record> sent;
  absl::Status status;
  bool has_more = false;
  int looks = 0;
  int sweeps = 0;
  std::vector<std::string> found;

  // In the order of request_ids, since all leases are equal.
  Task<absl::StatusOr<std::vector<Record>>> ListSent(Cursor after, int limit, Deadline) override {
    ++looks;
    if (!status.ok()) co_return status;
    std::vector<Record> page;
    for (const Record& record : sent) {
      if (record.request_id > after.request_id && std::ssize(page) < limit) page.push_back(record);
    }
    co_return page;
  }
  Task<absl::StatusOr<SweepResult>> Sweep(Deadline) override {
    ++sweeps;
    if (!status.ok()) co_return status;
    co_return SweepResult{.has_more = has_more};
  }
  // As if somebody else had changed the record.
  Task<absl::StatusOr<std::optional<Record>>> Find(std::string request_id, Deadline) override {
    found.push_back(std::move(request_id));
    co_return std::nullopt;
  }

  Task<absl::StatusOr<ClaimResult>> TryClaim(Claim, Deadline) override { std::abort(); }
  Task<absl::StatusOr<UpdateResult>> Update(Record, RecordUpdate, Deadline) override {
    std::abort();
  }
  Task<absl::StatusOr<UpdateResult>> UpdateIfLeaseExpired(Record, RecordUpdate, Deadline) override {
    std::abort();
  }
  Task<absl::StatusOr<bool>> Remove(Record, Deadline) override { std::abort(); }
  Task<absl::StatusOr<bool>> StoreResponse(Record, StoredResult, Deadline) override {
    std::abort();
  }
  Task<absl::StatusOr<FoundResult>> StoreReconciled(Record, StoredResult, Deadline) override {
    std::abort();
  }
  Task<absl::StatusOr<std::vector<std::string>>> AttributedIds(std::string, std::string,
                                                               Deadline) override {
    std::abort();
  }
  Task<absl::StatusOr<std::vector<Record>>> ListUnresolved(UnresolvedQuery, Deadline) override {
    std::abort();
  }
  Task<absl::StatusOr<SettleResult>> Settle(Record, Settlement, Deadline) override { std::abort(); }
  Task<absl::StatusOr<ChargeResult>> Charge(WriteBudget, Deadline) override { std::abort(); }
  Task<absl::Status> GiveBack(BudgetCharge, Deadline) override { std::abort(); }
  Task<absl::StatusOr<std::optional<BudgetReached>>> LookAtBudget(WriteBudget, Deadline) override {
    std::abort();
  }
};

class BackgroundReconcilerTest : public testing::Test {
 protected:
  void TearDown() override {
    stop_.request_stop();
    EXPECT_EQ(clock_.sleepers(), 0U) << "the background reconciler goes on after its stop";
  }

  void Start() { Spawn(background_reconciler_.Run(stop_.get_token())); }

  // A sent record whose lease ends in `lease`.
  Record SentRecord(Milliseconds lease, std::string request_id = "order-1") const {
    Record record{.request_id = std::move(request_id), .state = RecordState::kSent};
    record.store_now = clock_.WallNow();
    record.lease_until = record.store_now + absl::FromChrono(lease);
    return record;
  }

  ManualClock clock_;
  CountingStore store_;
  bool is_active_ = false;
  ListingObserver observer_;
  Reconciler reconciler_{{}, store_, {}, clock_, observer_};
  KeyedMutex key_mutex_;
  ScriptedRandom random_{{0.0, 0.999, 0.5}};
  ScriptedRandom trace_random_{{0.5}};
  TraceIds trace_ids_{trace_random_};
  UnsettledTraces unsettled_traces_;
  RetryBudget budget_{{}};
  const std::unique_ptr<Log> log_ = Log::Discard();
  std::stop_source stop_;
  BackgroundReconciler background_reconciler_{{.store = store_,
                                               .reconciler = reconciler_,
                                               .key_mutex = key_mutex_,
                                               .clock = clock_,
                                               .random = random_,
                                               .trace_ids = trace_ids_,
                                               .budget = budget_,
                                               .log = *log_,
                                               .observer = observer_,
                                               .unsettled_traces = unsettled_traces_,
                                               .fail_point = {}},
                                              {.poll_interval = kInterval},
                                              [this](const std::string&) { return is_active_; }};
};

TEST_F(BackgroundReconcilerTest, SweepsAndLooksOnceInEveryRound) {
  Start();
  EXPECT_EQ(store_.looks, 1);
  EXPECT_EQ(store_.sweeps, 1);
  clock_.Advance(kSoonest - 1ms);
  EXPECT_EQ(store_.looks, 1);
  EXPECT_EQ(store_.sweeps, 1);
  clock_.Advance(kLatest - kSoonest + 1ms);
  EXPECT_EQ(store_.looks, 2);
  EXPECT_EQ(store_.sweeps, 2);
}

TEST_F(BackgroundReconcilerTest, LeavesARecordAloneUntilItsLeaseHasEnded) {
  store_.sent = {SentRecord(1ms)};
  Start();
  EXPECT_TRUE(store_.found.empty()) << "others may not act on it before";
  store_.sent = {SentRecord(0ms)};
  clock_.Advance(kLatest);
  EXPECT_EQ(store_.found, std::vector<std::string>{"order-1"});
}

TEST_F(BackgroundReconcilerTest, LeavesWhatASessionWorksOnUntilItsEnd) {
  store_.sent = {SentRecord(-1ms)};
  is_active_ = true;
  Start();
  EXPECT_TRUE(store_.found.empty());
  is_active_ = false;
  clock_.Advance(kLatest);
  EXPECT_EQ(store_.found.size(), 1U);
}

TEST_F(BackgroundReconcilerTest, LooksOnceInEveryRoundAtWhatCannotBeResolved) {
  store_.sent = {SentRecord(-1ms)};
  Start();
  EXPECT_EQ(store_.found.size(), 1U);
  clock_.Advance(kLatest);
  EXPECT_EQ(store_.found.size(), 2U);
}

TEST_F(BackgroundReconcilerTest, DoesABoundedPartOfManyAndGoesOnThereInTheNextRound) {
  constexpr int kRecords = 11 * kPage;
  for (int i = 0; i < kRecords; ++i) {
    store_.sent.push_back(SentRecord(-1ms, "order-" + std::to_string(10'000 + i)));
  }
  Start();
  EXPECT_EQ(std::ssize(store_.found), 10 * kPage);
  clock_.Advance(kLatest);
  ASSERT_EQ(std::ssize(store_.found), kRecords);
  EXPECT_EQ(store_.found.back(), store_.sent.back().request_id);
  clock_.Advance(kLatest);
  EXPECT_EQ(store_.found[kRecords], store_.sent.front().request_id) << "and begins anew";
}

TEST_F(BackgroundReconcilerTest, AsksAgainIfTheStoreIsAway) {
  store_.status = absl::UnavailableError("away");
  store_.sent = {SentRecord(-1ms)};
  Start();
  store_.status = absl::OkStatus();
  clock_.Advance(kLatest);
  EXPECT_EQ(store_.sweeps, 2);
  EXPECT_EQ(store_.found.size(), 1U);
}

TEST_F(BackgroundReconcilerTest, SweepsABoundedNumberOfTimesWhileMoreHasExpired) {
  store_.has_more = true;
  Start();
  EXPECT_EQ(store_.sweeps, 20);
  store_.has_more = false;
  clock_.Advance(kLatest);
  EXPECT_EQ(store_.sweeps, 21);
}

}  // namespace
}  // namespace gateway
