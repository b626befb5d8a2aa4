#ifndef SERVICE_PASSFORT_PROFILE_CLIENT_H_
#define SERVICE_PASSFORT_PROFILE_CLIENT_H_

#include <memory>
#include <optional>
#include <string>

#include "passfort/gateway/v1/profile.pb.h"
#include "service/base/call_context.h"
#include "service/base/clock.h"
#include "service/base/task.h"
#include "service/passfort/api_transport.h"
#include "service/passfort/endpoint.h"

namespace gateway {

namespace pb = ::passfort::gateway::v1;

// Answers with a pb::Profile: any success with an `id`, whatever else the response holds.
extern const ApiEndpoint kCreateProfile;

// A profile to be made, checked by whoever made the draft.
struct ProfileDraft {
  // The body of the request, as CreateProfileJson makes it.
  std::string body;
  // What the caller asked for beside that, and Passfort is not sent: products' ids beside aliases.
  std::string unsent;
};

// The profile exists; here it is. As a Done of an application.
struct CreatedProfile {
  // Never null.
  std::shared_ptr<pb::Profile> profile = std::make_shared<pb::Profile>();
  // Set if Passfort named an error beside the profile.
  std::optional<int> error_code;
};

using CreateProfileAttempt = WriteAttemptOf<CreatedProfile>;

// Creates profiles in Passfort's REST API. Loop thread only.
class ProfileClient {
 public:
  // `transport` outlives the client.
  explicit ProfileClient(ApiTransport& transport) : transport_(transport) {}

  // `body` as CreateProfileJson makes it, `send_before` as in ApiRequest. `context` outlives the
  // task.
  Task<CreateProfileAttempt> CreateProfile(std::string body,
                                           const CallContext& context [[clang::lifetimebound]],
                                           std::optional<BootTime> send_before);

 private:
  ApiTransport& transport_;
};

}  // namespace gateway

#endif  // SERVICE_PASSFORT_PROFILE_CLIENT_H_
