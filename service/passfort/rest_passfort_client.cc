#include "service/passfort/rest_passfort_client.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "service/base/version.h"
#include "service/passfort/http_status.h"
#include "service/passfort/mapping/application_list.h"
#include "service/passfort/mapping/application_memory.h"
#include "service/passfort/mapping/product_application_json.h"
#include "service/passfort/rate_limit_headers.h"

namespace gateway {
namespace {

constexpr std::chrono::seconds kKeyRefreshInterval{1};

std::string_view FailureDetail(const HttpResult& result) {
  const auto* failure = std::get_if<HttpFailure>(&result.answer);
  return failure != nullptr ? std::string_view(failure->detail) : std::string_view();
}

// Null if it is none, or small.
const HttpResponse* LargeResponse(const HttpResult& result) {
  const auto* response = std::get_if<HttpResponse>(&result.answer);
  const bool is_large =
      response != nullptr && response->body.size() >= ResponseMemory::kSmallResponseBytes;
  return is_large ? response : nullptr;
}

// The same application, counted for as long as somebody has it.
std::shared_ptr<pb::ProductApplication> Counted(std::shared_ptr<pb::ProductApplication> application,
                                                ResponseMemory& memory) {
  struct CountedApplication {
    explicit CountedApplication(ResponseMemory& memory)
        : share(memory, ResponseMemory::Use::kResult) {}
    ResponseMemory::Share share;
    std::shared_ptr<pb::ProductApplication> application;
  };
  const auto counted = std::make_shared<CountedApplication>(memory);
  counted->share.Set(MemoryOf(*application, application->ByteSizeLong()));
  counted->application = std::move(application);
  return {counted, counted->application.get()};
}

std::shared_ptr<const void> ShareOf(size_t bytes, ResponseMemory& memory) {
  const auto share = std::make_shared<ResponseMemory::Share>(memory, ResponseMemory::Use::kResult);
  share->Set(bytes);
  return share;
}

HttpHeaders HeadersOf(const TraceContext& trace, uint64_t span_id) {
  HttpHeaders headers;
  headers.reserve(2);
  headers.emplace_back(kTraceparentHeader, trace.Traceparent(span_id));
  if (!trace.tracestate().empty()) headers.emplace_back(kTracestateHeader, trace.tracestate());
  return headers;
}

}  // namespace

std::vector<std::string> RestPassfortClient::ResponseHeaderNames() {
  std::vector<std::string> names = RateLimitHeaderNames();
  names.emplace_back("age");
  return names;
}

RestPassfortClient::RestPassfortClient(Options options, HttpClient& http, ResponseMemory& memory,
                                       ApiKeySource& key, Clock& clock, TraceIds& trace_ids,
                                       Metrics& metrics, Log& log)
    : options_(std::move(options)),
      http_(http),
      memory_(memory),
      key_(key),
      clock_(clock),
      trace_ids_(trace_ids),
      metrics_(metrics),
      log_(log) {}

const std::shared_ptr<const std::string>& RestPassfortClient::KeyInHeaders() {
  Headers();
  return key_in_headers_;
}

std::shared_ptr<const HttpHeaders> RestPassfortClient::Headers() {
  if (const SteadyTime now = clock_.Now(); now >= next_key_refresh_) {
    next_key_refresh_ = now + kKeyRefreshInterval;
    RefreshKey();
  }
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

void RestPassfortClient::RefreshKey() {
  const auto refreshed = key_.Refresh();
  if (!refreshed.ok()) {
    const std::string detail(refreshed.status().message());
    log_.Error("API key file unusable; still using the previous key", {{"detail", detail}});
  } else if (*refreshed == ApiKeySource::Refreshed::kNew) {
    log_.Info("API key reloaded");
  }
}

bool RestPassfortClient::HasOtherKey(const std::shared_ptr<const std::string>& refused) {
  if (key_.Current() == refused) RefreshKey();
  return key_.Current() != refused;
}

// A key that was replaced is refused until the gateway looks at its file again. Passfort did
// nothing with it, so the request goes out once more.
Task<WriteAttempt> RestPassfortClient::CreateApplication(const ApplicationDraft& draft,
                                                         const CallContext& context,
                                                         std::optional<BootTime> send_before) {
  const auto key = KeyInHeaders();
  WriteAttempt attempt = co_await SendCreate(draft, context, send_before);
  const auto* refused = std::get_if<Refused>(&attempt.outcome);
  if (refused == nullptr || !ConcernsApiKey(refused->answer) || !HasOtherKey(key))
    co_return attempt;
  co_return co_await SendCreate(draft, context, send_before);
}

Task<WriteAttempt> RestPassfortClient::SendCreate(const ApplicationDraft& draft,
                                                  const CallContext& context,
                                                  std::optional<BootTime> send_before) {
  const SteadyTime start = clock_.Now();
  if (context.deadline.TimeLeft(start) < kMinTimeToSend) {
    co_return WriteAttempt{.outcome = NotExecuted{.cause = NotExecuted::Cause::kNoTimeLeft}};
  }
  HttpRequest request{
      .method = HttpMethod::kPost,
      .url = absl::StrCat(options_.api_url, "/profiles/", draft.profile_id, "/applications"),
      .headers = Headers(),
      .own_headers = TraceHeaders(context),
      .body = CreateApplicationJson(draft.product_alias, draft.product_id, draft.associated_role),
      .send_before = send_before};
  const Deadline attempt_deadline =
      Earlier(context.deadline, Deadline(start + options_.attempt_timeout));

  WriteAttempt attempt{.outcome = Ambiguous{}, .sent_at = clock_.WallNow()};
  const HttpResult result = co_await http_.Send(std::move(request), attempt_deadline, context.stop);
  if (const HttpResponse* large = LargeResponse(result)) {
    attempt.outcome = co_await OutcomeOfLarge(*large);
  } else {
    attempt.outcome = ClassifyWrite(result, clock_.WallNow(), messages());
  }
  Note(kCreateApplicationEndpoint, OutcomeName(attempt.outcome), start, result, context);
  if (const auto* done = std::get_if<Done>(&attempt.outcome); done && done->error_code) {
    log_.Warn("Passfort created the application but also reported an error",
              {{"endpoint", kCreateApplicationEndpoint},
               {"passfort_code", int64_t{*done->error_code}},
               {"trace_id", context.trace_id()}});
  }
  co_return attempt;
}

Task<CreateOutcome> RestPassfortClient::OutcomeOfLarge(const HttpResponse& response) {
  ResponseMemory::Reading reading(memory_, response.body.size());
  std::optional<pb::ProductApplication> application;
  if (IsSuccess(response.status)) {
    ProductApplicationReading pieces(response.body);
    while (!pieces.ReadPiece()) co_await reading.WaitForNextTurn();
    application = pieces.TakeResult();
  }
  CreateOutcome outcome =
      OutcomeOfResponse(response, std::move(application), clock_.WallNow(), messages());
  if (auto* const made = std::get_if<Done>(&outcome)) {
    co_await reading.WaitForNextTurn();
    made->application = Counted(std::move(made->application), memory_);
  }
  // Much may be done with it at once.
  co_await reading.WaitForNextTurn();
  co_return outcome;
}

Task<ListOutcome> RestPassfortClient::OutcomeOfLargeList(const HttpResult& result,
                                                         std::string_view profile_id) {
  const size_t bytes = LargeResponse(result)->body.size();
  ResponseMemory::Reading reading(memory_, bytes);
  ApplicationListReading pieces(result, profile_id);
  while (!pieces.ReadPiece()) co_await reading.WaitForNextTurn();
  ListOutcome outcome = pieces.TakeOutcome(clock_.WallNow(), messages());
  if (auto* const list = std::get_if<ApplicationList>(&outcome)) {
    list->memory = ShareOf(bytes, memory_);
  }
  co_await reading.WaitForNextTurn();
  co_return outcome;
}

Task<ListOutcome> RestPassfortClient::ListApplications(std::string profile_id,
                                                       const CallContext& context) {
  const auto key = KeyInHeaders();
  ListOutcome outcome = co_await SendList(profile_id, context);
  const auto* failed = std::get_if<ListFailed>(&outcome);
  const bool is_refused =
      failed != nullptr && failed->refusal.has_value() && ConcernsApiKey(*failed->refusal);
  if (!is_refused || !HasOtherKey(key)) co_return outcome;
  co_return co_await SendList(profile_id, context);
}

Task<ListOutcome> RestPassfortClient::SendList(const std::string& profile_id,
                                               const CallContext& context) {
  const SteadyTime start = clock_.Now();
  if (context.deadline.TimeLeft(start) < kMinTimeToSend) {
    co_return ListFailed{.not_executed = NotExecuted{.cause = NotExecuted::Cause::kNoTimeLeft}};
  }
  const HttpResult result = co_await SendGet(
      GetRequest(absl::StrCat("/profiles/", profile_id, "/applications"), context), context);
  ListOutcome outcome = LargeResponse(result) != nullptr
                            ? co_await OutcomeOfLargeList(result, profile_id)
                            : ClassifyList(result, profile_id, clock_.WallNow(), messages());
  Note(kListApplicationsEndpoint, OutcomeName(outcome), start, result, context);
  if (const auto* failed = std::get_if<ListFailed>(&outcome);
      failed != nullptr && failed->is_of_another_profile) {
    log_.Warn("Passfort listed applications of another profile; the list is not used",
              {{"endpoint", kListApplicationsEndpoint}, {"trace_id", context.trace_id()}});
  }
  co_return outcome;
}

Task<bool> RestPassfortClient::Probe(const CallContext& context) {
  const SteadyTime start = clock_.Now();
  // A probe is nobody's call.
  const TraceContext begun = trace_ids_.NewTrace();
  const CallContext traced{.deadline = context.deadline,
                           .stop = context.stop,
                           .trace = context.trace != nullptr ? context.trace : &begun};
  HttpRequest request = GetRequest("/whoami", traced);
  // A kept connection may be dead, or lead to a server that is on its way out.
  request.needs_fresh_connection = true;
  const HttpResult result = co_await SendGet(std::move(request), traced);
  const auto* response = std::get_if<HttpResponse>(&result.answer);
  const bool has_answered = response != nullptr && !IsServerFailure(response->status);
  Note(kWhoAmIEndpoint, has_answered ? "done" : "not_executed", start, result, traced);
  co_return has_answered;
}

HttpRequest RestPassfortClient::GetRequest(const std::string& path, const CallContext& context) {
  Headers();
  return {.url = absl::StrCat(options_.api_url, path),
          .headers = read_headers_,
          .own_headers = TraceHeaders(context),
          .response_bytes_allowed = options_.max_list_bytes};
}

Task<HttpResult> RestPassfortClient::SendGet(HttpRequest request, const CallContext& context) {
  const Deadline attempt_deadline =
      Earlier(context.deadline, Deadline(clock_.Now() + options_.attempt_timeout));
  co_return co_await http_.Send(std::move(request), attempt_deadline, context.stop);
}

HttpHeaders RestPassfortClient::TraceHeaders(const CallContext& context) {
  const uint64_t span_id = trace_ids_.NewSpanId();
  return context.trace != nullptr ? HeadersOf(*context.trace, span_id)
                                  : HeadersOf(trace_ids_.NewTrace(), span_id);
}

void RestPassfortClient::Note(std::string_view endpoint, std::string_view outcome, SteadyTime start,
                              const HttpResult& result, const CallContext& context) {
  metrics_.PassfortRequest(endpoint, outcome, clock_.Now() - start);
  if (const std::string_view detail = FailureDetail(result); !detail.empty()) {
    log_.Warn("Passfort did not answer", {{"endpoint", endpoint},
                                          {"outcome", outcome},
                                          {"detail", detail},
                                          {"trace_id", context.trace_id()}});
  }
}

}  // namespace gateway
