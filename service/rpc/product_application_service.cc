#include "service/rpc/product_application_service.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <stop_token>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "service/passfort/mapping/application_memory.h"
#include "service/rpc/call_trace.h"
#include "service/rpc/request_validation.h"
#include "service/rpc/response_truncation.h"
#include "service/rpc/tsan_annotations.h"

namespace gateway {
namespace {

constexpr std::string_view kServiceName = "passfort.gateway.v1.ProductApplicationService";
constexpr std::string_view kMethodName = "AddProductApplication";

// Of an OK that is not the first answer to the first call.
constexpr std::string_view kReplayedTrailer = "gateway-replayed";
constexpr std::string_view kOutcomeTrailer = "gateway-outcome";

std::string_view SourceName(WriteResult::Source source) {
  switch (source) {
    case WriteResult::Source::kReceived:
      return "created";
    case WriteResult::Source::kReconciled:
      return "reconciled";
    case WriteResult::Source::kExisting:
      return "existing";
  }
  return "created";
}

double Seconds(std::chrono::nanoseconds took) {
  return std::chrono::duration<double>(took).count();
}

std::optional<std::chrono::nanoseconds> TimeLeft(const grpc::CallbackServerContext& context) {
  const auto deadline = context.deadline();
  if (deadline == std::chrono::system_clock::time_point::max()) return std::nullopt;
  return deadline - std::chrono::system_clock::now();
}

// Beside the calls that are in flight: each ended one is here for a moment.
constexpr size_t kMinUnreadReplies = 100;

// What is left of an answer beside too many.
constexpr size_t kMinReplyBytes = 2048;
// Most are smaller. To measure how much memory one takes would show in the cost of a call.
constexpr size_t kMeasuredAnswerBytes = 2048;

// What it takes, and what gRPC writes of it.
size_t MemoryOfAnswer(const pb::AddProductApplicationResponse& answer) {
  // It was measured when it was found to fit a message.
  const auto bytes = static_cast<size_t>(answer.GetCachedSize());
  return bytes < kMeasuredAnswerBytes ? bytes : MemoryOf(answer, bytes);
}

}  // namespace

// One call, from its arrival to gRPC's last word about it (`OnDone`, which frees it). gRPC's
// threads and the loop's meet here like this:
// - the thread that brought the call fills it in and posts it; from then on the loop owns it;
// - `OnCancel` (any thread, at any time before `OnDone`) touches `caller_gone_` and `stop_` only;
//   what it posts holds a stop_source of its own, not the call;
// - whoever finishes the call (once: the loop, or the first thread for a refusal) touches it no
//   more, since `OnDone` may run at once.
class ProductApplicationService::Call final : public grpc::ServerUnaryReactor,
                                              public UnreadReplies::Answer {
 public:
  Call(ProductApplicationService& service, grpc::CallbackServerContext& context,
       pb::AddProductApplicationResponse& response)
      : answer(response),
        service_(service),
        context_(context),
        trace_(TraceOf(context.client_metadata(), service.parts_.trace_ids)),
        work_{.deadline = CallDeadline(arrived_at, TimeLeft(context), service.options_.deadlines),
              .stop = stop_.get_token(),
              .trace = &trace_},
        peer_(context.peer()) {
    AnnotateHappensBefore(this);
  }

  void AddTrailer(std::string_view name, std::string_view value) {
    context_.AddTrailingMetadata(std::string(name), std::string(value));
  }
  void AddTrailers(const CallError& error) {
    for (const auto& [name, value] : error.trailers) AddTrailer(name, value);
  }

  // What the call asks of others.
  const CallContext& work() const { return work_; }
  // Loop thread only: it resumes the coroutines that wait for it.
  void RequestStop() { stop_.request_stop(); }
  std::stop_source stop_source() const { return stop_; }
  Caller caller() const { return caller_gone_ ? Caller::kGone : Caller::kWaiting; }

  void OnCancel() override {
    AnnotateHappensAfter(this);
    caller_gone_ = true;
    service_.parts_.loop.Post([stop = stop_]() mutable { stop.request_stop(); });
  }
  void OnDone() override {
    service_.unread_.Remove(*this);
    delete this;
  }
  void Cancel() override { context_.TryCancel(); }
  const std::string& peer() const { return peer_; }
  // gRPC's word for reactions so short that they may run where their cause is noticed, instead of
  // on another thread that is woken up for them. It counts this as its own business, but nothing
  // else says so.
  bool InternalInlineable() override { return true; }

  // Before the deadline, which is counted from it.
  const SteadyTime arrived_at = std::chrono::steady_clock::now();
  ApplicationDraft draft;
  std::string request_id;
  pb::AddProductApplicationResponse& answer;

 private:
  ProductApplicationService& service_;
  grpc::CallbackServerContext& context_;
  std::stop_source stop_;
  const TraceContext trace_;
  const CallContext work_;
  const std::string peer_;
  std::atomic<bool> caller_gone_ = false;
};

ProductApplicationService::ProductApplicationService(Options options, Parts parts)
    : options_(options),
      parts_(parts),
      gate_(options_.max_in_flight),
      unread_(parts.loop,
              {.answers = std::max(options_.max_in_flight, kMinUnreadReplies),
               .bytes = options_.max_unread_bytes,
               .longest = options_.answer_read_within},
              parts.metrics),
      send_answers_(parts.loop, [this] { FlushReplies(); }) {}

ProductApplicationService::~ProductApplicationService() {
  // The last answer can reach its caller, and the server its end, before the loop is done with us.
  if (!parts_.loop.IsLoopThread()) parts_.loop.RunAndWait([] {});
}

grpc::ServerUnaryReactor* ProductApplicationService::AddProductApplication(
    grpc::CallbackServerContext* context, const pb::AddProductApplicationRequest* request,
    pb::AddProductApplicationResponse* response) {
  parts_.metrics.CallStarted(kServiceName, kMethodName);
  auto* call = new Call(*this, *context, *response);  // frees itself in OnDone
  if (const auto refusal = Accept(*request, *call); refusal.has_value()) {
    ReportError(*call, *refusal);
    call->AddTrailers(*refusal);
    unread_.Add(*call, call->peer(), refusal->status.error_details().size());
    call->Finish(refusal->status);
    return call;
  }
  parts_.loop.Post([this, call] { Spawn(Run(*call)); });
  return call;
}

std::optional<CallError> ProductApplicationService::Accept(
    const pb::AddProductApplicationRequest& request, Call& call) {
  if (request.ByteSizeLong() > options_.max_request_bytes) {
    return RequestTooLargeError(options_.max_request_bytes);
  }
  auto checked = ValidateRequest(request);
  if (const auto* violations = std::get_if<std::vector<FieldViolation>>(&checked)) {
    return InvalidRequestError(*violations);
  }
  if (!unread_.HasRoom(call.peer())) return OverloadedError(request.request_id());
  // Last, so that whoever is refused holds no place.
  switch (gate_.TryAcquire(call.peer())) {
    case ConcurrencyLimiter::Admission::kAtLimit:
      return OverloadedError(request.request_id());
    case ConcurrencyLimiter::Admission::kClosed:
      return DrainingError(request.request_id());
    case ConcurrencyLimiter::Admission::kAdmitted:
      break;
  }
  call.draft = std::get<ApplicationDraft>(std::move(checked));
  call.request_id = request.request_id();
  return std::nullopt;
}

Task<void> ProductApplicationService::Run(Call& call) {
  const AskedProduct asked{.alias = call.draft.product_alias, .id = call.draft.product_id};
  in_flight_.insert(&call);
  if (stopping_) call.RequestStop();
  WriteResult result = co_await parts_.writer.Add(std::move(call.draft),
                                                  {.request_id = call.request_id}, call.work());
  in_flight_.erase(&call);

  if (std::holds_alternative<Done>(result.outcome)) {
    ReplyDone(call, std::move(result), asked);
  } else {
    ReplyError(call, result);
  }
}

// Whether Passfort answered with another product than the one asked for. An id decides wherever
// both sides have one; an alias, which Passfort may write in its own way, only where they have not.
bool ProductApplicationService::IsOtherProduct(const AskedProduct& asked,
                                               const pb::Product& answered) {
  if (!asked.id.empty() && !answered.id().empty()) {
    return !absl::EqualsIgnoreCase(asked.id, answered.id());
  }
  const absl::string_view alias = absl::StripAsciiWhitespace(asked.alias);
  const absl::string_view answered_alias = absl::StripAsciiWhitespace(answered.alias());
  return !alias.empty() && !answered_alias.empty() &&
         !absl::EqualsIgnoreCase(alias, answered_alias);
}

// Whatever else the application holds, the call is OK: it was made.
void ProductApplicationService::ReplyDone(Call& call, WriteResult result,
                                          const AskedProduct& asked) {
  Done& done = std::get<Done>(result.outcome);
  if (IsOtherProduct(asked, done.application->product())) {
    call.AddTrailer("gateway-product-mismatch", "true");
    parts_.log.Warn("Passfort returned a different product than the caller gave",
                    {{"method", kMethodName}, {"trace_id", call.work().trace_id()}});
  }
  if (result.replay == WriteResult::Replay::kYes) call.AddTrailer(kReplayedTrailer, "true");
  if (result.source != WriteResult::Source::kReceived) {
    call.AddTrailer(kOutcomeTrailer, SourceName(result.source));
  }
  pb::ProductApplication& answer = *call.answer.mutable_product_application();
  if (done.application.use_count() == 1) {
    answer = std::move(*done.application);
  } else {
    answer = *done.application;  // identical calls share it
  }
  const bool is_least = parts_.memory.IsFullOfResults() || !unread_.HasRoomForLargeOne(call.peer());
  const ReplyTruncation shortening =
      TruncateToFit(call.answer, is_least ? kMinReplyBytes : kMaxReplyBytes);
  if (result.is_shortened || shortening == ReplyTruncation::kTruncated) {
    call.AddTrailer("gateway-answer-shortened", "true");
    parts_.log.Warn("response truncated: it was too large, for a message or beside others",
                    {{"method", kMethodName}, {"trace_id", call.work().trace_id()}});
  }
  ReportDone(call,
             result.replay == WriteResult::Replay::kYes ? "replayed" : SourceName(result.source));
  Answer(call, grpc::Status::OK);
}

void ProductApplicationService::ReplyError(Call& call, const WriteResult& result) {
  CallError error = ToCallError(result, {.request_id = call.request_id,
                                         .caller = call.caller(),
                                         .now = parts_.clock.WallNow(),
                                         .settle_window = options_.settle_window});
  ReportError(call, error);
  call.AddTrailers(error);
  Answer(call, std::move(error.status));
}

void ProductApplicationService::Answer(Call& call, grpc::Status status) {
  unread_.Add(call, call.peer(), MemoryOfAnswer(call.answer));
  ended_.push_back({.call = &call, .status = std::move(status)});
  send_answers_.Request();
}

void ProductApplicationService::FlushReplies() {
  for (Ended& ended : ended_) {
    // Before the answer: a caller that has it may call again at once and expects its place to be
    // free.
    gate_.Release(ended.call->peer());
    ended.call->Finish(std::move(ended.status));
  }
  ended_.clear();
}

void ProductApplicationService::ReportDone(const Call& call, std::string_view outcome) {
  const std::chrono::nanoseconds took = std::chrono::steady_clock::now() - call.arrived_at;
  parts_.metrics.CallHandled(kServiceName, kMethodName, "OK", took);
  parts_.metrics.WriteFinished(kMethodName, outcome);
  parts_.log.Info("call", {{"method", kMethodName},
                           {"code", "OK"},
                           {"outcome", outcome},
                           {"duration_seconds", Seconds(took)},
                           {"trace_id", call.work().trace_id()}});
}

void ProductApplicationService::ReportError(const Call& call, const CallError& error) {
  const std::chrono::nanoseconds took = std::chrono::steady_clock::now() - call.arrived_at;
  const std::string_view code = GrpcCodeName(error.status.error_code());
  parts_.metrics.CallHandled(kServiceName, kMethodName, code, took);
  parts_.metrics.CallFailed(kMethodName, code, error.reason);
  parts_.metrics.WriteFinished(kMethodName, error.outcome);

  const LogField duration = {"duration_seconds", Seconds(took)};
  const LogField trace_id = {"trace_id", call.work().trace_id()};
  const std::string_view phase = PhaseName(error.phase);
  if (error.http_status == 0) {
    parts_.log.Info("call", {{"method", kMethodName},
                             {"code", code},
                             {"outcome", error.outcome},
                             {"reason", error.reason},
                             {"phase", phase},
                             duration,
                             trace_id});
    return;
  }
  parts_.log.Info("call", {{"method", kMethodName},
                           {"code", code},
                           {"outcome", error.outcome},
                           {"reason", error.reason},
                           {"phase", phase},
                           {"http_status", int64_t{error.http_status}},
                           duration,
                           trace_id});
}

void ProductApplicationService::BeginDrain() { gate_.Close(); }

bool ProductApplicationService::WaitUntilIdle(Milliseconds longest) {
  return gate_.WaitUntilEmpty(longest);
}

void ProductApplicationService::StopCalls() {
  parts_.loop.Post([this] {
    stopping_ = true;
    // A call may end, and leave the set, inside its stop request.
    std::vector<std::stop_source> stops;
    stops.reserve(in_flight_.size());
    for (const Call* call : in_flight_) stops.push_back(call->stop_source());
    for (auto& stop : stops) stop.request_stop();
  });
}

}  // namespace gateway
