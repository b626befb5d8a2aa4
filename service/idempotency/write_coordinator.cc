#include "service/idempotency/write_coordinator.h"

#include <algorithm>
#include <utility>
#include <variant>
#include <vector>

namespace gateway {
namespace {

// A call leaves this long before its deadline (at most a tenth of its time), to give the record
// back.
constexpr Milliseconds kTimeToRelease{50};

// What became of the write; empty if the result speaks of one more call alone.
std::string_view EndName(const SessionResult& result) {
  if (std::holds_alternative<SharedResult>(result.outcome)) return "done";
  if (std::holds_alternative<Refused>(result.outcome)) return "refused";
  if (std::holds_alternative<NotExecuted>(result.outcome)) return "not_executed";
  const auto* const error = std::get_if<IdempotencyError>(&result.outcome);
  return error != nullptr && error->cause == IdempotencyError::Cause::kNoEffect ? "no_effect" : "";
}

SteadyTime TimeToLeave(SteadyTime now, Deadline deadline) {
  return deadline.at() -
         std::min<SteadyTime::duration>(kTimeToRelease, deadline.TimeLeft(now) / 10);
}

}  // namespace

Task<SessionResult> WriteCoordinator::Write(RequestKey key,
                                            std::shared_ptr<const WriteRequest> request,
                                            const CallContext& context) {
  if (is_draining_) {
    co_return SessionResult{.outcome = NotExecuted{.cause = NotExecuted::Cause::kStopped}};
  }
  while (true) {
    const bool is_first = !sessions_.contains(key.request_id);
    if (is_first && sessions_.size() >= options_.max_sessions) {
      co_return ToResult(IdempotencyError::Cause::kTooManySessions);
    }
    if (const auto running = RunningOfAnother(key); running != nullptr) {
      LogWhereItGoesOn("waits for another caller's write of the same request_id", context,
                       running->session.trace().trace_id());
      co_await WaitAside(*running, TimeToLeave(dependencies_.clock.Now(), context.deadline),
                         context.stop);
      // Others were woken too, and one of them may have begun a session of its own.
      if (const auto now = sessions_.find(key.request_id);
          now == sessions_.end() || now->second != running) {
        continue;
      }
      // Whose it is only the store can say. It may be this caller's, and executed.
      co_return SessionResult{.outcome = Ambiguous{}};
    }
    const auto shared = Join(key, request, context);
    if (shared == nullptr) co_return ToResult(IdempotencyError::Cause::kRequestIdReused);
    if (shared->result && !is_first) {
      SessionResult replayed = shared->session.UnrecordedResult();
      replayed.replay = Replay::kYes;
      co_return replayed;
    }
    co_await WaitFor(*shared, TimeToLeave(dependencies_.clock.Now(), context.deadline),
                     context.deadline, context.stop);
    if (!shared->result) co_return co_await Detach(shared, context);
    // A session that an earlier caller had released as this one came says nothing about this one.
    if (!shared->is_released) co_return *shared->result;
  }
}

// The session of another caller under the request_id, if there is one. Its record may be either's.
std::shared_ptr<WriteCoordinator::InFlightWrite> WriteCoordinator::RunningOfAnother(
    const RequestKey& key) const {
  const auto found = sessions_.find(key.request_id);
  if (found == sessions_.end() || found->second->session.IsOf(key)) return nullptr;
  return found->second;
}

// Waits for the session's end as one of whom it must not know: what it does is for its own callers.
Task<void> WriteCoordinator::WaitAside(InFlightWrite& running, SteadyTime until,
                                       std::stop_token stop) {
  if (running.result) co_return;
  std::stop_source woken;
  const auto place = running.onlookers.insert(running.onlookers.end(), woken);
  const std::stop_callback on_stop(stop, [&woken] { woken.request_stop(); });
  co_await dependencies_.clock.SleepUntil(until, woken.get_token());
  running.onlookers.erase(place);
}

// Waits for the session's result, as one of its callers.
Task<void> WriteCoordinator::WaitFor(InFlightWrite& shared, SteadyTime until, Deadline deadline,
                                     std::stop_token stop) {
  if (shared.result) co_return;
  std::stop_source woken;
  const auto place = shared.waiters.emplace(deadline, woken);
  shared.was_waited_for = true;
  shared.session.SetHasWaiters(true);
  UpdateDeadline(shared);
  const std::stop_callback on_stop(stop, [&woken] { woken.request_stop(); });
  co_await dependencies_.clock.SleepUntil(until, woken.get_token());
  shared.waiters.erase(place);
  UpdateDeadline(shared);
}

// Finds the session of an identical call, or starts one. Null if the request_id stands for
// something else.
std::shared_ptr<WriteCoordinator::InFlightWrite> WriteCoordinator::Join(
    const RequestKey& key, const std::shared_ptr<const WriteRequest>& request,
    const CallContext& context) {
  const auto [entry, is_new] = sessions_.try_emplace(key.request_id);
  if (!is_new) {
    if (!entry->second->session.IsFor(*request)) return nullptr;
    LogWhereItGoesOn("joins the write of an earlier call", context,
                     entry->second->session.trace().trace_id());
    return entry->second;
  }
  if (const auto left = dependencies_.unsettled_traces.Find(key.request_id)) {
    LogWhereItGoesOn("goes on with what an earlier call left unknown", context, left->trace_id());
  }
  // A copy: the session may outlive the call.
  TraceContext trace =
      context.trace != nullptr ? *context.trace : dependencies_.trace_ids.NewTrace();
  const auto shared =
      std::make_shared<InFlightWrite>(dependencies_, options_, key, request, std::move(trace));
  entry->second = shared;
  Spawn(RunSession(key.request_id, shared));
  return shared;
}

void WriteCoordinator::LogWhereItGoesOn(std::string_view what, const CallContext& call,
                                        std::string_view trace_id) {
  dependencies_.log.Info(what, {{"trace_id", call.trace_id()}, {"write_trace_id", trace_id}});
}

// What nobody hears of any more can be found in the trace of the call that began it.
void WriteCoordinator::OnEnd(const std::string& request_id, const InFlightWrite& ended) {
  if (std::holds_alternative<Ambiguous>(ended.result->outcome)) {
    dependencies_.unsettled_traces.Add(request_id, ended.session.trace());
    return;
  }
  const std::string_view end = EndName(*ended.result);
  if (end.empty()) return;
  dependencies_.unsettled_traces.Remove(request_id);
  if (!ended.was_waited_for || !ended.waiters.empty()) return;
  dependencies_.log.Info("a write ended after its callers had left",
                         {{"operation", ended.session.operation_name()},
                          {"end", end},
                          {"trace_id", ended.session.trace().trace_id()}});
}

Task<void> WriteCoordinator::RunSession(std::string request_id,
                                        std::shared_ptr<InFlightWrite> shared) {
  shared->result = co_await shared->session.Run();
  OnEnd(request_id, *shared);
  // A call that arrives later asks the store, unless only this session knows the end yet.
  const bool is_recorded = !shared->session.IsUnrecorded();
  if (is_recorded) sessions_.erase(request_id);
  std::vector<std::stop_source> waiting;
  for (const auto& [deadline, woken] : shared->waiters) waiting.push_back(woken);
  for (const std::stop_source& woken : shared->onlookers) waiting.push_back(woken);
  for (std::stop_source& woken : waiting) woken.request_stop();
  if (!is_recorded) {
    co_await shared->session.RetryRecording();
    sessions_.erase(request_id);
  }
  if (is_draining_ && sessions_.empty()) drained_.request_stop();
}

// A caller goes before the end: at its deadline, or because it was cancelled or is drained.
Task<SessionResult> WriteCoordinator::Detach(std::shared_ptr<InFlightWrite> shared,
                                             const CallContext& context) {
  if (!shared->waiters.empty()) co_return shared->session.PendingResult();
  if (!shared->session.CanRelease()) {
    shared->session.SetHasWaiters(false);
    co_return shared->session.PendingResult();
  }
  shared->is_released = true;
  const bool is_stopped = context.stop.stop_requested();
  shared->session.RequestRelease(is_stopped ? NotExecuted::Cause::kStopped
                                            : NotExecuted::Cause::kNoTimeLeft);
  const SteadyTime until =
      std::min(dependencies_.clock.Now() + kTimeToRelease, context.deadline.at());
  co_await WaitFor(*shared, until, context.deadline, {});
  if (shared->result) co_return *shared->result;
  // The store is too slow to say whether the record is free again. Nothing of this call was or will
  // be sent, but another one may hold the record.
  if (shared->waiters.empty()) shared->session.SetHasWaiters(false);
  co_return shared->session.PendingResult();
}

void WriteCoordinator::UpdateDeadline(InFlightWrite& shared) {
  if (!shared.waiters.empty()) shared.session.SetLatestDeadline(shared.waiters.rbegin()->first);
}

Task<void> WriteCoordinator::Drain() {
  is_draining_ = true;
  if (sessions_.empty()) co_return;
  // A session that ends takes itself out of the map.
  std::vector<std::shared_ptr<InFlightWrite>> running;
  for (const auto& [request_id, shared] : sessions_) running.push_back(shared);
  for (const auto& shared : running) shared->session.Stop();
  if (sessions_.empty()) co_return;
  co_await dependencies_.clock.SleepUntil(dependencies_.clock.Now() + 2 * options_.store_timeout,
                                          drained_.get_token());
}

}  // namespace gateway
