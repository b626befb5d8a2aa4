#include "service/idempotency/store/metered_record_store.h"

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"

namespace gateway {
namespace {

std::string_view OutcomeOf(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return "ok";
    case absl::StatusCode::kUnavailable:
      return "unavailable";
    case absl::StatusCode::kDeadlineExceeded:
      return "timeout";
    default:
      return "error";
  }
}

const absl::Status& StatusOf(const absl::Status& status) { return status; }
template <typename T>
const absl::Status& StatusOf(const absl::StatusOr<T>& result) {
  return result.status();
}

}  // namespace

MeteredRecordStore::MeteredRecordStore(std::unique_ptr<RecordStore> store, Clock& clock,
                                       Metrics& metrics, Log& log)
    : store_(std::move(store)),
      clock_(clock),
      failures_(clock, log, metrics),
      operations_(metrics.AddCounter("passfort_gateway_store_operations_total",
                                     "Operations on the store of request_ids that ended.",
                                     {"operation", "outcome"})),
      // From an embedded store's write to the time-out of a remote one.
      seconds_(metrics.AddHistogram(
          "passfort_gateway_store_seconds",
          "Time from the beginning of a store operation to its end.", {"operation"},
          {0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5})),
      records_(
          metrics.AddGauge("passfort_gateway_records", "request_ids that the store remembers.")),
      open_(metrics.AddGauge(
          "passfort_gateway_open_records",
          "request_ids whose outcome is not known: in_flight, a gateway works on it; unresolved, "
          "it was sent and no gateway holds it; inconclusive, a person has to settle it.",
          {"state"})) {}

void MeteredRecordStore::Describe(StatusReport& report) const {
  failures_.Describe(report);
  StatusSection& section = report.Section("Store");
  const auto add = [&section](std::string name, std::optional<double> value) {
    section.Add(std::move(name), value.has_value() ? absl::StrCat(*value) : "not counted yet");
  };
  add("request_ids remembered", records_.value());
  add("writes in flight", open_.value({"in_flight"}));
  add("writes whose outcome is not known yet", open_.value({"unresolved"}));
  add("writes that a person has to settle", open_.value({"inconclusive"}));
}

template <typename Result>
Task<Result> MeteredRecordStore::Measure(std::string_view operation, Task<Result> task) {
  const SteadyTime start = clock_.Now();
  Result result = co_await task;
  const auto took = clock_.Now() - start;
  operations_.Increment({operation, OutcomeOf(StatusOf(result))});
  seconds_.Observe(took, {operation});
  failures_.OnResult(StatusOf(result), took);
  co_return result;
}

Task<absl::StatusOr<RecordStore::ClaimResult>> MeteredRecordStore::TryClaim(Claim claim,
                                                                            Deadline deadline) {
  return Measure("try_claim", store_->TryClaim(std::move(claim), deadline));
}

Task<absl::StatusOr<std::optional<Record>>> MeteredRecordStore::Find(std::string request_id,
                                                                     Deadline deadline) {
  return Measure("find", store_->Find(std::move(request_id), deadline));
}

Task<absl::StatusOr<RecordStore::UpdateResult>> MeteredRecordStore::Update(Record expected,
                                                                           RecordUpdate change,
                                                                           Deadline deadline) {
  return Measure("update", store_->Update(std::move(expected), std::move(change), deadline));
}

Task<absl::StatusOr<RecordStore::UpdateResult>> MeteredRecordStore::UpdateIfLeaseExpired(
    Record expected, RecordUpdate change, Deadline deadline) {
  return Measure("update_if_lease_expired",
                 store_->UpdateIfLeaseExpired(std::move(expected), std::move(change), deadline));
}

Task<absl::StatusOr<bool>> MeteredRecordStore::Remove(Record expected, Deadline deadline) {
  return Measure("remove", store_->Remove(std::move(expected), deadline));
}

Task<absl::StatusOr<bool>> MeteredRecordStore::StoreResponse(Record expected, StoredResult result,
                                                             Deadline deadline) {
  return Measure("store_response",
                 store_->StoreResponse(std::move(expected), std::move(result), deadline));
}

Task<absl::StatusOr<RecordStore::FoundResult>> MeteredRecordStore::StoreReconciled(
    Record expected, StoredResult result, Deadline deadline) {
  return Measure("store_reconciled",
                 store_->StoreReconciled(std::move(expected), std::move(result), deadline));
}

Task<absl::StatusOr<std::vector<std::string>>> MeteredRecordStore::AttributedIds(
    std::string serialization_key, std::string request_id, Deadline deadline) {
  return Measure("attributed_ids", store_->AttributedIds(std::move(serialization_key),
                                                         std::move(request_id), deadline));
}

Task<absl::StatusOr<std::vector<Record>>> MeteredRecordStore::ListSent(Cursor after, int limit,
                                                                       Deadline deadline) {
  return Measure("list_sent", store_->ListSent(std::move(after), limit, deadline));
}

Task<absl::StatusOr<std::vector<Record>>> MeteredRecordStore::ListUnresolved(UnresolvedQuery query,
                                                                             Deadline deadline) {
  return Measure("list_unresolved", store_->ListUnresolved(std::move(query), deadline));
}

Task<absl::StatusOr<RecordStore::SettleResult>> MeteredRecordStore::Settle(Record expected,
                                                                           Settlement settlement,
                                                                           Deadline deadline) {
  return Measure("settle", store_->Settle(std::move(expected), std::move(settlement), deadline));
}

Task<absl::StatusOr<RecordStore::ChargeResult>> MeteredRecordStore::Charge(WriteBudget budget,
                                                                           Deadline deadline) {
  return Measure("charge", store_->Charge(std::move(budget), deadline));
}

Task<absl::Status> MeteredRecordStore::GiveBack(BudgetCharge charge, Deadline deadline) {
  return Measure("give_back", store_->GiveBack(std::move(charge), deadline));
}

Task<absl::StatusOr<std::optional<RecordStore::BudgetReached>>> MeteredRecordStore::LookAtBudget(
    WriteBudget budget, Deadline deadline) {
  return Measure("look_at_budget", store_->LookAtBudget(std::move(budget), deadline));
}

Task<absl::StatusOr<RecordStore::SweepResult>> MeteredRecordStore::Sweep(Deadline deadline) {
  auto swept = co_await Measure("sweep", store_->Sweep(deadline));
  if (swept.ok()) {
    records_.Set(static_cast<double>(swept->records));
    open_.Set(static_cast<double>(swept->open.in_flight), {"in_flight"});
    open_.Set(static_cast<double>(swept->open.unresolved), {"unresolved"});
    open_.Set(static_cast<double>(swept->open.inconclusive), {"inconclusive"});
  }
  co_return swept;
}

}  // namespace gateway
