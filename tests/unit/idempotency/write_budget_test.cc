// Sessions of callers that may make so many writes in a day.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "service/idempotency/budget_ledger.h"
#include "service/idempotency/store/record_statements.h"
#include "tests/unit/idempotency/write_session_fixture.h"

namespace gateway {
namespace {

using namespace std::chrono_literals;
using Cause = IdempotencyError::Cause;

constexpr char kAccount[] = "onboarding";

class WriteBudgetTest : public WriteSessionTest {
 protected:
  static RequestKey Key(const std::string& request_id = kId, int64_t writes_per_day = 1) {
    return {.request_id = request_id,
            .budget = WriteBudget{.account = kAccount, .writes_per_day = writes_per_day}};
  }
  // After the earlier ones have gone, as the coordinator lets them go: they hold the list's key.
  Running& StartNext(RequestKey key) {
    sessions_.clear();
    return Start(std::move(key));
  }
  // One that is made, and uses up a budget of one.
  void MakeOne() {
    request_->outcomes.push_back(DoneWith("note/1"));
    ASSERT_EQ(StartNext(Key("made")).line(), "note/1");
  }
  bool IsUsedUp() {
    const auto reached =
        *RunToCompletion(store_.LookAtBudget(*Key().budget, Deadline(SteadyTime::max())));
    return reached.has_value();
  }
};

TEST_F(WriteBudgetTest, AWriteUsesIt) {
  EXPECT_FALSE(IsUsedUp());
  MakeOne();
  EXPECT_TRUE(IsUsedUp());
}

TEST_F(WriteBudgetTest, OnceItIsUsedUpNothingIsSentAndNoRecordStays) {
  MakeOne();
  const int looks = operation_.observations;
  Running& session = StartNext(Key());
  EXPECT_EQ(session.error(), Cause::kBudgetReached);
  EXPECT_EQ(request_->executions, 1);
  EXPECT_EQ(operation_.observations, looks) << "Passfort is not even asked for a baseline";
  EXPECT_FALSE(Find().has_value());
  const auto resets_at = session.Get<IdempotencyError>()->resets_at;
  ASSERT_TRUE(resets_at.has_value());
  EXPECT_GT(*resets_at, clock_.WallNow());
  EXPECT_LE(*resets_at, clock_.WallNow() + absl::Hours(24));
}

TEST_F(WriteBudgetTest, AKnownResultIsReturnedAllTheSame) {
  MakeOne();
  Running& again = StartNext(Key("made"));
  EXPECT_EQ(again.line(), "note/1");
  EXPECT_EQ(again.result->replay, Replay::kYes);
}

TEST_F(WriteBudgetTest, TheNextDayHasItsOwn) {
  MakeOne();
  ASSERT_EQ(StartNext(Key()).error(), Cause::kBudgetReached);
  const absl::Time midnight = *sessions_.back()->Get<IdempotencyError>()->resets_at;
  clock_.Advance(absl::ToChronoMilliseconds(midnight - clock_.WallNow() - absl::Milliseconds(1)));
  EXPECT_EQ(StartNext(Key()).error(), Cause::kBudgetReached) << "a millisecond too early";
  clock_.Advance(1ms);
  request_->outcomes = {DoneWith("note/2")};
  EXPECT_EQ(StartNext(Key()).line(), "note/2");
}

TEST_F(WriteBudgetTest, ARefusalGivesItBack) {
  request_->outcomes = {RefusedWith(422)};
  StartNext(Key());
  EXPECT_FALSE(Find().has_value());
  EXPECT_FALSE(IsUsedUp());
}

TEST_F(WriteBudgetTest, ALostResponseKeepsItAlsoAcrossARetry) {
  request_->outcomes = {kLost};
  StartNext(Key());
  EXPECT_TRUE(IsUsedUp());
  request_->outcomes = {DoneWith("note/1")};
  clock_.Advance(10min);  // proven without effect, and sent once more
  EXPECT_EQ(sessions_.back()->line(), "note/1");
  EXPECT_TRUE(IsUsedUp());
  EXPECT_EQ(request_->executions, 2);
}

TEST_F(WriteBudgetTest, SeveralAttemptsAreOneWrite) {
  request_->outcomes = {kUnreachable, kUnreachable, DoneWith("note/1")};
  Running& session = StartNext(Key());
  clock_.Advance(1min);
  EXPECT_EQ(session.line(), "note/1");
  EXPECT_EQ(request_->executions, 3);
}

TEST_F(WriteBudgetTest, ARecordWithoutEffectIsSentAgainWithoutAnotherCharge) {
  UpdatedElsewhere(
      UpdatedElsewhere(ClaimedElsewhere(kId),
                       {.state = RecordState::kSent,
                        .first_baseline = Baseline{.read_at = clock_.WallNow()},
                        .budget = Key().budget}),
      {.state = RecordState::kNoEffect, .conclusive_after = 0ms, .was_ambiguous = true});
  ASSERT_TRUE(IsUsedUp());
  request_->outcomes = {DoneWith("note/1")};
  EXPECT_EQ(StartNext(Key()).line(), "note/1");
}

TEST_F(WriteBudgetTest, TheLastOneGoesToOneOfTwo) {
  // The other comes between this one's look at the budget and its intent.
  request_->outcomes = {DoneWith("note/1")};
  operation_.on_observe = [this] {
    operation_.on_observe = [] {};
    *RunToCompletion(store_.Charge(*Key().budget, Deadline(SteadyTime::max())));
  };
  Running& session = StartNext(Key());
  EXPECT_EQ(session.error(), Cause::kBudgetReached);
  EXPECT_EQ(request_->executions, 0);
  EXPECT_FALSE(Find().has_value());
  request_->outcomes.clear();
}

TEST_F(WriteBudgetTest, WithoutTheStoreNothingIsSent) {
  for (const std::string& statement : {SelectBudget(), ChargeRecord()}) {
    FailAt(statement, Failure::kBefore);
    EXPECT_EQ(StartNext(Key()).error(), Cause::kStoreUnavailable);
    EXPECT_EQ(request_->executions, 0);
    HealStore();
  }
}

TEST_F(WriteBudgetTest, AnIntentThatTheStoreDidNotAcknowledgeIsChargedAndNotSent) {
  FailAt(ChargeRecord(), Failure::kAfter);
  EXPECT_EQ(StartNext(Key()).error(), Cause::kStoreUnavailable);
  EXPECT_EQ(request_->executions, 0);
  EXPECT_EQ(StateNow(), RecordState::kSent);
  EXPECT_TRUE(IsUsedUp());
}

TEST_F(WriteBudgetTest, ACreateWhoseIntentIsNotAcknowledgedGivesItBackOnceItCan) {
  operation_.observable = false;
  FailAt(ChargeRecord(), Failure::kAfter);
  EXPECT_EQ(StartNext(Key()).error(), Cause::kStoreUnavailable);
  HealStore();
  clock_.Advance(1min);
  EXPECT_FALSE(Find().has_value());
  EXPECT_FALSE(IsUsedUp());
}

// ---- The same caller under another name. ----

constexpr char kA[] = "spiffe://example.org/a";
constexpr char kB[] = "spiffe://example.org/b";

RequestKey As(const std::string& caller, const std::string& principal) {
  return {.request_id = "order-1", .caller = caller, .principal = principal};
}

// Replicas do not learn of a new callers file at the same moment.
TEST_F(WriteBudgetTest, ARecordIsItsPrincipalsWithAndWithoutAName) {
  request_->outcomes = {DoneWith("note/1")};
  Start(As(kA, kA));
  EXPECT_EQ(StartNext(As("caller:onboarding", kA)).line(), "note/1");
  EXPECT_EQ(StartNext(As("caller:onboarding", kB)).error(), Cause::kRequestIdReused);
}

TEST_F(WriteBudgetTest, ARecordIsItsNamesAndOfThePrincipalThatMadeIt) {
  request_->outcomes = {DoneWith("note/1")};
  Start(As("caller:onboarding", kA));
  EXPECT_EQ(Find()->principal, kA);
  EXPECT_EQ(StartNext(As("caller:onboarding", kB)).line(), "note/1");
  EXPECT_EQ(StartNext(As(kA, kA)).line(), "note/1");
  EXPECT_EQ(StartNext(As(kB, kB)).error(), Cause::kRequestIdReused);
  EXPECT_EQ(StartNext(As("caller:other", kB)).error(), Cause::kRequestIdReused);
}

TEST_F(WriteBudgetTest, WhoHasNoPrincipalOwnsWhatHasNone) {
  request_->outcomes = {DoneWith("note/1")};
  Start(As("", ""));
  EXPECT_EQ(StartNext(As("", "")).line(), "note/1");
  EXPECT_EQ(StartNext(As("caller:onboarding", kA)).error(), Cause::kRequestIdReused);
}

// ---- Writes without a request_id. ----

// The traces of its lines.
class TraceLog final : public Log {
 public:
  bool IsOn(LogLevel) const override { return true; }
  void Write(LogLevel, std::string_view, std::span<const LogField> fields) override {
    for (const auto& [name, value] : fields) {
      if (name == "trace_id") trace_ids.emplace_back(std::get<std::string_view>(value));
    }
  }

  std::vector<std::string> trace_ids;
};

class BudgetLedgerTest : public WriteBudgetTest {
 protected:
  // A call that leaves when its time is over, or at once when it is stopped.
  struct Caller {
    explicit Caller(BudgetLedgerTest& test, Milliseconds time)
        : context{.deadline = test.clock_.In(time), .stop = stop.get_token()} {
      Spawn(Charge(test));
    }
    Task<void> Charge(BudgetLedgerTest& test) {
      result = co_await test.ledger_.Charge(*Key().budget, context);
      has_returned = true;
    }
    bool is_charged() const {
      return result && result->ok() && std::holds_alternative<BudgetCharge>(**result);
    }
    bool is_refused() const {
      return result && result->ok() && std::holds_alternative<RecordStore::BudgetReached>(**result);
    }

    std::stop_source stop;
    CallContext context;
    bool has_returned = false;
    std::optional<BudgetLedger::ChargeResult> result;
  };

  Task<void> GiveBack(const Caller& caller) {
    co_await ledger_.GiveBack(std::get<BudgetCharge>(**caller.result), caller.context);
    is_given_back_ = true;
  }
  Task<void> Drain() {
    co_await ledger_.Drain();
    is_drained_ = true;
  }
  bool Drains() {
    Spawn(Drain());
    return is_drained_;
  }

  bool is_given_back_ = false;
  bool is_drained_ = false;
  TraceLog trace_log_;
  BudgetLedger ledger_{store_, clock_, trace_log_};
};

TEST_F(BudgetLedgerTest, ChargesAndGivesBackBeforeItSaysSo) {
  const Caller first(*this, 10s);
  ASSERT_TRUE(first.is_charged());
  EXPECT_TRUE(Caller(*this, 10s).is_refused());
  Spawn(GiveBack(first));
  EXPECT_TRUE(is_given_back_);
  EXPECT_FALSE(IsUsedUp());
  EXPECT_TRUE(Drains());
}

TEST_F(BudgetLedgerTest, WhoHasNoTimeToSendIsNotCharged) {
  const Caller late(*this, kMinTimeToSend - 1ms);
  EXPECT_TRUE(late.has_returned);
  EXPECT_FALSE(late.result.has_value());
  EXPECT_FALSE(IsUsedUp());
}

TEST_F(BudgetLedgerTest, WhoLeavesDuringTheChargeGetsItBack) {
  for (const bool is_stopped : {true, false}) {
    executor_->held = true;  // the store takes its time
    Caller caller(*this, 1s);
    EXPECT_FALSE(caller.has_returned);
    EXPECT_FALSE(Drains());
    if (is_stopped) {
      caller.stop.request_stop();
    } else {
      clock_.Advance(1s);
    }
    EXPECT_TRUE(caller.has_returned);
    EXPECT_FALSE(caller.result.has_value());
    executor_->Release();
    EXPECT_TRUE(is_drained_);
    EXPECT_FALSE(IsUsedUp());
    is_drained_ = false;
  }
}

TEST_F(BudgetLedgerTest, WhoLeavesDuringTheGivingBackGetsItBackAllTheSame) {
  Caller caller(*this, 10s);
  ASSERT_TRUE(caller.is_charged());
  executor_->held = true;
  Spawn(GiveBack(caller));
  EXPECT_FALSE(is_given_back_);
  caller.stop.request_stop();
  EXPECT_TRUE(is_given_back_);
  EXPECT_FALSE(Drains());
  executor_->Release();
  EXPECT_TRUE(is_drained_);
  EXPECT_FALSE(IsUsedUp());
}

TEST_F(BudgetLedgerTest, WithoutTheStoreNothingIsGivenBackAndTheDrainEnds) {
  const auto random = MakeSystemRandom();
  const TraceContext trace = TraceIds(*random).NewTrace();
  Caller caller(*this, 10s);
  caller.context.trace = &trace;
  FailAt(GiveBackCharge(), Failure::kBefore);
  Spawn(GiveBack(caller));
  EXPECT_TRUE(is_given_back_);
  EXPECT_THAT(trace_log_.trace_ids, testing::ElementsAre(trace.trace_id()));
  EXPECT_TRUE(Drains());
  EXPECT_TRUE(IsUsedUp());
}

}  // namespace
}  // namespace gateway
