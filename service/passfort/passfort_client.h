#ifndef SERVICE_PASSFORT_PASSFORT_CLIENT_H_
#define SERVICE_PASSFORT_PASSFORT_CLIENT_H_

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "absl/time/time.h"
#include "service/base/call_context.h"
#include "service/base/clock.h"
#include "service/base/task.h"
#include "service/passfort/outcome_table.h"

namespace gateway {

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

// One attempt to write and what it came to.
struct WriteAttempt {
  CreateOutcome outcome;
  // When the request was handed to the transport. Unset if that never happened.
  std::optional<absl::Time> sent_at;
};

// One application of a profile, as far as it can be recognised by.
struct ListedApplication {
  // In lower case, as are all ids that are compared.
  std::string id;
  // Empty if Passfort left them out.
  std::string product_alias;
  std::string product_id;
  // Passfort's own name of the role, also one that the contract does not know. Empty if absent.
  std::string associated_role;
  // The item as Passfort sent it, for ApplicationOf.
  std::string json;
};

// A profile's applications, as far as Passfort's list of them could be read.
struct ApplicationList {
  std::vector<ListedApplication> applications;
  // False: some items of the list could not be read, or it is a part or an old copy of the list, so
  // what it does not show may be there all the same. Such a list never proves absence.
  bool is_complete = true;
  // Its share of the memory for responses. Null if it is small.
  std::shared_ptr<const void> memory = nullptr;
};

// No list: it could not be fetched, or is not whole or readable. Says nothing about any
// application.
struct ListFailed {
  // Set if it was a clear refusal, which a retry would not change.
  std::optional<ResponseSummary> refusal;
  // Set if it was anything else: what a write that was definitely not executed would be told in its
  // place.
  std::optional<NotExecuted> not_executed;
  // It was a list, but an item of it says that it belongs to another profile. Worth a log line.
  bool is_of_another_profile = false;
};

using ListOutcome = std::variant<ApplicationList, ListFailed>;

// The endpoints, as logs and metrics name them.
inline constexpr std::string_view kCreateApplicationEndpoint =
    "POST /profiles/{profile_id}/applications";
inline constexpr std::string_view kListApplicationsEndpoint =
    "GET /profiles/{profile_id}/applications";
inline constexpr std::string_view kWhoAmIEndpoint = "GET /whoami";

// The part of Passfort's REST API 4.0 that the gateway uses, one method per endpoint. Each call is
// one HTTP request; whether to repeat it is for others to decide. `context` outlives the task. Loop
// thread only.
class PassfortClient {
 public:
  virtual ~PassfortClient() = default;

  // POST /profiles/{profile_id}/applications. With `send_before`, not a byte of the body leaves the
  // gateway at or after that moment, whatever the connection is doing. `draft` outlives the task.
  virtual Task<WriteAttempt> CreateApplication(const ApplicationDraft& draft,
                                               const CallContext& context [[clang::lifetimebound]],
                                               std::optional<BootTime> send_before) = 0;

  // GET /profiles/{profile_id}/applications. A list counts only if it came whole and every item of
  // it has an id.
  virtual Task<ListOutcome> ListApplications(std::string profile_id, const CallContext& context
                                             [[clang::lifetimebound]]) = 0;

  // GET /whoami, which has no effects. Whether Passfort answers at all: a refusal is a response, a
  // failure of the server or of the way to it is none.
  virtual Task<bool> Probe(const CallContext& context [[clang::lifetimebound]]) = 0;
};

}  // namespace gateway

#endif  // SERVICE_PASSFORT_PASSFORT_CLIENT_H_
