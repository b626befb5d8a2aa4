#ifndef SERVICE_IDEMPOTENCY_OBSERVE_WITH_RETRIES_H_
#define SERVICE_IDEMPOTENCY_OBSERVE_WITH_RETRIES_H_

#include <string>

#include "service/base/call_context.h"
#include "service/base/task.h"
#include "service/idempotency/operation.h"
#include "service/resilience/retry_loop.h"

namespace gateway {

struct RetriedObservation {
  ObserveResult result;
  RetryEnd end;
};

// Observes what a write will change, and does so again after a failure that may pass, within the
// context's deadline and the retry budget. What could not be read at all is tried once more at
// most. `operation` and `context` outlive the task. Loop thread only.
Task<RetriedObservation> ObserveWithRetries(Operation& operation, std::string target,
                                            const CallContext& context [[clang::lifetimebound]],
                                            RetryDependencies dependencies);

}  // namespace gateway

#endif  // SERVICE_IDEMPOTENCY_OBSERVE_WITH_RETRIES_H_
