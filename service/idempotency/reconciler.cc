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

Done AnswerOf(const Record& record) {
  Done done;
  // What `AnswerFrom` made.
  std::ignore = done.application->ParseFromString(record.answer);
  return done;
}

RecordStore::Answer AnswerFrom(const pb::ProductApplication& application) {
  RecordStore::Answer answer{.application_id = absl::AsciiStrToLower(application.id())};
  if (application.ByteSizeLong() <= kMaxStoredAnswerBytes) {
    answer.application = application.SerializeAsString();
    return answer;
  }
  pb::ProductApplication shortened = application;
  TruncateToFit(shortened, kMaxStoredAnswerBytes);
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

Task<Reconciliation> Reconciler::Reconcile(Record seen, const CallContext& context,
                                           Absence absence) {
  // Read again, for the store's clock: only a list that is begun after the conclusive moment proves
  // that nothing was done.
  auto now = co_await store_.Find(seen.request_id, StoreDeadline());
  if (!now.ok()) co_return End(Reconciliation::Kind::kUnavailable, std::move(seen));
  if (!now->has_value() || (*now)->epoch != seen.epoch || (*now)->state != seen.state) {
    co_return End(Reconciliation::Kind::kVersionConflict, std::move(seen));
  }
  seen = **std::move(now);
  const Deadline patience(clock_.Now() + options_.list_timeout);
  const CallContext reading{.deadline = Earlier(patience, context.deadline),
                            .stop = context.stop,
                            .trace = context.trace};
  ListOutcome listed = co_await passfort_.ListApplications(seen.draft.profile_id, reading);
  if (const auto* failed = std::get_if<ListFailed>(&listed)) {
    Reconciliation blind = End(Reconciliation::Kind::kUnavailable, std::move(seen));
    if (failed->not_executed) blind.no_list = failed->not_executed->cause;
    co_return blind;
  }
  co_return co_await Evaluate(std::move(seen), std::get<ApplicationList>(std::move(listed)),
                              absence);
}

Task<Reconciliation> Reconciler::Evaluate(Record seen, ApplicationList list, Absence absence) {
  list = Storable(std::move(list));
  const auto held =
      co_await store_.AttributedIds(seen.draft.profile_id, seen.request_id, StoreDeadline());
  if (!held.ok()) co_return End(Reconciliation::Kind::kUnavailable, std::move(seen));
  const Baseline baseline = seen.baseline.value_or(Baseline());
  MatchResult evidence = MatchApplications(seen.draft, baseline.ids, *held, list.applications);
  // An item that cannot be read now may be the one that we look for. One that could not be read
  // before the first attempt may be the one that looks new now.
  if (!list.is_complete || !baseline.is_complete) evidence.found.reset();
  const bool proves_absence =
      evidence.IsEmpty() && (list.is_complete || absence == Absence::kKnown);

  if (evidence.found) {
    auto stored = co_await store_.StoreReconciled(seen, AnswerFrom(ApplicationOf(*evidence.found)),
                                                  StoreDeadline());
    if (!stored.ok()) co_return End(Reconciliation::Kind::kUnavailable, std::move(seen));
    if (auto* record = std::get_if<Record>(&*stored)) {
      co_return End(Reconciliation::Kind::kTookEffect, std::move(*record));
    }
    if (!std::holds_alternative<RecordStore::Contested>(*stored)) {
      Reconciliation lost = End(Reconciliation::Kind::kVersionConflict, std::move(seen));
      if (auto* busy = std::get_if<RecordStore::KeyHeld>(&*stored)) {
        lost.holder = std::move(busy->holder);
      }
      co_return lost;
    }
  }

  evidence.candidate_ids.resize(std::min(evidence.candidate_ids.size(), kMaxCandidates));
  const bool is_conclusive = !seen.conclusive_at || seen.store_now >= *seen.conclusive_at;
  if (!is_conclusive) {
    Reconciliation early = End(Reconciliation::Kind::kTooEarly, seen);
    early.conclusive_after = absl::ToChronoMilliseconds(
        absl::Ceil(*seen.conclusive_at - seen.store_now, absl::Milliseconds(1)));
    early.record.candidate_ids = std::move(evidence.candidate_ids);
    co_return early;
  }
  if (evidence.IsEmpty() && seen.state == RecordState::kInconclusive) {
    // What was found once may only be hidden now: an undecided record is never sent again.
    co_return End(Reconciliation::Kind::kInconclusive, std::move(seen));
  }
  if (proves_absence && seen.state == RecordState::kClaimed) {
    co_return End(Reconciliation::Kind::kNoEffect, std::move(seen));
  }
  RecordStore::Change change{.state = RecordState::kNoEffect, .was_ambiguous = true};
  if (!proves_absence) {
    change.state = RecordState::kInconclusive;
    change.candidate_ids = std::move(evidence.candidate_ids);
  }
  auto changed = co_await store_.Apply(seen, change, StoreDeadline());
  if (!changed.ok()) co_return End(Reconciliation::Kind::kUnavailable, std::move(seen));
  auto* record = std::get_if<Record>(&*changed);
  if (record == nullptr) co_return End(Reconciliation::Kind::kVersionConflict, std::move(seen));
  co_return End(change.state == RecordState::kNoEffect ? Reconciliation::Kind::kNoEffect
                                                       : Reconciliation::Kind::kInconclusive,
                std::move(*record));
}

}  // namespace gateway
