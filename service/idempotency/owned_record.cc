#include "service/idempotency/owned_record.h"

#include <variant>

namespace gateway {

Task<OwnedRecord::Change> OwnedRecord::RecordIntent(Milliseconds lease,
                                                    std::optional<Milliseconds> conclusive_after,
                                                    Baseline baseline, absl::Time sent_at,
                                                    std::optional<WriteBudget> budget) {
  return Update({.state = RecordState::kSent,
                 .lease = lease,
                 .conclusive_after = conclusive_after,
                 .first_baseline = std::move(baseline),
                 .sent_at = sent_at,
                 .budget = std::move(budget)});
}

Task<OwnedRecord::Change> OwnedRecord::HoldIntent(absl::Time sent_at) {
  auto found = co_await store_.Find(record_.request_id, StoreDeadline());
  if (!found.ok()) co_return StoreFailed(found.status());
  // By its epoch it can be nobody else's. That it says the same costs nothing to ask, and a record
  // that is wrongly taken for ours would be given back under whoever sends.
  const bool is_ours = found->has_value() && (*found)->state == RecordState::kSent &&
                       (*found)->epoch == record_.epoch + 1 && (*found)->sent_at &&
                       absl::ToUnixMicros(*(*found)->sent_at) == absl::ToUnixMicros(sent_at);
  if (!is_ours) co_return Change::kVersionConflict;
  record_ = **std::move(found);
  co_return Change::kApplied;
}

Task<OwnedRecord::Change> OwnedRecord::RecordAmbiguous(
    std::optional<Milliseconds> conclusive_after) {
  const Change change = co_await Update(
      {.state = RecordState::kSent, .conclusive_after = conclusive_after, .was_ambiguous = true});
  // True whatever the store has. Without it, the later moment of the intent holds.
  record_.was_ambiguous = true;
  co_return change;
}

Task<OwnedRecord::Change> OwnedRecord::RecordConclusive() {
  return Update({.state = RecordState::kSent, .conclusive_after = Milliseconds(0)});
}

Task<OwnedRecord::Change> OwnedRecord::Release(FinishedWrite::End end) {
  // All attempts are known to have done nothing: nothing has to become conclusive.
  const Change change =
      record_.was_ambiguous
          ? co_await Update({.state = RecordState::kNoEffect, .conclusive_after = Milliseconds(0)})
          : co_await Remove();
  if (change == Change::kApplied) ReportToObserver(end);
  co_return change;
}

Task<absl::Status> OwnedRecord::StoreResponse(StoredResult result) {
  const auto is_stored = co_await store_.StoreResponse(record_, result, StoreDeadline());
  if (!is_stored.ok()) co_return is_stored.status();
  record_.state = RecordState::kDone;
  record_.result = std::move(result);
  record_.result_origin = ResultOrigin::kReceived;
  if (*is_stored) ReportToObserver(FinishedWrite::End::kDone);
  co_return absl::OkStatus();
}

Task<OwnedRecord::Change> OwnedRecord::Update(RecordStore::RecordUpdate update) {
  auto updated = co_await store_.Update(record_, std::move(update), StoreDeadline());
  if (absl::IsResourceExhausted(updated.status())) co_return Change::kTooLarge;
  if (!updated.ok()) co_return StoreFailed(updated.status());
  if (const auto* const reached = std::get_if<RecordStore::BudgetReached>(&*updated)) {
    budget_resets_at_ = reached->resets_at;
    co_return Change::kBudgetReached;
  }
  auto* const record = std::get_if<Record>(&*updated);
  if (record == nullptr) co_return Change::kVersionConflict;
  record_ = std::move(*record);
  co_return Change::kApplied;
}

Task<OwnedRecord::Change> OwnedRecord::Remove() {
  const auto removed = co_await store_.Remove(record_, StoreDeadline());
  if (!removed.ok()) co_return StoreFailed(removed.status());
  co_return *removed ? Change::kApplied : Change::kVersionConflict;
}

}  // namespace gateway
