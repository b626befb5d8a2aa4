#include "service/idempotency/budget_ledger.h"

#include <utility>
#include <variant>

#include "service/base/deadline.h"

namespace gateway {
namespace {

// Below what a drain leaves calls to end.
constexpr Milliseconds kStoreTimeout{4000};

}  // namespace

Task<std::optional<BudgetLedger::ChargeResult>> BudgetLedger::Charge(WriteBudget budget,
                                                                     const CallContext& context) {
  const bool has_time = context.deadline.TimeLeft(clock_.Now()) >= kMinTimeToSend;
  if (!has_time || context.stop.stop_requested()) co_return std::nullopt;
  const auto work = Begin(context);
  Spawn(RunCharge(std::move(budget), work));
  co_await WaitFor(*work, context);
  work->is_abandoned = !work->result;
  co_return std::move(work->result);
}

std::shared_ptr<BudgetLedger::Work> BudgetLedger::Begin(const CallContext& context) {
  ++running_;
  auto work = std::make_shared<Work>();
  work->trace_id = context.trace_id();
  return work;
}

Task<void> BudgetLedger::RunCharge(WriteBudget budget, std::shared_ptr<Work> work) {
  auto charged = co_await store_.Charge(std::move(budget), Deadline(clock_.Now() + kStoreTimeout));
  if (!work->is_abandoned) {
    work->result = std::move(charged);
  } else if (charged.ok() && std::holds_alternative<BudgetCharge>(*charged)) {
    co_await GiveBackNow(std::get<BudgetCharge>(*std::move(charged)), *work);
  }
  OnEnd(*work);
}

Task<void> BudgetLedger::GiveBack(BudgetCharge charge, const CallContext& context) {
  const auto work = Begin(context);
  Spawn(RunGiveBack(std::move(charge), work));
  co_await WaitFor(*work, context);
}

Task<void> BudgetLedger::RunGiveBack(BudgetCharge charge, std::shared_ptr<Work> work) {
  co_await GiveBackNow(std::move(charge), *work);
  OnEnd(*work);
}

Task<void> BudgetLedger::GiveBackNow(BudgetCharge charge, const Work& work) {
  const auto given_back =
      co_await store_.GiveBack(std::move(charge), Deadline(clock_.Now() + kStoreTimeout));
  if (!given_back.ok()) {
    log_.Warn("a write that was not executed stays charged to its caller: store unavailable",
              {{"trace_id", work.trace_id}});
  }
}

Task<void> BudgetLedger::WaitFor(const Work& work, const CallContext& context) {
  std::stop_source over = work.ended;
  const std::stop_callback on_stop(context.stop, [&over] { over.request_stop(); });
  co_await clock_.SleepUntil(context.deadline.at(), over.get_token());
}

void BudgetLedger::OnEnd(Work& work) {
  work.ended.request_stop();
  if (--running_ == 0) all_ended_.request_stop();
}

Task<void> BudgetLedger::Drain() {
  if (running_ == 0) co_return;
  all_ended_ = {};
  co_await clock_.SleepUntil(SteadyTime::max(), all_ended_.get_token());
}

}  // namespace gateway
