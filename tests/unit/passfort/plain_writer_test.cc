#include "service/passfort/plain_writer.h"

#include <gmock/gmock.h>

#include <deque>

#include "tests/fakes/fake_clock.h"
#include "tests/fakes/run_now.h"
#include "tests/fakes/scripted_random.h"

namespace gateway {
namespace {

using std::chrono::operator""ms;
using std::chrono::operator""s;
using testing::ElementsAre;

// Ends each attempt as scripted.
class ScriptedPassfort final : public PassfortClient {
 public:
  explicit ScriptedPassfort(std::deque<Outcome> outcomes) : outcomes_(std::move(outcomes)) {}

  Task<WriteAttempt> CreateApplication(const ApplicationDraft&, Deadline,
                                       std::stop_token) override {
    ++posts_;
    Outcome next = outcomes_.front();
    outcomes_.pop_front();
    co_return WriteAttempt{.outcome = std::move(next)};
  }
  int posts() const { return posts_; }

 private:
  std::deque<Outcome> outcomes_;
  int posts_ = 0;
};

class PlainWriterTest : public testing::Test {
 protected:
  Outcome Add(ScriptedPassfort& passfort) {
    PlainWriter writer(passfort, {.clock = clock_, .random = random_, .budget = budget_});
    return RunNow(writer.Add({}, "", clock_.In(30s), {})).outcome;
  }

  FakeClock clock_;
  ScriptedRandom random_{{1.0}};
  RetryBudget budget_{{}};
};

TEST_F(PlainWriterTest, NeverSendsAnAmbiguousWriteAgain) {
  ScriptedPassfort passfort({Ambiguous{}, Done{}});
  EXPECT_TRUE(std::holds_alternative<Ambiguous>(Add(passfort)));
  EXPECT_EQ(passfort.posts(), 1);
}

TEST_F(PlainWriterTest, NeverSendsARefusedWriteAgain) {
  ScriptedPassfort passfort({Refused{}, Done{}});
  EXPECT_TRUE(std::holds_alternative<Refused>(Add(passfort)));
  EXPECT_EQ(passfort.posts(), 1);
}

TEST_F(PlainWriterTest, SendsAgainWhatSurelyWasNotDone) {
  ScriptedPassfort passfort({NotCarriedOut{.cause = NotCarriedOut::Cause::kUnreachable}, Done{}});
  EXPECT_TRUE(std::holds_alternative<Done>(Add(passfort)));
  EXPECT_EQ(passfort.posts(), 2);
}

TEST_F(PlainWriterTest, StopsAtTheFirstAmbiguousAttempt) {
  ScriptedPassfort passfort(
      {NotCarriedOut{.cause = NotCarriedOut::Cause::kUnreachable}, Ambiguous{}, Done{}});
  EXPECT_TRUE(std::holds_alternative<Ambiguous>(Add(passfort)));
  EXPECT_EQ(passfort.posts(), 2);
}

TEST_F(PlainWriterTest, WaitsAsLongAsARateLimitAsks) {
  ScriptedPassfort passfort(
      {NotCarriedOut{.cause = NotCarriedOut::Cause::kRateLimited, .retry_after = 4000ms}, Done{}});
  EXPECT_TRUE(std::holds_alternative<Done>(Add(passfort)));
  EXPECT_THAT(clock_.sleeps(), ElementsAre(4050ms));
}

TEST_F(PlainWriterTest, EndsWhenTheTimeIsUpOrTheCallIsStopped) {
  for (const auto cause : {NotCarriedOut::Cause::kNoTimeLeft, NotCarriedOut::Cause::kStopped}) {
    ScriptedPassfort passfort({NotCarriedOut{.cause = cause}, Done{}});
    EXPECT_TRUE(std::holds_alternative<NotCarriedOut>(Add(passfort)));
    EXPECT_EQ(passfort.posts(), 1);
  }
}

}  // namespace
}  // namespace gateway
