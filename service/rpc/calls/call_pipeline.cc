#include "service/rpc/calls/call_pipeline.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>
#include <utility>
#include <variant>

#include "service/rpc/access/access_errors.h"
#include "service/rpc/access/caller_limits.h"
#include "service/rpc/error_catalog.h"
#include "service/rpc/outcome_to_grpc.h"

namespace gateway {
namespace {

// Beside the calls that are in flight: each ended one is here for a moment.
constexpr size_t kMinUnreadReplies = 100;

// Of this estimate a reply takes about a millisecond: 6 MiB took 18 ms to measure, write and free.
constexpr size_t kLargeResultBytes = size_t{256} * 1024;

// What is left of a reply beside too many.
constexpr size_t kMinReplyBytes = 2048;

double Seconds(std::chrono::nanoseconds took) {
  return std::chrono::duration<double>(took).count();
}

std::string PathOf(const RpcMethod& method) {
  std::string path;
  path.reserve(method.service.size() + method.name.size() + 2);
  return path.append("/").append(method.service).append("/").append(method.name);
}

// What gRPC holds of a reply that is an error.
size_t MemoryOfReply(const CallError& error) { return error.status.error_details().size(); }

}  // namespace

CallPipeline::CallPipeline(Options options, Dependencies dependencies)
    : options_(options),
      dependencies_(dependencies),
      metrics_(dependencies.metrics),
      limiter_(options_.max_in_flight),
      unread_(dependencies.loop,
              {.answers = std::max(options_.max_in_flight, kMinUnreadReplies),
               .bytes = options_.max_unread_bytes,
               .longest = options_.reply_read_within},
              dependencies.metrics),
      send_replies_(dependencies.loop, [this] { FlushReplies(); }),
      large_replies_([this](RpcCall& call, const Reply& reply, RpcCall::ResultHas result_has) {
        EndWithLargeReply(call, reply, result_has);
      }) {
  metrics_.in_flight.Set(0);
  metrics_.max_in_flight.Set(static_cast<double>(options_.max_in_flight));
}

CallPipeline::~CallPipeline() {
  // The last answer can reach its caller, and the server its end, before the loop is done with us.
  if (!dependencies_.loop.IsLoopThread()) dependencies_.loop.RunAndWait([] {});
}

void CallPipeline::Describe(StatusReport& report) const {
  AddUse("calls in flight", metrics_.in_flight.value().value_or(0), options_.max_in_flight,
         report.Section("Load"));
}

bool CallPipeline::Accept(RpcCall& call, size_t request_bytes) {
  metrics_.started.Increment({call.method_.service, call.method_.name});
  auto refusal = Check(call, request_bytes);
  if (!refusal.has_value()) return true;
  ReportError(call, *refusal);
  call.AddTrailers(*refusal);
  call.AddUnread(MemoryOfReply(*refusal));
  call.FinishWith(std::move(refusal->status));
  return false;
}

std::optional<CallError> CallPipeline::Check(RpcCall& call, size_t request_bytes) {
  // First, so that who may not do this learns nothing about the request.
  const std::string path = PathOf(call.method_);
  const AccessControl::Call admission{.path = path, .trace_id = call.trace_.trace_id()};
  if (auto denial = dependencies_.access.Admit(call.grpc_context_, admission, call.admitted_)) {
    return denial;
  }
  // Before the request, so that one that is wrong costs its caller as much as one that is right.
  if (const CallerEntry* entry = call.admitted_.entry.get(); entry != nullptr) {
    if (auto refusal = CheckRate(*entry, call.arrived_at_)) return refusal;
  }
  if (auto refusal = CheckRequest(call, request_bytes)) return refusal;
  if (!unread_.HasRoom(call.peer_)) return OverloadedError(call.request_id());
  // Last, so that whoever is refused holds no place.
  return TakePlaces(call);
}

std::optional<CallError> CallPipeline::CheckRequest(RpcCall& call, size_t request_bytes) {
  if (request_bytes > options_.max_request_bytes) {
    return RequestTooLargeError(options_.max_request_bytes);
  }
  if (const auto violations = call.Validate(); !violations.empty()) {
    return InvalidRequestError(violations);
  }
  const CallerEntry* entry = call.admitted_.entry.get();
  if (entry == nullptr) return std::nullopt;
  if (call.method_.effect == RpcMethod::Effect::kWrite) {
    if (auto refusal = CheckRequestIdGiven(*entry, call.request_id())) return refusal;
  }
  if (!entry->products.has_value()) return std::nullopt;
  return CheckProducts(call.admitted_, PathOf(call.method_), call.Products(), call.request_id());
}

std::optional<CallError> CallPipeline::TakePlaces(RpcCall& call) {
  CallerUsage::Place place;
  if (const CallerEntry* entry = call.admitted_.entry.get(); entry != nullptr) {
    place = CallerUsage::TryTakePlace(entry->usage, entry->max_in_flight);
    if (place == nullptr) return CallerOverloadedError(call.request_id());
  }
  switch (limiter_.TryAcquire(call.peer_)) {
    case ConcurrencyLimiter::Admission::kAtLimit:
      return OverloadedError(call.request_id());
    case ConcurrencyLimiter::Admission::kClosed:
      return DrainingError(call.request_id());
    case ConcurrencyLimiter::Admission::kAdmitted:
      break;
  }
  metrics_.in_flight.Add(1);
  call.place_ = std::move(place);
  return std::nullopt;
}

void CallPipeline::Run(RpcCall& call, Task<CallResult> handling) {
  in_flight_.insert(&call);
  if (stopping_) call.stop_.request_stop();
  Spawn(std::move(handling), [this, &call](CallResult result) { End(call, std::move(result)); });
}

void CallPipeline::End(RpcCall& call, CallResult result) {
  in_flight_.erase(&call);
  if (const auto* reply = std::get_if<Reply>(&result)) {
    EndWithReply(call, *reply);
  } else {
    EndWithError(call, std::move(*std::get<std::unique_ptr<CallError>>(result)));
  }
}

void CallPipeline::EndWithReply(RpcCall& call, const Reply& reply) {
  const RpcCall::ResultHas result_has = call.OwnersOfResult();
  if (CountedBytes(call.result_) >= kLargeResultBytes) {
    call.has_large_reply_ = true;
    return large_replies_.Add(call, reply, result_has);
  }
  call.FillIn(result_has);
  Fit(call, reply);
  ReportReply(call, reply);
  CountAsUnread(call, call.MeasureMemory());
  SendAtEndOfTurn(call, grpc::Status::OK);
}

void CallPipeline::EndWithLargeReply(RpcCall& call, const Reply& reply,
                                     RpcCall::ResultHas result_has) {
  // It was an estimate so far. Identical calls say the same.
  RecountResult(call.result_, call.MeasureResult());
  if (call.caller() == Caller::kWaiting) call.FillIn(result_has);
  Fit(call, reply);
  ReportReply(call, reply);
  CountAsUnread(call, call.MeasureMemory());
  Send(call, grpc::Status::OK);
}

void CallPipeline::Fit(RpcCall& call, const Reply& reply) {
  const bool is_least =
      dependencies_.memory.IsFullOfResults() || !unread_.HasRoomForLargeOne(call.peer_);
  const ReplyTruncation truncation = call.FitReply(is_least ? kMinReplyBytes : kMaxReplyBytes);
  if (reply.truncation == ReplyTruncation::kTruncated ||
      truncation == ReplyTruncation::kTruncated) {
    call.AddTrailer("gateway-answer-shortened", "true");
    dependencies_.log.Warn(
        "response truncated: it was too large, for a message or beside others",
        {{"method", call.method_.name}, {"trace_id", call.context().trace_id()}});
  }
}

void CallPipeline::EndWithError(RpcCall& call, CallError error) {
  ReportError(call, error);
  call.AddTrailers(error);
  CountAsUnread(call, MemoryOfReply(error));
  SendAtEndOfTurn(call, std::move(error.status));
}

void CallPipeline::CountAsUnread(RpcCall& call, size_t memory) {
  call.AddUnread(memory);
  call.result_.reset();
}

void CallPipeline::SendAtEndOfTurn(RpcCall& call, grpc::Status status) {
  pending_replies_.push_back({.call = &call, .status = std::move(status)});
  send_replies_.Request();
}

void CallPipeline::FlushReplies() {
  for (PendingReply& reply : pending_replies_) Send(*reply.call, std::move(reply.status));
  pending_replies_.clear();
}

void CallPipeline::Send(RpcCall& call, grpc::Status status) {
  // Before the answer: a caller that has it may call again at once and expects its places to be
  // free.
  call.place_.reset();
  metrics_.in_flight.Add(-1);
  limiter_.Release(call.peer_);
  call.FinishWith(std::move(status));
}

void CallPipeline::ReportReply(const RpcCall& call, const Reply& reply) {
  const auto& [service, method, effect] = call.method_;
  const std::chrono::nanoseconds took = std::chrono::steady_clock::now() - call.arrived_at_;
  metrics_.Handled(service, method, "OK", took);
  if (effect == RpcMethod::Effect::kWrite) {
    metrics_.write_outcomes.Increment({method, reply.outcome, call.identity().name});
  }
  if (reply.retry_end) {
    metrics_.retry_ends.Increment({method, RetryEndName(*reply.retry_end)});
  }
  const LogField fields[] = {{"method", method},
                             {"code", "OK"},
                             {"outcome", reply.outcome},
                             {"duration_seconds", Seconds(took)},
                             {"trace_id", call.context().trace_id()},
                             {"caller", CallerInLog(call.identity())},
                             {"caller_name", call.identity().name}};
  const size_t unnamed = call.admitted_.HasEntryOfItsOwn() ? 0 : 1;
  dependencies_.log.Write(LogLevel::kInfo, kCallLine, {fields, std::size(fields) - unnamed});
}

void CallPipeline::ReportError(const RpcCall& call, const CallError& error) {
  const auto& [service, method, effect] = call.method_;
  const std::chrono::nanoseconds took = std::chrono::steady_clock::now() - call.arrived_at_;
  const std::string_view code = GrpcCodeName(error.status.error_code());
  metrics_.Handled(service, method, code, took);
  metrics_.failed.Increment({method, code, error.reason, call.identity().name});
  if (effect == RpcMethod::Effect::kWrite) {
    metrics_.write_outcomes.Increment({method, error.outcome, call.identity().name});
  }
  if (error.retry_end) {
    metrics_.retry_ends.Increment({method, RetryEndName(*error.retry_end)});
  }
  LogFailedCall({.method = method,
                 .error = error,
                 .took = took,
                 .trace_id = call.context().trace_id(),
                 .caller = call.admitted_},
                dependencies_.log);
}

void CallPipeline::BeginDrain() { limiter_.Close(); }

bool CallPipeline::WaitUntilIdle(Milliseconds longest) { return limiter_.WaitUntilEmpty(longest); }

void CallPipeline::StopCalls() {
  dependencies_.loop.Post([this] {
    stopping_ = true;
    // A call may end, and leave the set, inside its stop request.
    std::vector<std::stop_source> stops;
    stops.reserve(in_flight_.size());
    for (const RpcCall* call : in_flight_) stops.push_back(call->stop_);
    for (auto& stop : stops) stop.request_stop();
  });
}

}  // namespace gateway
