#include "service/passfort/rest_transport.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "service/base/version.h"
#include "service/passfort/rate_limit_headers.h"

namespace gateway {
namespace {

constexpr std::chrono::seconds kKeyRefreshInterval{1};

// Null if it is none, or small.
const HttpResponse* LargeResponse(const HttpResult& result) {
  const auto* response = std::get_if<HttpResponse>(&result.response_or_failure);
  const bool is_large =
      response != nullptr && response->body.size() >= ResponseMemory::kSmallResponseBytes;
  return is_large ? response : nullptr;
}

std::string PathOf(const ApiEndpoint& endpoint, const ApiRequest& request) {
  std::string path(endpoint.path());
  const auto fill_in = [&path](std::string_view name, std::string_view id) {
    if (const size_t at = path.find(name); at != std::string::npos) {
      path.replace(at, name.size(), id);
    }
  };
  fill_in("{profile_id}", request.profile_id);
  fill_in("{application_id}", request.application_id);
  return path;
}

HttpHeaders HeadersOf(const TraceContext& trace, uint64_t span_id) {
  HttpHeaders headers;
  headers.reserve(2);
  headers.emplace_back(kTraceparentHeader, trace.Traceparent(span_id));
  if (!trace.tracestate().empty()) headers.emplace_back(kTracestateHeader, trace.tracestate());
  return headers;
}

// A whole response that neither does nor refuses what was asked for. Null: there was none, or it
// says when to come again, which the lines of pauses tell.
const ResponseSummary* UselessResponse(const ApiOutcome& outcome) {
  const std::optional<ResponseSummary>* response = nullptr;
  if (const auto* ambiguous = std::get_if<Ambiguous>(&outcome)) {
    response = &ambiguous->response;
  } else if (const auto* not_executed = std::get_if<NotExecuted>(&outcome);
             not_executed != nullptr && not_executed->cause != NotExecuted::Cause::kRateLimited) {
    response = &not_executed->response;
  }
  return response != nullptr && response->has_value() ? &**response : nullptr;
}

}  // namespace

std::vector<std::string> RestTransport::ResponseHeaderNames() {
  std::vector<std::string> names = RateLimitHeaderNames();
  names.emplace_back("age");
  return names;
}

RestTransport::RestTransport(Options options, HttpClient& http, ResponseMemory& memory,
                             ApiKeySource& key, Clock& clock, TraceIds& trace_ids, Metrics& metrics,
                             Log& log)
    : options_(std::move(options)),
      http_(http),
      memory_(memory),
      key_(key),
      clock_(clock),
      trace_ids_(trace_ids),
      requests_(metrics.AddCounter("passfort_requests_total", "Requests to Passfort that ended.",
                                   {"endpoint", "outcome"})),
      request_seconds_(metrics.AddHistogram(
          "passfort_request_seconds", "Time from a request to Passfort to its end.", {"endpoint"})),
      key_file_failing_(
          metrics.AddGauge("passfort_gateway_api_key_file_failing",
                           "1 while the file of the API key cannot be used, else 0.")),
      key_loaded_(metrics.AddGauge("passfort_gateway_api_key_loaded_timestamp_seconds",
                                   "When the API key in use was loaded, since 1970.")),
      log_(log),
      reachability_(clock, log) {
  key_file_failing_.Set(0);
  NoteKeyLoaded();
}

const std::shared_ptr<const std::string>& RestTransport::KeyInHeaders() {
  Headers();
  return key_in_headers_;
}

void RestTransport::LookAtKey() {
  const SteadyTime now = clock_.Now();
  if (now < next_key_refresh_) return;
  next_key_refresh_ = now + kKeyRefreshInterval;
  RefreshKey();
}

std::shared_ptr<const HttpHeaders> RestTransport::Headers() {
  LookAtKey();
  const auto& key = key_.Current();
  if (key != key_in_headers_) {
    if (options_.messages == Messages::kOn) {
      messages_.emplace(std::vector<std::string>{*key, key_in_headers_ ? *key_in_headers_ : ""});
    }
    key_in_headers_ = key;
    HttpHeaders headers{{"apikey", *key},
                        {"Content-Type", "application/json"},
                        {"Accept", "application/json"},
                        {"User-Agent", absl::StrCat("passfort-gateway/", kVersion)}};
    headers_ = std::make_shared<const HttpHeaders>(headers);
    // What a cache on the way kept is no evidence. Caches take a request with a header of our own
    // for one that everybody may be answered alike.
    headers.emplace_back("Cache-Control", "no-cache");
    read_headers_ = std::make_shared<const HttpHeaders>(std::move(headers));
  }
  return headers_;
}

void RestTransport::RefreshKey() {
  const auto refreshed = key_.Refresh();
  if (!refreshed.ok()) {
    const std::string detail(refreshed.status().message());
    log_.Error("API key file unusable; still using the previous key", {{"detail", detail}});
  } else if (*refreshed == ApiKeySource::Refreshed::kNew) {
    log_.Info("API key reloaded");
    NoteKeyLoaded();
  }
  key_file_failing_.Set(key_.failure().empty() ? 0 : 1);
}

void RestTransport::NoteKeyLoaded() {
  key_loaded_at_ = clock_.WallNow();
  key_loaded_.Set(absl::ToDoubleSeconds(key_loaded_at_ - absl::UnixEpoch()));
}

void RestTransport::Describe(StatusReport& report) const {
  report.Section("Passfort").Add("api_url", options_.api_url);
  StatusSection& section = report.Section("API key");
  const absl::Duration age = clock_.WallNow() - key_loaded_at_;
  section.Add("in use since", UtcText(absl::ToChronoTime(key_loaded_at_)) + ", for " +
                                  DurationInWords(absl::ToChronoSeconds(age)));
  if (!key_.IsFromFile()) return section.Add("source", "the environment, for good");
  AddFileState("file", key_.failure(), section);
}

bool RestTransport::HasOtherKey(const std::shared_ptr<const std::string>& refused) {
  if (key_.Current() == refused) RefreshKey();
  return key_.Current() != refused;
}

// A key that was replaced is refused until the gateway looks at its file again. Passfort did
// nothing with it, so the request goes out once more.
Task<ApiResult> RestTransport::Call(const ApiEndpoint& endpoint, ApiRequest request,
                                    const CallContext& context) {
  for (bool is_repeated = false;; is_repeated = true) {
    const SteadyTime start = clock_.Now();
    if (context.deadline.TimeLeft(start) < kMinTimeToSend) {
      co_return ApiResult{.outcome = NotExecuted{.cause = NotExecuted::Cause::kNoTimeLeft}};
    }
    const auto key = KeyInHeaders();
    const absl::Time sent_at = clock_.WallNow();
    const Deadline deadline = Earlier(context.deadline, Deadline(start + options_.attempt_timeout));
    Task<HttpResult> sending =
        http_.Send(ToHttp(endpoint, request, context), deadline, context.stop);
    const HttpResult result = co_await sending;
    const HttpResponse* const large = LargeResponse(result);
    ReadResponse read =
        large != nullptr
            ? co_await ReadInPieces(endpoint, *large, request.profile_id)
            : ReadAtOnce(endpoint, request.profile_id, result, clock_.WallNow(), messages());
    Note(endpoint, read, start, result, context);
    const auto* refused = std::get_if<Refused>(&read.outcome);
    if (is_repeated || refused == nullptr || !ConcernsApiKey(refused->response) ||
        !HasOtherKey(key)) {
      co_return ApiResult{.outcome = std::move(read.outcome), .sent_at = sent_at};
    }
  }
}

HttpRequest RestTransport::ToHttp(const ApiEndpoint& endpoint, const ApiRequest& request,
                                  const CallContext& context) {
  const auto headers = Headers();
  return {.method = endpoint.method,
          .url = options_.api_url + PathOf(endpoint, request),
          .headers = endpoint.is_write() ? headers : read_headers_,
          .own_headers = TraceHeaders(context),
          .body = request.body,
          .send_before = request.send_before,
          .response_bytes_allowed = endpoint.max_response_bytes,
          .needs_fresh_connection = endpoint.needs_fresh_connection};
}

Task<ReadResponse> RestTransport::ReadInPieces(const ApiEndpoint& endpoint,
                                               const HttpResponse& response,
                                               std::string_view profile_id) {
  ResponseMemory::Reading turns(memory_, response.body.size());
  const auto reading = endpoint.read(response, profile_id);
  while (!reading->ReadPiece()) co_await turns.WaitForNextTurn();
  ReadResponse read = reading->TakeOutcome(clock_.WallNow(), messages());
  if (auto* const response = std::get_if<ApiResponse>(&read.outcome)) {
    const size_t bytes = reading->BytesOf(*response);
    response->value = CountResult(std::move(response->value), bytes, memory_);
  }
  // Much may be done with it at once.
  co_await turns.WaitForNextTurn();
  co_return read;
}

HttpHeaders RestTransport::TraceHeaders(const CallContext& context) {
  const uint64_t span_id = trace_ids_.NewSpanId();
  return context.trace != nullptr ? HeadersOf(*context.trace, span_id)
                                  : HeadersOf(trace_ids_.NewTrace(), span_id);
}

void RestTransport::Note(const ApiEndpoint& endpoint, const ReadResponse& read, SteadyTime start,
                         const HttpResult& result, const CallContext& context) {
  const std::string_view outcome = OutcomeName(read.outcome);
  requests_.Increment({endpoint.name, outcome});
  request_seconds_.Observe(clock_.Now() - start, {endpoint.name});
  const auto* const failure = std::get_if<HttpFailure>(&result.response_or_failure);
  reachability_.OnResult(failure == nullptr ? TransportFault::kNone : failure->fault);
  if (failure != nullptr) {
    log_.Warn("no response from Passfort", {{"endpoint", endpoint.name},
                                            {"outcome", outcome},
                                            {"cause", FaultName(failure->fault)},
                                            {"detail", FaultWords(failure->fault)},
                                            {"trace_id", context.trace_id()}});
  }
  if (read.remark.empty()) {
    const ResponseSummary* const useless = UselessResponse(read.outcome);
    if (useless == nullptr) return;
    // An attempt may be repeated, or the whole write reconciled: what the call comes to in the end
    // tells nothing of it.
    log_.Warn("Passfort's response is of no use", {{"endpoint", endpoint.name},
                                                   {"outcome", outcome},
                                                   {"http_status", int64_t{useless->http_status}},
                                                   {"trace_id", context.trace_id()}});
    return;
  }
  const auto* response = std::get_if<ApiResponse>(&read.outcome);
  if (response != nullptr && response->error_code) {
    log_.Warn(read.remark, {{"endpoint", endpoint.name},
                            {"passfort_code", int64_t{*response->error_code}},
                            {"trace_id", context.trace_id()}});
  } else {
    log_.Warn(read.remark, {{"endpoint", endpoint.name}, {"trace_id", context.trace_id()}});
  }
}

}  // namespace gateway
