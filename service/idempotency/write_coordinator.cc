#include "service/idempotency/write_coordinator.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace gateway {
namespace {

// A call leaves this long before its deadline (at most a tenth of its time), to give the record
// back.
constexpr Milliseconds kTimeToRelease{50};

SteadyTime TimeToLeave(SteadyTime now, Deadline deadline) {
  return deadline.at() -
         std::min<SteadyTime::duration>(kTimeToRelease, deadline.TimeLeft(now) / 10);
}

WriteResult Replayed(WriteResult result) {
  result.replay = WriteResult::Replay::kYes;
  return result;
}

WriteResult NothingBegun(IdempotencyError::Cause cause) {
  return {.outcome = IdempotencyError{.cause = cause}};
}

}  // namespace

std::string FingerprintOf(const ApplicationDraft& draft) {
  // With its length, so that the alias cannot run into what follows.
  return absl::StrCat("AddProductApplication/", absl::AsciiStrToLower(draft.profile_id), "/",
                      absl::AsciiStrToLower(draft.product_id), "/", draft.product_alias.size(), ":",
                      draft.product_alias, "/", static_cast<int>(draft.associated_role));
}

Task<WriteResult> WriteCoordinator::Add(ApplicationDraft draft, RequestKey intent,
                                        const CallContext& context) {
  if (intent.request_id.empty()) {
    co_return co_await plain_.Add(std::move(draft), std::move(intent), context);
  }
  if (is_draining_) {
    co_return WriteResult{.outcome = NotExecuted{.cause = NotExecuted::Cause::kStopped}};
  }
  draft.profile_id = absl::AsciiStrToLower(draft.profile_id);
  const std::string fingerprint = FingerprintOf(draft);
  const RecordStore::Claim claim{.request_id = intent.request_id,
                                 .caller = intent.caller,
                                 .fingerprint = fingerprint,
                                 .draft = std::move(draft),
                                 .lease = options_.lease_duration};
  while (true) {
    const bool is_first = !sessions_.contains(claim.request_id);
    if (is_first && sessions_.size() >= options_.max_sessions) {
      co_return NothingBegun(IdempotencyError::Cause::kTooManySessions);
    }
    const auto shared = Join(claim, context);
    if (shared == nullptr) co_return NothingBegun(IdempotencyError::Cause::kRequestIdReused);
    if (shared->result && !is_first) co_return Replayed(*shared->result);
    co_await WaitFor(*shared, TimeToLeave(parts_.clock.Now(), context.deadline), context.deadline,
                     context.stop);
    if (!shared->result) co_return co_await Detach(shared, context.deadline);
    // A session that an earlier caller took back as this one came says nothing about this one.
    if (!shared->is_released) co_return *shared->result;
  }
}

// Waits for the session's answer, as one of its callers.
Task<void> WriteCoordinator::WaitFor(InFlightWrite& shared, SteadyTime until, Deadline deadline,
                                     std::stop_token stop) {
  if (shared.result) co_return;
  std::stop_source woken;
  const auto place = shared.waiters.emplace(deadline, woken);
  shared.session.SetHasWaiters(true);
  UpdateDeadline(shared);
  const std::stop_callback on_stop(stop, [&woken] { woken.request_stop(); });
  co_await parts_.clock.SleepUntil(until, woken.get_token());
  shared.waiters.erase(place);
  UpdateDeadline(shared);
}

// Finds the session of an identical call, or starts one. Null if the request_id stands for
// something else.
std::shared_ptr<WriteCoordinator::InFlightWrite> WriteCoordinator::Join(
    const RecordStore::Claim& claim, const CallContext& context) {
  const auto [entry, is_new] = sessions_.try_emplace(claim.request_id);
  if (!is_new) {
    const RecordStore::Claim& first = entry->second->session.claim();
    const bool is_equal = first.caller == claim.caller && first.fingerprint == claim.fingerprint;
    return is_equal ? entry->second : nullptr;
  }
  // A copy: the session may outlive the call.
  TraceContext trace = context.trace != nullptr ? *context.trace : parts_.trace_ids.NewTrace();
  const auto shared = std::make_shared<InFlightWrite>(parts_, options_, claim, std::move(trace));
  entry->second = shared;
  Spawn(RunSession(claim.request_id, shared));
  return shared;
}

Task<void> WriteCoordinator::RunSession(std::string request_id,
                                        std::shared_ptr<InFlightWrite> shared) {
  shared->result = co_await shared->session.Run();
  // A call that comes now asks the store, unless only this session has the response yet.
  const bool is_stored = !shared->session.HasUnstoredResult();
  if (is_stored) sessions_.erase(request_id);
  std::vector<std::stop_source> waiting;
  for (const auto& [deadline, woken] : shared->waiters) waiting.push_back(woken);
  for (std::stop_source& woken : waiting) woken.request_stop();
  if (!is_stored) {
    co_await shared->session.RetryStoringResult();
    sessions_.erase(request_id);
  }
  if (is_draining_ && sessions_.empty()) drained_.request_stop();
}

// A caller goes before the end: at its deadline, or because it was cancelled or is drained.
Task<WriteResult> WriteCoordinator::Detach(std::shared_ptr<InFlightWrite> shared,
                                           Deadline deadline) {
  if (!shared->waiters.empty()) co_return shared->session.PendingResult();
  if (!shared->session.CanRelease()) {
    shared->session.SetHasWaiters(false);
    co_return shared->session.PendingResult();
  }
  shared->is_released = true;
  shared->session.RequestRelease();
  const SteadyTime until = std::min(parts_.clock.Now() + kTimeToRelease, deadline.at());
  co_await WaitFor(*shared, until, deadline, {});
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
  co_await parts_.clock.SleepUntil(parts_.clock.Now() + 2 * options_.store_timeout,
                                   drained_.get_token());
}

}  // namespace gateway
