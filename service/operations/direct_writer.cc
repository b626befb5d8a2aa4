#include "service/operations/direct_writer.h"

#include <utility>

#include "service/resilience/write_retry_policy.h"

namespace gateway {
namespace {

RetryDecision Decide(const WriteAttempt& attempt) {
  if (const auto* not_executed = std::get_if<NotExecuted>(&attempt.outcome)) {
    return ShouldRetry(*not_executed);
  }
  const bool is_done = std::holds_alternative<Done>(attempt.outcome);
  return is_done ? RetryEnd::kSucceeded : RetryEnd::kPermanent;
}

WriteResult Conclude(WriteAttempt attempt, RetryEnd end) {
  return std::visit(
      [&](auto&& outcome) {
        return WriteResult{.outcome = std::forward<decltype(outcome)>(outcome),
                           .sent_at = attempt.sent_at,
                           .retry_end = end};
      },
      std::move(attempt.outcome));
}

}  // namespace

Task<WriteResult> DirectWriter::RefuseRequestId() {
  co_return WriteResult{.outcome = IdempotencyError{.cause = IdempotencyError::Cause::kNeedsStore}};
}

// No coroutine itself: thousands of calls wait in here, and each frame counts.
Task<WriteResult> DirectWriter::Add(ApplicationDraft draft, RequestKey key,
                                    const CallContext& context) {
  if (!key.request_id.empty()) return RefuseRequestId();
  auto attempt = [this, draft = std::move(draft), &context] {
    return client_.CreateApplication(draft, context, std::nullopt);
  };
  return RunWithRetries<WriteResult, WriteAttempt>(tools_, context, std::move(attempt), Decide,
                                                   Conclude);
}

}  // namespace gateway
