#ifndef SERVICE_IDEMPOTENCY_RECONCILE_LOOP_H_
#define SERVICE_IDEMPOTENCY_RECONCILE_LOOP_H_

#include <optional>

#include "service/base/task.h"
#include "service/idempotency/session_state.h"

namespace gateway {

// Step 4 of a session: looks until it is clear what became of the attempt, or until looking is in
// vain or nobody waits for it any more: the background reconciler goes on then. Loop thread only.
class ReconcileLoop {
 public:
  using Next = SessionState::Next;
  using Stage = SessionState::Stage;

  // `state` outlives it.
  explicit ReconcileLoop(SessionState& state) : state_(state) {}

  // Of a record that is sent. `refusal` stands if nothing is found.
  Task<Next> Run(Record record, std::optional<SessionResult> refusal);

 private:
  SessionState& state_;
  bool was_proven_without_effect_ = false;  // one more attempt is all that a call gets
};

}  // namespace gateway

#endif  // SERVICE_IDEMPOTENCY_RECONCILE_LOOP_H_
