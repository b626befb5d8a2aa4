#include "service/idempotency/write_session.h"

#include <utility>
#include <variant>

namespace gateway {
namespace {

bool LeaseExpired(const Record& record) { return record.store_now >= record.lease_until; }

}  // namespace

WriteSession::WriteSession(SessionDependencies dependencies, AtMostOnceOptions options,
                           RequestKey key, std::shared_ptr<const WriteRequest> request,
                           TraceContext trace)
    : state_(std::move(dependencies), options, std::move(key), std::move(request),
             std::move(trace)),
      poll_backoff_(options.poll, state_.dependencies.random) {}

bool WriteSession::IsFor(const WriteRequest& request) const {
  return &request.operation() == &state_.request->operation() &&
         request.fingerprint() == state_.request->fingerprint();
}

Task<SessionResult> WriteSession::Run() {
  state_.dependencies.budget.OnCall();
  while (true) {
    Next next = co_await LookAtBudget();
    if (next == Next::kContinue) next = co_await LockKey();
    if (next == Next::kContinue) next = co_await Claim();
    if (next == Next::kFinished) co_return *state_.result;
    // The holder, or the background reconciler, goes on with what nobody here waits for.
    if (!state_.has_waiters) co_return state_.PendingResult();
    const SteadyTime again = state_.dependencies.clock.Now() + poll_backoff_.Next();
    const auto wake =
        co_await state_.dependencies.clock.SleepUntil(again, state_.until_released.stop);
    if (wake == Clock::SleepResult::kStopped) co_return co_await FinishWaiting();
  }
}

void WriteSession::Stop() {
  RequestRelease(NotExecuted::Cause::kStopped);
  state_.stop.request_stop();
}

// ---- Step 1: claim. ----

// A caller that has used up its budget must not keep others off the profile, nor cost Passfort a
// look. Only the intent's own transaction decides; and what is known already is told all the same.
Task<WriteSession::Next> WriteSession::LookAtBudget() {
  if (!state_.key.budget || guard_) co_return Next::kContinue;
  const auto reached =
      co_await state_.dependencies.store.LookAtBudget(*state_.key.budget, state_.StoreDeadline());
  if (!reached.ok()) co_return state_.Finish(state_.StoreFailedResult(reached.status()));
  if (!reached->has_value()) co_return Next::kContinue;
  const auto known =
      co_await state_.dependencies.store.Find(state_.key.request_id, state_.StoreDeadline());
  if (!known.ok()) co_return state_.Finish(state_.StoreFailedResult(known.status()));
  if (known->has_value()) co_return Next::kContinue;
  co_return state_.Finish(BudgetReachedResult((*reached)->resets_at));
}

// The sessions of this process that want the same key go one after another. A record that is known
// and not without effect needs no turn: it has a result, or a holder.
Task<WriteSession::Next> WriteSession::LockKey() {
  if (guard_) co_return Next::kContinue;
  const std::string key = state_.request->serialization_key();
  if (!state_.dependencies.key_mutex.IsFree(key)) {
    auto known =
        co_await state_.dependencies.store.Find(state_.key.request_id, state_.StoreDeadline());
    if (!known.ok()) co_return state_.Finish(state_.StoreFailedResult(known.status()));
    if (known->has_value() && (*known)->state != RecordState::kNoEffect) {
      co_return co_await Resume(**std::move(known));
    }
    // Or one key, and whoever calls for it, could take every place of the gateway.
    if (state_.dependencies.key_mutex.IsFull(key)) {
      co_return state_.Finish(ToResult(IdempotencyError::Cause::kWriteInProgress));
    }
  }
  KeyedMutex::Guard guard =
      co_await state_.dependencies.key_mutex.Lock(key, state_.until_released.stop);
  if (!guard) co_return state_.Finish(co_await FinishWaiting());
  guard_.emplace(std::move(guard));
  co_return Next::kContinue;
}

Task<WriteSession::Next> WriteSession::Claim() {
  if (state_.IsReleaseRequested()) co_return state_.Finish(co_await FinishWaiting());
  state_.dependencies.fail_point(FailPointId::kBeforeClaim, state_.key.request_id);
  RecordStore::Claim claim{.request_id = state_.key.request_id,
                           .caller = state_.key.caller,
                           .principal = state_.key.principal,
                           .fingerprint = state_.request->fingerprint(),
                           .operation = std::string(state_.request->operation().name()),
                           .serialization_key = state_.request->serialization_key(),
                           .target = state_.request->target(),
                           .lease = state_.options.lease_duration};
  auto result =
      co_await state_.dependencies.store.TryClaim(std::move(claim), state_.StoreDeadline());
  if (!result.ok()) co_return state_.Finish(state_.StoreFailedResult(result.status()));
  if (auto* claimed = std::get_if<RecordStore::Claimed>(&*result)) {
    state_.owned.Hold(std::move(claimed->record));
    co_return co_await attempts_.Run();
  }
  if (auto* known = std::get_if<RecordStore::Exists>(&*result)) {
    co_return co_await Resume(std::move(known->record));
  }
  if (auto* held = std::get_if<RecordStore::KeyHeld>(&*result)) {
    co_return co_await WaitForHolder(std::move(held->holder));
  }
  co_return state_.Finish(ToResult(IdempotencyError::Cause::kStoreFull));
}

// The wait for another record was stopped. An identical call elsewhere may have begun meanwhile.
Task<SessionResult> WriteSession::FinishWaiting() {
  const auto known =
      co_await state_.dependencies.store.Find(state_.key.request_id, state_.StoreDeadline());
  if (!known.ok()) co_return state_.StoreFailedResult(known.status());
  const bool is_free = !known->has_value() || (*known)->state == RecordState::kNoEffect;
  if (!is_free) co_return state_.PendingResult();
  co_return ToResult(IdempotencyError::Cause::kWriteInProgress);
}

// Another record of the key is claimed or sent, by another process or by one that died.
Task<WriteSession::Next> WriteSession::WaitForHolder(Record holder) {
  state_.stage = Stage::kNothingSent;
  co_await ReleaseIfLeaseExpired(std::move(holder));
  co_return Next::kRestart;
}

// Releases a key that a crashed process still holds. Whatever comes of it, the next try to claim
// shows whether the key is free.
Task<void> WriteSession::ReleaseIfLeaseExpired(Record holder) {
  const bool must_look = holder.state == RecordState::kSent;
  if (!LeaseExpired(holder) || (must_look && state_.pending.LooksInVain())) co_return;
  const auto unobserved = co_await state_.dependencies.reconciler.ReleaseExpired(
      std::move(holder), state_.until_released);
  if (must_look) state_.pending.SetUnobserved(unobserved);
}

Task<WriteSession::Next> WriteSession::Resume(Record record) {
  if (!state_.key.Owns(record) || record.fingerprint != state_.request->fingerprint() ||
      record.operation != state_.request->operation().name()) {
    co_return state_.Finish(ToResult(IdempotencyError::Cause::kRequestIdReused));
  }
  state_.pending.Update(record);
  switch (record.state) {
    case RecordState::kDone:
      co_return state_.FinishWith(record, Replay::kYes);
    case RecordState::kNoEffect:
      state_.stage = Stage::kNothingSent;
      co_return co_await Reclaim(std::move(record));
    case RecordState::kClaimed:
      state_.stage = Stage::kFollowing;
      if (!LeaseExpired(record)) co_return Next::kRestart;
      co_return co_await Reclaim(std::move(record));
    case RecordState::kSent:
      state_.stage = Stage::kFollowing;
      if (!LeaseExpired(record)) co_return Next::kRestart;
      co_return co_await reconcile_.Run(std::move(record), std::nullopt);
    case RecordState::kInconclusive:
      break;
  }
  co_return co_await ResumeInconclusive(std::move(record));
}

Task<WriteSession::Next> WriteSession::ResumeInconclusive(Record record) {
  state_.stage = Stage::kSent;
  Reconciliation look =
      co_await state_.dependencies.reconciler.Reconcile(std::move(record), state_.until_stopped);
  if (look.kind == Reconciliation::Kind::kTookEffect)
    co_return state_.FinishWith(look.record, Replay::kNo);
  if (look.kind == Reconciliation::Kind::kVersionConflict) {
    // No background reconciler ends a dead claim, and it would keep what was found from being
    // stored for ever.
    if (look.holder) co_await ReleaseIfLeaseExpired(*std::move(look.holder));
    co_return Next::kRestart;
  }
  state_.pending.Update(look.record);
  state_.pending.SetUnobserved(look.unobserved);
  co_return state_.Finish(state_.PendingResult());
}

// Takes a record that nobody holds: proven without effect, or claimed by one that died.
Task<WriteSession::Next> WriteSession::Reclaim(Record record) {
  const RecordStore::RecordUpdate update{.state = RecordState::kClaimed,
                                         .lease = state_.options.lease_duration};
  RecordStore& store = state_.dependencies.store;
  auto updated = record.state == RecordState::kClaimed
                     ? co_await store.UpdateIfLeaseExpired(record, update, state_.StoreDeadline())
                     : co_await store.Update(record, update, state_.StoreDeadline());
  if (!updated.ok()) co_return state_.Finish(state_.StoreFailedResult(updated.status()));
  if (auto* claimed = std::get_if<Record>(&*updated)) {
    state_.owned.Hold(std::move(*claimed));
    co_return co_await attempts_.Run();
  }
  if (auto* held = std::get_if<RecordStore::KeyHeld>(&*updated)) {
    co_return co_await WaitForHolder(std::move(held->holder));
  }
  co_return Next::kRestart;
}

}  // namespace gateway
