#ifndef SERVICE_PASSFORT_REST_TRANSPORT_H_
#define SERVICE_PASSFORT_REST_TRANSPORT_H_

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "service/base/clock.h"
#include "service/base/trace_context.h"
#include "service/http/http_client.h"
#include "service/http/response_memory.h"
#include "service/observability/log.h"
#include "service/observability/metrics.h"
#include "service/observability/status_report.h"
#include "service/passfort/api_key_source.h"
#include "service/passfort/api_transport.h"
#include "service/passfort/message_filter.h"
#include "service/passfort/reachability.h"

namespace gateway {

// ApiTransport over HTTP: sends the request, has the response read, and counts both. Counting is no
// decorator of its own: every waiting call would pay for one more frame.
class RestTransport final : public ApiTransport, public StatusSource {
 public:
  // Whether outcomes have Passfort's own words of an error.
  enum class Messages { kOff, kOn };

  struct Options {
    // For example https://api.passfort.com/4.0, without a slash at the end.
    std::string api_url;
    // The longest that one attempt may take; Passfort itself gives up after 60 s.
    Milliseconds attempt_timeout{65000};
    Messages messages = Messages::kOff;
  };

  // The response headers that are read here, in lower case.
  static std::vector<std::string> ResponseHeaderNames();

  // All of them outlive the client.
  RestTransport(Options options, HttpClient& http, ResponseMemory& memory, ApiKeySource& key,
                Clock& clock, TraceIds& trace_ids, Metrics& metrics, Log& log);

  Task<ApiResult> Call(const ApiEndpoint& endpoint, ApiRequest request,
                       const CallContext& context) override;

  // Looks whether the file of the key has changed, if that was not done for a second. Every request
  // does so first; without requests somebody else has to, for the failures of the file to be known.
  void LookAtKey();

  void Describe(StatusReport& report) const override;

 private:
  HttpRequest ToHttp(const ApiEndpoint& endpoint, const ApiRequest& request,
                     const CallContext& context);
  // Makes a request part of the trace, or of a new one if there is none.
  HttpHeaders TraceHeaders(const CallContext& context);
  // Reads a large response, in pieces with turns of the loop in between.
  Task<ReadResponse> ReadInPieces(const ApiEndpoint& endpoint, const HttpResponse& response,
                                  std::string_view profile_id);
  // Counts a request that has ended, and logs what is odd about it.
  void Note(const ApiEndpoint& endpoint, const ReadResponse& read, SteadyTime start,
            const HttpResult& result, const CallContext& context);
  std::shared_ptr<const HttpHeaders> Headers();
  // The key that the next request goes out with.
  const std::shared_ptr<const std::string>& KeyInHeaders();
  void RefreshKey();
  void NoteKeyLoaded();
  const MessageFilter* messages() const { return messages_ ? &*messages_ : nullptr; }
  // Whether there is another key than this one, which Passfort has just refused.
  bool HasOtherKey(const std::shared_ptr<const std::string>& refused);

  const Options options_;
  HttpClient& http_;
  ResponseMemory& memory_;
  ApiKeySource& key_;
  Clock& clock_;
  TraceIds& trace_ids_;
  const CounterFamily requests_;
  const HistogramFamily request_seconds_;
  const Gauge key_file_failing_;
  const Gauge key_loaded_;
  Log& log_;
  Reachability reachability_;
  SteadyTime next_key_refresh_{};
  absl::Time key_loaded_at_;
  std::shared_ptr<const std::string> key_in_headers_;
  std::shared_ptr<const HttpHeaders> headers_;
  std::shared_ptr<const HttpHeaders> read_headers_;
  std::optional<MessageFilter> messages_;  // none, and none of their words gets further than here
};

}  // namespace gateway

#endif  // SERVICE_PASSFORT_REST_TRANSPORT_H_
