#include "service/passfort/rate_gate.h"

#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "tests/fakes/manual_clock.h"

namespace gateway {
namespace {

using std::chrono::operator""ms;
using std::chrono::operator""s;
using testing::ElementsAre;
using testing::IsEmpty;
using Priority = RateGate::Priority;

class RateGateTest : public testing::Test {
 protected:
  // Lets a call come to the gate; what becomes of it is added to `events_`, with the time.
  void Come(std::string name, Priority priority = Priority::kOrdinary, Milliseconds patience = 60s,
            std::stop_token stop = {}) {
    Spawn(Enter(std::move(name), priority, clock_.In(patience).at(), std::move(stop)));
  }
  void After(Milliseconds time) { clock_.Advance(time); }

  ManualClock clock_;
  RateGate gate_{{.spacing = 10ms, .recovery = 1000ms, .first_guess = 1s, .longest_guess = 5s},
                 clock_};
  std::vector<std::string> events_;

 private:
  Task<void> Enter(std::string name, Priority priority, SteadyTime until, std::stop_token stop) {
    const auto entry = co_await gate_.Enter(priority, until, stop);
    const auto now = std::chrono::duration_cast<Milliseconds>(clock_.Now() - start_).count();
    std::string what = " in";
    if (std::holds_alternative<RateGate::Stopped>(entry)) what = " stopped";
    if (const auto* too_long = std::get_if<RateGate::TooLong>(&entry)) {
      what = " come again in " + std::to_string(too_long->retry_after.count());
    }
    events_.push_back(std::to_string(now) + ": " + name + what);
  }

  const SteadyTime start_ = clock_.Now();
};

TEST_F(RateGateTest, LetsEveryCallThroughWhileNothingIsLimited) {
  for (const char* const name : {"a", "b", "c"}) Come(name);
  EXPECT_THAT(events_, ElementsAre("0: a in", "0: b in", "0: c in"));
  EXPECT_TRUE(gate_.TryEnter(Priority::kOrdinary));
  EXPECT_TRUE(gate_.TryEnter(Priority::kOrdinary));
}

TEST_F(RateGateTest, IsClosedUntilTheStatedTime) {
  EXPECT_TRUE(gate_.OnLimited(2500ms));
  EXPECT_TRUE(gate_.IsClosed());
  Come("a");
  After(2499ms);
  EXPECT_FALSE(gate_.TryEnter(Priority::kReserved));
  EXPECT_THAT(events_, IsEmpty());
  After(1ms);
  EXPECT_FALSE(gate_.IsClosed());
  EXPECT_THAT(events_, ElementsAre("2500: a in"));
}

TEST_F(RateGateTest, LetsWaitingCallsThroughOneByOneInTheirOrder) {
  gate_.OnLimited(1000ms);
  for (const char* const name : {"a", "b", "c"}) Come(name);
  After(2s);
  EXPECT_THAT(events_, ElementsAre("1000: a in", "1010: b in", "1020: c in"));
}

TEST_F(RateGateTest, QueuesThoseWhoComeRightAfterTheOpening) {
  gate_.OnLimited(1000ms);
  Come("waited");
  After(1000ms);
  EXPECT_FALSE(gate_.TryEnter(Priority::kOrdinary));
  Come("came later");
  After(10ms);
  EXPECT_THAT(events_, ElementsAre("1000: waited in", "1010: came later in"));
}

TEST_F(RateGateTest, IsAnOrdinaryOpenGateOnceItHasRecovered) {
  gate_.OnLimited(1000ms);
  After(2000ms);
  for (int call = 0; call < 100; ++call) EXPECT_TRUE(gate_.TryEnter(Priority::kOrdinary));
}

TEST_F(RateGateTest, KeepsBackTheRestWhenTheFirstIsRefusedAgain) {
  gate_.OnLimited(1000ms);
  for (const char* const name : {"a", "b", "c"}) Come(name);
  After(1000ms);
  EXPECT_TRUE(gate_.OnLimited(500ms));
  After(2s);
  EXPECT_THAT(events_, ElementsAre("1000: a in", "1500: b in", "1510: c in"));
}

TEST_F(RateGateTest, RefusesAtOnceWhoCannotWaitSoLong) {
  gate_.OnLimited(1000ms);
  Come("short", Priority::kOrdinary, 999ms);
  Come("exact", Priority::kOrdinary, 1000ms);
  Come("second", Priority::kOrdinary, 1000ms);
  EXPECT_THAT(events_, ElementsAre("0: short come again in 1000", "0: second come again in 1010"));
  After(1000ms);
  EXPECT_EQ(events_.back(), "1000: exact in");
}

TEST_F(RateGateTest, EndsAWaitThatIsStopped) {
  std::stop_source stop;
  gate_.OnLimited(1000ms);
  Come("a", Priority::kOrdinary, 60s, stop.get_token());
  After(300ms);
  stop.request_stop();
  EXPECT_THAT(events_, ElementsAre("300: a stopped"));
}

TEST_F(RateGateTest, LetsReservedCallsPassTheQueueOfTheOthers) {
  gate_.OnLimited(1000ms);
  for (const char* const name : {"a", "b", "c"}) Come(name);
  Come("resolves", Priority::kReserved);
  Come("resolves too", Priority::kReserved);
  After(2s);
  EXPECT_THAT(events_, ElementsAre("1000: a in", "1000: resolves in", "1010: b in",
                                   "1010: resolves too in", "1020: c in"));
}

TEST_F(RateGateTest, HoldsOrdinaryCallsOnlyWhileThereIsRoomForFew) {
  gate_.HoldOrdinary(1000ms);
  Come("ordinary");
  Come("resolves", Priority::kReserved);
  EXPECT_FALSE(gate_.IsClosed());
  After(1000ms);
  EXPECT_THAT(events_, ElementsAre("0: resolves in", "1000: ordinary in"));
}

TEST_F(RateGateTest, CountsOneClosingForAllThatWereSentBefore) {
  EXPECT_TRUE(gate_.OnLimited(1000ms));
  EXPECT_FALSE(gate_.OnLimited(1200ms));  // and the later time counts
  EXPECT_FALSE(gate_.OnLimited(100ms));
  Come("a");
  After(2s);
  EXPECT_THAT(events_, ElementsAre("1200: a in"));
}

TEST_F(RateGateTest, StaysOpenWhenNoWaitIsAskedFor) {
  EXPECT_FALSE(gate_.OnLimited(0ms));
  EXPECT_TRUE(gate_.TryEnter(Priority::kOrdinary));
}

TEST_F(RateGateTest, GuessesLongerEachTimeNoWaitIsStated) {
  // A second one of the same moment is no sign that the guess was too short.
  std::vector<Milliseconds> waits;
  for (int time = 0; time < 5; ++time) {
    EXPECT_TRUE(gate_.OnLimited(std::nullopt));
    EXPECT_FALSE(gate_.OnLimited(std::nullopt));
    Milliseconds wait{0};
    while (gate_.IsClosed()) {
      After(100ms);
      wait += 100ms;
    }
    waits.push_back(wait);
  }
  EXPECT_THAT(waits, ElementsAre(1000ms, 2000ms, 4000ms, 5000ms, 5000ms));

  gate_.OnPassed();
  gate_.OnLimited(std::nullopt);
  After(1000ms);
  EXPECT_FALSE(gate_.IsClosed());
}

}  // namespace
}  // namespace gateway
