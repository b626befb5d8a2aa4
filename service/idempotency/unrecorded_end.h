#ifndef SERVICE_IDEMPOTENCY_UNRECORDED_END_H_
#define SERVICE_IDEMPOTENCY_UNRECORDED_END_H_

#include <utility>
#include <variant>

#include "service/base/task.h"
#include "service/idempotency/session_state.h"

namespace gateway {

// The end of a session that the store could not be told, so that only this process knows it: a
// response of Passfort, or that nothing was executed where no look would ever show it. Tells the
// store as soon as that works. Loop thread only.
class UnrecordedEnd {
 public:
  // `state` outlives it.
  explicit UnrecordedEnd(SessionState& state) : state_(state) {}

  void SetResponse(SharedResult done) { end_ = std::move(done); }
  void SetRelease(FinishedWrite::End why) { end_ = why; }

  bool IsThere() const { return !std::holds_alternative<std::monostate>(end_); }

  // Returns when the store knows, or after a last try at the session's stop.
  Task<void> RetryRecording();

 private:
  Task<bool> TryRecording();

  SessionState& state_;
  std::variant<std::monostate, SharedResult, FinishedWrite::End> end_;
};

}  // namespace gateway

#endif  // SERVICE_IDEMPOTENCY_UNRECORDED_END_H_
