// Longer than other files: one state machine, which has to be read as a whole.

#include "service/idempotency/write_session.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "service/idempotency/observe_with_retries.h"
#include "service/resilience/write_retry_policy.h"

namespace gateway {
namespace {

using Change = OwnedRecord::Change;

bool Owns(const RequestKey& key, const Record& record) {
  if (record.caller == key.caller) return true;
  return !key.principal.empty() &&
         (record.caller == key.principal || record.principal == key.principal);
}

bool LeaseExpired(const Record& record) { return record.store_now >= record.lease_until; }

SessionResult ToResult(IdempotencyError::Cause cause) {
  return {.outcome = IdempotencyError{.cause = cause}};
}

SessionResult BudgetReachedResult(absl::Time resets_at) {
  return {.outcome = IdempotencyError{.cause = IdempotencyError::Cause::kBudgetReached,
                                      .resets_at = resets_at}};
}

}  // namespace

WriteSession::WriteSession(SessionDependencies dependencies, AtMostOnceOptions options,
                           RequestKey key, std::shared_ptr<const WriteRequest> request,
                           TraceContext trace)
    : dependencies_(std::move(dependencies)),
      options_(options),
      key_(std::move(key)),
      request_(std::move(request)),
      trace_(std::move(trace)),
      poll_backoff_(options.poll, dependencies_.random),
      retry_backoff_(options.resend, dependencies_.random),
      owned_(dependencies_.store, dependencies_.clock, options.store_timeout,
             dependencies_.observer, trace_.trace_id()),
      pending_(dependencies_.clock) {}

bool WriteSession::IsFor(const WriteRequest& request) const {
  return &request.operation() == &request_->operation() &&
         request.fingerprint() == request_->fingerprint();
}

Task<SessionResult> WriteSession::Run() {
  dependencies_.budget.OnCall();
  while (true) {
    Next next = co_await LookAtBudget();
    if (next == Next::kContinue) next = co_await LockKey();
    if (next == Next::kContinue) next = co_await Claim();
    if (next == Next::kFinished) co_return *result_;
    // The holder, or the background reconciler, goes on with what nobody here waits for.
    if (!has_waiters_) co_return PendingResult();
    const SteadyTime again = dependencies_.clock.Now() + poll_backoff_.Next();
    const auto wake = co_await dependencies_.clock.SleepUntil(again, until_released_.stop);
    if (wake == Clock::SleepResult::kStopped) co_return co_await FinishWaiting();
  }
}

void WriteSession::Stop() {
  RequestRelease(NotExecuted::Cause::kStopped);
  stop_.request_stop();
}

// ---- Step 1: claim. ----

// A caller that has used up its budget must not keep others off the profile, nor cost Passfort a
// look. Only the intent's own transaction decides; and what is known already is told all the same.
Task<WriteSession::Next> WriteSession::LookAtBudget() {
  if (!key_.budget || guard_) co_return Next::kContinue;
  const auto reached = co_await dependencies_.store.LookAtBudget(*key_.budget, StoreDeadline());
  if (!reached.ok()) co_return Finish(StoreUnavailableResult());
  if (!reached->has_value()) co_return Next::kContinue;
  const auto known = co_await dependencies_.store.Find(key_.request_id, StoreDeadline());
  if (!known.ok()) co_return Finish(StoreUnavailableResult());
  if (known->has_value()) co_return Next::kContinue;
  co_return Finish(BudgetReachedResult((*reached)->resets_at));
}

// The sessions of this process that want the same key go one after another. A record that is known
// and not without effect needs no turn: it has a result, or a holder.
Task<WriteSession::Next> WriteSession::LockKey() {
  if (guard_) co_return Next::kContinue;
  const std::string key = request_->serialization_key();
  if (!dependencies_.key_mutex.IsFree(key)) {
    auto known = co_await dependencies_.store.Find(key_.request_id, StoreDeadline());
    if (!known.ok()) co_return Finish(StoreUnavailableResult());
    if (known->has_value() && (*known)->state != RecordState::kNoEffect) {
      co_return co_await Resume(**std::move(known));
    }
    // Or one key, and whoever calls for it, could take every place of the gateway.
    if (dependencies_.key_mutex.IsFull(key)) {
      co_return Finish(ToResult(IdempotencyError::Cause::kWriteInProgress));
    }
  }
  KeyedMutex::Guard guard = co_await dependencies_.key_mutex.Lock(key, until_released_.stop);
  if (!guard) co_return Finish(co_await FinishWaiting());
  guard_.emplace(std::move(guard));
  co_return Next::kContinue;
}

Task<WriteSession::Next> WriteSession::Claim() {
  if (IsReleaseRequested()) co_return Finish(co_await FinishWaiting());
  dependencies_.fail_point(FailPointId::kBeforeClaim, key_.request_id);
  RecordStore::Claim claim{.request_id = key_.request_id,
                           .caller = key_.caller,
                           .principal = key_.principal,
                           .fingerprint = request_->fingerprint(),
                           .operation = std::string(request_->operation().name()),
                           .serialization_key = request_->serialization_key(),
                           .target = request_->target(),
                           .lease = options_.lease_duration};
  auto result = co_await dependencies_.store.TryClaim(std::move(claim), StoreDeadline());
  if (!result.ok()) co_return Finish(StoreUnavailableResult());
  if (auto* claimed = std::get_if<RecordStore::Claimed>(&*result)) {
    owned_.Hold(std::move(claimed->record));
    co_return co_await ExecuteAttempts();
  }
  if (auto* known = std::get_if<RecordStore::Exists>(&*result)) {
    co_return co_await Resume(std::move(known->record));
  }
  if (auto* held = std::get_if<RecordStore::KeyHeld>(&*result)) {
    co_return co_await WaitForHolder(std::move(held->holder));
  }
  co_return Finish(ToResult(IdempotencyError::Cause::kStoreFull));
}

// The wait for another record was stopped. An identical call elsewhere may have begun meanwhile.
Task<SessionResult> WriteSession::FinishWaiting() {
  const auto known = co_await dependencies_.store.Find(key_.request_id, StoreDeadline());
  if (!known.ok()) co_return StoreUnavailableResult();
  const bool is_free = !known->has_value() || (*known)->state == RecordState::kNoEffect;
  if (!is_free) co_return PendingResult();
  co_return ToResult(IdempotencyError::Cause::kWriteInProgress);
}

// Another record of the key is claimed or sent, by another process or by one that died.
Task<WriteSession::Next> WriteSession::WaitForHolder(Record holder) {
  stage_ = Stage::kNothingSent;
  co_await ReleaseIfLeaseExpired(std::move(holder));
  co_return Next::kRestart;
}

// Releases a key that a crashed process still holds. Whatever comes of it, the next try to claim
// shows whether the key is free.
Task<void> WriteSession::ReleaseIfLeaseExpired(Record holder) {
  const bool must_look = holder.state == RecordState::kSent;
  if (!LeaseExpired(holder) || (must_look && pending_.LooksInVain())) co_return;
  const auto unobserved =
      co_await dependencies_.reconciler.ReleaseExpired(std::move(holder), until_released_);
  if (must_look) pending_.SetUnobserved(unobserved);
}

Task<WriteSession::Next> WriteSession::Resume(Record record) {
  if (!Owns(key_, record) || record.fingerprint != request_->fingerprint() ||
      record.operation != request_->operation().name()) {
    co_return Finish(ToResult(IdempotencyError::Cause::kRequestIdReused));
  }
  pending_.Update(record);
  switch (record.state) {
    case RecordState::kDone:
      co_return FinishWith(record, Replay::kYes);
    case RecordState::kNoEffect:
      stage_ = Stage::kNothingSent;
      co_return co_await Reclaim(std::move(record));
    case RecordState::kClaimed:
      stage_ = Stage::kFollowing;
      if (!LeaseExpired(record)) co_return Next::kRestart;
      co_return co_await Reclaim(std::move(record));
    case RecordState::kSent:
      stage_ = Stage::kFollowing;
      if (!LeaseExpired(record)) co_return Next::kRestart;
      co_return co_await Reconcile(std::move(record), std::nullopt);
    case RecordState::kInconclusive:
      break;
  }
  co_return co_await ResumeInconclusive(std::move(record));
}

Task<WriteSession::Next> WriteSession::ResumeInconclusive(Record record) {
  stage_ = Stage::kSent;
  Reconciliation look =
      co_await dependencies_.reconciler.Reconcile(std::move(record), until_stopped_);
  if (look.kind == Reconciliation::Kind::kTookEffect)
    co_return FinishWith(look.record, Replay::kNo);
  if (look.kind == Reconciliation::Kind::kVersionConflict) {
    // No background reconciler ends a dead claim, and it would keep what was found from being
    // stored for ever.
    if (look.holder) co_await ReleaseIfLeaseExpired(*std::move(look.holder));
    co_return Next::kRestart;
  }
  pending_.Update(look.record);
  pending_.SetUnobserved(look.unobserved);
  co_return Finish(PendingResult());
}

// Takes a record that nobody holds: proven without effect, or claimed by one that died.
Task<WriteSession::Next> WriteSession::Reclaim(Record record) {
  const RecordStore::RecordUpdate update{.state = RecordState::kClaimed,
                                         .lease = options_.lease_duration};
  RecordStore& store = dependencies_.store;
  auto updated = record.state == RecordState::kClaimed
                     ? co_await store.UpdateIfLeaseExpired(record, update, StoreDeadline())
                     : co_await store.Update(record, update, StoreDeadline());
  if (!updated.ok()) co_return Finish(StoreUnavailableResult());
  if (auto* claimed = std::get_if<Record>(&*updated)) {
    owned_.Hold(std::move(*claimed));
    co_return co_await ExecuteAttempts();
  }
  if (auto* held = std::get_if<RecordStore::KeyHeld>(&*updated)) {
    co_return co_await WaitForHolder(std::move(held->holder));
  }
  co_return Next::kRestart;
}

// ---- Step 2: baseline. ----

// What is there before anything is sent: the only dependable mark of what comes later.
Task<WriteSession::Next> WriteSession::ReadBaseline() {
  CallContext reading = until_released_;
  reading.deadline = Deadline(dependencies_.clock.Now() + options_.lease_duration / 2);
  auto [observed, end] =
      co_await ObserveWithRetries(request_->operation(), owned_->target, reading, RetryTools());
  if (auto* refused = std::get_if<Refused>(&observed)) {
    co_return co_await Release({.outcome = std::move(*refused), .retry_end = end});
  }
  if (auto* not_executed = std::get_if<NotExecuted>(&observed)) {
    if (IsReleaseRequested()) co_return co_await Release(ReleasedResult());
    if (not_executed->cause == NotExecuted::Cause::kNoTimeLeft) {
      not_executed->cause = NotExecuted::Cause::kUnreachable;  // that was the read's time
    }
    co_return co_await Release({.outcome = std::move(*not_executed), .retry_end = end});
  }
  const auto observation = std::get<std::unique_ptr<const Observation>>(std::move(observed));
  if (!owned_->baseline) {
    baseline_ = {.state = observation->ToBaseline(), .read_at = owned_->store_now};
    co_return Next::kContinue;
  }
  // It was sent before and proven without effect; what came later than that is seen here.
  Reconciliation look =
      co_await dependencies_.reconciler.Evaluate(*owned_, *observation, until_stopped_);
  switch (look.kind) {
    case Reconciliation::Kind::kNoEffect:
      co_return Next::kContinue;
    case Reconciliation::Kind::kTookEffect:
      co_return FinishWith(look.record, Replay::kNo);
    case Reconciliation::Kind::kInconclusive:
      pending_.Update(look.record);
      co_return Finish(PendingResult());
    case Reconciliation::Kind::kUnavailable:
      co_return Finish(StoreUnavailableResult());
    case Reconciliation::Kind::kTooEarly:
    case Reconciliation::Kind::kVersionConflict:
      break;
  }
  co_return Next::kRestart;
}

// ---- Step 3: intent and attempt. ----

// The record is ours and claimed: nothing of this attempt was sent, all earlier ones did nothing.
Task<WriteSession::Next> WriteSession::ExecuteAttempts() {
  stage_ = Stage::kNothingSent;
  dependencies_.fail_point(FailPointId::kAfterClaim, key_.request_id);
  Next next = co_await ReadBaseline();
  while (next == Next::kContinue) {
    // The gate is open for a lease from *before* the intent: by the time others may act on the
    // record, nothing leaves any more, however long the store or this process was held up.
    const BootTime send_before = dependencies_.clock.BootNow() + options_.lease_duration;
    next = co_await RecordIntent();
    if (next != Next::kContinue) break;
    dependencies_.fail_point(FailPointId::kAfterIntent, key_.request_id);
    CallContext attempting = until_stopped_;
    attempting.deadline = Deadline(dependencies_.clock.Now() + options_.attempt_timeout);
    Outcome<SharedResult> outcome = co_await request_->Execute(send_before, attempting);
    dependencies_.fail_point(FailPointId::kAfterAttempt, key_.request_id);
    if (auto* done = std::get_if<SharedResult>(&outcome)) {
      next = co_await AfterDone(std::move(*done));
    } else if (auto* refused = std::get_if<Refused>(&outcome)) {
      next = co_await AfterRefused(std::move(*refused));
    } else if (auto* not_executed = std::get_if<NotExecuted>(&outcome)) {
      next = co_await AfterNotExecuted(std::move(*not_executed));
    } else {
      next = co_await AfterAmbiguous(std::move(std::get<Ambiguous>(outcome)));
    }
  }
  co_return next;
}

// From here on the write may take effect, so this is in the store before the body is let out.
Task<WriteSession::Next> WriteSession::RecordIntent() {
  if (IsReleaseRequested() || !has_waiters_ || !HasTimeForAnAttempt()) {
    co_return co_await Release(ReleasedResult());
  }
  const absl::Time sent_at = dependencies_.clock.WallNow();
  pending_.OnAttempt(sent_at);
  stage_ = Stage::kSent;
  const auto conclusive_after =
      ConclusiveAfter(options_.lease_duration + options_.attempt_timeout + options_.settle_window);
  // Where no look will ever show what became of the attempt, it is left to its holder to the end.
  const Milliseconds lease =
      options_.lease_duration + (is_observable() ? Milliseconds(0) : options_.attempt_timeout);
  lease_ends_ = dependencies_.clock.Now() + lease;
  switch (co_await owned_.RecordIntent(lease, conclusive_after, baseline_, sent_at, key_.budget)) {
    case Change::kMade:
      pending_.Update(*owned_);
      co_return Next::kContinue;
    case Change::kLost:
      co_return FollowNewHolder();
    // The gate was never passed, whatever the store has.
    case Change::kTooLarge:
      stage_ = Stage::kNothingSent;
      co_return co_await Release(ToResult(IdempotencyError::Cause::kTooManyToCompare));
    case Change::kBudgetReached:
      stage_ = Stage::kNothingSent;
      co_return co_await Release(BudgetReachedResult(owned_.budget_resets_at()));
    case Change::kStoreUnavailable:
      stage_ = Stage::kNothingSent;
      if (!is_observable()) unrecorded_ = Unrecorded::kRelease;
      break;
  }
  co_return Finish(StoreUnavailableResult());
}

// Passfort's own word: it is given whatever the store does.
Task<WriteSession::Next> WriteSession::AfterDone(SharedResult done) {
  const StoredResult& stored = done->stored;
  const bool was_there = WasThere(*owned_, stored.resource_id);
  const Next next = Finish({.outcome = done,
                            .sent_at = pending_.sent_at(),
                            .source = was_there ? ResultSource::kExisting : ResultSource::kReceived,
                            .retry_end = RetryEnd::kSucceeded});
  if (!(co_await owned_.StoreResponse(stored)).ok()) {
    dependencies_.log.Warn("returning Passfort's response before it is stored: store unavailable",
                           {{"trace_id", trace_.trace_id()}});
    unrecorded_ = Unrecorded::kResult;
  }
  dependencies_.fail_point(FailPointId::kAfterFinish, key_.request_id);
  co_return next;
}

Task<WriteSession::Next> WriteSession::AfterRefused(Refused refused) {
  const ResponseSummary response = refused.response;
  SessionResult result{.outcome = std::move(refused),
                       .sent_at = pending_.sent_at(),
                       .retry_end = RetryEnd::kPermanent};
  if (!owned_->was_ambiguous && !request_->operation().MayMeanAlreadyExecuted(response)) {
    co_return co_await Release(std::move(result));
  }
  // It may be refused because of an earlier attempt, or because of a stranger. This attempt did
  // nothing, so there is nothing to wait for.
  pending_.OnAmbiguous({.response = response});
  switch (co_await owned_.RecordConclusive()) {
    case Change::kMade:
      co_return co_await Reconcile(*owned_, std::move(result));
    case Change::kLost:
      co_return FollowNewHolder();
    case Change::kStoreUnavailable:
    case Change::kTooLarge:
    case Change::kBudgetReached:
      break;
  }
  co_return Finish(PendingResult());
}

Task<WriteSession::Next> WriteSession::AfterNotExecuted(NotExecuted not_executed) {
  stage_ = Stage::kNothingSent;
  RetryDecision decision = ShouldRetry(not_executed);
  if (IsReleaseRequested()) decision = RetryEnd::kCancelled;
  auto next = PlanRetry(decision, latest_deadline_, RetryTools(), retry_backoff_);
  // By then another process would take it for lost.
  const auto* const again = std::get_if<SteadyTime>(&next);
  if (again != nullptr && !is_observable() && *again + options_.store_timeout >= lease_ends_) {
    next = RetryEnd::kOutOfTime;
  }
  if (const auto* end = std::get_if<RetryEnd>(&next)) {
    co_return co_await Release({.outcome = std::move(not_executed), .retry_end = *end});
  }
  // If this is stopped, the next intent is not recorded and the record is released there.
  co_await dependencies_.clock.SleepUntil(std::get<SteadyTime>(next), until_released_.stop);
  co_return Next::kContinue;
}

Task<WriteSession::Next> WriteSession::AfterAmbiguous(Ambiguous ambiguous) {
  pending_.OnAmbiguous(std::move(ambiguous));
  if (co_await owned_.RecordAmbiguous(ConclusiveAfter(options_.settle_window)) == Change::kLost) {
    co_return FollowNewHolder();
  }
  pending_.Update(*owned_);
  co_return co_await Reconcile(*owned_, std::nullopt);
}

// ---- Step 4: reconcile. ----

// Looks until it is clear what became of the attempt, or until looking is in vain or nobody waits
// for it any more: the background reconciler goes on then. `refusal` stands if nothing is found.
Task<WriteSession::Next> WriteSession::Reconcile(Record record,
                                                 std::optional<SessionResult> refusal) {
  stage_ = Stage::kSent;
  dependencies_.fail_point(FailPointId::kBeforeReconcile, key_.request_id);
  Backoff looks(options_.poll, dependencies_.random);
  const Absence absence = refusal ? Absence::kKnown : Absence::kToBeProven;
  while (!stop_.stop_requested() && has_waiters_) {
    Reconciliation look =
        co_await dependencies_.reconciler.Reconcile(std::move(record), until_stopped_, absence);
    pending_.Update(look.record);
    pending_.SetUnobserved(look.unobserved);
    Milliseconds wait = looks.Next();
    switch (look.kind) {
      case Reconciliation::Kind::kTookEffect:
        co_return FinishWith(look.record, Replay::kNo);
      case Reconciliation::Kind::kVersionConflict:
        co_return FollowNewHolder();
      case Reconciliation::Kind::kInconclusive:
        co_return Finish(PendingResult());
      case Reconciliation::Kind::kNoEffect:
        stage_ = Stage::kNothingSent;
        if (refusal) co_return Finish(*std::move(refusal));
        if (std::exchange(was_proven_without_effect_, true) || !HasTimeForAnAttempt()) {
          SessionResult result = ToResult(IdempotencyError::Cause::kNoEffect);
          result.retry_end = HasTimeForAnAttempt() ? RetryEnd::kExhausted : RetryEnd::kOutOfTime;
          co_return Finish(std::move(result));
        }
        co_return Next::kRestart;
      case Reconciliation::Kind::kTooEarly:
        wait = std::min(wait, look.conclusive_after);
        break;
      case Reconciliation::Kind::kUnavailable:
        if (pending_.LooksInVain() || !is_observable()) co_return Finish(PendingResult());
        break;
    }
    record = std::move(look.record);
    co_await dependencies_.clock.SleepUntil(dependencies_.clock.Now() + wait, until_stopped_.stop);
  }
  co_return Finish(PendingResult());
}

// ---- Step 5: finish or release. ----

// Gives the record back with nothing executed. Only who really gave it back may say so.
Task<WriteSession::Next> WriteSession::Release(SessionResult result) {
  dependencies_.fail_point(FailPointId::kBeforeRelease, key_.request_id);
  const bool was_sent = owned_->state == RecordState::kSent;
  const bool is_refused = std::holds_alternative<Refused>(result.outcome);
  switch (co_await owned_.Release(is_refused ? FinishedWrite::End::kRefused
                                             : FinishedWrite::End::kNotExecuted)) {
    case Change::kMade:
      co_return Finish(std::move(result));
    case Change::kLost:
      co_return FollowNewHolder();
    case Change::kStoreUnavailable:
    case Change::kTooLarge:
    case Change::kBudgetReached:
      break;
  }
  // Nobody else may send under the record. Without a look, what Passfort said is all there is.
  if (was_sent && !is_observable()) {
    unrecorded_ = Unrecorded::kRelease;
    co_return Finish(std::move(result));
  }
  co_return Finish(was_sent ? PendingResult() : StoreUnavailableResult());
}

Task<void> WriteSession::RetryRecording() {
  Backoff backoff(options_.poll, dependencies_.random);
  Clock& clock = dependencies_.clock;
  while (true) {
    const auto wake = co_await clock.SleepUntil(clock.Now() + backoff.Next(), until_stopped_.stop);
    const bool is_recorded = co_await TryRecording();
    if (is_recorded || wake == Clock::SleepResult::kStopped) co_return;
  }
}

// False: the store was not there.
Task<bool> WriteSession::TryRecording() {
  if (unrecorded_ == Unrecorded::kResult) {
    const StoredResult& stored = std::get<SharedResult>(result_->outcome)->stored;
    co_return (co_await owned_.StoreResponse(stored)).ok();
  }
  const bool is_refused = std::holds_alternative<Refused>(result_->outcome);
  const auto end = is_refused ? FinishedWrite::End::kRefused : FinishedWrite::End::kNotExecuted;
  Change change = co_await owned_.Release(end);
  if (change == Change::kLost) {
    // The intent may have been stored all the same.
    change = co_await owned_.HoldIntent(*pending_.sent_at());
    if (change == Change::kMade) change = co_await owned_.Release(end);
  }
  co_return change != Change::kStoreUnavailable;
}

// Somebody else changed the record: what is true of it now is for the store to say.
WriteSession::Next WriteSession::FollowNewHolder() {
  stage_ = Stage::kFollowing;
  return Next::kRestart;
}

WriteSession::Next WriteSession::Finish(SessionResult result) {
  result_ = std::move(result);
  return Next::kFinished;
}

WriteSession::Next WriteSession::FinishWith(const Record& record, Replay replay) {
  const bool is_reconciled = record.result_origin == ResultOrigin::kReconciled;
  const bool was_there = WasThere(record, record.result.resource_id);
  return Finish(
      {.outcome = std::make_shared<OperationResult>(OperationResult{.stored = record.result}),
       .sent_at = record.sent_at,
       .source = is_reconciled ? ResultSource::kReconciled
                 : was_there   ? ResultSource::kExisting
                               : ResultSource::kReceived,
       .replay = replay});
}

bool WriteSession::WasThere(const Record& record, const std::string& resource_id) const {
  return record.baseline && request_->operation().IsInBaseline(record.baseline->state, resource_id);
}

// Without the store this call sent and will send nothing more. That is the whole truth only if no
// attempt is known of whose outcome is not.
SessionResult WriteSession::StoreUnavailableResult() const {
  if (stage_ != Stage::kNothingSent) return PendingResult();
  return ToResult(IdempotencyError::Cause::kStoreUnavailable);
}

SessionResult WriteSession::ReleasedResult() const {
  const NotExecuted released{.cause = release_cause_};
  return {.outcome = released, .retry_end = std::get<RetryEnd>(ShouldRetry(released))};
}

std::optional<Milliseconds> WriteSession::ConclusiveAfter(Milliseconds wait) const {
  return is_observable() ? std::optional(wait) : std::nullopt;
}

bool WriteSession::HasTimeForAnAttempt() const {
  return latest_deadline_.TimeLeft(dependencies_.clock.Now()) >= kMinTimeToSend;
}

}  // namespace gateway
