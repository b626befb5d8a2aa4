#include "service/idempotency/reconciler.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "absl/strings/ascii.h"
#include "service/idempotency/application_match.h"
#include "service/passfort/mapping/application_list.h"
#include "service/passfort/mapping/application_truncation.h"

namespace gateway {
namespace {

constexpr size_t kMaxCandidates = 20;

Reconciliation End(Reconciliation::Kind kind, Record record) {
  return {.kind = kind, .record = std::move(record)};
}

}  // namespace

Done ToDone(const Record& record) {
  Done done;
  // What `ToStoredResult` made.
  std::ignore = done.application->ParseFromString(record.answer);
  return done;
}

RecordStore::StoredResult ToStoredResult(const pb::ProductApplication& application) {
  RecordStore::StoredResult answer{.application_id = absl::AsciiStrToLower(application.id())};
  if (application.ByteSizeLong() <= kMaxStoredResultBytes) {
    answer.application = application.SerializeAsString();
    return answer;
  }
  pb::ProductApplication shortened = application;
  TruncateToFit(shortened, kMaxStoredResultBytes);
  answer.application = shortened.SerializeAsString();
  answer.is_shortened = true;
  return answer;
}

ApplicationList Storable(ApplicationList list) {
  const size_t too_long = std::erase_if(list.applications, [](const ListedApplication& listed) {
    return listed.id.size() > kMaxApplicationIdBytes;
  });
  if (too_long > 0) list.is_complete = false;
  return list;
}

Task<Reconciliation> Reconciler::Reconcile(Record expected, const CallContext& context,
                                           Absence absence) {
  // Read again, for the store's clock: only a list that is begun after the conclusive moment proves
  // that nothing was executed.
  auto now = co_await store_.Find(expected.request_id, StoreDeadline());
  if (!now.ok()) co_return End(Reconciliation::Kind::kUnavailable, std::move(expected));
  if (!now->has_value() || (*now)->epoch != expected.epoch || (*now)->state != expected.state) {
    co_return End(Reconciliation::Kind::kVersionConflict, std::move(expected));
  }
  expected = **std::move(now);
  const Deadline patience(clock_.Now() + options_.list_timeout);
  const CallContext reading{.deadline = Earlier(patience, context.deadline),
                            .stop = context.stop,
                            .trace = context.trace,
                            .priority = Priority::kReconciliation};
  ListOutcome listed = co_await passfort_.ListApplications(expected.draft.profile_id, reading);
  if (const auto* failed = std::get_if<ListFailed>(&listed)) {
    Reconciliation blind = End(Reconciliation::Kind::kUnavailable, std::move(expected));
    if (failed->not_executed) blind.no_list = failed->not_executed->cause;
    co_return blind;
  }
  co_return co_await Evaluate(std::move(expected), std::get<ApplicationList>(std::move(listed)),
                              absence);
}

Task<Reconciliation> Reconciler::Evaluate(Record expected, ApplicationList list, Absence absence) {
  list = Storable(std::move(list));
  const auto held = co_await store_.AttributedIds(expected.draft.profile_id, expected.request_id,
                                                  StoreDeadline());
  if (!held.ok()) co_return End(Reconciliation::Kind::kUnavailable, std::move(expected));
  const Baseline baseline = expected.baseline.value_or(Baseline());
  MatchResult evidence = MatchApplications(expected.draft, baseline.ids, *held, list.applications);
  // An item that cannot be read now may be the one that we look for. One that could not be read
  // before the first attempt may be the one that looks new now.
  if (!list.is_complete || !baseline.is_complete) evidence.found.reset();
  const bool proves_absence =
      evidence.IsEmpty() && (list.is_complete || absence == Absence::kKnown);

  if (evidence.found) {
    auto stored = co_await store_.StoreReconciled(
        expected, ToStoredResult(ApplicationOf(*evidence.found)), StoreDeadline());
    if (!stored.ok()) co_return End(Reconciliation::Kind::kUnavailable, std::move(expected));
    if (auto* record = std::get_if<Record>(&*stored)) {
      co_return End(Reconciliation::Kind::kTookEffect, std::move(*record));
    }
    if (!std::holds_alternative<RecordStore::Contested>(*stored)) {
      Reconciliation lost = End(Reconciliation::Kind::kVersionConflict, std::move(expected));
      if (auto* busy = std::get_if<RecordStore::KeyHeld>(&*stored)) {
        lost.holder = std::move(busy->holder);
      }
      co_return lost;
    }
  }

  evidence.candidate_ids.resize(std::min(evidence.candidate_ids.size(), kMaxCandidates));
  const bool is_conclusive =
      !expected.conclusive_at || expected.store_now >= *expected.conclusive_at;
  if (!is_conclusive) {
    Reconciliation early = End(Reconciliation::Kind::kTooEarly, expected);
    early.conclusive_after = absl::ToChronoMilliseconds(
        absl::Ceil(*expected.conclusive_at - expected.store_now, absl::Milliseconds(1)));
    early.record.candidate_ids = std::move(evidence.candidate_ids);
    co_return early;
  }
  if (evidence.IsEmpty() && expected.state == RecordState::kInconclusive) {
    // What was found once may only be hidden now: an inconclusive record is never sent again.
    co_return End(Reconciliation::Kind::kInconclusive, std::move(expected));
  }
  if (proves_absence && expected.state == RecordState::kClaimed) {
    co_return End(Reconciliation::Kind::kNoEffect, std::move(expected));
  }
  RecordStore::RecordUpdate change{.state = RecordState::kNoEffect, .was_ambiguous = true};
  if (!proves_absence) {
    change.state = RecordState::kInconclusive;
    change.candidate_ids = std::move(evidence.candidate_ids);
  }
  auto changed = co_await store_.Update(expected, change, StoreDeadline());
  if (!changed.ok()) co_return End(Reconciliation::Kind::kUnavailable, std::move(expected));
  auto* record = std::get_if<Record>(&*changed);
  if (record == nullptr) co_return End(Reconciliation::Kind::kVersionConflict, std::move(expected));
  co_return End(change.state == RecordState::kNoEffect ? Reconciliation::Kind::kNoEffect
                                                       : Reconciliation::Kind::kInconclusive,
                std::move(*record));
}

}  // namespace gateway
