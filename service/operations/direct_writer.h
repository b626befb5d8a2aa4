#ifndef SERVICE_OPERATIONS_DIRECT_WRITER_H_
#define SERVICE_OPERATIONS_DIRECT_WRITER_H_

#include <string>

#include "service/base/call_context.h"
#include "service/base/task.h"
#include "service/idempotency/budget_ledger.h"
#include "service/operations/application_writer.h"
#include "service/passfort/product_application_client.h"
#include "service/resilience/retry_loop.h"

namespace gateway {

// Adds an application for a call without a `request_id`: one POST, sent again only while surely
// nothing was executed. A call with one is refused: a promise silently dropped is worse than none.
class DirectWriter final : public ApplicationWriter {
 public:
  // All outlive the writer. Without a `ledger` no write of a caller with a
  // budget is sent.
  DirectWriter(ProductApplicationClient& client, RetryDependencies tools,
               BudgetLedger* ledger = nullptr)
      : client_(client), tools_(tools), ledger_(ledger) {}

  Task<WriteResult> Add(ApplicationDraft draft, RequestKey key,
                        const CallContext& context) override;

 private:
  ProductApplicationClient& client_;
  const RetryDependencies tools_;
  BudgetLedger* const ledger_;
};

}  // namespace gateway

#endif  // SERVICE_OPERATIONS_DIRECT_WRITER_H_
