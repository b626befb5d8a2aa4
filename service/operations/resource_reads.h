#ifndef SERVICE_OPERATIONS_RESOURCE_READS_H_
#define SERVICE_OPERATIONS_RESOURCE_READS_H_

#include <string>

#include "service/base/call_context.h"
#include "service/base/task.h"
#include "service/passfort/resource_client.h"
#include "service/resilience/retry_loop.h"

namespace gateway {

// Which applications of a profile a caller wants to see.
struct ApplicationQuery {
  std::string profile_id;
  bool include_hidden = false;
};

// Reads for callers, with retries: a read executes nothing, so whatever may help is repeated within
// the deadline. They return by the context's deadline, or soon after its stop is requested.
// `context` outlives the task. Loop thread only.
class ResourceReads {
 public:
  // `client` outlives the reads.
  ResourceReads(ResourceClient& client, RetryDependencies tools) : client_(client), tools_(tools) {}

  Task<ReadResult<pb::ProductApplication>> GetApplication(ApplicationKey key,
                                                          const CallContext& context
                                                          [[clang::lifetimebound]]);
  Task<ReadResult<pb::ListProductApplicationsResponse>> ListApplications(ApplicationQuery query,
                                                                         const CallContext& context
                                                                         [[clang::lifetimebound]]);
  Task<ReadResult<pb::Profile>> GetProfile(std::string profile_id,
                                           const CallContext& context [[clang::lifetimebound]]);

 private:
  ResourceClient& client_;
  const RetryDependencies tools_;
};

}  // namespace gateway

#endif  // SERVICE_OPERATIONS_RESOURCE_READS_H_
