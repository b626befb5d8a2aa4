#include "service/idempotency/reconciler.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <variant>

namespace gateway {
namespace {

constexpr size_t kMaxCandidates = 20;

Reconciliation End(Reconciliation::Kind kind, Record record) {
  return {.kind = kind, .record = std::move(record)};
}

Reconciliation EndWithoutStore(const absl::Status& why, Record record) {
  Reconciliation end = End(Reconciliation::Kind::kUnavailable, std::move(record));
  end.store_failure = why;
  return end;
}

}  // namespace

Task<Reconciliation> Reconciler::Reconcile(Record expected, const CallContext& context,
                                           Absence absence) {
  // Read again, for the store's clock: only a look that is begun after the conclusive moment proves
  // that nothing was executed.
  auto now = co_await store_.Find(expected.request_id, StoreDeadline());
  if (!now.ok()) co_return EndWithoutStore(now.status(), std::move(expected));
  if (!now->has_value() || (*now)->epoch != expected.epoch || (*now)->state != expected.state) {
    co_return End(Reconciliation::Kind::kVersionConflict, std::move(expected));
  }
  expected = **std::move(now);
  Operation* const operation = FindOperation(expected.operation);
  if (operation == nullptr) co_return End(Reconciliation::Kind::kUnavailable, std::move(expected));
  const Deadline patience(clock_.Now() + options_.observe_timeout);
  const CallContext reading{.deadline = Earlier(patience, context.deadline),
                            .stop = context.stop,
                            .trace = context.trace,
                            .priority = Priority::kReconciliation};
  const ObserveResult observed = co_await operation->Observe(expected.target, reading);
  if (const auto* observation = std::get_if<std::unique_ptr<const Observation>>(&observed)) {
    co_return co_await Evaluate(std::move(expected), **observation, context, absence);
  }
  Reconciliation blind = End(Reconciliation::Kind::kUnavailable, std::move(expected));
  if (const auto* failed = std::get_if<NotExecuted>(&observed)) blind.unobserved = failed->cause;
  co_return blind;
}

Task<Reconciliation> Reconciler::Evaluate(Record expected, const Observation& now,
                                          const CallContext& context, Absence absence) {
  const Operation* const operation = FindOperation(expected.operation);
  if (operation == nullptr) co_return End(Reconciliation::Kind::kUnavailable, std::move(expected));
  const auto attributed = co_await store_.AttributedIds(expected.serialization_key,
                                                        expected.request_id, StoreDeadline());
  if (!attributed.ok()) co_return EndWithoutStore(attributed.status(), std::move(expected));
  const std::string baseline = expected.baseline ? expected.baseline->state : "";
  Effect effect = operation->Evaluate(expected.target, baseline, now, *attributed);
  const bool shows_nothing = effect.candidate_ids.empty();
  const bool proves_no_effect = shows_nothing && (effect.is_complete || absence == Absence::kKnown);

  if (effect.result != nullptr) {
    auto stored = co_await store_.StoreReconciled(expected, effect.result->stored, StoreDeadline());
    if (!stored.ok()) co_return EndWithoutStore(stored.status(), std::move(expected));
    if (auto* record = std::get_if<Record>(&*stored)) {
      ReportToObserver(*record, FinishedWrite::End::kDone, context);
      co_return End(Reconciliation::Kind::kTookEffect, std::move(*record));
    }
    if (!std::holds_alternative<RecordStore::Contested>(*stored)) {
      Reconciliation conflict = End(Reconciliation::Kind::kVersionConflict, std::move(expected));
      if (auto* held = std::get_if<RecordStore::KeyHeld>(&*stored)) {
        conflict.holder = std::move(held->holder);
      }
      co_return conflict;
    }
  }

  effect.candidate_ids.resize(std::min(effect.candidate_ids.size(), kMaxCandidates));
  const bool is_conclusive =
      !expected.conclusive_at || expected.store_now >= *expected.conclusive_at;
  if (!is_conclusive) {
    Reconciliation early = End(Reconciliation::Kind::kTooEarly, expected);
    early.conclusive_after = absl::ToChronoMilliseconds(
        absl::Ceil(*expected.conclusive_at - expected.store_now, absl::Milliseconds(1)));
    early.record.candidate_ids = std::move(effect.candidate_ids);
    co_return early;
  }
  if (shows_nothing && expected.state == RecordState::kInconclusive) {
    // What was found once may only be hidden now: an inconclusive record is never sent again.
    co_return End(Reconciliation::Kind::kInconclusive, std::move(expected));
  }
  if (proves_no_effect && expected.state == RecordState::kClaimed) {
    co_return End(Reconciliation::Kind::kNoEffect, std::move(expected));
  }
  RecordStore::RecordUpdate change{.state = RecordState::kNoEffect, .was_ambiguous = true};
  if (!proves_no_effect) {
    change.state = RecordState::kInconclusive;
    change.candidate_ids = std::move(effect.candidate_ids);
  }
  auto changed = co_await store_.Update(expected, change, StoreDeadline());
  if (!changed.ok()) co_return EndWithoutStore(changed.status(), std::move(expected));
  auto* const record = std::get_if<Record>(&*changed);
  if (record == nullptr) co_return End(Reconciliation::Kind::kVersionConflict, std::move(expected));
  if (proves_no_effect) {
    ReportToObserver(
        *record,
        absence == Absence::kKnown ? FinishedWrite::End::kRefused : FinishedWrite::End::kNoEffect,
        context);
    co_return End(Reconciliation::Kind::kNoEffect, std::move(*record));
  }
  if (expected.state != RecordState::kInconclusive) {
    ReportToObserver(*record, FinishedWrite::End::kInconclusive, context);
  }
  co_return End(Reconciliation::Kind::kInconclusive, std::move(*record));
}

Task<std::optional<NotExecuted::Cause>> Reconciler::ReleaseExpired(Record expected,
                                                                   const CallContext& context) {
  if (expected.state == RecordState::kSent) {
    co_return (co_await Reconcile(std::move(expected), context)).unobserved;
  }
  bool is_released = false;
  if (expected.was_ambiguous) {
    const auto updated = co_await store_.UpdateIfLeaseExpired(
        expected, {.state = RecordState::kNoEffect}, StoreDeadline());
    is_released = updated.ok() && std::holds_alternative<Record>(*updated);
  } else {
    const auto removed = co_await store_.Remove(expected, StoreDeadline());
    is_released = removed.ok() && *removed;
  }
  if (is_released) ReportToObserver(expected, FinishedWrite::End::kNotExecuted, context);
  co_return std::nullopt;
}

Operation* Reconciler::FindOperation(const std::string& name) const {
  const auto found = std::ranges::find_if(
      operations_, [&](const Operation* operation) { return operation->name() == name; });
  return found == operations_.end() ? nullptr : *found;
}

}  // namespace gateway
