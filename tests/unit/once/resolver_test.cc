// When the resolver looks at the store. What it does with a record it finds there is the subject of
// the history checker.

#include "service/once/resolver.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "service/observability/log.h"
#include "tests/fakes/manual_clock.h"
#include "tests/fakes/scripted_random.h"

namespace gateway {
namespace {

using namespace std::chrono_literals;

constexpr Milliseconds kInterval = 2s;
constexpr Milliseconds kLongestInterval = 600s;
constexpr Milliseconds kSweepAfter = 30s;
// A round comes so long after its reason at the latest.
constexpr Milliseconds kSoon = kInterval + kInterval / 4;

// Holds what a test says, and counts who asks. Nothing else is asked for.
class AskedStore final : public RecordStore {
 public:
  std::vector<Record> sent;
  absl::Status status;
  bool has_more = false;
  int looks = 0;
  int sweeps = 0;

  Task<absl::StatusOr<std::vector<Record>>> Sent(Place, int, Deadline) override {
    ++looks;
    if (!status.ok()) co_return status;
    co_return sent;
  }
  Task<absl::StatusOr<Swept>> Sweep(Deadline) override {
    ++sweeps;
    if (!status.ok()) co_return status;
    co_return Swept{.has_more = has_more};
  }
  // As if somebody else had changed the record.
  Task<absl::StatusOr<std::optional<Record>>> Find(std::string, Deadline) override {
    co_return std::nullopt;
  }

  Task<absl::StatusOr<BeginResult>> Begin(Claim, Deadline) override { std::abort(); }
  Task<absl::StatusOr<ChangeResult>> Apply(Record, Change, Deadline) override { std::abort(); }
  Task<absl::StatusOr<ChangeResult>> TakeOver(Record, Change, Deadline) override { std::abort(); }
  Task<absl::StatusOr<bool>> Remove(Record, Deadline) override { std::abort(); }
  Task<absl::Status> StoreReceived(Record, Answer, Deadline) override { std::abort(); }
  Task<absl::StatusOr<FoundResult>> StoreFound(Record, Answer, Deadline) override { std::abort(); }
  Task<absl::StatusOr<std::vector<std::string>>> HeldIds(std::string, std::string,
                                                         Deadline) override {
    std::abort();
  }
};

class UnaskedPassfort final : public PassfortClient {
 public:
  Task<WriteAttempt> CreateApplication(const ApplicationDraft&, Deadline, std::stop_token,
                                       std::optional<BootTime>) override {
    std::abort();
  }
  Task<ListOutcome> ListApplications(std::string, Deadline, std::stop_token) override {
    std::abort();
  }
  Task<bool> WhoAmI(Deadline, std::stop_token) override { std::abort(); }
};

class ResolverTest : public testing::Test {
 protected:
  void TearDown() override {
    stop_.request_stop();
    EXPECT_EQ(clock_.sleepers(), 0U) << "the resolver goes on after its stop";
  }

  void Start() { Spawn(resolver_.Run(stop_.get_token())); }

  // A sent record whose lease ends in `lease`.
  Record SentRecord(Milliseconds lease) const {
    Record record{.request_id = "order-1", .state = RecordState::kSent};
    record.store_now = clock_.WallNow();
    record.lease_until = record.store_now + absl::FromChrono(lease);
    return record;
  }

  ManualClock clock_;
  AskedStore store_;
  bool is_active_ = false;
  UnaskedPassfort passfort_;
  Settler settler_{{}, store_, passfort_, clock_};
  ProfileTurns turns_;
  ScriptedRandom random_{{0.0, 0.999, 0.5}};
  RetryBudget budget_{{}};
  const std::unique_ptr<Log> log_ = Log::Nowhere();
  std::stop_source stop_;
  Resolver resolver_{
      {.store = store_,
       .passfort = passfort_,
       .settler = settler_,
       .turns = turns_,
       .clock = clock_,
       .random = random_,
       .budget = budget_,
       .log = *log_,
       .at_step = {}},
      {.interval = kInterval, .longest_interval = kLongestInterval, .sweep_after = kSweepAfter},
      [this](const std::string&) { return is_active_; },
      [](const RecordStore::Swept&) {}};
};

TEST_F(ResolverTest, SleepsWhileThereIsNothingToLookFor) {
  Start();
  EXPECT_EQ(store_.looks, 1);
  EXPECT_EQ(store_.sweeps, 1);
  clock_.Advance(kLongestInterval);
  EXPECT_EQ(store_.looks, 1);
  EXPECT_EQ(store_.sweeps, 1);
  clock_.Advance(kSoon);
  EXPECT_EQ(store_.looks, 2);
  EXPECT_EQ(store_.sweeps, 2);
}

TEST_F(ResolverTest, LooksOnceAndSweepsOnceAfterAFlow) {
  Start();
  clock_.Advance(kLongestInterval / 2);
  resolver_.FlowEnded();
  EXPECT_EQ(store_.looks, 1);
  clock_.Advance(kSoon);
  EXPECT_EQ(store_.looks, 2);
  EXPECT_EQ(store_.sweeps, 1);
  clock_.Advance(kSweepAfter);
  EXPECT_EQ(store_.looks, 3);
  EXPECT_EQ(store_.sweeps, 2);
  clock_.Advance(kLongestInterval - kSoon);
  EXPECT_EQ(store_.looks, 3);
}

TEST_F(ResolverTest, ManyFlowsDoNotMakeManyLooks) {
  Start();
  constexpr int kFlows = 10'000;
  for (int i = 0; i < kFlows; ++i) {
    resolver_.FlowEnded();
    clock_.Advance(10ms);
  }
  const int most = kFlows * 10ms / (kInterval * 3 / 4);
  EXPECT_LE(store_.looks, 1 + most);
  EXPECT_LE(store_.sweeps, 1 + kFlows * 10ms / kSweepAfter);
}

TEST_F(ResolverTest, WaitsForTheEndOfALease) {
  constexpr Milliseconds kLease = 40s;
  store_.sent = {SentRecord(kLease)};
  Start();
  clock_.Advance(kLease);
  EXPECT_EQ(store_.looks, 1) << "others may not act on it before";
  clock_.Advance(kSoon);
  EXPECT_EQ(store_.looks, 2);
}

TEST_F(ResolverTest, LeavesWhatAFlowWorksOnUntilItsEnd) {
  store_.sent = {SentRecord(-1ms)};
  is_active_ = true;
  Start();
  clock_.Advance(kLongestInterval);
  EXPECT_EQ(store_.looks, 1);
  is_active_ = false;
  store_.sent.clear();
  resolver_.FlowEnded();
  clock_.Advance(kSoon);
  EXPECT_EQ(store_.looks, 2);
}

TEST_F(ResolverTest, LooksAgainAtWhatChangedUnderItsHands) {
  store_.sent = {SentRecord(-1ms)};
  Start();
  clock_.Advance(kSoon);
  EXPECT_EQ(store_.looks, 2);
}

TEST_F(ResolverTest, CountsTheRecordsAgainOnceOneHasComeToItsEnd) {
  store_.sent = {SentRecord(-1ms)};
  Start();
  store_.sent.clear();
  EXPECT_EQ(store_.sweeps, 1);
  clock_.Advance(kSweepAfter + kSoon);
  EXPECT_EQ(store_.sweeps, 2);
}

TEST_F(ResolverTest, AsksAgainIfTheStoreIsAway) {
  store_.status = absl::UnavailableError("away");
  Start();
  clock_.Advance(kSoon);
  EXPECT_EQ(store_.looks, 2);
  EXPECT_EQ(store_.sweeps, 1);
  clock_.Advance(kSweepAfter);
  EXPECT_EQ(store_.sweeps, 2);
}

TEST_F(ResolverTest, SweepsOnWhileMoreHasExpired) {
  store_.has_more = true;
  Start();
  clock_.Advance(kSoon);
  EXPECT_EQ(store_.sweeps, 2);
  store_.has_more = false;
  clock_.Advance(kSoon);
  EXPECT_EQ(store_.sweeps, 3);
  clock_.Advance(kLongestInterval - kSoon);
  EXPECT_EQ(store_.sweeps, 3);
}

}  // namespace
}  // namespace gateway
