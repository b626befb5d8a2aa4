#include "service/operations/direct_writer.h"

#include <gmock/gmock.h>

#include <deque>
#include <utility>

#include "tests/fakes/auto_advance_clock.h"
#include "tests/fakes/create_outcomes.h"
#include "tests/fakes/run_to_completion.h"
#include "tests/fakes/scripted_random.h"

namespace gateway {
namespace {

using std::chrono::operator""ms;
using std::chrono::operator""s;
using testing::ElementsAre;

// Ends each attempt as scripted.
class ScriptedPassfort final : public ApiTransport {
 public:
  explicit ScriptedPassfort(std::deque<CreateOutcome> outcomes) : outcomes_(std::move(outcomes)) {}

  Task<ApiResult> Call(const ApiEndpoint& endpoint, ApiRequest request,
                       const CallContext& /*context*/) override {
    EXPECT_EQ(endpoint.name, kCreateApplication.name) << "and no list is looked at";
    EXPECT_FALSE(request.send_before.has_value());
    ++posts_;
    CreateOutcome next = outcomes_.front();
    outcomes_.pop_front();
    co_return ApiResult{ToApiOutcome(std::move(next))};
  }
  int posts() const { return posts_; }

 private:
  std::deque<CreateOutcome> outcomes_;
  int posts_ = 0;
};

class DirectWriterTest : public testing::Test {
 protected:
  WriteResult Add(ScriptedPassfort& passfort, RequestKey intent = {}) {
    ProductApplicationClient client(passfort);
    DirectWriter writer(client, {.clock = clock_, .random = random_, .budget = budget_});
    return RunToCompletion(writer.Add({}, std::move(intent), {.deadline = clock_.In(30s)}));
  }

  AutoAdvanceClock clock_;
  ScriptedRandom random_{{1.0}};
  RetryBudget budget_{{}};
};

TEST_F(DirectWriterTest, NeverSendsAnAmbiguousWriteAgain) {
  ScriptedPassfort passfort({Ambiguous{}, Done{}});
  EXPECT_TRUE(std::holds_alternative<Ambiguous>(Add(passfort).outcome));
  EXPECT_EQ(passfort.posts(), 1);
}

TEST_F(DirectWriterTest, SendsNothingForARequestIdThatItCannotKeep) {
  ScriptedPassfort passfort({Done{}});
  const WriteResult result = Add(passfort, {.request_id = "order-1"});
  ASSERT_TRUE(std::holds_alternative<IdempotencyError>(result.outcome));
  EXPECT_EQ(std::get<IdempotencyError>(result.outcome).cause, IdempotencyError::Cause::kNeedsStore);
  EXPECT_EQ(passfort.posts(), 0);
}

TEST_F(DirectWriterTest, NeverSendsARefusedWriteAgain) {
  ScriptedPassfort passfort({Refused{}, Done{}});
  EXPECT_TRUE(std::holds_alternative<Refused>(Add(passfort).outcome));
  EXPECT_EQ(passfort.posts(), 1);
}

TEST_F(DirectWriterTest, SendsAgainWhatSurelyWasNotDone) {
  ScriptedPassfort passfort({NotExecuted{.cause = NotExecuted::Cause::kUnreachable}, Done{}});
  EXPECT_TRUE(std::holds_alternative<Done>(Add(passfort).outcome));
  EXPECT_EQ(passfort.posts(), 2);
}

TEST_F(DirectWriterTest, SendsAgainWhatTheSendGateKeptBack) {
  ScriptedPassfort passfort({NotExecuted{.cause = NotExecuted::Cause::kSendGateClosed}, Done{}});
  EXPECT_TRUE(std::holds_alternative<Done>(Add(passfort).outcome));
  EXPECT_EQ(passfort.posts(), 2);
}

TEST_F(DirectWriterTest, DoesNotWaitForMemoryASecondTime) {
  ScriptedPassfort passfort({NotExecuted{.cause = NotExecuted::Cause::kNoMemory}, Done{}});
  EXPECT_TRUE(std::holds_alternative<NotExecuted>(Add(passfort).outcome));
  EXPECT_EQ(passfort.posts(), 1);
}

TEST_F(DirectWriterTest, StopsAtTheFirstAmbiguousAttempt) {
  ScriptedPassfort passfort(
      {NotExecuted{.cause = NotExecuted::Cause::kUnreachable}, Ambiguous{}, Done{}});
  EXPECT_TRUE(std::holds_alternative<Ambiguous>(Add(passfort).outcome));
  EXPECT_EQ(passfort.posts(), 2);
}

TEST_F(DirectWriterTest, WaitsAsLongAsARateLimitAsks) {
  ScriptedPassfort passfort(
      {NotExecuted{.cause = NotExecuted::Cause::kRateLimited, .retry_after = 4000ms}, Done{}});
  EXPECT_TRUE(std::holds_alternative<Done>(Add(passfort).outcome));
  EXPECT_THAT(clock_.sleeps(), ElementsAre(4050ms));
}

TEST_F(DirectWriterTest, WaitsForOurOwnRateGateWithoutTakingFromTheBudget) {
  const NotExecuted at_our_gate{.cause = NotExecuted::Cause::kRateLimited, .retry_after = 1000ms};
  while (budget_.TryWithdraw()) continue;
  ScriptedPassfort passfort({at_our_gate, at_our_gate, Done{}});
  EXPECT_TRUE(std::holds_alternative<Done>(Add(passfort).outcome));
  EXPECT_EQ(passfort.posts(), 3);
}

TEST_F(DirectWriterTest, EndsWhenTheTimeIsUpOrTheCallIsStoppedOrTheCircuitOpen) {
  const std::pair<NotExecuted::Cause, RetryEnd> ends[] = {
      {NotExecuted::Cause::kNoTimeLeft, RetryEnd::kOutOfTime},
      {NotExecuted::Cause::kNoMemory, RetryEnd::kOutOfTime},
      {NotExecuted::Cause::kStopped, RetryEnd::kCancelled},
      {NotExecuted::Cause::kCircuitOpen, RetryEnd::kPermanent}};
  for (const auto& [cause, end] : ends) {
    ScriptedPassfort passfort({NotExecuted{.cause = cause}, Done{}});
    const WriteResult result = Add(passfort);
    EXPECT_TRUE(std::holds_alternative<NotExecuted>(result.outcome));
    EXPECT_EQ(result.retry_end, end);
    EXPECT_EQ(passfort.posts(), 1);
  }
}

TEST_F(DirectWriterTest, WhatKeptItFromBeingSentCountsAboveTheTimeThatItTook) {
  const NotExecuted unreachable{.cause = NotExecuted::Cause::kUnreachable};
  const NotExecuted late{.cause = NotExecuted::Cause::kNoTimeLeft};
  ScriptedPassfort passfort({unreachable, late});
  const WriteResult result = Add(passfort);
  const auto* const not_executed = std::get_if<NotExecuted>(&result.outcome);
  ASSERT_NE(not_executed, nullptr);
  EXPECT_EQ(not_executed->cause, NotExecuted::Cause::kUnreachable);
  EXPECT_EQ(result.retry_end, RetryEnd::kOutOfTime);
}

TEST_F(DirectWriterTest, SaysWhyTheLastAttemptWasTheLast) {
  const NotExecuted unreachable{.cause = NotExecuted::Cause::kUnreachable};
  const std::pair<CreateOutcome, RetryEnd> ends[] = {{Done{}, RetryEnd::kSucceeded},
                                                     {Refused{}, RetryEnd::kPermanent},
                                                     {Ambiguous{}, RetryEnd::kPermanent}};
  for (const auto& [outcome, end] : ends) {
    ScriptedPassfort passfort({unreachable, outcome});
    EXPECT_EQ(Add(passfort).retry_end, end);
  }
  while (budget_.TryWithdraw()) continue;
  ScriptedPassfort passfort({unreachable, Done{}});
  EXPECT_EQ(Add(passfort).retry_end, RetryEnd::kBudgetEmpty);
}

}  // namespace
}  // namespace gateway
