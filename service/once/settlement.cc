#include "service/once/settlement.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "service/once/application_match.h"

namespace gateway {
namespace {

constexpr size_t kMostCandidates = 20;

Settlement End(Settlement::Kind kind, Record record) {
  return {.kind = kind, .record = std::move(record)};
}

}  // namespace

Done AnswerOf(const Record& record) {
  Done done;
  done.application->ParseFromString(record.answer);
  return done;
}

RecordStore::Answer AnswerFrom(const pb::ProductApplication& application) {
  return {.application_id = absl::AsciiStrToLower(application.id()),
          .application = application.SerializeAsString()};
}

Task<Settlement> Settler::Look(Record seen, std::stop_token stop) {
  // Read again, for the store's clock: only a list that is begun after the quiet moment proves that
  // nothing was done.
  auto now = co_await store_.Find(seen.request_id, StoreDeadline());
  if (!now.ok()) co_return End(Settlement::Kind::kNoList, std::move(seen));
  if (!now->has_value() || (*now)->epoch != seen.epoch || (*now)->state != seen.state) {
    co_return End(Settlement::Kind::kLost, std::move(seen));
  }
  seen = **std::move(now);
  ListOutcome listed = co_await passfort_.ListApplications(
      seen.draft.profile_id, Deadline(clock_.Now() + options_.list_timeout), stop);
  if (std::holds_alternative<ListFailed>(listed)) {
    co_return End(Settlement::Kind::kNoList, std::move(seen));
  }
  co_return co_await Weigh(std::move(seen), std::get<ApplicationList>(std::move(listed)));
}

Task<Settlement> Settler::Weigh(Record seen, ApplicationList list) {
  const auto held =
      co_await store_.HeldIds(seen.draft.profile_id, seen.request_id, StoreDeadline());
  if (!held.ok()) co_return End(Settlement::Kind::kNoList, std::move(seen));
  Evidence evidence = WeighList(seen.draft, seen.snapshot.value_or(std::vector<std::string>()),
                                *held, list.applications);

  if (evidence.found) {
    auto stored =
        co_await store_.StoreFound(seen, AnswerFrom(*evidence.found->application), StoreDeadline());
    if (!stored.ok()) co_return End(Settlement::Kind::kNoList, std::move(seen));
    if (auto* record = std::get_if<Record>(&*stored)) {
      co_return End(Settlement::Kind::kFound, std::move(*record));
    }
    Settlement lost = End(Settlement::Kind::kLost, std::move(seen));
    if (auto* busy = std::get_if<RecordStore::ProfileBusy>(&*stored)) {
      lost.holder = std::move(busy->holder);
    }
    co_return lost;
  }

  evidence.candidate_ids.resize(std::min(evidence.candidate_ids.size(), kMostCandidates));
  const bool is_quiet = !seen.quiet_at || seen.store_now >= *seen.quiet_at;
  if (!is_quiet) {
    Settlement early = End(Settlement::Kind::kNotYet, seen);
    early.quiet_in = absl::ToChronoMilliseconds(
        absl::Ceil(*seen.quiet_at - seen.store_now, absl::Milliseconds(1)));
    early.record.candidate_ids = std::move(evidence.candidate_ids);
    co_return early;
  }
  if (evidence.ShowsNothing() && seen.state == RecordState::kUndecided) {
    // What was found once may only be hidden now: an undecided record is never sent again.
    co_return End(Settlement::Kind::kUndecided, std::move(seen));
  }
  if (evidence.ShowsNothing() && seen.state == RecordState::kClaimed) {
    co_return End(Settlement::Kind::kAbsent, std::move(seen));
  }
  RecordStore::Change change{.state = RecordState::kAbsent, .was_ambiguous = true};
  if (!evidence.ShowsNothing()) {
    change.state = RecordState::kUndecided;
    change.candidate_ids = std::move(evidence.candidate_ids);
  }
  auto changed = co_await store_.Apply(seen, change, StoreDeadline());
  if (!changed.ok()) co_return End(Settlement::Kind::kNoList, std::move(seen));
  auto* record = std::get_if<Record>(&*changed);
  if (record == nullptr) co_return End(Settlement::Kind::kLost, std::move(seen));
  co_return End(change.state == RecordState::kAbsent ? Settlement::Kind::kAbsent
                                                     : Settlement::Kind::kUndecided,
                std::move(*record));
}

}  // namespace gateway
