// Calls are refused while Passfort fails.
#include <gmock/gmock.h>

#include "tests/unit/passfort/throttled_transport_fixture.h"

namespace gateway {
namespace {

using std::chrono::operator""ms;
using std::chrono::operator""s;
using testing::ElementsAre;
using testing::HasSubstr;
using Cause = NotExecuted::Cause;

TEST_F(ThrottledTransportTest, RefusesCallsOnceFiveInARowHaveFailed) {
  FailFiveTimes();
  EXPECT_TRUE(transport_.CircuitIsOpen());
  const auto refused = FindNotExecuted(Create());
  ASSERT_TRUE(refused.has_value());
  EXPECT_EQ(refused->cause, Cause::kCircuitOpen);
  EXPECT_EQ(refused->retry_after, 250ms);
  EXPECT_EQ(FindNotExecuted(List())->cause, Cause::kCircuitOpen);
  EXPECT_EQ(FindNotExecuted(ListToReconcile())->cause, Cause::kCircuitOpen);
  EXPECT_EQ(passfort_.posts.calls, 5);
  EXPECT_EQ(passfort_.lists.calls, 0);
  EXPECT_THAT(metrics_.Text(), HasSubstr("passfort_circuit_open 1"));
}

TEST_F(ThrottledTransportTest, ProbesOneAfterAnotherWithLongerPausesUntilItIsAnswered) {
  FailFiveTimes();
  std::vector<int> probes;
  // At 250, 750, 1750, 3750, 5750 ms.
  for (const auto step : {249ms, 1ms, 499ms, 1ms, 999ms, 1ms, 1999ms, 1ms, 1999ms, 1ms}) {
    clock_.Advance(step);
    probes.push_back(passfort_.probes);
  }
  EXPECT_THAT(probes, ElementsAre(0, 1, 1, 2, 2, 3, 3, 4, 4, 5));

  passfort_.answers = true;
  passfort_.posts.end = ApiResponse{};
  clock_.Advance(2s);
  EXPECT_FALSE(transport_.CircuitIsOpen());
  EXPECT_TRUE(IsAnswered(Create()));
  EXPECT_THAT(metrics_.Text(), HasSubstr("passfort_circuit_open 0"));
  clock_.Advance(60s);
  EXPECT_EQ(passfort_.probes, 6);
}

TEST_F(ThrottledTransportTest, IsOpenAgainForCallersWithinFiveSecondsOfTheOutagesEnd) {
  passfort_.probes_hang = true;
  FailFiveTimes();
  clock_.Advance(60s);
  // Whatever the probe in flight is doing at that moment.
  for (Milliseconds later{0}; later < 4s; later += 100ms) {
    clock_.Advance(100ms);
    passfort_.probes_hang = false;
    passfort_.answers = true;
    clock_.Advance(5s - 1ms);
    ASSERT_FALSE(transport_.CircuitIsOpen()) << later.count();
    passfort_.probes_hang = true;
    FailFiveTimes();
    clock_.Advance(60s + later);
  }
}

TEST_F(ThrottledTransportTest, TellsCallersWhenTheNextProbeIsDue) {
  FailFiveTimes();
  clock_.Advance(1751ms);
  EXPECT_EQ(FindNotExecuted(Create())->retry_after, 1999ms);
}

TEST_F(ThrottledTransportTest, EndsItsProbingWhenItIsStopped) {
  passfort_.probes_hang = true;
  FailFiveTimes();
  clock_.Advance(300ms);
  EXPECT_EQ(passfort_.probes, 1);
  transport_.Stop();
  EXPECT_EQ(clock_.sleepers(), 0u);
}

TEST_F(ThrottledTransportTest, IsNotOpenedAgainByRequestsOfTheOutage) {
  passfort_.posts.takes = 20s;
  passfort_.posts.end = NotExecuted{};
  for (int i = 0; i < 10; ++i) StartCreate("hung");
  passfort_.posts.takes = 0s;
  FailFiveTimes();
  passfort_.answers = true;
  clock_.Advance(250ms);
  ASSERT_FALSE(transport_.CircuitIsOpen());
  clock_.Advance(20s);
  EXPECT_EQ(ended_.size(), 10u);
  EXPECT_FALSE(transport_.CircuitIsOpen());
}

TEST_F(ThrottledTransportTest, RefusesWhoWaitedAtTheRateGateWhileItOpened) {
  passfort_.posts.end = Limited(1s);
  Create();
  passfort_.lists.end = NotExecuted{};
  StartCreate("waits");
  for (int i = 0; i < 5; ++i) List(std::to_string(i));
  ASSERT_TRUE(transport_.CircuitIsOpen());
  clock_.Advance(1s);
  EXPECT_THAT(ended_, ElementsAre("waits not_executed"));
  EXPECT_EQ(passfort_.posts.calls, 1);
}

struct VerdictCase {
  std::string name;
  ApiOutcome outcome;
  Milliseconds takes;
  bool is_failure;
};

void PrintTo(const VerdictCase& test_case, std::ostream* out) { *out << test_case.name; }

class VerdictTest : public ThrottledTransportTest,
                    public testing::WithParamInterface<VerdictCase> {};

TEST_P(VerdictTest, OnlyFailuresOfPassfortOpenTheCircuit) {
  passfort_.posts.end = GetParam().outcome;
  passfort_.posts.takes = GetParam().takes;
  for (int i = 0; i < 5; ++i) {
    StartCreate("call");
    clock_.Advance(GetParam().takes);
    clock_.Advance(20ms);
  }
  EXPECT_EQ(transport_.CircuitIsOpen(), GetParam().is_failure);
}

std::vector<VerdictCase> VerdictCases() {
  using Why = Ambiguous::Cause;
  const auto not_done = [](Cause cause) { return NotExecuted{.cause = cause}; };
  const auto unknown = [](Why cause) { return Ambiguous{.cause = cause}; };
  return {
      {"Unreachable", not_done(Cause::kUnreachable), 0ms, true},
      {"ConnectionLost", unknown(Why::kConnectionLost), 0ms, true},
      {"LostOnReuse", Ambiguous{.lost_on_reuse = true}, 0ms, false},
      {"LostOnReuseBeforeTheBody", NotExecuted{.lost_on_reuse = true}, 0ms, false},
      {"Unreadable", unknown(Why::kUnreadable), 0ms, false},
      {"TimeoutAfterAFairWait", unknown(Why::kTimeout), 10s, true},
      {"TimeoutOfACallerInAHurry", unknown(Why::kTimeout), 9999ms, false},
      {"NoTimeLeft", not_done(Cause::kNoTimeLeft), 0ms, false},
      {"Stopped", unknown(Why::kStopped), 0ms, false},
      {"StoppedBefore", not_done(Cause::kStopped), 0ms, false},
      {"SendGate", not_done(Cause::kSendGateClosed), 0ms, false},
      {"NoMemory", not_done(Cause::kNoMemory), 10s, false},
      {"AnswerTooLarge", unknown(Why::kResponseTooLarge), 0ms, false},
      {"Refused", Refused{.response = {.http_status = 404}}, 0ms, false},
      {"RateLimited",
       NotExecuted{.cause = Cause::kRateLimited,
                   .retry_after = 0ms,
                   .response = ResponseSummary{.http_status = 429}},
       0ms, false},
      {"Done", ApiResponse{}, 0ms, false},
  };
}

INSTANTIATE_TEST_SUITE_P(Outcomes, VerdictTest, testing::ValuesIn(VerdictCases()),
                         [](const auto& info) { return info.param.name; });

// Callers' reads have callers' deadlines: those in a hurry must not keep writes from Passfort.
TEST_F(ThrottledTransportTest, IsNotOpenedByReadsOfCallersInAHurry) {
  passfort_.lists.end = NotExecuted{.cause = Cause::kNoTimeLeft};
  const auto hang = [this](Milliseconds time) {
    passfort_.lists.takes = time;
    for (int i = 0; i < 5; ++i) {
      StartGet("read");
      clock_.Advance(time);
      clock_.Advance(20ms);
    }
  };
  hang(9999ms);
  EXPECT_FALSE(transport_.CircuitIsOpen());
  hang(10s);
  EXPECT_TRUE(transport_.CircuitIsOpen());
}

// One bad profile, and all of Passfort.

Ambiguous ResponseWith(int status) {
  return {.cause = Ambiguous::Cause::kServerError,
          .response = ResponseSummary{.http_status = status}};
}

TEST_F(ThrottledTransportTest, IsNotOpenedByServerErrorsOfOneProfile) {
  passfort_.posts.end = ResponseWith(500);
  for (int i = 0; i < 100; ++i) CreateFor("bad");
  EXPECT_FALSE(transport_.CircuitIsOpen());
  passfort_.posts.end = ApiResponse{};
  EXPECT_TRUE(IsAnswered(CreateFor("good")));
}

TEST_F(ThrottledTransportTest, IsOpenedByServerErrorsOfFiveProfiles) {
  for (const int status : {500, 503, 408, 502}) {
    passfort_.posts.end = ResponseWith(status);
    CreateFor(std::to_string(status));
  }
  EXPECT_FALSE(transport_.CircuitIsOpen());
  CreateFor("the fifth");
  EXPECT_TRUE(transport_.CircuitIsOpen());
}

TEST_F(ThrottledTransportTest, IsNotOpenedByWholeResponsesWithoutAServerError) {
  for (const int status : {200, 302, 404, 499}) {
    passfort_.posts.end = ResponseWith(status);
    for (int i = 0; i < 30; ++i) CreateFor(std::to_string(i));
    EXPECT_FALSE(transport_.CircuitIsOpen()) << status;
  }
}

TEST_F(ThrottledTransportTest, CountsReadsAsWell) {
  const auto list_all = [this] {
    for (int i = 0; i < 10; ++i) List(std::to_string(i));
    return transport_.CircuitIsOpen();
  };
  const auto failed = [](int status) {
    return NotExecuted{.response = ResponseSummary{.http_status = status}};
  };
  passfort_.lists.end = failed(200);  // and yet no list
  EXPECT_FALSE(list_all());
  for (const Cause cause : {Cause::kUnreadable, Cause::kResponseTooLarge}) {
    passfort_.lists.end = NotExecuted{.cause = cause};
    EXPECT_FALSE(list_all());
  }
  passfort_.lists.end = Refused{.response = {.http_status = 404}};
  EXPECT_FALSE(list_all());
  passfort_.lists.end = failed(502);
  for (int i = 0; i < 10; ++i) List("bad");
  EXPECT_FALSE(transport_.CircuitIsOpen());
  EXPECT_TRUE(list_all());
}

TEST_F(ThrottledTransportTest, IsOpenedByListsThatHangForHalfOfTheirTime) {
  passfort_.lists.end = NotExecuted{.cause = Cause::kNoTimeLeft};
  const auto hang = [this](Milliseconds time) {
    passfort_.lists.takes = time;
    for (int i = 0; i < 5; ++i) StartList("list");
    clock_.Advance(time);
  };
  hang(2499ms);
  EXPECT_FALSE(transport_.CircuitIsOpen());
  hang(2500ms);
  EXPECT_TRUE(transport_.CircuitIsOpen());
}

TEST_F(ThrottledTransportTest, IsNotOpenedByOneProfileThatHangsWhileOthersAreAnswered) {
  CreateFor("good");
  passfort_.posts.end = Ambiguous{.cause = Ambiguous::Cause::kConnectionLost};
  passfort_.lists.end = NotExecuted{};
  for (int i = 0; i < 30; ++i) {
    CreateFor("bad");
    List("bad");
  }
  EXPECT_FALSE(transport_.CircuitIsOpen());
  for (int i = 0; i < 5; ++i) List(std::to_string(i));
  EXPECT_TRUE(transport_.CircuitIsOpen());
}

// While GET /whoami is broken.

TEST_F(ThrottledTransportTest, IsClosedByACallThatWorksWhileWhoAmIIsBroken) {
  for (const bool hangs : {false, true}) {
    passfort_.probes_hang = hangs;
    FailFiveTimes();
    const int posts = passfort_.posts.calls;
    passfort_.posts.end = ApiResponse{};
    clock_.Advance(4999ms);
    EXPECT_EQ(FindNotExecuted(Create())->cause, Cause::kCircuitOpen);
    EXPECT_EQ(passfort_.posts.calls, posts);
    clock_.Advance(1ms);
    EXPECT_TRUE(IsAnswered(Create()));
    EXPECT_FALSE(transport_.CircuitIsOpen());
    EXPECT_EQ(clock_.sleepers(), 0u);  // nobody probes any more
    EXPECT_THAT(metrics_.Text(), HasSubstr("passfort_circuit_open 0"));
  }
}

TEST_F(ThrottledTransportTest, IsClosedAtMostOneIntervalAfterTheOutageWhateverHangs) {
  passfort_.probes_hang = true;
  FailFiveTimes();
  // Calls come all the time; those that are let through hang.
  passfort_.posts.takes = 65s;
  for (int i = 0; i < 300; ++i) {
    StartCreate("call");
    clock_.Advance(100ms);
  }
  EXPECT_EQ(passfort_.posts.calls, 5 + 5);  // at 5, 10, ... 25 s
  passfort_.posts.takes = 0s;
  passfort_.posts.end = ApiResponse{};
  int refused = 0;
  while (FindNotExecuted(Create()) && refused < 100) {
    ++refused;
    clock_.Advance(100ms);
  }
  EXPECT_LE(refused, 50);
  EXPECT_FALSE(transport_.CircuitIsOpen());
  clock_.Advance(65s);
  EXPECT_FALSE(transport_.CircuitIsOpen());
}

TEST_F(ThrottledTransportTest, LetsAReadThatReconcilesThroughAnOpenCircuitEachSecond) {
  FailFiveTimes();
  passfort_.lists.end = NotExecuted{};
  for (int i = 0; i < 100; ++i) {
    clock_.Advance(100ms);
    ListToReconcile();
  }
  EXPECT_EQ(passfort_.lists.calls, 10);
  passfort_.lists.end = ApiResponse{};
  clock_.Advance(900ms);
  ListToReconcile();
  EXPECT_TRUE(transport_.CircuitIsOpen());
  clock_.Advance(100ms);
  EXPECT_TRUE(IsAnswered(ListToReconcile()));
  EXPECT_FALSE(transport_.CircuitIsOpen());
}

TEST_F(ThrottledTransportTest, NeverRefusesWhenTheBreakerIsOff) {
  ThrottledTransport without_breaker({.circuit_breaker = ThrottledTransport::Breaker::kOff},
                                     passfort_, clock_, random_, trace_ids_, metrics_, *log_);
  passfort_.posts.end = NotExecuted{};
  for (int i = 0; i < 100; ++i) {
    RunToCompletion(without_breaker.Call(kCreateApplication, {}, {.deadline = clock_.In(60s)}));
  }
  EXPECT_EQ(passfort_.posts.calls, 100);
  EXPECT_EQ(passfort_.probes, 0);
}

}  // namespace
}  // namespace gateway
