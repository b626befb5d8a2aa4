#ifndef SERVICE_PASSFORT_RESOURCE_CLIENT_H_
#define SERVICE_PASSFORT_RESOURCE_CLIENT_H_

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "passfort/gateway/v1/product_application_service.pb.h"
#include "passfort/gateway/v1/profile.pb.h"
#include "service/base/call_context.h"
#include "service/base/task.h"
#include "service/passfort/api_transport.h"
#include "service/passfort/endpoint.h"
#include "service/resilience/retry_end.h"

namespace gateway {

namespace pb = ::passfort::gateway::v1;

// What reads ask for, as a whole; the list that a write compares with is another one
// (product_application_client.h). Each answers with a message of the contract. A response counts
// only if it came whole, is no copy that a cache had kept, and has an `id`: each item of a list,
// too.
extern const ApiEndpoint kGetApplication;   // a pb::ProductApplication
extern const ApiEndpoint kGetApplications;  // a pb::ListProductApplicationsResponse
extern const ApiEndpoint kGetProfile;       // a pb::Profile

// Names an application: two UUIDs.
struct ApplicationKey {
  std::string profile_id;
  std::string application_id;
};

// What one read came to.
template <typename Message>
struct ReadResult {
  // The message is never null.
  std::variant<std::shared_ptr<Message>, NotExecuted, Refused> outcome;
  // Whether the request was handed to the HTTP client.
  bool was_sent = false;
  // Why it was not tried again, where somebody would have.
  std::optional<RetryEnd> retry_end = {};
};

// Reads resources of Passfort's REST API, one request each. An answer that says that it is another
// resource than the one asked for is unreadable: it may be another customer's. Loop thread only.
class ResourceClient {
 public:
  // `transport` outlives the client.
  explicit ResourceClient(ApiTransport& transport) : transport_(transport) {}

  // Ids are UUIDs, and all arguments outlive the task.
  Task<ReadResult<pb::ProductApplication>> GetApplication(const ApplicationKey& key
                                                          [[clang::lifetimebound]],
                                                          const CallContext& context
                                                          [[clang::lifetimebound]]);
  Task<ReadResult<pb::ListProductApplicationsResponse>> ListApplications(
      const std::string& profile_id [[clang::lifetimebound]],
      const CallContext& context [[clang::lifetimebound]]);
  Task<ReadResult<pb::Profile>> GetProfile(const std::string& profile_id [[clang::lifetimebound]],
                                           const CallContext& context [[clang::lifetimebound]]);

 private:
  ApiTransport& transport_;
};

}  // namespace gateway

#endif  // SERVICE_PASSFORT_RESOURCE_CLIENT_H_
