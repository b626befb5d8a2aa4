#ifndef SERVICE_PASSFORT_PASSFORT_CLIENT_H_
#define SERVICE_PASSFORT_PASSFORT_CLIENT_H_

#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "absl/time/time.h"
#include "service/base/clock.h"
#include "service/base/deadline.h"
#include "service/base/task.h"
#include "service/passfort/outcome.h"

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
  Outcome outcome;
  // When the request was handed to the transport. Unset if that never happened.
  std::optional<absl::Time> sent_at;
};

// The part of Passfort's REST API 4.0 that the gateway uses, one method per endpoint. Each call is
// one HTTP request; whether to repeat it is for others to decide. Loop thread only.
class PassfortClient {
 public:
  virtual ~PassfortClient() = default;

  // POST /profiles/{profile_id}/applications. `draft` outlives the task.
  virtual Task<WriteAttempt> CreateApplication(const ApplicationDraft& draft, Deadline deadline,
                                               std::stop_token stop) = 0;
};

}  // namespace gateway

#endif  // SERVICE_PASSFORT_PASSFORT_CLIENT_H_
