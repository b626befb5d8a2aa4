// Writes of which nothing that can be read shows whether they took effect.

#include <gtest/gtest.h>

#include "tests/unit/idempotency/write_session_fixture.h"

namespace gateway {
namespace {

using namespace std::chrono_literals;

class UnobservableWriteTest : public WriteSessionTest {
 protected:
  UnobservableWriteTest() {
    operation_.observable = false;
    operation_.is_complete = false;
  }
};

TEST_F(UnobservableWriteTest, ALostResponseIsUnknownForGoodAndNothingIsSentAgain) {
  request_->outcomes = {kLost};
  Running& lost = Start();
  ASSERT_NE(lost.Get<Ambiguous>(), nullptr) << "at once: waiting does not help";
  EXPECT_EQ(lost.result->known_by, std::nullopt);
  EXPECT_TRUE(lost.result->stays_unknown);
  EXPECT_TRUE(lost.result->sent_at.has_value());
  EXPECT_EQ(StateNow(), RecordState::kInconclusive);
  EXPECT_EQ(Find()->conclusive_at, std::nullopt);

  clock_.Advance(1h);
  Running& later = Start();
  EXPECT_NE(later.Get<Ambiguous>(), nullptr);
  EXPECT_EQ(later.result->known_by, std::nullopt);
  EXPECT_TRUE(later.result->stays_unknown);
  EXPECT_EQ(StateNow(), RecordState::kInconclusive);
  EXPECT_EQ(request_->executions, 1);
}

TEST_F(UnobservableWriteTest, AnUnknownOutcomeIsToldWithoutTheStoreToo) {
  request_->outcomes = {kLost};
  request_->on_execute = [this](BootTime) { FailAt(UpdateRecord(), Failure::kBefore); };
  Running& lost = Start();
  EXPECT_NE(lost.Get<Ambiguous>(), nullptr);
  EXPECT_FALSE(lost.result->stays_unknown);
  HealStore();
  EXPECT_EQ(StateNow(), RecordState::kSent);
}

// Others would take an attempt that is still under way for one that nobody will ever know of.
TEST_F(UnobservableWriteTest, NobodyElseLooksAtTheRecordBeforeTheAttemptIsOver) {
  request_->outcomes = {std::nullopt};
  Running& sent = Start();
  ASSERT_EQ(StateNow(), RecordState::kSent);
  const Record record = *Find();
  EXPECT_EQ(record.lease_until - record.store_now,
            absl::FromChrono(kOptions.lease_duration + kOptions.attempt_timeout));
  EXPECT_FALSE(sent.session.PendingResult().stays_unknown) << "the response may still come";
}

TEST_F(UnobservableWriteTest, ARefusalIsGivenAlsoIfItCannotBeStored) {
  request_->outcomes = {RefusedWith(422)};
  request_->on_execute = [this](BootTime) { FailAt(DeleteRecord(), Failure::kBefore); };
  EXPECT_NE(Start().Get<Refused>(), nullptr) << "a later look would show nothing";
}

TEST_F(UnobservableWriteTest, WhatWasNotExecutedIsGivenBackAsSoonAsTheStoreIsThere) {
  const Outcome<SharedResult> limited =
      NotExecuted{.cause = NotExecuted::Cause::kRateLimited, .retry_after = Milliseconds(1h)};
  for (const Outcome<SharedResult>& outcome : {RefusedWith(422), limited}) {
    request_->outcomes = {outcome};
    request_->on_execute = [this](BootTime) { FailAt(DeleteRecord(), Failure::kBefore); };
    ASSERT_TRUE(Start().result.has_value());
    EXPECT_EQ(StateNow(), RecordState::kSent);
    HealStore();
    clock_.Advance(2s);
    EXPECT_EQ(StateNow(), RecordState(0)) << "or nobody could ever use the request_id again";
    sessions_.clear();
  }
}

// This process stood still, and another one has told by now that nobody will ever know. Somebody
// may have acted on that, so it stays: a second word would not be believed, or the write made
// again.
TEST_F(UnobservableWriteTest, WhatWasNotExecutedIsNotToldOnceOthersMayCallItUnknownForGood) {
  const Outcome<SharedResult> limited =
      NotExecuted{.cause = NotExecuted::Cause::kRateLimited, .retry_after = Milliseconds(1h)};
  int orders = 0;
  for (const Outcome<SharedResult>& outcome : {RefusedWith(422), limited}) {
    for (const bool has_store : {true, false}) {
      const std::string id = "order-" + std::to_string(++orders);
      request_->outcomes = {outcome};
      request_->on_execute = [&](BootTime) {
        clock_.Advance(kOptions.lease_duration + kOptions.attempt_timeout);
        UpdatedElsewhere(*Find(id), {.state = RecordState::kInconclusive});
        if (!has_store) FailAt(DeleteRecord(), Failure::kBefore);
      };
      Running& slow = Start({.request_id = id});
      clock_.Advance(1s);
      ASSERT_NE(slow.Get<Ambiguous>(), nullptr) << id;
      EXPECT_EQ(slow.result->stays_unknown, has_store) << "only the store says that";
      HealStore();
      clock_.Advance(2s);
      EXPECT_EQ(Find(id)->state, RecordState::kInconclusive);
      sessions_.clear();
    }
  }
}

TEST_F(UnobservableWriteTest, AnIntentThatTheStoreDidNotAcknowledgeIsTakenBack) {
  for (const Failure failure : {Failure::kBefore, Failure::kAfter}) {
    FailAt(UpdateRecord(), failure);
    EXPECT_EQ(Start().error(), IdempotencyError::Cause::kStoreUnavailable);
    EXPECT_EQ(StateNow(), failure == Failure::kAfter ? RecordState::kSent : RecordState::kClaimed);
    HealStore();
    clock_.Advance(2s);
    EXPECT_EQ(StateNow(), RecordState(0));
    sessions_.clear();
  }
  EXPECT_EQ(request_->executions, 0);
}

// The claim expired, and another process sent under one of its own.
TEST_F(UnobservableWriteTest, AnIntentOfSomebodyElseIsLeftAlone) {
  FailAt(UpdateRecord(), Failure::kBefore);
  Start();
  HealStore();
  const Record mine = *Find();
  UpdatedElsewhere(mine, {.state = RecordState::kSent,
                          .lease = kOptions.lease_duration,
                          .first_baseline = Baseline{},
                          .sent_at = clock_.WallNow() + absl::Seconds(1)});
  clock_.Advance(2s);
  EXPECT_EQ(StateNow(), RecordState::kSent);
}

TEST_F(UnobservableWriteTest, NobodyWaitsForAnotherAttemptLongerThanTheLease) {
  const Milliseconds lease = kOptions.lease_duration + kOptions.attempt_timeout;
  request_->outcomes = {
      NotExecuted{.cause = NotExecuted::Cause::kRateLimited, .retry_after = lease}};
  Running& limited = Start();
  ASSERT_NE(limited.Get<NotExecuted>(), nullptr) << "another process would call it lost";
  EXPECT_EQ(limited.Get<NotExecuted>()->retry_after, lease);
  EXPECT_EQ(limited.retry_end(), RetryEnd::kOutOfTime);
  EXPECT_EQ(StateNow(), RecordState(0));
}

TEST_F(UnobservableWriteTest, AResponseIsStoredOnceMoreAtAStop) {
  request_->outcomes = {DoneWith("note/1")};
  request_->on_execute = [this](BootTime) { FailAt(UpsertResponse(), Failure::kBefore); };
  Running& done = Start();
  EXPECT_EQ(done.line(), "note/1");
  EXPECT_EQ(StateNow(), RecordState::kSent);
  HealStore();
  done.session.Stop();
  clock_.Advance(0ms);
  EXPECT_EQ(StateNow(), RecordState::kDone) << "no look would find it";
}

TEST_F(UnobservableWriteTest, ARefusalLeavesTheRequestIdFree) {
  request_->outcomes = {RefusedWith(422), DoneWith("note/1")};
  EXPECT_NE(Start().Get<Refused>(), nullptr);
  EXPECT_EQ(StateNow(), RecordState(0));
  sessions_.clear();  // and with it the turn of the key
  EXPECT_EQ(Start().line(), "note/1");
}

}  // namespace
}  // namespace gateway
