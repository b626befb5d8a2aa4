#ifndef SERVICE_IDEMPOTENCY_PENDING_RESULT_H_
#define SERVICE_IDEMPOTENCY_PENDING_RESULT_H_

#include <optional>
#include <utility>

#include "absl/time/time.h"
#include "service/base/clock.h"
#include "service/idempotency/operation.h"
#include "service/idempotency/store/record.h"
#include "service/idempotency/write_result.h"

namespace gateway {

// What a session comes to, for all callers that share it.
using SessionResult = WriteResultOf<SharedResult>;

inline SessionResult ToResult(IdempotencyError::Cause cause) {
  return {.outcome = IdempotencyError{.cause = cause}};
}
inline SessionResult BudgetReachedResult(absl::Time resets_at) {
  return {.outcome = IdempotencyError{.cause = IdempotencyError::Cause::kBudgetReached,
                                      .resets_at = resets_at}};
}

// The result for a caller that leaves while it is not known what became of the write: what is known
// so far. Loop thread only.
class PendingResult {
 public:
  // `clock` outlives it.
  explicit PendingResult(Clock& clock) : clock_(clock) {}

  // An attempt begins; what an earlier one came to is settled.
  void OnAttempt(absl::Time sent_at) { result_ = {.outcome = Ambiguous{}, .sent_at = sent_at}; }
  // It was never let out.
  void OnAttemptNotSent() { result_.sent_at.reset(); }
  // What the attempt came to, with what Passfort said to it.
  void OnAmbiguous(Ambiguous ambiguous) { result_.outcome = std::move(ambiguous); }
  // What the record says now.
  void Update(const Record& record) {
    if (record.sent_at) result_.sent_at = record.sent_at;
    if (record.conclusive_at) {
      result_.known_by = clock_.WallNow() + (*record.conclusive_at - record.store_now);
    }
    result_.stays_unknown = record.state == RecordState::kInconclusive && !record.conclusive_at;
    result_.candidate_ids = record.candidate_ids;
  }
  // Why the last look showed nothing; unset if it did.
  void SetUnobserved(std::optional<NotExecuted::Cause> cause) { result_.unobserved = cause; }

  // Whether looking again would show no more.
  bool LooksInVain() const { return result_.unobserved == NotExecuted::Cause::kResponseTooLarge; }
  std::optional<absl::Time> sent_at() const { return result_.sent_at; }
  SessionResult ToResult() const { return result_; }

 private:
  Clock& clock_;
  SessionResult result_{.outcome = Ambiguous{}};
};

}  // namespace gateway

#endif  // SERVICE_IDEMPOTENCY_PENDING_RESULT_H_
