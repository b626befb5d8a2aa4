// Random calls to a Passfort that works, limits, fails, hangs and recovers. Whatever came before,
// calls pass again within a bound once it works, and the guards keep their order meanwhile.

#include <gtest/gtest.h>

#include <algorithm>
#include <list>
#include <random>
#include <string>
#include <vector>

#include "service/passfort/product_application_client.h"
#include "service/passfort/throttled_transport.h"
#include "service/passfort/whoami.h"
#include "tests/fakes/manual_clock.h"
#include "tests/fakes/run_to_completion.h"
#include "tests/fakes/scripted_random.h"

namespace gateway {
namespace {

using std::chrono::operator""ms;
using std::chrono::operator""s;
using Cause = NotExecuted::Cause;

constexpr int kHistories = 300;
constexpr int kProfiles = 12;

int Pick(std::mt19937& random, int below) {
  return std::uniform_int_distribution<int>(0, below - 1)(random);
}

// Behaves as its mood says, which changes.
class MoodyPassfort final : public ApiTransport {
 public:
  enum class Mood { kWorks, kLimits, kLimitsAbsurdly, kFails, kFailsSome, kHangs, kIsGone };

  MoodyPassfort(ManualClock& clock, std::mt19937& random) : clock_(clock), random_(random) {}

  Task<ApiResult> Call(const ApiEndpoint& endpoint, ApiRequest request,
                       const CallContext& context) override {
    if (&endpoint == &kWhoAmI) return Probe(context);
    return endpoint.is_write() ? Create(request.profile_id == "0", context) : List();
  }

  void Become(Mood mood) { mood_ = mood; }

  bool whoami_is_broken = false;

 private:
  Task<ApiResult> Create(bool is_bad, const CallContext& context) {
    const Mood mood = mood_;
    const SteadyTime answered = clock_.Now() + Milliseconds(1 + Pick(random_, 400));
    const bool hangs = mood == Mood::kHangs;
    const SteadyTime deadline = context.deadline.at();
    const auto wake =
        co_await clock_.SleepUntil(hangs ? deadline : std::min(answered, deadline), context.stop);
    if (wake == Clock::SleepResult::kStopped) {
      co_return ApiResult{Ambiguous{.cause = Ambiguous::Cause::kStopped}};
    }
    if (hangs || answered > deadline) {
      co_return ApiResult{Ambiguous{.cause = Ambiguous::Cause::kTimeout}};
    }
    co_return ApiResult{Answer(mood, is_bad)};
  }
  Task<ApiResult> List() {
    const bool works = mood_ == Mood::kWorks;
    co_await clock_.SleepUntil(clock_.Now() + 20ms, {});
    co_return ApiResult{works ? ApiOutcome(ApiResponse{}) : NotExecuted{}};
  }
  Task<ApiResult> Probe(const CallContext& context) {
    EXPECT_EQ(++probes_, 1) << "two probes at a time";
    const bool works = mood_ == Mood::kWorks && !whoami_is_broken;
    co_await clock_.SleepUntil(works ? clock_.Now() + 20ms : context.deadline.at(), context.stop);
    --probes_;
    co_return ApiResult{works ? ApiOutcome(ApiResponse{}) : NotExecuted{}};
  }

  ApiOutcome Answer(Mood mood, bool is_bad) {
    switch (mood) {
      case Mood::kLimits:
      case Mood::kLimitsAbsurdly: {
        const int wait = mood == Mood::kLimits ? Pick(random_, 3000) : 60000;
        NotExecuted limited{.cause = Cause::kRateLimited,
                            .response = ResponseSummary{.http_status = 429}};
        if (wait >= 300) limited.retry_after = Milliseconds(wait);
        return limited;
      }
      case Mood::kIsGone:
        return NotExecuted{.cause = Cause::kUnreachable};
      case Mood::kFailsSome:
        if (Pick(random_, 2) == 0) return ApiResponse{};
        break;
      case Mood::kFails:
        break;
      default:
        if (!is_bad) return ApiResponse{};
    }
    return Ambiguous{.cause = Ambiguous::Cause::kServerError,
                     .response = ResponseSummary{.http_status = 500}};
  }

  ManualClock& clock_;
  std::mt19937& random_;
  Mood mood_ = Mood::kWorks;
  int probes_ = 0;
};

class History {
 public:
  explicit History(unsigned seed) : random_(seed) {}

  void Run() {
    passfort_.whoami_is_broken = Pick(random_, 2) == 0;
    for (int phase = 0; phase < 6; ++phase) {
      passfort_.Become(static_cast<MoodyPassfort::Mood>(Pick(random_, 7)));
      for (int step = Pick(random_, 200); step > 0; --step) Step();
    }
    Recover();
    transport_.Stop();
    for (auto& stop : stops_) stop.request_stop();
    clock_.Advance(200s);
    EXPECT_EQ(begun_, ended_) << "a call never ended";
    EXPECT_EQ(clock_.sleepers(), 0u);
  }

 private:
  void Step() {
    if (Pick(random_, 3) != 0) {
      const Milliseconds patience = Pick(random_, 4) == 0 ? Milliseconds(Pick(random_, 3000)) : 65s;
      Start(std::to_string(Pick(random_, kProfiles)), patience);
    }
    if (Pick(random_, 10) == 0) Spawn(Reconcile());
    if (Pick(random_, 20) == 0 && !stops_.empty()) stops_.back().request_stop();
    clock_.Advance(Milliseconds(Pick(random_, 3) == 0 ? Pick(random_, 1000) : Pick(random_, 20)));
  }

  // However it stands: with calls coming, one of them is done within the cap of a pause, or within
  // an interval of trials, and the time of a call.
  void Recover() {
    passfort_.Become(MoodyPassfort::Mood::kWorks);
    done_ = 0;
    counted_from_ = begun_;
    const SteadyTime bound = clock_.Now() + 60s + 5s + 1s;
    while (done_ == 0 && clock_.Now() < bound) {
      Start("1", 65s);
      clock_.Advance(100ms);
    }
    EXPECT_GT(done_, 0) << "stuck";
    clock_.Advance(70s);
    // What hung has ended now, and may have opened the circuit once more: one call closes it. From
    // then on every call passes at once.
    Start("1", 65s);
    clock_.Advance(1s);
    done_ = 0;
    for (int call = 0; call < 20; ++call) Start("1", 65s);
    clock_.Advance(1s);
    EXPECT_EQ(done_, 20);
  }

  void Start(std::string profile_id, Milliseconds patience) {
    stops_.emplace_back();
    Spawn(Call(std::move(profile_id), patience, stops_.back().get_token()));
  }

  Task<void> Call(std::string profile_id, Milliseconds patience, std::stop_token stop) {
    const int number = begun_++;
    const SteadyTime deadline = clock_.Now() + patience;
    const CallContext context{.deadline = Deadline(deadline), .stop = stop};
    const ApiResult result =
        co_await transport_.Call(kCreateApplication, {.profile_id = profile_id}, context);
    ++ended_;
    EXPECT_LE(clock_.Now(), deadline);
    if (std::holds_alternative<ApiResponse>(result.outcome) && number >= counted_from_) ++done_;
    const auto* not_executed = std::get_if<NotExecuted>(&result.outcome);
    if (not_executed == nullptr || not_executed->response) co_return;
    if (not_executed->cause == Cause::kRateLimited || not_executed->cause == Cause::kCircuitOpen) {
      EXPECT_GT(not_executed->retry_after.value_or(0ms), 0ms);
      EXPECT_LE(not_executed->retry_after.value_or(0ms), 60s);
    }
  }

  Task<void> Reconcile() {
    ++begun_;
    const CallContext context{.deadline = clock_.In(10s), .priority = Priority::kReconciliation};
    co_await transport_.Call(kListApplications, {.profile_id = "1"}, context);
    ++ended_;
  }

  std::mt19937 random_;
  ManualClock clock_;
  ScriptedRandom fractions_{{1.0}};
  Metrics metrics_;
  const std::unique_ptr<Log> log_ = Log::Discard();
  MoodyPassfort passfort_{clock_, random_};
  ScriptedRandom trace_random_{{1.0}};
  TraceIds trace_ids_{trace_random_};
  ThrottledTransport transport_{{}, passfort_, clock_, fractions_, trace_ids_, metrics_, *log_};
  std::list<std::stop_source> stops_;
  int begun_ = 0;
  int ended_ = 0;
  // Calls that were done, of those from the given one on.
  int done_ = 0;
  int counted_from_ = 0;
};

TEST(GuardsPropertyTest, LetCallsPassAgainWheneverPassfortWorks) {
  for (unsigned seed = 0; seed < kHistories; ++seed) {
    SCOPED_TRACE("history " + std::to_string(seed));
    History(seed).Run();
    if (testing::Test::HasFailure()) return;
  }
}

// The gate alone, against a model of it: who goes through, and in which order.
class GateHistory {
 public:
  explicit GateHistory(unsigned seed) : random_(seed) {}

  void Run() {
    for (int step = 0; step < 400; ++step) Step();
    // Whoever asks is taken from now on: everybody gets through, or was told.
    for (int step = 0; step < 10; ++step) {
      EndAll();
      clock_.Advance(60s);
    }
    EndAll();
    EXPECT_TRUE(waiting_[0].empty() && waiting_[1].empty()) << "somebody waits for ever";
    EXPECT_TRUE(gate_.TryAcquire().has_value());
    gate_.Stop();
    EXPECT_EQ(clock_.sleepers(), 0u);
  }

 private:
  struct Waiting {
    int number;
    SteadyTime until;
  };

  void Step() {
    switch (Pick(random_, 6)) {
      case 0:
      case 1:
        return Come();
      case 2:
        return EndOne();
      case 3:
        return StopOne();
      default:
        clock_.Advance(Milliseconds(Pick(random_, 700)));
    }
  }

  void Come() {
    const auto priority = Pick(random_, 4) == 0 ? Priority::kReconciliation : Priority::kNormal;
    const SteadyTime until = clock_.Now() + Milliseconds(Pick(random_, 10000));
    const int number = static_cast<int>(stops_.size());
    stops_.emplace_back();
    waiting_[static_cast<size_t>(priority)].push_back({.number = number, .until = until});
    Spawn(Enter(priority, number, until, stops_.back().get_token()));
  }

  Task<void> Enter(Priority priority, int number, SteadyTime until, std::stop_token stop) {
    const auto entry = co_await gate_.Acquire(priority, until, stop);
    auto& queue = waiting_[static_cast<size_t>(priority)];
    const auto place = std::ranges::find(queue, number, &Waiting::number);
    if (const auto* pass = std::get_if<RateLimiter::Pass>(&entry)) {
      EXPECT_EQ(place, queue.begin()) << "somebody was overtaken";
      EXPECT_TRUE(priority == Priority::kReconciliation || waiting_[1].empty());
      EXPECT_LE(clock_.Now(), until);
      const bool asks = *pass != RateLimiter::Pass::kNormal;
      if (asks && asking_until_) EXPECT_GE(clock_.Now(), *asking_until_) << "two ask at a time";
      if (asks) asking_until_ = clock_.Now() + 2s;
      gone_.push_back(*pass);
    } else if (std::holds_alternative<RateLimiter::Stopped>(entry)) {
      EXPECT_TRUE(stop.stop_requested());
    }
    queue.erase(place);
  }

  void EndOne() {
    if (gone_.empty()) return;
    const auto which = gone_.begin() + Pick(random_, static_cast<int>(gone_.size()));
    const auto pass = *which;
    gone_.erase(which);
    if (pass != RateLimiter::Pass::kNormal) asking_until_ = std::nullopt;
    switch (Pick(random_, 4)) {
      case 0:
        asking_until_ = std::nullopt;  // a pause, whoever asks
        (void)gate_.OnThrottled(pass, Milliseconds(1 + Pick(random_, 4000)));
        return;
      case 1:
        if (pass != RateLimiter::Pass::kNormal) (void)gate_.OnThrottled(pass, std::nullopt);
        return;
      case 2:
        return gate_.OnNothing(pass);
      default:
        return gate_.OnAccepted(pass);
    }
  }

  void EndAll() {
    while (!gone_.empty()) {
      const auto pass = gone_.back();
      gone_.pop_back();
      asking_until_ = std::nullopt;
      gate_.OnAccepted(pass);
    }
  }

  void StopOne() {
    if (stops_.empty()) return;
    stops_[static_cast<size_t>(Pick(random_, static_cast<int>(stops_.size())))].request_stop();
  }

  std::mt19937 random_;
  ManualClock clock_;
  RateLimiter gate_{{}, clock_};
  std::vector<std::stop_source> stops_;
  std::list<Waiting> waiting_[2];  // by Priority
  std::vector<RateLimiter::Pass> gone_;
  std::optional<SteadyTime> asking_until_;
};

TEST(GuardsPropertyTest, TheGateServesInOrderAndLeavesNobodyBehind) {
  for (unsigned seed = 0; seed < kHistories; ++seed) {
    SCOPED_TRACE("history " + std::to_string(seed));
    GateHistory(seed).Run();
    if (testing::Test::HasFailure()) return;
  }
}

}  // namespace
}  // namespace gateway
