#ifndef SERVICE_OPERATIONS_DIRECT_WRITE_H_
#define SERVICE_OPERATIONS_DIRECT_WRITE_H_

#include <optional>
#include <utility>
#include <variant>

#include "service/base/call_context.h"
#include "service/base/task.h"
#include "service/idempotency/budget_ledger.h"
#include "service/idempotency/write_result.h"
#include "service/passfort/api_transport.h"
#include "service/resilience/retry_loop.h"
#include "service/resilience/write_retry_policy.h"

namespace gateway {

template <typename Done>
RetryDecision DecideOnWrite(const WriteAttemptOf<Done>& attempt) {
  if (const auto* not_executed = std::get_if<NotExecuted>(&attempt.outcome)) {
    return ShouldRetry(*not_executed);
  }
  const bool is_done = std::holds_alternative<Done>(attempt.outcome);
  return is_done ? RetryEnd::kSucceeded : RetryEnd::kPermanent;
}

// Why it took so long is what came before.
template <typename Done>
bool IsLate(const WriteAttemptOf<Done>& attempt) {
  const auto* const not_executed = std::get_if<NotExecuted>(&attempt.outcome);
  return not_executed != nullptr && not_executed->cause == NotExecuted::Cause::kNoTimeLeft;
}

template <typename Done>
WriteResultOf<Done> ConcludeWrite(WriteAttemptOf<Done> attempt, RetryEnd end) {
  return std::visit(
      [&](auto&& outcome) {
        return WriteResultOf<Done>{.outcome = std::forward<decltype(outcome)>(outcome),
                                   .sent_at = attempt.sent_at,
                                   .retry_end = end};
      },
      std::move(attempt.outcome));
}

// Writes without a request_id: `attempt` until one may have been executed, or none will be in time.
// No coroutine itself: thousands of calls wait in here, and each frame counts. `context` outlives
// the task.
template <typename Done, typename Attempt>
Task<WriteResultOf<Done>> WriteDirectly(const RetryDependencies& tools,
                                        const CallContext& context [[clang::lifetimebound]],
                                        Attempt attempt) {
  return RunWithRetries<WriteResultOf<Done>, WriteAttemptOf<Done>>(
      tools, context, std::move(attempt), DecideOnWrite<Done>, IsLate<Done>, ConcludeWrite<Done>);
}

template <typename Done>
bool IsSurelyNotExecuted(const WriteResultOf<Done>& result) {
  return std::holds_alternative<NotExecuted>(result.outcome) ||
         std::holds_alternative<Refused>(result.outcome);
}

// The same for a caller with a daily budget: charged first, whatever the number of attempts. A
// process that dies before it knows what became of the write leaves it charged. Without a `ledger`
// nothing is sent.
template <typename Done, typename Attempt>
Task<WriteResultOf<Done>> WriteWithinBudget(BudgetLedger* ledger, WriteBudget budget,
                                            const RetryDependencies& tools,
                                            const CallContext& context [[clang::lifetimebound]],
                                            Attempt attempt) {
  using Cause = IdempotencyError::Cause;
  std::optional<BudgetLedger::ChargeResult> charged = absl::UnavailableError("no store");
  if (ledger != nullptr) charged = co_await ledger->Charge(std::move(budget), context);
  if (!charged.has_value()) {
    const bool is_stopped = context.stop.stop_requested();
    co_return WriteResultOf<Done>{
        .outcome = NotExecuted{.cause = is_stopped ? NotExecuted::Cause::kStopped
                                                   : NotExecuted::Cause::kNoTimeLeft}};
  }
  if (!charged->ok()) {
    co_return WriteResultOf<Done>{
        .outcome = IdempotencyError{.cause = StoreFailureCause(charged->status())}};
  }
  if (const auto* const reached = std::get_if<RecordStore::BudgetReached>(&**charged)) {
    co_return WriteResultOf<Done>{.outcome = IdempotencyError{.cause = Cause::kBudgetReached,
                                                              .resets_at = reached->resets_at}};
  }
  auto result = co_await WriteDirectly<Done>(tools, context, std::move(attempt));
  if (IsSurelyNotExecuted(result)) {
    co_await ledger->GiveBack(std::get<BudgetCharge>(**std::move(charged)), context);
  }
  co_return result;
}

template <typename Done>
Task<WriteResultOf<Done>> RefuseRequestId() {
  co_return WriteResultOf<Done>{
      .outcome = IdempotencyError{.cause = IdempotencyError::Cause::kNeedsStore}};
}

}  // namespace gateway

#endif  // SERVICE_OPERATIONS_DIRECT_WRITE_H_
