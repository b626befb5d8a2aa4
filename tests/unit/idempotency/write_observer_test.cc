// Of which writes an observer hears: of each that this process ended, once, after the store has it.

#include "service/idempotency/write_observer.h"

#include <gmock/gmock.h>

#include <list>
#include <memory>
#include <string>
#include <utility>

#include "service/idempotency/background_reconciler.h"
#include "service/idempotency/write_coordinator.h"
#include "service/idempotency/write_report.h"
#include "tests/unit/idempotency/engine_fixture.h"

namespace gateway {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using Failure = ImmediateExecutor::Failure;

const Outcome<SharedResult> kLost = Ambiguous{.cause = Ambiguous::Cause::kConnectionLost};

class WriteObserverTest : public EngineTest {
 protected:
  void TearDown() override {
    stop_.request_stop();
    Spawn(coordinator_.Drain());
    clock_.Advance(1h);
  }

  // A call that waits for as long as it takes.
  void Call(const std::string& request_id = kId) { Spawn(Write(request_id)); }
  Task<void> Write(std::string request_id) {
    const CallContext context{.deadline = Deadline(SteadyTime::max())};
    (void)co_await coordinator_.Write({.request_id = std::move(request_id)}, request_, context);
  }
  void StartBackground() { Spawn(background_.Run(stop_.get_token())); }
  static constexpr Milliseconds kUntilConclusive =
      kOptions.lease_duration + kOptions.attempt_timeout + kOptions.settle_window;

  const std::shared_ptr<AppendRequest> request_ = std::make_shared<AppendRequest>(operation_);
  WriteCoordinator coordinator_{Dependencies(), kOptions};
  Reconciler background_looks_{
      {.by = FinishedWrite::By::kBackground}, store_, {&operation_}, clock_, observer_};
  BackgroundReconciler background_{
      DependenciesWith(background_looks_),
      {.poll_interval = 30s},
      [this](const std::string& request_id) { return coordinator_.IsActive(request_id); }};
  std::stop_source stop_;
};

TEST_F(WriteObserverTest, HearsOfAWriteThatIsDone) {
  request_->outcomes = {AppendOperation::ResultOf("note/1")};
  Call();
  EXPECT_THAT(observer_.ends, ElementsAre("order-1 done note/1 received, by a call"));
  EXPECT_THAT(observer_.trace_id, Not(IsEmpty()));
}

TEST_F(WriteObserverTest, HearsNothingOfAReplay) {
  request_->outcomes = {AppendOperation::ResultOf("note/1")};
  Call();
  Call();
  EXPECT_EQ(observer_.ends.size(), 1U);
}

TEST_F(WriteObserverTest, HearsOfARefusalAndOfWhatWasNotExecuted) {
  request_->outcomes = {Refused{.response = {.http_status = 422}},
                        NotExecuted{.cause = NotExecuted::Cause::kCircuitOpen}};
  Call("order-1");
  Call("order-2");
  EXPECT_THAT(observer_.ends,
              ElementsAre("order-1 refused, by a call", "order-2 not executed, by a call"));
}

TEST_F(WriteObserverTest, HearsOfARefusalThatStandsAfterALook) {
  request_->outcomes = {Refused{.response = {.http_status = 409}}};
  Call();
  EXPECT_THAT(observer_.ends, ElementsAre("order-1 refused, by a call"));
}

TEST_F(WriteObserverTest, HearsOfALostResponseOnceItIsFound) {
  request_->outcomes = {kLost};
  request_->on_execute = [this](BootTime) { operation_.lines = {"note/1"}; };
  Call();
  EXPECT_THAT(observer_.ends, ElementsAre("order-1 done note/1 reconciled, by a call"));
}

TEST_F(WriteObserverTest, HearsOfEachAttemptThatIsProvenWithoutEffect) {
  request_->outcomes = {kLost, AppendOperation::ResultOf("note/1")};
  Call();
  clock_.Advance(2 * kOptions.settle_window);
  EXPECT_THAT(observer_.ends, ElementsAre("order-1 without effect, by a call",
                                          "order-1 done note/1 received, by a call"));
}

TEST_F(WriteObserverTest, HearsOfWhatTheBackgroundFinds) {
  SentElsewhere();
  clock_.Advance(kOptions.lease_duration);
  operation_.lines = {"note/1"};
  StartBackground();
  EXPECT_THAT(observer_.ends, ElementsAre("order-2 done note/1 reconciled, in the background"));
  EXPECT_THAT(observer_.trace_id, Not(IsEmpty()));
}

TEST_F(WriteObserverTest, HearsOfWhatTheBackgroundProvesWithoutEffect) {
  SentElsewhere();
  clock_.Advance(kUntilConclusive);
  StartBackground();
  EXPECT_THAT(observer_.ends, ElementsAre("order-2 without effect, in the background"));
}

TEST_F(WriteObserverTest, HearsOnceOfWhatNobodyCanTell) {
  SentElsewhere();
  operation_.lines = {"note/1", "note/2"};
  clock_.Advance(kUntilConclusive);
  StartBackground();
  Call("order-2");  // looks once more, and finds the same
  clock_.Advance(10min);
  EXPECT_THAT(observer_.ends, ElementsAre("order-2 inconclusive, in the background"));
}

TEST_F(WriteObserverTest, HearsOfTheDeadClaimOfAnotherProcessThatIsGivenBack) {
  ClaimedElsewhere();
  clock_.Advance(kOptions.lease_duration);
  request_->outcomes = {AppendOperation::ResultOf("note/1")};
  Call();
  clock_.Advance(5s);
  EXPECT_THAT(observer_.ends, ElementsAre("order-2 not executed, by a call",
                                          "order-1 done note/1 received, by a call"));
}

TEST_F(WriteObserverTest, HearsOfAClaimThatWasTakenOverFromADeadProcessWhenItEnds) {
  ClaimedElsewhere(kId);
  clock_.Advance(kOptions.lease_duration);
  request_->outcomes = {AppendOperation::ResultOf("note/1")};
  Call();
  EXPECT_THAT(observer_.ends, ElementsAre("order-1 done note/1 received, by a call"));
}

// Another process reconciles the record while this one looks: only one of them changes it.
TEST_F(WriteObserverTest, HearsNothingOfAWriteThatSomebodyElseEnded) {
  const Record sent = SentElsewhere();
  clock_.Advance(kOptions.lease_duration);
  operation_.on_observe = [&] {
    (void)RunToCompletion(store_.StoreReconciled(sent, {.resource_id = "note/1", .contents = "x"},
                                                 Deadline(SteadyTime::max())));
  };
  operation_.lines = {"note/1"};
  StartBackground();
  EXPECT_EQ(Find("order-2")->state, RecordState::kDone);
  EXPECT_THAT(observer_.ends, IsEmpty());
}

TEST_F(WriteObserverTest, HearsNothingOfARecordThatWasLostToAnotherProcess) {
  operation_.on_observe = [this] {
    operation_.on_observe = [] {};
    const Record sent = UpdatedElsewhere(*Find(), {.state = RecordState::kSent});
    (void)RunToCompletion(store_.StoreResponse(
        sent, {.resource_id = "note/9", .contents = "theirs"}, Deadline(SteadyTime::max())));
  };
  Call();
  clock_.Advance(1s);
  EXPECT_EQ(Find()->state, RecordState::kDone);
  EXPECT_THAT(observer_.ends, IsEmpty());
}

TEST_F(WriteObserverTest, HearsOfAResultOnceTheStoreHasIt) {
  request_->outcomes = {AppendOperation::ResultOf("note/1")};
  executor_->fails = [](const std::string& statement) {
    return statement == UpsertResponse() ? Failure::kBefore : Failure::kNone;
  };
  Call();
  clock_.Advance(1s);
  EXPECT_THAT(observer_.ends, IsEmpty());
  executor_->fails = [](const std::string&) { return Failure::kNone; };
  clock_.Advance(5s);
  EXPECT_THAT(observer_.ends, ElementsAre("order-1 done note/1 received, by a call"));
}

TEST_F(WriteObserverTest, HearsNothingOfAReleaseThatTheStoreDidNotConfirm) {
  request_->outcomes = {Refused{.response = {.http_status = 422}}};
  executor_->fails = [](const std::string& statement) {
    return statement == DeleteRecord() ? Failure::kAfter : Failure::kNone;
  };
  Call();
  EXPECT_THAT(observer_.ends, IsEmpty());
}

// ---- What the gateway itself makes of it. ----

TEST(WriteReportTest, CountsEveryEndAndLogsThoseOfTheBackground) {
  using End = FinishedWrite::End;
  using By = FinishedWrite::By;
  Metrics metrics;
  LoggedLines log;
  WriteReport report(metrics, log);
  const Record record{.operation = "Append"};
  const std::pair<End, std::string> ends[] = {{End::kDone, "done"},
                                              {End::kRefused, "refused"},
                                              {End::kNotExecuted, "not_executed"},
                                              {End::kNoEffect, "no_effect"},
                                              {End::kInconclusive, "inconclusive"}};
  for (const auto& [end, name] : ends) {
    report.OnFinished({record, end, By::kCall, "trace"});
    EXPECT_THAT(metrics.Text(),
                HasSubstr("passfort_gateway_finished_writes_total{by=\"call\",end=\"" + name +
                          "\",operation=\"Append\"} 1\n"));
  }
  EXPECT_THAT(log.lines, IsEmpty()) << "the caller is told";
  for (const auto& [end, name] : ends) {
    report.OnFinished({record, end, By::kBackground, "trace"});
    EXPECT_THAT(metrics.Text(),
                HasSubstr("passfort_gateway_finished_writes_total{by=\"background\",end=\"" + name +
                          "\",operation=\"Append\"} 1\n"));
  }
  const auto settled = HasSubstr("a write that was left unknown is settled");
  EXPECT_THAT(log.lines, ElementsAre(settled, settled, settled, settled,
                                     HasSubstr("write outcome unresolved")));
}

}  // namespace
}  // namespace gateway
