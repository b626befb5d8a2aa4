// Who shares a session, who leaves it with what, and what becomes of it then.

#include "service/idempotency/write_coordinator.h"

#include <gmock/gmock.h>

#include <list>
#include <string>
#include <utility>

#include "tests/unit/idempotency/engine_fixture.h"

namespace gateway {
namespace {

using namespace std::chrono_literals;
using Cause = IdempotencyError::Cause;

class WriteCoordinatorTest : public EngineTest {
 protected:
  struct Call {
    CallContext context;
    std::stop_source leave;
    std::optional<SessionResult> result;

    bool IsDone() const { return result && std::holds_alternative<SharedResult>(result->outcome); }
    bool IsUnknown() const { return result && std::holds_alternative<Ambiguous>(result->outcome); }
    std::optional<Cause> error() const {
      const auto* const found = result ? std::get_if<IdempotencyError>(&result->outcome) : nullptr;
      return found == nullptr ? std::nullopt : std::optional(found->cause);
    }
  };

  void TearDown() override {
    Spawn(coordinator_.Drain());
    clock_.Advance(1h);
    EXPECT_TRUE(coordinator_.IsIdle());
  }

  Call& Start(RequestKey key = {.request_id = kId}, Milliseconds patience = 60s) {
    return StartWith(request_, std::move(key), patience);
  }
  Call& StartWith(std::shared_ptr<AppendRequest> request, RequestKey key,
                  Milliseconds patience = 60s) {
    Call& call = calls_.emplace_back();
    call.context = {.deadline = clock_.In(patience), .stop = call.leave.get_token()};
    Spawn(Keep(call, std::move(key), std::move(request)));
    return call;
  }
  Task<void> Keep(Call& call, RequestKey key, std::shared_ptr<AppendRequest> request) {
    call.result = co_await coordinator_.Write(std::move(key), std::move(request), call.context);
  }

  const std::shared_ptr<AppendRequest> request_ = std::make_shared<AppendRequest>(operation_);
  AtMostOnceOptions options_{.max_sessions = 2};
  WriteCoordinator coordinator_{Dependencies(), options_};
  std::list<Call> calls_;
};

TEST_F(WriteCoordinatorTest, IdenticalCallsShareOneAttemptAndItsResult) {
  operation_.failure = NotExecuted{};
  Call& first = Start();
  Call& second = Start();
  operation_.failure.reset();
  request_->outcomes = {AppendOperation::ResultOf("note/1")};
  clock_.Advance(1s);
  EXPECT_TRUE(first.IsDone());
  EXPECT_TRUE(second.IsDone());
  EXPECT_EQ(request_->executions, 1);
}

// What a session knows for itself is given to who comes later, for as long as no other process may
// have told that nobody will ever know.
TEST_F(WriteCoordinatorTest, ARefusalThatIsNotStoredIsGivenToOthersWhileItsLeaseRuns) {
  operation_.observable = false;
  request_->outcomes = {Refused{.response = {.http_status = 422}}};
  executor_->fails = [](const std::string& run) {
    return run == DeleteRecord() ? ImmediateExecutor::Failure::kBefore
                                 : ImmediateExecutor::Failure::kNone;
  };
  const auto is_refused = [](const Call& call) {
    return call.result && std::holds_alternative<Refused>(call.result->outcome);
  };
  EXPECT_TRUE(is_refused(Start()));
  clock_.Advance(kOptions.lease_duration);
  EXPECT_TRUE(is_refused(Start()));
  clock_.Advance(kOptions.attempt_timeout);
  UpdatedElsewhere(*Find(), {.state = RecordState::kInconclusive});
  EXPECT_TRUE(Start().IsUnknown());
  EXPECT_EQ(request_->executions, 1);
}

// That the store failed says nothing of the write, which an earlier call may have executed.
TEST_F(WriteCoordinatorTest, HowASessionEndedWithoutTheStoreIsNotToldAsTheEndOfTheWrite) {
  executor_->held = true;
  Call& gone = Start({.request_id = kId}, 1s);
  clock_.Advance(1s);
  ASSERT_TRUE(gone.result);
  executor_->fails = [](const std::string&) { return ImmediateExecutor::Failure::kBefore; };
  executor_->Release();
  clock_.Advance(1s);
  EXPECT_TRUE(coordinator_.IsIdle());
  EXPECT_THAT(log_->lines, testing::Not(testing::Contains(testing::HasSubstr("a write ended"))));
}

TEST_F(WriteCoordinatorTest, ACallWithOtherValuesDoesNotJoin) {
  request_->outcomes = {std::nullopt};
  Start();
  EXPECT_EQ(
      StartWith(std::make_shared<AppendRequest>(operation_, "other"), {.request_id = kId}).error(),
      Cause::kRequestIdReused);
}

// Both have the same name now, but the record is from before that.
TEST_F(WriteCoordinatorTest, OneOfTheSameNameGetsNothingThatOnlyTheOtherOwns) {
  const RequestKey before{.request_id = kId, .caller = "a", .principal = "a"};
  const RequestKey owner{.request_id = kId, .caller = "caller:both", .principal = "a"};
  const RequestKey other{.request_id = kId, .caller = "caller:both", .principal = "b"};
  request_->outcomes = {AppendOperation::ResultOf("note/1")};
  ASSERT_TRUE(Start(before).IsDone());
  for (const bool is_owner_first : {true, false}) {
    executor_->held = true;
    Call& first = Start(is_owner_first ? owner : other);
    Call& second = Start(is_owner_first ? other : owner);
    executor_->Release();
    EXPECT_TRUE((is_owner_first ? first : second).IsDone());
    EXPECT_EQ((is_owner_first ? second : first).error(), Cause::kRequestIdReused);
  }
  EXPECT_EQ(request_->executions, 1);
}

// A stranger's call under the same request_id must not make the owner take another one.
TEST_F(WriteCoordinatorTest, AnOwnerIsNotRefusedWhileAStrangersCallIsLookedAt) {
  const RequestKey owner{.request_id = kId, .caller = "a", .principal = "a"};
  const RequestKey stranger{.request_id = kId, .caller = "b", .principal = "b"};
  request_->outcomes = {AppendOperation::ResultOf("note/1")};
  ASSERT_TRUE(Start(owner).IsDone());
  executor_->held = true;
  Call& strangers = Start(stranger);
  Call& owners = Start(owner);
  Call& owners_second = Start(owner);
  EXPECT_FALSE(owners.result);
  while (!strangers.result) executor_->ReleaseOne();  // the store goes on taking its time
  EXPECT_EQ(strangers.error(), Cause::kRequestIdReused);
  EXPECT_FALSE(owners_second.result) << "it shares the session that the first one has begun";
  executor_->Release();
  EXPECT_TRUE(owners.IsDone());
  EXPECT_TRUE(owners_second.IsDone());
}

TEST_F(WriteCoordinatorTest, AnotherCallerIsToldNothingOfASessionThatIsNotOver) {
  request_->outcomes = {std::nullopt};
  Start({.request_id = kId, .caller = "caller:both", .principal = "a"});
  for (const char* const name : {"caller:both", "caller:other"}) {
    Call& other = Start({.request_id = kId, .caller = name, .principal = "b"}, 1s);
    EXPECT_FALSE(other.result);
    clock_.Advance(1s);
    EXPECT_TRUE(other.IsUnknown());
    EXPECT_FALSE(other.result->sent_at);
  }
}

TEST_F(WriteCoordinatorTest, NothingIsSentForWhoOnlyLooksOn) {
  operation_.failure = NotExecuted{};
  Call& owner = Start({.request_id = kId, .caller = "a", .principal = "a"});
  Call& other = Start({.request_id = kId, .caller = "b", .principal = "b"});
  owner.leave.request_stop();
  EXPECT_TRUE(std::holds_alternative<NotExecuted>(owner.result->outcome));
  operation_.failure.reset();
  // The request_id is free again, so it may be the other one's.
  request_->outcomes = {AppendOperation::ResultOf("note/1")};
  clock_.Advance(10s);
  EXPECT_TRUE(other.IsDone());
  EXPECT_EQ(Find()->principal, "b");
}

TEST_F(WriteCoordinatorTest, ACallerThatLeavesAfterTheIntentLeavesTheSessionAtWork) {
  request_->outcomes = {std::nullopt};
  Call& call = Start();
  call.leave.request_stop();
  EXPECT_TRUE(call.IsUnknown());
  EXPECT_TRUE(coordinator_.IsActive(kId));
}

TEST_F(WriteCoordinatorTest, ACallerLeavesAtItsDeadlineWhileOthersWaitOn) {
  request_->outcomes = {std::nullopt};
  Call& hurried = Start({.request_id = kId}, 1s);
  Call& patient = Start({.request_id = kId}, 60s);
  clock_.Advance(1s);
  EXPECT_TRUE(hurried.IsUnknown());
  EXPECT_FALSE(patient.result);
}

TEST_F(WriteCoordinatorTest, TheLastToLeaveBeforeTheIntentHasTheRecordReleased) {
  operation_.failure = NotExecuted{};
  Call& first = Start();
  Call& second = Start();
  first.leave.request_stop();
  EXPECT_NE(Find(), std::nullopt) << "the other one waits for it";
  second.leave.request_stop();
  ASSERT_TRUE(second.result);
  EXPECT_TRUE(std::holds_alternative<NotExecuted>(second.result->outcome));
  EXPECT_EQ(Find(), std::nullopt);
  EXPECT_TRUE(coordinator_.IsIdle());
}

TEST_F(WriteCoordinatorTest, ACallThatIsStoppedBeforeTheIntentIsNotToldThatItsTimeWasUp) {
  operation_.failure = NotExecuted{};
  Call& stopped = Start();
  stopped.leave.request_stop();
  ASSERT_TRUE(stopped.result);
  EXPECT_EQ(std::get<NotExecuted>(stopped.result->outcome).cause, NotExecuted::Cause::kStopped);
  EXPECT_EQ(stopped.result->retry_end, RetryEnd::kCancelled);

  Call& late = Start({.request_id = kId}, 1s);
  clock_.Advance(1s);
  ASSERT_TRUE(late.result);
  EXPECT_EQ(std::get<NotExecuted>(late.result->outcome).cause, NotExecuted::Cause::kNoTimeLeft);
  EXPECT_EQ(late.result->retry_end, RetryEnd::kOutOfTime);
}

TEST_F(WriteCoordinatorTest, AResultThatOnlyThisProcessHasIsReplayedFromMemory) {
  executor_->fails = [](const std::string& statement) {
    return statement == UpsertResponse() ? ImmediateExecutor::Failure::kBefore
                                         : ImmediateExecutor::Failure::kNone;
  };
  request_->outcomes = {AppendOperation::ResultOf("note/1")};
  EXPECT_TRUE(Start().IsDone());
  Call& later = Start();
  ASSERT_TRUE(later.IsDone());
  EXPECT_EQ(later.result->replay, Replay::kYes);
  EXPECT_EQ(request_->executions, 1);
}

TEST_F(WriteCoordinatorTest, MoreSessionsThanAllowedAreRefusedAtOnce) {
  request_->outcomes = {std::nullopt};
  Start();
  Start({.request_id = "order-2"});
  EXPECT_EQ(Start({.request_id = "order-3"}).error(), Cause::kTooManySessions);
  EXPECT_FALSE(Start().result) << "joining is no session more";
}

TEST_F(WriteCoordinatorTest, ADrainEndsTheSessionsAndTakesNoMoreCalls) {
  request_->outcomes = {std::nullopt};
  Call& call = Start();
  bool is_drained = false;
  const auto drain = [](WriteCoordinator& coordinator, bool& is_drained) -> Task<void> {
    co_await coordinator.Drain();
    is_drained = true;
  };
  Spawn(drain(coordinator_, is_drained));
  EXPECT_TRUE(is_drained);
  EXPECT_TRUE(call.IsUnknown());
  EXPECT_EQ(Find()->state, RecordState::kSent) << "for a later process to reconcile";
  Call& late = Start({.request_id = "order-2"});
  ASSERT_TRUE(late.result);
  EXPECT_EQ(std::get<NotExecuted>(late.result->outcome).cause, NotExecuted::Cause::kStopped);
}

}  // namespace
}  // namespace gateway
