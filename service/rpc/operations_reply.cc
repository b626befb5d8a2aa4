#include "service/rpc/operations_reply.h"

#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "passfort/gateway/v1/product_application.pb.h"
#include "passfort/gateway/v1/profile.pb.h"
#include "service/operations/add_product_application.h"
#include "service/rpc/read_reply.h"

namespace gateway {
namespace {

using operations_pb::RequestState;
using Why = SettlementContradicted::Why;

constexpr ReadWords kReadWords = {
    .object = "what shows whether the write was executed",
    .not_found = "no such profile, or it is not visible to the gateway's API key",
    .check = "Check the id."};

void SetTime(absl::Time time, google::protobuf::Timestamp& timestamp) {
  const int64_t micros = absl::ToUnixMicros(time);
  timestamp.set_seconds(micros / 1'000'000);
  timestamp.set_nanos(static_cast<int>(micros % 1'000'000) * 1000);
}

RequestState StateOf(const Record& record) {
  switch (record.state) {
    case RecordState::kClaimed:
      return operations_pb::REQUEST_STATE_IN_FLIGHT;
    case RecordState::kSent:
      return record.store_now < record.lease_until ? operations_pb::REQUEST_STATE_IN_FLIGHT
                                                   : operations_pb::REQUEST_STATE_UNRESOLVED;
    case RecordState::kNoEffect:
      return operations_pb::REQUEST_STATE_NOT_EXECUTED;
    case RecordState::kInconclusive:
      return operations_pb::REQUEST_STATE_INCONCLUSIVE;
    case RecordState::kDone:
      return operations_pb::REQUEST_STATE_EXECUTED;
  }
  return operations_pb::REQUEST_STATE_UNSPECIFIED;
}

operations_pb::ResultSource SourceOf(const Record& record) {
  if (record.state == RecordState::kNoEffect && record.settled) {
    return operations_pb::RESULT_SOURCE_SETTLED;
  }
  if (record.state != RecordState::kDone) return operations_pb::RESULT_SOURCE_UNSPECIFIED;
  if (record.result_origin == ResultOrigin::kReceived) return operations_pb::RESULT_SOURCE_RECEIVED;
  return record.settled ? operations_pb::RESULT_SOURCE_SETTLED
                        : operations_pb::RESULT_SOURCE_RECONCILED;
}

bool IsSettled(const Record& record) {
  return SourceOf(record) == operations_pb::RESULT_SOURCE_SETTLED;
}

// What an operation's own columns say.
void SetTarget(const Record& record, operations_pb::Request& request) {
  if (const auto draft = DecodeDraft(record.target)) {
    request.set_profile_id(draft->profile_id);
    request.mutable_product()->set_alias(draft->product_alias);
    request.mutable_product()->set_id(draft->product_id);
    request.set_associated_role(draft->associated_role);
    if (record.state == RecordState::kDone) {
      request.set_product_application_id(record.result.resource_id);
    }
  } else if (record.state == RecordState::kDone) {
    request.set_profile_id(record.result.resource_id);
  }
}

std::string_view WhyName(Why why) {
  switch (why) {
    case Why::kOtherOperation:
      return "OTHER_OPERATION";
    case Why::kNotShown:
      return "NOT_SHOWN";
    case Why::kWasThere:
      return "WAS_THERE_BEFORE";
    case Why::kAttributed:
      return "OF_ANOTHER_REQUEST_ID";
    case Why::kCandidates:
      return "CANDIDATES_NOT_LOOKED_AT";
    case Why::kMayBeIncomplete:
      return "LIST_MAY_BE_INCOMPLETE";
  }
  return "NOT_SHOWN";
}

std::string_view WordsOf(Why why) {
  switch (why) {
    case Why::kOtherOperation:
      return "the request_id stands for another method, which cannot have come to that";
    case Why::kNotShown:
      return "Passfort does not show it, or shows another product";
    case Why::kWasThere:
      return "it was there before the write was sent";
    case Why::kAttributed:
      return "it is the result of another request_id";
    case Why::kCandidates:
      return "there are applications that may be its result and that not_executed.candidate_ids "
             "does not name";
    case Why::kMayBeIncomplete:
      return "Passfort's list has items that cannot be read";
  }
  return "";
}

CallError ErrorOf(const NotSettleable& result, const CallInfo& call) {
  ErrorSpec spec{.reason = ErrorReason::kNotSettleable,
                 .metadata = {{"state", RequestState_Name(StateOf(result.record))}},
                 .request_id = call.request_id};
  if (result.known_by) {
    const std::string known_by = Rfc3339(call.now + (*result.known_by - result.record.store_now));
    spec.details = absl::StrCat("it is too early before ", known_by);
    spec.metadata["known_by"] = known_by;
  }
  return BuildError(std::move(spec));
}

CallError ErrorOf(const SettlementContradicted& result, const CallInfo& call) {
  ErrorSpec spec{.reason = ErrorReason::kSettlementContradicted,
                 .details = std::string(WordsOf(result.why)),
                 .phase = CallPhase::kAnswered,
                 .metadata = {{"why", std::string(WhyName(result.why))}},
                 .request_id = call.request_id};
  if (std::string ids = JoinedIds(result.candidate_ids); !ids.empty()) {
    spec.metadata["candidate_ids"] = std::move(ids);
  }
  return BuildError(std::move(spec));
}

CallError ErrorOf(const SettledMeanwhile& result, const CallInfo& call) {
  ErrorSpec spec{.reason = ErrorReason::kSettledMeanwhile,
                 .phase = CallPhase::kAnswered,
                 .request_id = call.request_id};
  if (!result.record) {
    spec.details = "it is not known any more: somebody settled it as not executed, or it was freed";
    spec.metadata["state"] = RequestState_Name(operations_pb::REQUEST_STATE_UNSPECIFIED);
    return BuildError(std::move(spec));
  }
  const std::string state = RequestState_Name(StateOf(*result.record));
  spec.details = absl::StrCat("it is ", state, " now");
  spec.metadata["state"] = state;
  if (IsSettled(*result.record)) {
    absl::StrAppend(&spec.details, ", as ", result.record->settled->name, " settled it");
    spec.metadata["settled_by"] = result.record->settled->name;
  }
  return BuildError(std::move(spec));
}

CallError ErrorOf(const UnknownRequest& /*result*/, const CallInfo& call) {
  return RequestNotFoundError(call.request_id);
}

CallError ErrorOf(const KeyInUse& /*result*/, const CallInfo& call) {
  return BuildError({.reason = ErrorReason::kWriteInProgress,
                     .message = "another write to this profile is in progress, whose result it may "
                                "be: nothing was changed. Settle it once that write has ended.",
                     .scope = ErrorScope::kCall,
                     .request_id = call.request_id});
}

// The same call again settles only what it has seen, whatever became of this one.
CallError ErrorOf(const StoreFailed& result, const CallInfo& call) {
  const ErrorReason reason = StoreFailureReason(result.why);
  return BuildError(
      {.reason = reason,
       .message = absl::StrCat(
           "the gateway's store did not say whether it is settled: nothing was sent. ",
           reason == ErrorReason::kStoreBroken
               ? "Once the store is mended, make the same call again: it settles it, "
                 "or says what it is by then."
               : "Make the same call again: it settles it, or says what it is by then."),
       .request_id = call.request_id});
}

// Never asked for.
CallError ErrorOf(const SettledRecord& /*result*/, const CallInfo& /*call*/) {
  return StoreError(absl::UnknownError(""));
}

// What Passfort said of a read speaks of the read alone.
CallError ErrorOf(const NotExecuted& result, const CallInfo& call) {
  return ToReadError(result, result.cause != NotExecuted::Cause::kCircuitOpen,
                     {.caller = call.caller, .now = call.now}, kReadWords);
}

CallError ErrorOf(const Refused& result, const CallInfo& call) {
  return ToReadError(result, {.caller = call.caller, .now = call.now}, kReadWords);
}

}  // namespace

operations_pb::Request ToRequest(const Record& record, absl::Time now, Milliseconds settle_window) {
  const auto shown = [&](absl::Time time) { return now + (time - record.store_now); };
  operations_pb::Request request;
  request.set_request_id(record.request_id);
  request.set_state(StateOf(record));
  request.set_operation(record.operation);
  SetTarget(record, request);
  if (const auto name = CallerName(record.caller)) request.set_caller_name(std::string(*name));
  request.set_principal(record.principal);
  if (record.sent_at) SetTime(*record.sent_at, *request.mutable_sent_at());
  const bool is_open =
      record.state == RecordState::kSent || record.state == RecordState::kInconclusive;
  const auto known_by = KnownBy(record, settle_window);
  if (is_open && known_by) SetTime(shown(*known_by), *request.mutable_known_by());
  for (const std::string& id : record.candidate_ids) request.add_candidate_ids(id);
  request.set_result_source(SourceOf(record));
  if (IsSettled(record)) {
    request.set_settled_by(record.settled->name);
    SetTime(shown(record.settled->at), *request.mutable_settled_at());
  }
  SetTime(shown(record.expires_at), *request.mutable_expires_at());
  return request;
}

CallError RequestNotFoundError(std::string_view request_id) {
  return BuildError({.reason = ErrorReason::kRequestNotFound, .request_id = request_id});
}

CallError StoreError(const absl::Status& why) {
  return BuildError({.reason = StoreFailureReason(why)});
}

CallError ToSettlementError(const SettlementResult& result, const CallInfo& call) {
  return std::visit([&call](const auto& end) { return ErrorOf(end, call); }, result);
}

}  // namespace gateway
