#include "service/idempotency/write_session.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "service/passfort/passfort_error_code.h"
#include "service/passfort/write_retry_policy.h"

namespace gateway {
namespace {

constexpr int kConflict = 409;

bool SaysAlreadyExists(const ResponseSummary& answer) {
  return answer.http_status == kConflict || answer.code == PassfortErrorCode::kDataPresent;
}

bool LeaseExpired(const Record& record) { return record.store_now >= record.lease_until; }

bool Contains(const std::vector<std::string>& ids, const std::string& id) {
  return std::find(ids.begin(), ids.end(), id) != ids.end();
}

// Whether the application that Passfort answered with had been there before the first attempt.
bool WasThere(const Record& record, const std::string& application_id) {
  return record.baseline && Contains(record.baseline->ids, application_id);
}

}  // namespace

WriteSession::WriteSession(SessionDependencies parts, AtMostOnceOptions options,
                           RecordStore::Claim claim, TraceContext trace)
    : parts_(std::move(parts)),
      options_(options),
      claim_(std::move(claim)),
      poll_backoff_(options.poll, parts_.random),
      retry_backoff_(options.resend, parts_.random),
      trace_(std::move(trace)) {}

Task<WriteResult> WriteSession::Run() {
  parts_.budget.OnCall();
  while (true) {
    Next next = co_await LockKey();
    if (next == Next::kContinue) next = co_await TakeClaim();
    if (next == Next::kFinished) co_return *result_;
    // The holder, or the background reconciler, goes on with what nobody here waits for.
    if (!has_waiters_) co_return PendingResult();
    const SteadyTime again = parts_.clock.Now() + poll_backoff_.Next();
    const auto wake = co_await parts_.clock.SleepUntil(again, release_requested_.get_token());
    if (wake == Clock::SleepResult::kStopped) co_return co_await FinishWaiting();
  }
}

// The wait for another record was stopped. An identical call elsewhere may have begun meanwhile.
Task<WriteResult> WriteSession::FinishWaiting() {
  const auto known = co_await parts_.store.Find(claim_.request_id, StoreDeadline());
  if (!known.ok()) co_return StoreUnavailableResult();
  const bool is_free = !known->has_value() || (*known)->state == RecordState::kNoEffect;
  if (!is_free) co_return PendingResult();
  co_return WriteResult{.outcome =
                            IdempotencyError{.cause = IdempotencyError::Cause::kWriteInProgress}};
}

void WriteSession::Stop() {
  release_requested_.request_stop();
  stop_.request_stop();
}

WriteResult WriteSession::PendingResult() const {
  if (result_) return *result_;
  return {.outcome = unresolved_,
          .sent_at = sent_at_,
          .known_by = known_by_,
          .candidate_ids = candidate_ids_,
          .no_list = no_list_};
}

// The sessions of this process that want the same profile go one after another. A record that is
// known and not absent needs no turn: it has a response, or a holder.
Task<WriteSession::Next> WriteSession::LockKey() {
  if (guard_) co_return Next::kContinue;
  const std::string& profile_id = claim_.draft.profile_id;
  const bool must_wait = !parts_.key_mutex.IsFree(profile_id);
  if (must_wait) {
    auto known = co_await parts_.store.Find(claim_.request_id, StoreDeadline());
    if (!known.ok()) co_return Finish(StoreUnavailableResult());
    if (known->has_value() && (*known)->state != RecordState::kNoEffect) {
      co_return co_await Resume(**std::move(known));
    }
    // Or one profile, and whoever calls for it, could take every place of the gateway.
    if (parts_.key_mutex.IsFull(profile_id)) {
      co_return Finish(
          {.outcome = IdempotencyError{.cause = IdempotencyError::Cause::kWriteInProgress}});
    }
  }
  KeyedMutex::Guard guard =
      co_await parts_.key_mutex.Lock(profile_id, release_requested_.get_token());
  if (!guard) co_return Finish(co_await FinishWaiting());
  guard_.emplace(std::move(guard));
  co_return Next::kContinue;
}

Task<WriteSession::Next> WriteSession::TakeClaim() {
  if (IsReleaseRequested()) co_return Finish(co_await FinishWaiting());
  parts_.fail_point(FailPointId::kBeforeClaim, claim_.request_id);
  auto begun = co_await parts_.store.TryClaim(claim_, StoreDeadline());
  if (!begun.ok()) co_return Finish(StoreUnavailableResult());
  if (auto* claimed = std::get_if<RecordStore::Claimed>(&*begun)) {
    co_return co_await ExecuteAttempts(std::move(claimed->record));
  }
  if (auto* known = std::get_if<RecordStore::Exists>(&*begun)) {
    co_return co_await Resume(std::move(known->record));
  }
  if (auto* busy = std::get_if<RecordStore::KeyHeld>(&*begun)) {
    co_return co_await WaitForHolder(std::move(busy->holder));
  }
  co_return Finish({.outcome = IdempotencyError{.cause = IdempotencyError::Cause::kStoreFull}});
}

// Another record of the profile is claimed or sent, by another process or by one that died.
Task<WriteSession::Next> WriteSession::WaitForHolder(Record holder) {
  stage_ = Stage::kNothingSent;
  co_await ReleaseIfLeaseExpired(std::move(holder));
  co_return Next::kRestart;
}

// Releases a profile that a crashed process still holds. Whatever comes of it, the next try to
// begin shows whether the profile is free.
Task<void> WriteSession::ReleaseIfLeaseExpired(Record holder) {
  if (!LeaseExpired(holder)) co_return;
  if (holder.state == RecordState::kSent) {
    if (IsListTooLarge()) co_return;
    no_list_ = (co_await parts_.reconciler.Reconcile(std::move(holder), until_taken_back_)).no_list;
  } else if (holder.was_ambiguous) {
    (void)co_await parts_.store.UpdateIfLeaseExpired(holder, {.state = RecordState::kNoEffect},
                                                     StoreDeadline());
  } else {
    (void)co_await parts_.store.Remove(holder, StoreDeadline());
  }
}

Task<WriteSession::Next> WriteSession::Resume(Record record) {
  if (record.caller != claim_.caller || record.fingerprint != claim_.fingerprint) {
    co_return Finish(
        {.outcome = IdempotencyError{.cause = IdempotencyError::Cause::kRequestIdReused}});
  }
  UpdatePendingResult(record);
  switch (record.state) {
    case RecordState::kDone:
      co_return FinishWith(record, WriteResult::Replay::kYes);
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
  stage_ = Stage::kSent;
  Reconciliation look = co_await parts_.reconciler.Reconcile(std::move(record), until_stopped_);
  if (look.kind == Reconciliation::Kind::kTookEffect) {
    co_return FinishWith(look.record, WriteResult::Replay::kNo);
  }
  if (look.kind == Reconciliation::Kind::kVersionConflict) {
    // No background reconciler ends a dead claim, and it would keep what was found from being
    // stored for ever.
    if (look.holder) co_await ReleaseIfLeaseExpired(*std::move(look.holder));
    co_return Next::kRestart;
  }
  UpdatePendingResult(look.record);
  no_list_ = look.no_list;
  co_return Finish(PendingResult());
}

// Takes a record that nobody holds: proven absent, or claimed by one that died.
Task<WriteSession::Next> WriteSession::Reclaim(Record record) {
  const RecordStore::RecordUpdate change{.state = RecordState::kClaimed,
                                         .lease = options_.lease_duration};
  auto changed = record.state == RecordState::kClaimed
                     ? co_await parts_.store.UpdateIfLeaseExpired(record, change, StoreDeadline())
                     : co_await parts_.store.Update(record, change, StoreDeadline());
  if (!changed.ok()) co_return Finish(StoreUnavailableResult());
  if (auto* claimed = std::get_if<Record>(&*changed)) {
    co_return co_await ExecuteAttempts(std::move(*claimed));
  }
  if (auto* busy = std::get_if<RecordStore::KeyHeld>(&*changed)) {
    co_return co_await WaitForHolder(std::move(busy->holder));
  }
  co_return Next::kRestart;
}

// The record is ours and claimed: nothing of this attempt was sent, all earlier ones did nothing.
Task<WriteSession::Next> WriteSession::ExecuteAttempts(Record record) {
  stage_ = Stage::kNothingSent;
  parts_.fail_point(FailPointId::kAfterClaim, claim_.request_id);
  Next next = co_await ReadBaseline(record);
  while (next == Next::kContinue) {
    next = co_await RecordIntent(record);
    if (next != Next::kContinue) break;
    parts_.fail_point(FailPointId::kAfterIntent, claim_.request_id);
    CallContext attempting = until_stopped_;
    attempting.deadline = Deadline(parts_.clock.Now() + options_.attempt_timeout);
    WriteAttempt attempt =
        co_await parts_.passfort.CreateApplication(record.draft, attempting, send_before_);
    parts_.fail_point(FailPointId::kAfterAttempt, claim_.request_id);
    next = co_await AfterAttempt(record, std::move(attempt));
  }
  co_return next;
}

// What is on the profile before anything is sent: the only dependable mark of what comes later.
Task<WriteSession::Next> WriteSession::ReadBaseline(Record record) {
  ListOutcome outcome = co_await ListForBaseline(record);
  if (auto* failed = std::get_if<ListFailed>(&outcome)) {
    if (failed->refusal) {
      co_return co_await Release(std::move(record), {.outcome = Refused{*failed->refusal}});
    }
    NotExecuted not_executed = failed->not_executed.value_or(NotExecuted{});
    if (not_executed.cause == NotExecuted::Cause::kNoTimeLeft) {
      not_executed.cause = NotExecuted::Cause::kUnreachable;  // that was the list's time
    }
    if (IsReleaseRequested()) not_executed = ReleasedOutcome();
    co_return co_await Release(std::move(record), {.outcome = std::move(not_executed)});
  }
  ApplicationList list = Storable(std::get<ApplicationList>(std::move(outcome)));
  if (!record.baseline) {
    first_baseline_ = {.is_complete = list.is_complete, .read_at = record.store_now};
    for (const auto& listed : list.applications) first_baseline_.ids.push_back(listed.id);
    co_return Next::kContinue;
  }
  // It was sent before and proven absent; what came later than that is seen here.
  Reconciliation look = co_await parts_.reconciler.Evaluate(std::move(record), std::move(list));
  switch (look.kind) {
    case Reconciliation::Kind::kNoEffect:
      co_return Next::kContinue;
    case Reconciliation::Kind::kTookEffect:
      co_return FinishWith(look.record, WriteResult::Replay::kNo);
    case Reconciliation::Kind::kInconclusive:
      UpdatePendingResult(look.record);
      co_return Finish(PendingResult());
    case Reconciliation::Kind::kUnavailable:
      co_return Finish(StoreUnavailableResult());
    case Reconciliation::Kind::kTooEarly:
    case Reconciliation::Kind::kVersionConflict:
      break;
  }
  co_return Next::kRestart;
}

Task<ListOutcome> WriteSession::ListForBaseline(const Record& record) {
  CallContext context = until_taken_back_;
  context.deadline = Deadline(parts_.clock.Now() + options_.lease_duration / 2);
  Backoff backoff(options_.poll, parts_.random);
  bool was_unreadable = false;
  std::optional<ListFailed> last_answer;
  while (true) {
    ListOutcome outcome =
        co_await parts_.passfort.ListApplications(record.draft.profile_id, context);
    const auto* failed = std::get_if<ListFailed>(&outcome);
    if (failed == nullptr || !failed->not_executed || IsReleaseRequested()) co_return outcome;
    // Its time is over. Why it took so long is what Passfort said, if it said something.
    const bool is_late = failed->not_executed->cause == NotExecuted::Cause::kNoTimeLeft;
    if (is_late && last_answer) co_return *std::move(last_answer);
    const std::optional<Retry> repeat = ShouldRetry(*failed->not_executed);
    if (!repeat) co_return outcome;
    if (failed->not_executed->answer) last_answer = *failed;
    // Something before Passfort may have answered this once.
    const bool is_unreadable = failed->not_executed->cause == NotExecuted::Cause::kUnreadable;
    if (is_unreadable && std::exchange(was_unreadable, true)) co_return outcome;
    const SteadyTime again = parts_.clock.Now() + repeat->not_before + backoff.Next();
    if (again >= context.deadline.at() || !Spend(*repeat, parts_.budget)) co_return outcome;
    co_await parts_.clock.SleepUntil(again, context.stop);
  }
}

// From here on the application may come to be, so this is in the store before the body is let out.
Task<WriteSession::Next> WriteSession::RecordIntent(Record& record) {
  if (IsReleaseRequested() || !has_waiters_ || !HasTimeForAnAttempt()) {
    co_return co_await Release(
        record,
        {.outcome = IsReleaseRequested() ? ReleasedOutcome()
                                         : NotExecuted{.cause = NotExecuted::Cause::kNoTimeLeft}});
  }
  // The gate is open for a lease from *before* the intent: by the time others may act on the
  // record, nothing leaves any more, however long the store or this process was held up.
  unresolved_ = {};
  send_before_ = parts_.clock.BootNow() + options_.lease_duration;
  sent_at_ = parts_.clock.WallNow();
  stage_ = Stage::kSent;
  auto changed = co_await parts_.store.Update(
      record,
      {.state = RecordState::kSent,
       .lease = options_.lease_duration,
       .conclusive_after =
           options_.lease_duration + options_.attempt_timeout + options_.settle_window,
       .first_baseline = first_baseline_,
       .sent_at = sent_at_},
      StoreDeadline());
  if (!changed.ok()) {
    stage_ = Stage::kNothingSent;  // the gate was never passed, whatever the store has
    if (absl::IsResourceExhausted(changed.status())) {
      co_return co_await Release(
          record,
          {.outcome = IdempotencyError{.cause = IdempotencyError::Cause::kTooManyToCompare}});
    }
    co_return Finish(StoreUnavailableResult());
  }
  auto* sent = std::get_if<Record>(&*changed);
  if (sent == nullptr) co_return FollowNewHolder();
  record = std::move(*sent);
  UpdatePendingResult(record);
  co_return Next::kContinue;
}

Task<WriteSession::Next> WriteSession::AfterAttempt(Record& record, WriteAttempt attempt) {
  if (auto* done = std::get_if<Done>(&attempt.outcome)) {
    co_return co_await AfterDone(record, std::move(*done));
  }
  if (auto* refused = std::get_if<Refused>(&attempt.outcome)) {
    co_return co_await AfterRefused(record, std::move(*refused));
  }
  if (auto* not_executed = std::get_if<NotExecuted>(&attempt.outcome)) {
    co_return co_await AfterNotExecuted(record, std::move(*not_executed));
  }
  unresolved_ = std::move(std::get<Ambiguous>(attempt.outcome));
  co_return co_await AfterAmbiguous(record);
}

// Passfort's own word: it is given whatever the store does.
Task<WriteSession::Next> WriteSession::AfterDone(Record record, Done done) {
  RecordStore::StoredResult answer = ToStoredResult(*done.application);
  WriteResult result{.outcome = std::move(done), .sent_at = sent_at_};
  if (WasThere(record, answer.application_id)) result.source = WriteResult::Source::kExisting;
  const Next next = Finish(std::move(result));
  if (!(co_await parts_.store.StoreResponse(record, answer, StoreDeadline())).ok()) {
    parts_.log.Warn("returning Passfort's response before it is stored: store unavailable",
                    {{"trace_id", trace_.trace_id()}});
    unstored_result_ = UnstoredResult{.record = std::move(record), .answer = std::move(answer)};
  }
  parts_.fail_point(FailPointId::kAfterFinish, claim_.request_id);
  co_return next;
}

Task<void> WriteSession::RetryStoringResult() {
  Backoff backoff(options_.poll, parts_.random);
  while (co_await parts_.clock.SleepUntil(parts_.clock.Now() + backoff.Next(), stop_.get_token()) ==
         Clock::SleepResult::kElapsed) {
    const auto stored = co_await parts_.store.StoreResponse(
        unstored_result_->record, unstored_result_->answer, StoreDeadline());
    if (stored.ok()) co_return;
  }
}

Task<WriteSession::Next> WriteSession::AfterRefused(Record record, Refused refused) {
  WriteResult result{.outcome = refused, .sent_at = sent_at_};
  if (!SaysAlreadyExists(refused.answer) && !record.was_ambiguous) {
    co_return co_await Release(std::move(record), std::move(result));
  }
  unresolved_.answer = refused.answer;
  // It may be refused because an earlier attempt, or a stranger, made it. This attempt did not, so
  // there is nothing to wait for.
  auto changed = co_await parts_.store.Update(
      record, {.state = RecordState::kSent, .conclusive_after = Milliseconds(0)}, StoreDeadline());
  if (!changed.ok()) co_return Finish(PendingResult());
  auto* sent = std::get_if<Record>(&*changed);
  if (sent == nullptr) co_return FollowNewHolder();
  co_return co_await Reconcile(std::move(*sent), std::move(result));
}

Task<WriteSession::Next> WriteSession::AfterNotExecuted(Record record, NotExecuted not_executed) {
  stage_ = Stage::kNothingSent;
  const std::optional<Retry> repeat = ShouldRetry(not_executed);
  WriteResult result{.outcome = std::move(not_executed)};
  if (!repeat) co_return co_await Release(std::move(record), std::move(result));
  const SteadyTime again = parts_.clock.Now() + repeat->not_before + retry_backoff_.Next();
  const bool in_time = again + kMinTimeToSend <= latest_deadline_.at();
  if (!in_time || IsReleaseRequested() || !Spend(*repeat, parts_.budget)) {
    co_return co_await Release(std::move(record), std::move(result));
  }
  // If this is stopped, the next intent is not written and the record is released there.
  co_await parts_.clock.SleepUntil(again, release_requested_.get_token());
  co_return Next::kContinue;
}

Task<WriteSession::Next> WriteSession::AfterAmbiguous(Record record) {
  // The end of the attempt is known now, so the wait can be counted from it.
  auto changed = co_await parts_.store.Update(record,
                                              {.state = RecordState::kSent,
                                               .conclusive_after = options_.settle_window,
                                               .was_ambiguous = true},
                                              StoreDeadline());
  if (changed.ok()) {
    auto* sent = std::get_if<Record>(&*changed);
    if (sent == nullptr) co_return FollowNewHolder();
    record = std::move(*sent);
  }
  // With the store away the later moment of the intent holds.
  record.was_ambiguous = true;
  UpdatePendingResult(record);
  co_return co_await Reconcile(std::move(record), std::nullopt);
}

// Looks until it is clear what became of the attempt, or until looking is in vain or nobody waits
// for it any more: the background reconciler goes on then. `refusal` stands if nothing is found.
Task<WriteSession::Next> WriteSession::Reconcile(Record record,
                                                 std::optional<WriteResult> refusal) {
  stage_ = Stage::kSent;
  parts_.fail_point(FailPointId::kBeforeReconcile, claim_.request_id);
  Backoff looks(options_.poll, parts_.random);
  const Absence absence = refusal ? Absence::kKnown : Absence::kToBeProven;
  while (!stop_.stop_requested() && has_waiters_) {
    Reconciliation look =
        co_await parts_.reconciler.Reconcile(std::move(record), until_stopped_, absence);
    UpdatePendingResult(look.record);
    no_list_ = look.no_list;
    Milliseconds wait = looks.Next();
    switch (look.kind) {
      case Reconciliation::Kind::kTookEffect:
        co_return FinishWith(look.record, WriteResult::Replay::kNo);
      case Reconciliation::Kind::kVersionConflict:
        co_return FollowNewHolder();
      case Reconciliation::Kind::kInconclusive:
        co_return Finish(PendingResult());
      case Reconciliation::Kind::kNoEffect:
        stage_ = Stage::kNothingSent;
        if (refusal) co_return Finish(*std::move(refusal));
        if (std::exchange(was_proven_without_effect_, true) || !HasTimeForAnAttempt()) {
          co_return Finish(
              {.outcome = IdempotencyError{.cause = IdempotencyError::Cause::kNoEffect}});
        }
        co_return Next::kRestart;
      case Reconciliation::Kind::kTooEarly:
        wait = std::min(wait, look.conclusive_after);
        break;
      case Reconciliation::Kind::kUnavailable:
        if (IsListTooLarge()) co_return Finish(PendingResult());
        break;
    }
    record = std::move(look.record);
    co_await parts_.clock.SleepUntil(parts_.clock.Now() + wait, stop_.get_token());
  }
  co_return Finish(PendingResult());
}

// Gives the record back with nothing done. Only who really gave it back may say so.
Task<WriteSession::Next> WriteSession::Release(Record record, WriteResult result) {
  parts_.fail_point(FailPointId::kBeforeRelease, claim_.request_id);
  const bool was_sent = record.state == RecordState::kSent;
  bool is_released = false;
  if (record.was_ambiguous) {
    // All attempts are known to have done nothing: nothing has to become conclusive.
    auto changed = co_await parts_.store.Update(
        record, {.state = RecordState::kNoEffect, .conclusive_after = Milliseconds(0)},
        StoreDeadline());
    if (!changed.ok()) co_return Finish(was_sent ? PendingResult() : StoreUnavailableResult());
    is_released = std::holds_alternative<Record>(*changed);
  } else {
    const auto removed = co_await parts_.store.Remove(record, StoreDeadline());
    if (!removed.ok()) co_return Finish(was_sent ? PendingResult() : StoreUnavailableResult());
    is_released = *removed;
  }
  if (is_released) co_return Finish(std::move(result));
  co_return FollowNewHolder();
}

// Somebody else changed the record: what is true of it now is for the store to say.
WriteSession::Next WriteSession::FollowNewHolder() {
  stage_ = Stage::kFollowing;
  return Next::kRestart;
}

WriteSession::Next WriteSession::Finish(WriteResult result) {
  result_ = std::move(result);
  return Next::kFinished;
}

WriteSession::Next WriteSession::FinishWith(const Record& record, WriteResult::Replay replay) {
  const bool is_found = record.origin == ResultOrigin::kReconciled;
  const bool was_there = WasThere(record, record.application_id);
  return Finish({.outcome = ToDone(record),
                 .sent_at = record.sent_at,
                 .source = is_found    ? WriteResult::Source::kReconciled
                           : was_there ? WriteResult::Source::kExisting
                                       : WriteResult::Source::kReceived,
                 .replay = replay,
                 .is_shortened = record.is_answer_shortened});
}

// Without the store this call sent and will send nothing more. That is the whole truth only if no
// attempt is known of whose outcome is not.
WriteResult WriteSession::StoreUnavailableResult() const {
  if (stage_ != Stage::kNothingSent) return PendingResult();
  return {.outcome = IdempotencyError{.cause = IdempotencyError::Cause::kStoreUnavailable}};
}

NotExecuted WriteSession::ReleasedOutcome() const {
  return {.cause = stop_.stop_requested() ? NotExecuted::Cause::kStopped
                                          : NotExecuted::Cause::kNoTimeLeft};
}

bool WriteSession::HasTimeForAnAttempt() const {
  return latest_deadline_.TimeLeft(parts_.clock.Now()) >= kMinTimeToSend;
}

void WriteSession::UpdatePendingResult(const Record& record) {
  if (record.sent_at) sent_at_ = record.sent_at;
  if (record.conclusive_at)
    known_by_ = parts_.clock.WallNow() + (*record.conclusive_at - record.store_now);
  candidate_ids_ = record.candidate_ids;
}

}  // namespace gateway
