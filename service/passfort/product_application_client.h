#ifndef SERVICE_PASSFORT_PRODUCT_APPLICATION_CLIENT_H_
#define SERVICE_PASSFORT_PRODUCT_APPLICATION_CLIENT_H_

#include <optional>
#include <string>

#include "absl/time/time.h"
#include "service/base/call_context.h"
#include "service/base/clock.h"
#include "service/base/task.h"
#include "service/passfort/api_transport.h"
#include "service/passfort/endpoint.h"
#include "service/passfort/mapping/application_list.h"
#include "service/passfort/outcome_table.h"

namespace gateway {

// Answers with a pb::ProductApplication.
extern const ApiEndpoint kCreateApplication;
// Answers with an ApplicationList. It holds all that a profile ever had and comes unpaged, so it
// may be longer than other responses. But to read it holds the loop.
extern const ApiEndpoint kListApplications;

// One application to be made, checked by whoever made the draft: the ids are UUIDs.
struct ApplicationDraft {
  std::string profile_id;
  // Exactly one of the two is sent; the alias if both are given, as Passfort advises.
  std::string product_alias;
  std::string product_id;
  // UNSPECIFIED: not sent.
  pb::AssociatedRole associated_role = pb::ASSOCIATED_ROLE_UNSPECIFIED;

  friend bool operator==(const ApplicationDraft&, const ApplicationDraft&) = default;
};

using WriteAttempt = WriteAttemptOf<Done>;

// What one look at a profile's list came to; as a read, never Ambiguous. Without a list it says
// nothing about any application.
using ListOutcome = Outcome<ApplicationList>;

ListOutcome ToListOutcome(ApiOutcome outcome);

// Product applications in Passfort's REST API, one method per endpoint. `context` outlives the
// task. Loop thread only.
class ProductApplicationClient {
 public:
  // `transport` outlives the client.
  explicit ProductApplicationClient(ApiTransport& transport) : transport_(transport) {}

  // `send_before` as in ApiRequest. `draft` outlives the task.
  Task<WriteAttempt> CreateApplication(const ApplicationDraft& draft [[clang::lifetimebound]],
                                       const CallContext& context [[clang::lifetimebound]],
                                       std::optional<BootTime> send_before);
  // A list counts only if it came whole.
  Task<ListOutcome> ListApplications(std::string profile_id,
                                     const CallContext& context [[clang::lifetimebound]]);

 private:
  ApiTransport& transport_;
};

}  // namespace gateway

#endif  // SERVICE_PASSFORT_PRODUCT_APPLICATION_CLIENT_H_
