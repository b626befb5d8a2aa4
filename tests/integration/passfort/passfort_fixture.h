#ifndef TESTS_INTEGRATION_PASSFORT_PASSFORT_FIXTURE_H_
#define TESTS_INTEGRATION_PASSFORT_PASSFORT_FIXTURE_H_

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "service/base/clock.h"
#include "service/base/event_loop.h"
#include "service/base/random.h"
#include "service/http/curl_http_client.h"
#include "service/observability/log.h"
#include "service/observability/metrics.h"
#include "service/passfort/api_key_source.h"
#include "service/passfort/product_application_client.h"
#include "service/passfort/rest_transport.h"
#include "service/passfort/whoami.h"
#include "tests/fake_passfort/fake_passfort.h"
#include "tests/fakes/run_task.h"

namespace gateway {

inline constexpr char kProfileId[] = "a2c4393a-e219-67a4-5ab4-2186952e9038";

// A client over real HTTP to a fake Passfort, called from the thread of the test.
class PassfortFixture {
 public:
  PassfortFixture() = default;

  FakePassfort& passfort() { return passfort_; }
  EventLoop& loop() { return *loop_; }
  LoopClock& clock() { return clock_; }
  Metrics& metrics() { return metrics_; }
  Log& log() { return *log_; }
  uint64_t connections_opened() const { return http_->stats().connections_opened; }

  static Deadline In(Milliseconds wait) {
    return Deadline(std::chrono::steady_clock::now() + wait);
  }
  static ApplicationDraft ADraft() {
    return {.profile_id = kProfileId, .product_alias = "forexo_basic"};
  }

  WriteAttempt Create(std::optional<BootTime> send_before = std::nullopt,
                      Milliseconds patience = std::chrono::seconds(30)) {
    const ApplicationDraft draft = ADraft();
    const CallContext context{.deadline = In(patience)};
    return RunTask(*loop_, [&] { return client_.CreateApplication(draft, context, send_before); });
  }
  ListOutcome List(std::string profile_id = kProfileId) {
    const CallContext context{.deadline = In(std::chrono::seconds(30))};
    return RunTask(*loop_, [&] { return client_.ListApplications(profile_id, context); });
  }
  bool Probe(Milliseconds patience = std::chrono::seconds(30)) {
    const CallContext context{.deadline = In(patience)};
    const ApiResult probe = RunTask(*loop_, [&] { return rest_.Call(kWhoAmI, {}, context); });
    return std::holds_alternative<ApiResponse>(probe.outcome);
  }

 private:
  FakePassfort passfort_;
  const std::unique_ptr<EventLoop> loop_ = *EventLoop::Create();
  const std::unique_ptr<Log> log_ = Log::Discard();
  Metrics metrics_;
  ResponseMemory memory_{*loop_, size_t{64} * 1024 * 1024, metrics_};
  LoopClock clock_{*loop_};
  const std::unique_ptr<RandomSource> random_ = MakeSystemRandom();
  TraceIds trace_ids_{*random_};
  const std::unique_ptr<ApiKeySource> key_ =
      *ApiKeySource::FromValue(std::string(FakePassfort::kApiKey));
  const std::unique_ptr<CurlHttpClient> http_ = *CurlHttpClient::Create(
      *loop_, memory_, metrics_,
      {.max_response_bytes = 4096, .kept_response_headers = RestTransport::ResponseHeaderNames()});
  RestTransport rest_{
      {.api_url = passfort_.url()}, *http_, memory_, *key_, clock_, trace_ids_, metrics_, *log_};
  ProductApplicationClient client_{rest_};
};

}  // namespace gateway

#endif  // TESTS_INTEGRATION_PASSFORT_PASSFORT_FIXTURE_H_
