#include "service/idempotency/settler.h"

#include <algorithm>
#include <memory>

namespace gateway {
namespace {

using Why = SettlementContradicted::Why;

bool Contains(const std::vector<std::string>& ids, const std::string& id) {
  return std::ranges::find(ids, id) != ids.end();
}

// Set if it is not yet, or not any more, for a person to say what became of the write.
std::optional<NotSettleable> WhyNotSettleable(const Record& record, const PersonsWord& word,
                                              Milliseconds settle_window) {
  const bool is_inconclusive = record.state == RecordState::kInconclusive;
  if (!is_inconclusive && record.state != RecordState::kSent)
    return NotSettleable{.record = record};
  const absl::Time known_by = *KnownBy(record, settle_window);
  const bool is_held = !is_inconclusive && record.store_now < record.lease_until;
  // What is there already is there, also before it is known what else may come.
  const bool is_early = record.store_now < known_by && !(is_inconclusive && word.is_executed());
  if (!is_held && !is_early) return std::nullopt;
  return NotSettleable{.record = record,
                       .known_by = is_held ? std::max(known_by, record.lease_until) : known_by};
}

// What the record found is as good as what is there now: it may only be hidden.
std::vector<std::string> NotLookedAt(const Record& record, const std::vector<std::string>& shown,
                                     const std::vector<std::string>& attributed,
                                     const std::vector<std::string>& not_ours) {
  std::vector<std::string> left;
  const auto add = [&](const std::string& id) {
    if (!Contains(not_ours, id) && !Contains(attributed, id) && !Contains(left, id)) {
      left.push_back(id);
    }
  };
  for (const std::string& id : shown) add(id);
  for (const std::string& id : record.candidate_ids) add(id);
  return left;
}

}  // namespace

std::optional<absl::Time> KnownBy(const Record& record, Milliseconds settle_window) {
  if (record.conclusive_at) return record.conclusive_at;
  if (!record.sent_at) return std::nullopt;
  // Where no look is ever conclusive, the lease of an intent lasts for its attempt too.
  return record.lease_until + absl::FromChrono(settle_window);
}

Task<SettlementResult> Settler::Settle(std::string request_id, std::string operation_name,
                                       PersonsWord word, const CallContext& context) {
  auto found = co_await store_.Find(std::move(request_id), StoreDeadline(context));
  if (!found.ok()) co_return StoreFailed{.why = found.status()};
  if (!found->has_value()) co_return UnknownRequest{};
  Record record = **std::move(found);
  // One that a newer version wrote is for newer versions.
  Operation* const operation = FindOperation(record.operation);
  if (operation == nullptr) co_return NotSettleable{.record = std::move(record)};
  const bool is_other = !operation_name.empty() && operation_name != record.operation;
  if (is_other || (!word.not_ours.empty() && !operation->is_observable())) {
    co_return SettlementContradicted{.why = Why::kOtherOperation};
  }
  // Only what was looked at can be known, not what a repeat has sent since.
  if (!word.is_executed() && record.sent_at && word.sent_at != record.sent_at) {
    co_return SettledMeanwhile{.record = std::move(record)};
  }
  if (auto why = WhyNotSettleable(record, word, options_.settle_window)) co_return *std::move(why);

  // The record was read first: only a look that is begun after the conclusive moment proves that
  // nothing was executed.
  if (!word.is_executed() && !operation->is_observable()) {
    co_return co_await SettleNotExecuted(std::move(record), *operation, nullptr, std::move(word),
                                         context);
  }
  CallContext reading = context;
  reading.deadline = Earlier(context.deadline, Deadline(clock_.Now() + options_.observe_timeout));
  reading.priority = Priority::kReconciliation;
  auto observed = co_await operation->ObserveResource(record.target, word.resource_id, reading);
  if (auto* const failed = std::get_if<NotExecuted>(&observed)) co_return std::move(*failed);
  if (auto* const refused = std::get_if<Refused>(&observed)) co_return std::move(*refused);
  fail_point_(FailPointId::kBeforeSettle, record.request_id);
  const auto now = std::get<std::unique_ptr<const Observation>>(std::move(observed));
  if (word.is_executed()) {
    co_return co_await SettleExecuted(std::move(record), *operation, *now, std::move(word),
                                      context);
  }
  co_return co_await SettleNotExecuted(std::move(record), *operation, now.get(), std::move(word),
                                       context);
}

Task<SettlementResult> Settler::SettleExecuted(Record record, const Operation& operation,
                                               const Observation& now, PersonsWord word,
                                               const CallContext& context) {
  const auto attributed = co_await store_.AttributedIds(record.serialization_key, record.request_id,
                                                        StoreDeadline(context));
  if (!attributed.ok()) co_return StoreFailed{.why = attributed.status()};
  const std::string baseline = record.baseline ? record.baseline->state : "";
  Effect effect = operation.Evaluate(record.target, baseline, now, *attributed);
  SettlementContradicted no{.candidate_ids = std::move(effect.candidate_ids)};
  std::optional<StoredResult> result = operation.ResultOf(now, word.resource_id);
  if (!result) co_return no;
  if (operation.is_observable() && !Contains(no.candidate_ids, word.resource_id)) {
    if (Contains(*attributed, word.resource_id)) no.why = Why::kAttributed;
    if (operation.IsInBaseline(baseline, word.resource_id)) no.why = Why::kWasThere;
    co_return no;
  }
  co_return co_await Store(std::move(record),
                           {.settled_by = std::move(word.name), .result = std::move(result)},
                           FinishedWrite::End::kDone, context);
}

Task<SettlementResult> Settler::SettleNotExecuted(Record record, const Operation& operation,
                                                  const Observation* now, PersonsWord word,
                                                  const CallContext& context) {
  // Nothing can be compared with later, so a repeat begins anew.
  if (now == nullptr) co_return co_await Remove(std::move(record), word, context);
  const auto attributed = co_await store_.AttributedIds(record.serialization_key, record.request_id,
                                                        StoreDeadline(context));
  if (!attributed.ok()) co_return StoreFailed{.why = attributed.status()};
  const std::string baseline = record.baseline ? record.baseline->state : "";
  const Effect effect = operation.Evaluate(record.target, baseline, *now, *attributed);
  std::vector<std::string> left =
      NotLookedAt(record, effect.candidate_ids, *attributed, word.not_ours);
  if (!left.empty()) {
    co_return SettlementContradicted{.why = Why::kCandidates, .candidate_ids = std::move(left)};
  }
  if (!effect.is_complete) co_return SettlementContradicted{.why = Why::kMayBeIncomplete};
  // All that is there now was looked at: what comes later is again the write's own, or a repeat's.
  std::string extended = operation.ExtendBaseline(baseline, *now, word.not_ours);
  co_return co_await Store(
      std::move(record),
      {.settled_by = std::move(word.name), .result = {}, .baseline = std::move(extended)},
      FinishedWrite::End::kNoEffect, context);
}

Task<SettlementResult> Settler::Remove(Record record, const PersonsWord& word,
                                       const CallContext& context) {
  fail_point_(FailPointId::kBeforeSettle, record.request_id);
  const auto removed = co_await store_.Remove(record, StoreDeadline(context));
  if (!removed.ok()) co_return StoreFailed{.why = removed.status()};
  if (!*removed) co_return co_await Lost(std::move(record.request_id), context);
  OnSettled(record, FinishedWrite::End::kNotExecuted, context);
  record.state = RecordState::kNoEffect;
  record.settled = SettledBy{.name = word.name, .at = record.store_now};
  co_return SettledRecord{.record = std::move(record)};
}

Task<SettlementResult> Settler::Store(Record record, RecordStore::Settlement settlement,
                                      FinishedWrite::End end, const CallContext& context) {
  std::string request_id = record.request_id;
  auto settled = co_await store_.Settle(record, settlement, StoreDeadline(context));
  if (!settled.ok()) co_return StoreFailed{.why = settled.status()};
  if (auto* const held = std::get_if<RecordStore::KeyHeld>(&*settled)) {
    // What a process that died left would stand in the way until somebody writes to the key.
    if (held->holder.store_now < held->holder.lease_until) co_return KeyInUse{};
    co_await reconciler_.ReleaseExpired(std::move(held->holder), context);
    settled =
        co_await store_.Settle(std::move(record), std::move(settlement), StoreDeadline(context));
    if (!settled.ok()) co_return StoreFailed{.why = settled.status()};
    if (std::holds_alternative<RecordStore::KeyHeld>(*settled)) co_return KeyInUse{};
  }
  if (std::holds_alternative<RecordStore::Attributed>(*settled)) {
    co_return SettlementContradicted{.why = Why::kAttributed};
  }
  auto* const changed = std::get_if<Record>(&*settled);
  if (changed == nullptr) co_return co_await Lost(std::move(request_id), context);
  OnSettled(*changed, end, context);
  co_return SettledRecord{.record = std::move(*changed)};
}

// Somebody else was first: what is true of the record now is for the store to say.
Task<SettlementResult> Settler::Lost(std::string request_id, const CallContext& context) {
  auto now = co_await store_.Find(std::move(request_id), StoreDeadline(context));
  if (!now.ok()) co_return StoreFailed{.why = now.status()};
  co_return SettledMeanwhile{.record = *std::move(now)};
}

void Settler::OnSettled(const Record& record, FinishedWrite::End end, const CallContext& context) {
  unsettled_traces_.Remove(record.request_id);
  observer_.OnFinished({record, end, FinishedWrite::By::kOperator, context.trace_id()});
}

Operation* Settler::FindOperation(const std::string& name) const {
  const auto found = std::ranges::find_if(
      operations_, [&](const Operation* operation) { return operation->name() == name; });
  return found == operations_.end() ? nullptr : *found;
}

}  // namespace gateway
