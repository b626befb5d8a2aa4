#include "service/passfort/guarded_passfort_client.h"

#include <gmock/gmock.h>

#include <deque>
#include <list>
#include <string>
#include <vector>

#include "service/base/one_shot.h"
#include "tests/fakes/manual_clock.h"
#include "tests/fakes/run_to_completion.h"
#include "tests/fakes/scripted_random.h"

namespace gateway {
namespace {

using std::chrono::operator""ms;
using std::chrono::operator""s;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Cause = NotExecuted::Cause;

WriteAttempt Ends(CreateOutcome outcome) { return {.outcome = std::move(outcome)}; }
WriteAttempt Unreachable() { return Ends(NotExecuted{.cause = Cause::kUnreachable}); }
WriteAttempt Limited(Milliseconds retry_after) {
  return Ends(NotExecuted{.cause = Cause::kRateLimited,
                          .retry_after = retry_after,
                          .answer = ResponseSummary{.http_status = 429}});
}
ListOutcome EmptyList() { return ApplicationList(); }

// Ends each request as scripted, or well; probes fail until `answers` is set.
class ScriptedPassfort final : public PassfortClient {
 public:
  explicit ScriptedPassfort(ManualClock& clock) : clock_(clock) {}

  Task<WriteAttempt> CreateApplication(const ApplicationDraft&, const CallContext&,
                                       std::optional<BootTime>) override {
    ++posts;
    const Milliseconds takes = post_takes;
    WriteAttempt attempt = post_ends;
    if (takes > 0ms) co_await clock_.SleepUntil(clock_.Now() + takes, {});
    co_return attempt;
  }
  Task<ListOutcome> ListApplications(std::string, const CallContext&) override {
    ++lists;
    const Milliseconds takes = list_takes;
    ListOutcome outcome = list_ends;
    if (takes > 0ms) co_await clock_.SleepUntil(clock_.Now() + takes, {});
    co_return outcome;
  }
  Task<bool> Probe(const CallContext& context) override {
    ++probes;
    if (probes_hang) {
      co_await clock_.SleepUntil(context.deadline.at(), context.stop);
      co_return false;
    }
    co_return answers;
  }

  int posts = 0;
  int lists = 0;
  int probes = 0;
  WriteAttempt post_ends = Ends(Done{});
  Milliseconds post_takes{0};
  ListOutcome list_ends = EmptyList();
  Milliseconds list_takes{0};
  bool answers = false;
  bool probes_hang = false;

 private:
  ManualClock& clock_;
};

class GuardedPassfortClientTest : public testing::Test {
 protected:
  void TearDown() override {
    client_.Stop();
    EXPECT_EQ(clock_.sleepers(), 0u);
  }

  // One call to the end, which must need no wait.
  CreateOutcome Create(Milliseconds patience = 60s) {
    return RunToCompletion(
               client_.CreateApplication(draft_, {.deadline = clock_.In(patience)}, std::nullopt))
        .outcome;
  }
  ListOutcome List(std::string profile_id = "a", Priority priority = Priority::kNormal) {
    return RunToCompletion(client_.ListApplications(
        std::move(profile_id), {.deadline = clock_.In(60s), .priority = priority}));
  }
  ListOutcome ListToReconcile() { return List("a", Priority::kReconciliation); }

  CreateOutcome CreateFor(const std::string& profile_id) {
    const ApplicationDraft draft{.profile_id = profile_id};
    return RunToCompletion(
               client_.CreateApplication(draft, {.deadline = clock_.In(60s)}, std::nullopt))
        .outcome;
  }

  // Calls that may wait; their ends are in `ended_`.
  void StartCreate(std::string name, std::optional<BootTime> send_before = std::nullopt) {
    Spawn(CreateAndTell(std::move(name), send_before));
  }
  void StartList(std::string name, Priority priority = Priority::kNormal) {
    Spawn(ListAndTell(std::move(name), priority));
  }
  void FailFiveTimes() {
    passfort_.post_ends = Unreachable();
    for (int i = 0; i < 5; ++i) Create();
  }

  static std::optional<NotExecuted> FindNotExecuted(const CreateOutcome& outcome) {
    const auto* not_executed = std::get_if<NotExecuted>(&outcome);
    return not_executed == nullptr ? std::nullopt : std::optional(*not_executed);
  }

  ManualClock clock_;
  ScriptedRandom random_{{1.0}};
  Metrics metrics_;
  const std::unique_ptr<Log> log_ = Log::Discard();
  ScriptedPassfort passfort_{clock_};
  GuardedPassfortClient client_{{}, passfort_, clock_, random_, metrics_, *log_};
  std::vector<std::string> ended_;

 private:
  Task<void> CreateAndTell(std::string name, std::optional<BootTime> send_before) {
    const auto attempt =
        co_await client_.CreateApplication(draft_, {.deadline = clock_.In(60s)}, send_before);
    ended_.push_back(name + " " + std::string(OutcomeName(attempt.outcome)));
  }
  Task<void> ListAndTell(std::string name, Priority priority) {
    const auto outcome =
        co_await client_.ListApplications("a", {.deadline = clock_.In(60s), .priority = priority});
    ended_.push_back(name + (std::holds_alternative<ListFailed>(outcome) ? " failed" : " done"));
  }

  const ApplicationDraft draft_;
};

// The rate limiter.

TEST_F(GuardedPassfortClientTest, LetsAWriteWaitWhilePassfortLimitsWrites) {
  passfort_.post_ends = Limited(2s);
  EXPECT_TRUE(FindNotExecuted(Create()).has_value());
  passfort_.post_ends = Ends(Done{});

  StartCreate("waits");
  clock_.Advance(1999ms);
  EXPECT_THAT(ended_, IsEmpty());
  EXPECT_EQ(passfort_.posts, 1);
  clock_.Advance(1ms);
  EXPECT_THAT(ended_, ElementsAre("waits done"));
  EXPECT_EQ(passfort_.posts, 2);
}

TEST_F(GuardedPassfortClientTest, RefusesAWriteThatCannotWaitSoLong) {
  passfort_.post_ends = Limited(2s);
  Create();
  const auto refused = FindNotExecuted(Create(2049ms));
  ASSERT_TRUE(refused.has_value());
  EXPECT_EQ(refused->cause, Cause::kRateLimited);
  EXPECT_EQ(refused->retry_after, 2000ms);
  EXPECT_FALSE(refused->answer.has_value());  // our word, not Passfort's
  EXPECT_EQ(passfort_.posts, 1);
}

TEST_F(GuardedPassfortClientTest, DoesNotLetAWriteWaitBeyondItsRightToSend) {
  passfort_.post_ends = Limited(2s);
  Create();
  StartCreate("too late", clock_.BootNow() + 1999ms);
  EXPECT_THAT(ended_, ElementsAre("too late not_executed"));
  passfort_.post_ends = Ends(Done{});
  StartCreate("in time", clock_.BootNow() + 2000ms);
  clock_.Advance(2s);
  EXPECT_EQ(ended_.back(), "in time done");
}

TEST_F(GuardedPassfortClientTest, KeepsReadsAndWritesApart) {
  passfort_.post_ends = Limited(2s);
  Create();
  EXPECT_TRUE(std::holds_alternative<ApplicationList>(List()));
  clock_.Advance(10s);

  passfort_.list_ends =
      ListFailed{.not_executed = NotExecuted{.cause = Cause::kRateLimited, .retry_after = 2s}};
  List();
  passfort_.post_ends = Ends(Done{});
  EXPECT_TRUE(std::holds_alternative<Done>(Create()));
  passfort_.list_ends = EmptyList();
  StartList("waits");
  EXPECT_THAT(ended_, IsEmpty());
  clock_.Advance(2s);
  EXPECT_THAT(ended_, ElementsAre("waits done"));
}

TEST_F(GuardedPassfortClientTest, LetsOneCallAskAndReadsThatReconcileGoBeforeTheOthers) {
  passfort_.list_ends =
      ListFailed{.not_executed = NotExecuted{.cause = Cause::kRateLimited, .retry_after = 2s}};
  List();
  passfort_.list_ends = EmptyList();
  passfort_.list_takes = 300ms;
  for (const char* const name : {"a", "b", "c"}) StartList(name);
  StartList("reconciles", Priority::kReconciliation);
  clock_.Advance(2299ms);
  EXPECT_EQ(passfort_.lists, 2);
  clock_.Advance(1ms);
  EXPECT_EQ(passfort_.lists, 5);
  EXPECT_THAT(ended_, ElementsAre("reconciles done"));
  clock_.Advance(300ms);
  EXPECT_THAT(ended_, ElementsAre("reconciles done", "a done", "b done", "c done"));
}

TEST_F(GuardedPassfortClientTest, WaitsAgainWhenTheCallThatAsksIsLimitedToo) {
  passfort_.post_ends = Limited(2s);
  Create();
  for (const char* const name : {"a", "b", "c"}) StartCreate(name);
  clock_.Advance(2s);
  EXPECT_THAT(ended_, ElementsAre("a not_executed"));
  EXPECT_EQ(passfort_.posts, 2);
  passfort_.post_ends = Ends(Done{});
  clock_.Advance(1999ms);
  EXPECT_EQ(passfort_.posts, 2);
  clock_.Advance(1ms);
  EXPECT_THAT(ended_, ElementsAre("a not_executed", "b done", "c done"));
}

TEST_F(GuardedPassfortClientTest, LetsTheNextAskWhenTheOneThatAskedNeverGotThere) {
  passfort_.post_ends = Limited(2s);
  Create();
  for (const char* const name : {"a", "b"}) StartCreate(name);
  passfort_.post_ends = Unreachable();
  clock_.Advance(2s);
  EXPECT_THAT(ended_, ElementsAre("a not_executed", "b not_executed"));
}

TEST_F(GuardedPassfortClientTest, CountsTheClosings) {
  passfort_.post_ends = Limited(2s);
  Create();
  EXPECT_THAT(metrics_.Text(), HasSubstr("passfort_rate_limit_pauses_total{endpoint=\"POST "
                                         "/profiles/{profile_id}/applications\"} 1"));
}

// The circuit.

TEST_F(GuardedPassfortClientTest, RefusesCallsOnceFiveInARowHaveFailed) {
  FailFiveTimes();
  EXPECT_TRUE(client_.CircuitIsOpen());
  const auto refused = FindNotExecuted(Create());
  ASSERT_TRUE(refused.has_value());
  EXPECT_EQ(refused->cause, Cause::kCircuitOpen);
  EXPECT_EQ(refused->retry_after, 250ms);
  const auto list = std::get<ListFailed>(List());
  EXPECT_EQ(list.not_executed->cause, Cause::kCircuitOpen);
  EXPECT_EQ(std::get<ListFailed>(ListToReconcile()).not_executed->cause, Cause::kCircuitOpen);
  EXPECT_EQ(passfort_.posts, 5);
  EXPECT_EQ(passfort_.lists, 0);
  EXPECT_THAT(metrics_.Text(), HasSubstr("passfort_circuit_open 1"));
}

TEST_F(GuardedPassfortClientTest, ProbesOneAfterAnotherWithLongerPausesUntilItIsAnswered) {
  FailFiveTimes();
  std::vector<int> probes;
  // At 250, 750, 1750, 3750, 5750 ms.
  for (const auto step : {249ms, 1ms, 499ms, 1ms, 999ms, 1ms, 1999ms, 1ms, 1999ms, 1ms}) {
    clock_.Advance(step);
    probes.push_back(passfort_.probes);
  }
  EXPECT_THAT(probes, ElementsAre(0, 1, 1, 2, 2, 3, 3, 4, 4, 5));

  passfort_.answers = true;
  passfort_.post_ends = Ends(Done{});
  clock_.Advance(2s);
  EXPECT_FALSE(client_.CircuitIsOpen());
  EXPECT_TRUE(std::holds_alternative<Done>(Create()));
  EXPECT_THAT(metrics_.Text(), HasSubstr("passfort_circuit_open 0"));
  clock_.Advance(60s);
  EXPECT_EQ(passfort_.probes, 6);
}

TEST_F(GuardedPassfortClientTest, IsOpenAgainForCallersWithinFiveSecondsOfTheOutagesEnd) {
  passfort_.probes_hang = true;
  FailFiveTimes();
  clock_.Advance(60s);
  // Whatever the probe in flight is doing at that moment.
  for (Milliseconds later{0}; later < 4s; later += 100ms) {
    clock_.Advance(100ms);
    passfort_.probes_hang = false;
    passfort_.answers = true;
    clock_.Advance(5s - 1ms);
    ASSERT_FALSE(client_.CircuitIsOpen()) << later.count();
    passfort_.probes_hang = true;
    FailFiveTimes();
    clock_.Advance(60s + later);
  }
}

TEST_F(GuardedPassfortClientTest, TellsCallersWhenTheNextProbeIsDue) {
  FailFiveTimes();
  clock_.Advance(1751ms);
  EXPECT_EQ(FindNotExecuted(Create())->retry_after, 1999ms);
}

TEST_F(GuardedPassfortClientTest, EndsItsProbingWhenItIsStopped) {
  passfort_.probes_hang = true;
  FailFiveTimes();
  clock_.Advance(300ms);
  EXPECT_EQ(passfort_.probes, 1);
  client_.Stop();
  EXPECT_EQ(clock_.sleepers(), 0u);
}

TEST_F(GuardedPassfortClientTest, IsNotOpenedAgainByRequestsOfTheOutage) {
  passfort_.post_takes = 20s;
  passfort_.post_ends = Unreachable();
  for (int i = 0; i < 10; ++i) StartCreate("hung");
  passfort_.post_takes = 0s;
  FailFiveTimes();
  passfort_.answers = true;
  clock_.Advance(250ms);
  ASSERT_FALSE(client_.CircuitIsOpen());
  clock_.Advance(20s);
  EXPECT_EQ(ended_.size(), 10u);
  EXPECT_FALSE(client_.CircuitIsOpen());
}

TEST_F(GuardedPassfortClientTest, RefusesWhoWaitedAtTheRateGateWhileItOpened) {
  passfort_.post_ends = Limited(1s);
  Create();
  passfort_.list_ends = ListFailed{.not_executed = NotExecuted{}};
  StartCreate("waits");
  for (int i = 0; i < 5; ++i) List(std::to_string(i));
  ASSERT_TRUE(client_.CircuitIsOpen());
  clock_.Advance(1s);
  EXPECT_THAT(ended_, ElementsAre("waits not_executed"));
  EXPECT_EQ(passfort_.posts, 1);
}

struct VerdictCase {
  std::string name;
  CreateOutcome outcome;
  Milliseconds takes;
  bool is_failure;
};

void PrintTo(const VerdictCase& test_case, std::ostream* out) { *out << test_case.name; }

class VerdictTest : public GuardedPassfortClientTest,
                    public testing::WithParamInterface<VerdictCase> {};

TEST_P(VerdictTest, OnlyFailuresOfPassfortOpenTheCircuit) {
  passfort_.post_ends = Ends(GetParam().outcome);
  passfort_.post_takes = GetParam().takes;
  for (int i = 0; i < 5; ++i) {
    StartCreate("call");
    clock_.Advance(GetParam().takes);
    clock_.Advance(20ms);
  }
  EXPECT_EQ(client_.CircuitIsOpen(), GetParam().is_failure);
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
      {"Refused", Refused{.answer = {.http_status = 404}}, 0ms, false},
      {"RateLimited",
       NotExecuted{.cause = Cause::kRateLimited,
                   .retry_after = 0ms,
                   .answer = ResponseSummary{.http_status = 429}},
       0ms, false},
      {"Done", Done{}, 0ms, false},
  };
}

INSTANTIATE_TEST_SUITE_P(Outcomes, VerdictTest, testing::ValuesIn(VerdictCases()),
                         [](const auto& info) { return info.param.name; });

// One bad profile, and all of Passfort.

WriteAttempt Answered(int status) {
  return Ends(Ambiguous{.cause = Ambiguous::Cause::kServerError,
                        .answer = ResponseSummary{.http_status = status}});
}

TEST_F(GuardedPassfortClientTest, IsNotOpenedByServerErrorsOfOneProfile) {
  passfort_.post_ends = Answered(500);
  for (int i = 0; i < 100; ++i) CreateFor("bad");
  EXPECT_FALSE(client_.CircuitIsOpen());
  passfort_.post_ends = Ends(Done{});
  EXPECT_TRUE(std::holds_alternative<Done>(CreateFor("good")));
}

TEST_F(GuardedPassfortClientTest, IsOpenedByServerErrorsOfFiveProfiles) {
  for (const int status : {500, 503, 408, 502}) {
    passfort_.post_ends = Answered(status);
    CreateFor(std::to_string(status));
  }
  EXPECT_FALSE(client_.CircuitIsOpen());
  CreateFor("the fifth");
  EXPECT_TRUE(client_.CircuitIsOpen());
}

TEST_F(GuardedPassfortClientTest, IsNotOpenedByWholeResponsesWithoutAServerError) {
  for (const int status : {200, 302, 404, 499}) {
    passfort_.post_ends = Answered(status);
    for (int i = 0; i < 30; ++i) CreateFor(std::to_string(i));
    EXPECT_FALSE(client_.CircuitIsOpen()) << status;
  }
}

TEST_F(GuardedPassfortClientTest, CountsReadsAsWell) {
  const auto list_all = [this] {
    for (int i = 0; i < 10; ++i) List(std::to_string(i));
    return client_.CircuitIsOpen();
  };
  const auto failed = [](std::optional<int> status) {
    NotExecuted not_executed;
    if (status) not_executed.answer = ResponseSummary{.http_status = *status};
    return ListFailed{.not_executed = not_executed};
  };
  passfort_.list_ends = failed(200);  // and yet no list
  EXPECT_FALSE(list_all());
  for (const Cause cause : {Cause::kUnreadable, Cause::kResponseTooLarge}) {
    passfort_.list_ends = ListFailed{.not_executed = NotExecuted{.cause = cause}};
    EXPECT_FALSE(list_all());
  }
  passfort_.list_ends = ListFailed{.refusal = ResponseSummary{.http_status = 404}};
  EXPECT_FALSE(list_all());
  passfort_.list_ends = failed(502);
  for (int i = 0; i < 10; ++i) List("bad");
  EXPECT_FALSE(client_.CircuitIsOpen());
  EXPECT_TRUE(list_all());
}

TEST_F(GuardedPassfortClientTest, IsOpenedByListsThatHangForHalfOfTheirTime) {
  passfort_.list_ends = ListFailed{.not_executed = NotExecuted{.cause = Cause::kNoTimeLeft}};
  const auto hang = [this](Milliseconds time) {
    passfort_.list_takes = time;
    for (int i = 0; i < 5; ++i) StartList("list");
    clock_.Advance(time);
  };
  hang(2499ms);
  EXPECT_FALSE(client_.CircuitIsOpen());
  hang(2500ms);
  EXPECT_TRUE(client_.CircuitIsOpen());
}

TEST_F(GuardedPassfortClientTest, IsNotOpenedByOneProfileThatHangsWhileOthersAreAnswered) {
  CreateFor("good");
  passfort_.post_ends = Ends(Ambiguous{.cause = Ambiguous::Cause::kConnectionLost});
  passfort_.list_ends = ListFailed{.not_executed = NotExecuted{}};
  for (int i = 0; i < 30; ++i) {
    CreateFor("bad");
    List("bad");
  }
  EXPECT_FALSE(client_.CircuitIsOpen());
  for (int i = 0; i < 5; ++i) List(std::to_string(i));
  EXPECT_TRUE(client_.CircuitIsOpen());
}

// While GET /whoami is broken.

TEST_F(GuardedPassfortClientTest, IsClosedByACallThatWorksWhileWhoAmIIsBroken) {
  for (const bool hangs : {false, true}) {
    passfort_.probes_hang = hangs;
    FailFiveTimes();
    const int posts = passfort_.posts;
    passfort_.post_ends = Ends(Done{});
    clock_.Advance(4999ms);
    EXPECT_EQ(FindNotExecuted(Create())->cause, Cause::kCircuitOpen);
    EXPECT_EQ(passfort_.posts, posts);
    clock_.Advance(1ms);
    EXPECT_TRUE(std::holds_alternative<Done>(Create()));
    EXPECT_FALSE(client_.CircuitIsOpen());
    EXPECT_EQ(clock_.sleepers(), 0u);  // nobody probes any more
    EXPECT_THAT(metrics_.Text(), HasSubstr("passfort_circuit_open 0"));
  }
}

TEST_F(GuardedPassfortClientTest, IsClosedAtMostOneIntervalAfterTheOutageWhateverHangs) {
  passfort_.probes_hang = true;
  FailFiveTimes();
  // Calls come all the time; those that are let through hang.
  passfort_.post_takes = 65s;
  for (int i = 0; i < 300; ++i) {
    StartCreate("call");
    clock_.Advance(100ms);
  }
  EXPECT_EQ(passfort_.posts, 5 + 5);  // at 5, 10, ... 25 s
  passfort_.post_takes = 0s;
  passfort_.post_ends = Ends(Done{});
  int refused = 0;
  while (FindNotExecuted(Create()) && refused < 100) {
    ++refused;
    clock_.Advance(100ms);
  }
  EXPECT_LE(refused, 50);
  EXPECT_FALSE(client_.CircuitIsOpen());
  clock_.Advance(65s);
  EXPECT_FALSE(client_.CircuitIsOpen());
}

TEST_F(GuardedPassfortClientTest, LetsAReadThatReconcilesThroughAnOpenCircuitEachSecond) {
  FailFiveTimes();
  passfort_.list_ends = ListFailed{.not_executed = NotExecuted{}};
  for (int i = 0; i < 100; ++i) {
    clock_.Advance(100ms);
    ListToReconcile();
  }
  EXPECT_EQ(passfort_.lists, 10);
  passfort_.list_ends = EmptyList();
  clock_.Advance(900ms);
  ListToReconcile();
  EXPECT_TRUE(client_.CircuitIsOpen());
  clock_.Advance(100ms);
  EXPECT_TRUE(std::holds_alternative<ApplicationList>(ListToReconcile()));
  EXPECT_FALSE(client_.CircuitIsOpen());
}

TEST_F(GuardedPassfortClientTest, NeverRefusesWhenTheBreakerIsOff) {
  GuardedPassfortClient without_breaker({.circuit_breaker = GuardedPassfortClient::Breaker::kOff},
                                        passfort_, clock_, random_, metrics_, *log_);
  passfort_.post_ends = Unreachable();
  const ApplicationDraft draft;
  for (int i = 0; i < 100; ++i) {
    RunToCompletion(
        without_breaker.CreateApplication(draft, {.deadline = clock_.In(60s)}, std::nullopt));
  }
  EXPECT_EQ(passfort_.posts, 100);
  EXPECT_EQ(passfort_.probes, 0);
}

}  // namespace
}  // namespace gateway
