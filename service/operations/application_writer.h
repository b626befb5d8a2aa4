#ifndef SERVICE_OPERATIONS_APPLICATION_WRITER_H_
#define SERVICE_OPERATIONS_APPLICATION_WRITER_H_

#include "service/base/call_context.h"
#include "service/base/task.h"
#include "service/idempotency/write_result.h"
#include "service/passfort/product_application_client.h"

namespace gateway {

using WriteResult = WriteResultOf<Done>;

// Carries out one caller's intent to add an application, by as many attempts as that takes and
// allows. Loop thread only.
class ApplicationWriter {
 public:
  virtual ~ApplicationWriter() = default;

  // Returns what the intent came to. Returns by the context's deadline, or soon after its stop is
  // requested. `context` outlives the task.
  virtual Task<WriteResult> Add(ApplicationDraft draft, RequestKey key,
                                const CallContext& context [[clang::lifetimebound]]) = 0;
};

}  // namespace gateway

#endif  // SERVICE_OPERATIONS_APPLICATION_WRITER_H_
