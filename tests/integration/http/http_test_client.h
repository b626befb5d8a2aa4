#ifndef TESTS_INTEGRATION_HTTP_HTTP_TEST_CLIENT_H_
#define TESTS_INTEGRATION_HTTP_HTTP_TEST_CLIENT_H_

#include <chrono>
#include <memory>
#include <stop_token>
#include <string>
#include <utility>
#include <variant>

#include "gtest/gtest.h"
#include "service/base/event_loop.h"
#include "service/http/curl_http_client.h"
#include "service/http/response_memory.h"
#include "service/observability/metrics.h"
#include "tests/fakes/run_task.h"

namespace gateway {

// No test gets there: a wait ends by what the test does, or by its own short deadline.
inline constexpr std::chrono::seconds kLongEnough{50};

inline Deadline In(Milliseconds time) { return Deadline(std::chrono::steady_clock::now() + time); }

// A CurlHttpClient on a loop of its own, called from the thread of the test.
class HttpTestClient {
 public:
  explicit HttpTestClient(CurlHttpClient::Options options = {},
                          size_t max_response_bytes_in_flight = size_t{64} * 1024 * 1024)
      : memory_(*loop_, max_response_bytes_in_flight, metrics_),
        client_(*CurlHttpClient::Create(*loop_, memory_, metrics_, std::move(options))) {}

  RunningTask<HttpResult> Start(HttpRequest request, Deadline deadline = In(kLongEnough),
                                std::stop_token stop = {}) {
    return StartTask(*loop_, [this, request = std::move(request), deadline, stop] {
      return client_->Send(request, deadline, stop);
    });
  }
  HttpResult Send(HttpRequest request, Deadline deadline = In(kLongEnough),
                  std::stop_token stop = {}) {
    return Start(std::move(request), deadline, stop).Wait("an HTTP request");
  }
  HttpResult Post(std::string url, std::string body) {
    return Send({.method = HttpMethod::kPost,
                 .url = std::move(url),
                 .headers = headers_,
                 .body = std::move(body)});
  }
  HttpResult Get(std::string url) { return Send({.url = std::move(url), .headers = headers_}); }

  EventLoop& loop() { return *loop_; }
  ResponseMemory& memory() { return memory_; }
  const Metrics& metrics() const { return metrics_; }
  CurlHttpClient& client() { return *client_; }
  const std::shared_ptr<const HttpHeaders>& headers() const { return headers_; }

 private:
  const std::shared_ptr<const HttpHeaders> headers_ = std::make_shared<HttpHeaders>(
      HttpHeaders{{"Content-Type", "application/json"}, {"apikey", "test-key"}});
  Metrics metrics_;
  const std::unique_ptr<EventLoop> loop_ = *EventLoop::Create();
  ResponseMemory memory_;
  const std::unique_ptr<CurlHttpClient> client_;
};

inline const HttpResponse* ResponseOf(const HttpResult& result) {
  return std::get_if<HttpResponse>(&result.response_or_failure);
}
inline const HttpFailure* FailureOf(const HttpResult& result) {
  return std::get_if<HttpFailure>(&result.response_or_failure);
}

// In words, for a failed expectation.
inline std::string Describe(const HttpResult& result) {
  const std::string requested =
      result.may_have_sent_body ? ", body requested" : ", body not requested";
  if (const auto* response = ResponseOf(result)) {
    return "HTTP " + std::to_string(response->status) + " " + response->body + requested;
  }
  const HttpFailure& failure = *FailureOf(result);
  return "failure of kind " + std::to_string(static_cast<int>(failure.kind)) + ": " +
         std::string(FaultName(failure.fault)) + requested;
}

inline testing::AssertionResult IsAnswer(const HttpResult& result, int status,
                                         const std::string& body) {
  const auto* response = ResponseOf(result);
  if (response != nullptr && response->status == status && response->body == body) {
    return testing::AssertionSuccess();
  }
  return testing::AssertionFailure() << Describe(result);
}

enum class Body { kRequested, kNotRequested };

inline testing::AssertionResult IsFailure(const HttpResult& result, HttpFailure::Kind kind,
                                          Body body) {
  const auto* failure = FailureOf(result);
  if (failure != nullptr && failure->kind == kind &&
      result.may_have_sent_body == (body == Body::kRequested)) {
    return testing::AssertionSuccess();
  }
  return testing::AssertionFailure() << Describe(result);
}

}  // namespace gateway

#endif  // TESTS_INTEGRATION_HTTP_HTTP_TEST_CLIENT_H_
