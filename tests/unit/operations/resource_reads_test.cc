#include "service/operations/resource_reads.h"

#include <gmock/gmock.h>

#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/time/clock.h"
#include "tests/fakes/auto_advance_clock.h"
#include "tests/fakes/run_to_completion.h"
#include "tests/fakes/scripted_random.h"

namespace gateway {
namespace {

using std::chrono::operator""ms;
using std::chrono::operator""s;
using testing::ElementsAre;
using Cause = NotExecuted::Cause;

struct Scripted {
  ApiOutcome outcome;
  Milliseconds takes{0};
};

ApiOutcome AnApplication(const std::string& id) {
  auto application = std::make_shared<pb::ProductApplication>();
  application->set_id(id);
  return ApiResponse{.value = std::move(application)};
}

NotExecuted FailedWith(int http_status) {
  return {.cause = Cause::kServerError, .response = ResponseSummary{.http_status = http_status}};
}

// Ends each attempt as scripted, after its time.
class ScriptedPassfort final : public ApiTransport {
 public:
  ScriptedPassfort(AutoAdvanceClock& clock, std::deque<Scripted> script)
      : clock_(clock), script_(std::move(script)) {}

  Task<ApiResult> Call(const ApiEndpoint& /*endpoint*/, ApiRequest /*request*/,
                       const CallContext& /*context*/) override {
    ++attempts_;
    Scripted next = std::move(script_.front());
    script_.pop_front();
    clock_.Advance(next.takes);
    co_return ApiResult{.outcome = std::move(next.outcome), .sent_at = absl::Now()};
  }
  int attempts() const { return attempts_; }

 private:
  AutoAdvanceClock& clock_;
  std::deque<Scripted> script_;
  int attempts_ = 0;
};

class ResourceReadsTest : public testing::Test {
 protected:
  ReadResult<pb::ProductApplication> Get(std::deque<Scripted> script, Milliseconds time = 30s) {
    ScriptedPassfort passfort(clock_, std::move(script));
    ResourceClient client(passfort);
    ResourceReads reads(client, {.clock = clock_, .random = random_, .budget = budget_});
    auto result = RunToCompletion(
        reads.GetApplication({.application_id = "a1"}, {.deadline = clock_.In(time)}));
    attempts_ = passfort.attempts();
    return result;
  }

  static Cause CauseOf(const ReadResult<pb::ProductApplication>& result) {
    return std::get<NotExecuted>(result.outcome).cause;
  }
  static bool IsFound(const ReadResult<pb::ProductApplication>& result) {
    return std::holds_alternative<std::shared_ptr<pb::ProductApplication>>(result.outcome);
  }

  AutoAdvanceClock clock_;
  ScriptedRandom random_{{1.0}};
  RetryBudget budget_{{}};
  int attempts_ = 0;
};

TEST_F(ResourceReadsTest, GoOnWithGrowingPausesUntilTheResponseComes) {
  const auto result = Get({{FailedWith(503)},
                           {NotExecuted{.cause = Cause::kUnreachable}},
                           {FailedWith(500)},
                           {AnApplication("A1")}});
  EXPECT_TRUE(IsFound(result));
  EXPECT_THAT(clock_.sleeps(), ElementsAre(50ms, 100ms, 200ms));
}

TEST_F(ResourceReadsTest, WaitAsLongAsPassfortSays) {
  const NotExecuted limited{.cause = Cause::kRateLimited,
                            .retry_after = 3s,
                            .response = ResponseSummary{.http_status = 429}};
  EXPECT_TRUE(IsFound(Get({{limited}, {AnApplication("a1")}})));
  EXPECT_THAT(clock_.sleeps(), ElementsAre(3050ms));

  EXPECT_EQ(CauseOf(Get({{limited}}, 2s)), Cause::kRateLimited);
}

TEST_F(ResourceReadsTest, AskTwiceForWhatCannotBeRead) {
  const NotExecuted unreadable{.cause = Cause::kUnreadable};
  EXPECT_EQ(CauseOf(Get({{unreadable}, {unreadable}})), Cause::kUnreadable);
  EXPECT_EQ(attempts_, 2);
}

TEST_F(ResourceReadsTest, AskOnceForWhatIsTooLargeAndWhileTheCircuitIsOpen) {
  for (const Cause cause : {Cause::kResponseTooLarge, Cause::kCircuitOpen}) {
    EXPECT_EQ(CauseOf(Get({{NotExecuted{.cause = cause}}})), cause);
    EXPECT_EQ(attempts_, 1);
  }
}

TEST_F(ResourceReadsTest, TakeARefusalAsItIs) {
  const auto result = Get({{Refused{.response = {.http_status = 404}}}});
  EXPECT_EQ(std::get<Refused>(result.outcome).response.http_status, 404);
}

// An attempt has a limit of its own.
TEST_F(ResourceReadsTest, AskAgainAfterAnAttemptThatTookAllOfItsTimeButNotTheCallers) {
  EXPECT_TRUE(
      IsFound(Get({{NotExecuted{.cause = Cause::kNoTimeLeft}, 10s}, {AnApplication("a1")}})));
}

TEST_F(ResourceReadsTest, TellWhatWasSaidBeforeTheTimeRanOut) {
  const NotExecuted late{.cause = Cause::kNoTimeLeft};
  EXPECT_EQ(CauseOf(Get({{late, 30s}})), Cause::kNoTimeLeft);
  EXPECT_EQ(CauseOf(Get({{NotExecuted{.cause = Cause::kUnreachable}}, {late, 30s}})),
            Cause::kUnreachable);
  // What was answered says more than what was not.
  EXPECT_EQ(
      CauseOf(Get({{FailedWith(503)}, {NotExecuted{.cause = Cause::kUnreachable}}, {late, 30s}})),
      Cause::kServerError);
}

TEST_F(ResourceReadsTest, DoNotTakeAnotherApplicationForTheOneAskedFor) {
  EXPECT_EQ(CauseOf(Get({{AnApplication("b2")}, {AnApplication("b2")}})), Cause::kUnreadable);
}

}  // namespace
}  // namespace gateway
