#include "service/idempotency/budget_ledger.h"

#include <algorithm>
#include <utility>

namespace gateway {
namespace {

constexpr Milliseconds kStoreTimeout{5000};

}  // namespace

Task<absl::StatusOr<RecordStore::ChargeResult>> BudgetLedger::Charge(WriteBudget budget,
                                                                     Deadline deadline) {
  const Deadline patience(clock_.Now() + kStoreTimeout);
  return store_.Charge(std::move(budget), Earlier(patience, deadline));
}

void BudgetLedger::GiveBack(BudgetCharge charge) {
  ++giving_back_;
  Spawn(GiveBackNow(std::move(charge)));
}

Task<void> BudgetLedger::GiveBackNow(BudgetCharge charge) {
  const Deadline deadline(clock_.Now() + kStoreTimeout);
  const auto given_back = co_await store_.GiveBack(std::move(charge), deadline);
  if (!given_back.ok()) {
    log_.Warn("a write that was not executed stays charged to its caller: store unavailable");
  }
  if (--giving_back_ == 0) all_given_back_.request_stop();
}

Task<void> BudgetLedger::Drain() {
  if (giving_back_ == 0) co_return;
  all_given_back_ = {};
  co_await clock_.SleepUntil(SteadyTime::max(), all_given_back_.get_token());
}

}  // namespace gateway
