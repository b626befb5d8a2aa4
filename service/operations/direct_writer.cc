#include "service/operations/direct_writer.h"

#include <utility>

#include "service/operations/direct_write.h"

namespace gateway {

// No coroutine itself: thousands of calls wait in here, and each frame counts.
Task<WriteResult> DirectWriter::Add(ApplicationDraft draft, RequestKey key,
                                    const CallContext& context) {
  if (!key.request_id.empty()) return RefuseRequestId<Done>();
  auto attempt = [this, draft = std::move(draft), &context] {
    return client_.CreateApplication(draft, context, std::nullopt);
  };
  if (key.budget) {
    return WriteWithinBudget<Done>(ledger_, *std::move(key.budget), tools_, context,
                                   std::move(attempt));
  }
  return WriteDirectly<Done>(tools_, context, std::move(attempt));
}

}  // namespace gateway
