#include "service/passfort/profile_client.h"

#include <string_view>
#include <utility>

#include "service/passfort/create_reading.h"

namespace gateway {
namespace {

std::unique_ptr<ResponseReading> ReadCreateProfile(const HttpResponse& response,
                                                   std::string_view /*profile_id*/) {
  // What Passfort says of a create may quote what is known of the person.
  return std::make_unique<CreateReading<pb::Profile>>(
      response, kMaxJsonValuesOfList, CreateReading<pb::Profile>::Words::kHidden,
      "Passfort created the profile but also reported an error");
}

Task<CreateProfileAttempt> AwaitCreate(Task<ApiResult> call) {
  ApiResult result = co_await call;
  co_return CreateProfileAttempt{
      .outcome = MapDone<CreatedProfile>(
          std::move(result.outcome),
          [](ApiResponse response) {
            return CreatedProfile{
                .profile = std::static_pointer_cast<pb::Profile>(std::move(response.value)),
                .error_code = response.error_code};
          }),
      .sent_at = result.sent_at};
}

}  // namespace

constinit const ApiEndpoint kCreateProfile{.name = "POST /profiles",
                                           .method = HttpMethod::kPost,
                                           .read = ReadCreateProfile,
                                           .max_response_bytes = kMaxLargeBytes};

// No coroutine itself, so that the request is in no frame of a waiting call.
Task<CreateProfileAttempt> ProfileClient::CreateProfile(std::string body,
                                                        const CallContext& context,
                                                        std::optional<BootTime> send_before) {
  return AwaitCreate(transport_.Call(
      kCreateProfile, {.body = std::move(body), .send_before = send_before}, context));
}

}  // namespace gateway
