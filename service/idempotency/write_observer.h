#ifndef SERVICE_IDEMPOTENCY_WRITE_OBSERVER_H_
#define SERVICE_IDEMPOTENCY_WRITE_OBSERVER_H_

#include <string_view>

#include "service/idempotency/store/record.h"

namespace gateway {

// A write with a request_id that has ended.
struct FinishedWrite {
  enum class End {
    kDone,          // executed: the record has what it came to, and how that is known
    kRefused,       // Passfort refused it, and no other attempt took effect
    kNotExecuted,   // no attempt was executed
    kNoEffect,      // an attempt whose response was lost is proven not to have been executed
    kInconclusive,  // what became of it cannot be told; the record has the candidates
  };
  enum class By { kCall, kBackground, kOperator };

  // As the store has it now, or had it before it was deleted.
  const Record& record;
  End end;
  By by;
  std::string_view trace_id;
};

// Hears of every write with a request_id that ends, also of those that the background reconciler
// ends: after the store has it, and only in the process that made the change, so of each change
// once. A later call may take up again what is not done, and then it ends once more. What expires
// is not heard of, nor is what a process did not live to tell.
class WriteObserver {
 public:
  virtual ~WriteObserver() = default;

  // Returns at once. Loop thread only.
  virtual void OnFinished(const FinishedWrite& write) = 0;
};

}  // namespace gateway

#endif  // SERVICE_IDEMPOTENCY_WRITE_OBSERVER_H_
