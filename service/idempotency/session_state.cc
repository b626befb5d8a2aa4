#include "service/idempotency/session_state.h"

#include <utility>

namespace gateway {

SessionState::SessionState(SessionDependencies session_dependencies,
                           AtMostOnceOptions session_options, RequestKey request_key,
                           std::shared_ptr<const WriteRequest> write_request,
                           TraceContext trace_context)
    : dependencies(std::move(session_dependencies)),
      options(session_options),
      key(std::move(request_key)),
      request(std::move(write_request)),
      trace(std::move(trace_context)),
      owned(dependencies.store, dependencies.clock, options.store_timeout, dependencies.observer,
            trace.trace_id()),
      pending(dependencies.clock) {}

SessionState::Next SessionState::Finish(SessionResult end) {
  result = std::move(end);
  return Next::kFinished;
}

SessionState::Next SessionState::FinishWith(const Record& record, Replay replay) {
  const bool is_reconciled = record.result_origin == ResultOrigin::kReconciled;
  const bool was_there = WasThere(record, record.result.resource_id);
  return Finish(
      {.outcome = std::make_shared<OperationResult>(OperationResult{.stored = record.result}),
       .sent_at = record.sent_at,
       .source = is_reconciled && record.settled ? ResultSource::kSettled
                 : is_reconciled                 ? ResultSource::kReconciled
                 : was_there                     ? ResultSource::kExisting
                                                 : ResultSource::kReceived,
       .replay = replay});
}

SessionState::Next SessionState::FollowNewHolder() {
  stage = Stage::kFollowing;
  return Next::kRestart;
}

bool SessionState::WasThere(const Record& record, const std::string& resource_id) const {
  return record.baseline && request->operation().IsInBaseline(record.baseline->state, resource_id);
}

SessionResult SessionState::StoreFailedResult(const absl::Status& why) const {
  if (stage != Stage::kNothingSent) return PendingResult();
  return ToResult(StoreFailureCause(why));
}

bool SessionState::HasTimeForAnAttempt() const {
  return latest_deadline.TimeLeft(dependencies.clock.Now()) >= kMinTimeToSend;
}

}  // namespace gateway
