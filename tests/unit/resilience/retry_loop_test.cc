#include "service/resilience/retry_loop.h"

#include <gmock/gmock.h>

#include <optional>
#include <vector>

#include "tests/fakes/auto_advance_clock.h"
#include "tests/fakes/run_to_completion.h"
#include "tests/fakes/scripted_random.h"

namespace gateway {
namespace {

using std::chrono::operator""ms;
using std::chrono::operator""s;
using testing::ElementsAre;
using testing::IsEmpty;

// Stands for a result: below zero it is worth another try.
constexpr int kTryAgain = -1;
constexpr int kTryAgainLater = -2;
constexpr int kNothingLeft = -3;
constexpr int kRefused = -4;
constexpr int kTooLate = -5;
constexpr int kDone = 1;

RetryDecision Decide(const int& result) {
  if (result == kTryAgain) return Retry{};
  if (result == kTryAgainLater) return Retry{.not_before = 3000ms};
  if (result == kNothingLeft) {
    return Retry{.not_before = 1000ms, .cost = Retry::Cost::kFree};
  }
  if (result == kTooLate) return RetryEnd::kOutOfTime;
  return result == kDone ? RetryEnd::kSucceeded : RetryEnd::kPermanent;
}

bool IsLate(const int& result) { return result == kTooLate; }

struct Ended {
  int result;
  RetryEnd end;
};
Ended Conclude(int result, RetryEnd end) { return {result, end}; }

class RetryLoopTest : public testing::Test {
 protected:
  // Runs the loop over attempts that end as scripted; the last one for ever.
  int Run(std::vector<int> results, Deadline deadline, std::stop_token stop = {}) {
    const auto attempt = [&]() -> Task<int> {
      const size_t next = std::min(static_cast<size_t>(attempts_), results.size() - 1);
      ++attempts_;
      co_return results[next];
    };
    const RetryDependencies tools{.clock = clock_,
                                  .random = random_,
                                  .budget = budget_,
                                  .backoff = {.initial = 50ms, .max = 2000ms}};
    const CallContext context{.deadline = deadline, .stop = std::move(stop)};
    const Ended ended = RunToCompletion(
        RunWithRetries<Ended, int>(tools, context, attempt, Decide, IsLate, Conclude));
    end_ = ended.end;
    return ended.result;
  }

  AutoAdvanceClock clock_;
  ScriptedRandom random_{{1.0}};
  RetryBudget budget_{{.calls_per_retry = 20, .max_saved_retries = 5}};
  int attempts_ = 0;
  std::optional<RetryEnd> end_;  // of the last `Run`
};

TEST_F(RetryLoopTest, TriesOnceWhenTheFirstResultIsFinal) {
  EXPECT_EQ(Run({kDone}, clock_.In(10s)), kDone);
  EXPECT_EQ(attempts_, 1);
  EXPECT_THAT(clock_.sleeps(), IsEmpty());
}

TEST_F(RetryLoopTest, EndsAsTheDecisionAboutAFinalResultSays) {
  Run({kTryAgain, kDone}, clock_.In(10s));
  EXPECT_EQ(end_, RetryEnd::kSucceeded);
  Run({kRefused}, clock_.In(10s));
  EXPECT_EQ(end_, RetryEnd::kPermanent);
}

TEST_F(RetryLoopTest, ALastAttemptThatOnlyRanOutOfTimeLeavesTheWordToTheOneBefore) {
  EXPECT_EQ(Run({kTryAgain, kTryAgainLater, kTooLate}, clock_.In(10s)), kTryAgainLater);
  EXPECT_EQ(end_, RetryEnd::kOutOfTime);
  EXPECT_EQ(Run({kTryAgain, kRefused}, clock_.In(10s)), kRefused);
  EXPECT_EQ(Run({kTooLate}, clock_.In(10s)), kTooLate);
}

TEST_F(RetryLoopTest, WaitsLongerBeforeEachRepeat) {
  EXPECT_EQ(Run({kTryAgain, kTryAgain, kTryAgain, kDone}, clock_.In(10s)), kDone);
  EXPECT_THAT(clock_.sleeps(), ElementsAre(50ms, 100ms, 200ms));
}

TEST_F(RetryLoopTest, AddsTheJitterToTheWaitThatWasAskedFor) {
  EXPECT_EQ(Run({kTryAgainLater, kDone}, clock_.In(10s)), kDone);
  EXPECT_THAT(clock_.sleeps(), ElementsAre(3050ms));
}

TEST_F(RetryLoopTest, AnswersAtOnceWhenTheWaitWouldLeaveNoTimeForAnAttempt) {
  EXPECT_EQ(Run({kTryAgainLater, kDone}, clock_.In(3099ms)), kTryAgainLater);
  EXPECT_EQ(end_, RetryEnd::kOutOfTime);
  EXPECT_EQ(attempts_, 1);
  EXPECT_THAT(clock_.sleeps(), IsEmpty());
}

TEST_F(RetryLoopTest, StopsRepeatingWhenTheBudgetIsUsedUp) {
  EXPECT_EQ(Run({kTryAgain}, clock_.In(3600s)), kTryAgain);
  EXPECT_EQ(end_, RetryEnd::kBudgetEmpty);
  EXPECT_EQ(attempts_, 1 + 5);
}

TEST_F(RetryLoopTest, TakesNothingFromTheBudgetForAnAttemptThatNeverLeft) {
  while (budget_.TryWithdraw()) continue;
  EXPECT_EQ(Run({kNothingLeft, kNothingLeft, kDone}, clock_.In(10s)), kDone);
  EXPECT_EQ(attempts_, 3);
  EXPECT_FALSE(budget_.TryWithdraw());
}

TEST_F(RetryLoopTest, EndsItsWaitWhenItIsStopped) {
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(Run({kTryAgain, kDone}, clock_.In(10s), stop.get_token()), kTryAgain);
  EXPECT_EQ(end_, RetryEnd::kCancelled);
  EXPECT_EQ(attempts_, 1);
}

}  // namespace
}  // namespace gateway
