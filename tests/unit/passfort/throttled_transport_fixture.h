#ifndef TESTS_UNIT_PASSFORT_THROTTLED_TRANSPORT_FIXTURE_H_
#define TESTS_UNIT_PASSFORT_THROTTLED_TRANSPORT_FIXTURE_H_

#include <gmock/gmock.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "service/passfort/product_application_client.h"
#include "service/passfort/resource_client.h"
#include "service/passfort/throttled_transport.h"
#include "service/passfort/whoami.h"
#include "tests/fakes/manual_clock.h"
#include "tests/fakes/run_to_completion.h"
#include "tests/fakes/scripted_random.h"

namespace gateway {

// How requests to one endpoint end, and after how long.
struct Script {
  ApiOutcome end = ApiResponse{};
  Milliseconds takes{0};
  int calls = 0;
};

// Ends each request as scripted; probes fail until `answers` is set.
class ScriptedPassfort final : public ApiTransport {
 public:
  explicit ScriptedPassfort(ManualClock& clock) : clock_(clock) {}

  Task<ApiResult> Call(const ApiEndpoint& endpoint, ApiRequest /*request*/,
                       const CallContext& context) override {
    if (&endpoint == &kWhoAmI) co_return co_await Probe(context);
    Script& script = endpoint.is_write() ? posts : lists;
    ++script.calls;
    ApiResult result{script.end};
    if (const Milliseconds takes = script.takes; takes > Milliseconds(0)) {
      co_await clock_.SleepUntil(clock_.Now() + takes, {});
    }
    co_return result;
  }

  Script posts;
  Script lists;
  int probes = 0;
  bool answers = false;
  bool probes_hang = false;

 private:
  Task<ApiResult> Probe(const CallContext& context) {
    ++probes;
    if (probes_hang) co_await clock_.SleepUntil(context.deadline.at(), context.stop);
    co_return ApiResult{answers && !probes_hang ? ApiOutcome(ApiResponse{}) : NotExecuted{}};
  }

  ManualClock& clock_;
};

inline NotExecuted Limited(Milliseconds retry_after) {
  return {.cause = NotExecuted::Cause::kRateLimited,
          .retry_after = retry_after,
          .response = ResponseSummary{.http_status = 429}};
}

class ThrottledTransportTest : public testing::Test {
 protected:
  void TearDown() override {
    transport_.Stop();
    EXPECT_EQ(clock_.sleepers(), 0u);
  }

  // One call to the end, which must need no wait.
  ApiOutcome Create(Milliseconds patience = std::chrono::minutes(1)) {
    return Call(kCreateApplication, "", {.deadline = clock_.In(patience)});
  }
  ApiOutcome CreateFor(const std::string& profile_id) {
    return Call(kCreateApplication, profile_id, InAMinute());
  }
  ApiOutcome List(const std::string& profile_id = "a") {
    return Call(kListApplications, profile_id, InAMinute());
  }
  ApiOutcome ListToReconcile() {
    return Call(kListApplications, "a", InAMinute(Priority::kReconciliation));
  }

  // Calls that may wait; their ends are in `ended_`.
  void StartCreate(std::string name, std::optional<BootTime> send_before = std::nullopt) {
    Spawn(CallAndTell(std::move(name), kCreateApplication, {.send_before = send_before},
                      InAMinute()));
  }
  void StartList(std::string name, Priority priority = Priority::kNormal) {
    Spawn(CallAndTell(std::move(name), kListApplications, {}, InAMinute(priority)));
  }
  void StartGet(std::string name) {
    Spawn(CallAndTell(std::move(name), kGetApplication, {}, InAMinute()));
  }
  void FailFiveTimes() {
    passfort_.posts.end = NotExecuted{};
    for (int i = 0; i < 5; ++i) Create();
  }

  static std::optional<NotExecuted> FindNotExecuted(const ApiOutcome& outcome) {
    const auto* not_executed = std::get_if<NotExecuted>(&outcome);
    return not_executed == nullptr ? std::nullopt : std::optional(*not_executed);
  }
  static bool IsAnswered(const ApiOutcome& outcome) {
    return std::holds_alternative<ApiResponse>(outcome);
  }

  ManualClock clock_;
  ScriptedRandom random_{{1.0}};
  ScriptedRandom trace_random_{{1.0}};
  TraceIds trace_ids_{trace_random_};
  Metrics metrics_;
  const std::unique_ptr<Log> log_ = Log::Discard();
  ScriptedPassfort passfort_{clock_};
  ThrottledTransport transport_{{}, passfort_, clock_, random_, trace_ids_, metrics_, *log_};
  std::vector<std::string> ended_;

 private:
  CallContext InAMinute(Priority priority = Priority::kNormal) const {
    return {.deadline = clock_.In(std::chrono::minutes(1)), .priority = priority};
  }
  ApiOutcome Call(const ApiEndpoint& endpoint, const std::string& profile_id,
                  const CallContext& context) {
    return RunToCompletion(transport_.Call(endpoint, {.profile_id = profile_id}, context)).outcome;
  }
  Task<void> CallAndTell(std::string name, const ApiEndpoint& endpoint, ApiRequest request,
                         CallContext context) {
    const ApiResult result = co_await transport_.Call(endpoint, std::move(request), context);
    ended_.push_back(name + " " + std::string(OutcomeName(result.outcome)));
  }
};

}  // namespace gateway

#endif  // TESTS_UNIT_PASSFORT_THROTTLED_TRANSPORT_FIXTURE_H_
