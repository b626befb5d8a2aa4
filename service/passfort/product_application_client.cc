#include "service/passfort/product_application_client.h"

#include <memory>
#include <string_view>
#include <utility>

#include "service/passfort/create_reading.h"
#include "service/passfort/mapping/product_application_json.h"

namespace gateway {
namespace {

constexpr size_t kMaxListBytes = size_t{4} * 1024 * 1024;

std::unique_ptr<ResponseReading> ReadCreateApplication(const HttpResponse& response,
                                                       std::string_view /*profile_id*/) {
  return std::make_unique<CreateReading<pb::ProductApplication>>(
      response, kMaxJsonValues, CreateReading<pb::ProductApplication>::Words::kShown,
      "Passfort created the application but also reported an error");
}

std::unique_ptr<ResponseReading> ReadListApplications(const HttpResponse& response,
                                                      std::string_view profile_id) {
  return std::make_unique<ApplicationListReading>(response, profile_id);
}

CreateOutcome ToCreateOutcome(ApiOutcome outcome) {
  return MapDone<Done>(std::move(outcome), [](ApiResponse response) {
    return Done{
        .application = std::static_pointer_cast<pb::ProductApplication>(std::move(response.value)),
        .error_code = response.error_code};
  });
}

Task<WriteAttempt> AwaitCreate(Task<ApiResult> call) {
  ApiResult result = co_await call;
  co_return WriteAttempt{.outcome = ToCreateOutcome(std::move(result.outcome)),
                         .sent_at = result.sent_at};
}

}  // namespace

constinit const ApiEndpoint kCreateApplication{.name = "POST /profiles/{profile_id}/applications",
                                               .method = HttpMethod::kPost,
                                               .read = ReadCreateApplication};
constinit const ApiEndpoint kListApplications{.name = "GET /profiles/{profile_id}/applications",
                                              .read = ReadListApplications,
                                              .max_response_bytes = kMaxListBytes,
                                              .is_hurried = true};

ListOutcome ToListOutcome(ApiOutcome outcome) {
  return MapDone<ApplicationList>(std::move(outcome), [](ApiResponse response) {
    const auto whole = std::static_pointer_cast<ApplicationList>(std::move(response.value));
    ApplicationList list = std::move(*whole);
    list.memory = whole;
    return list;
  });
}

// No coroutine itself, so that the request is in no frame of a waiting call.
Task<WriteAttempt> ProductApplicationClient::CreateApplication(
    const ApplicationDraft& draft, const CallContext& context,
    std::optional<BootTime> send_before) {
  return AwaitCreate(transport_.Call(
      kCreateApplication,
      {.profile_id = draft.profile_id,
       .body = CreateApplicationJson(draft.product_alias, draft.product_id, draft.associated_role),
       .send_before = send_before},
      context));
}

Task<ListOutcome> ProductApplicationClient::ListApplications(std::string profile_id,
                                                             const CallContext& context) {
  Task<ApiResult> call = transport_.Call(kListApplications, {.profile_id = profile_id}, context);
  co_return ToListOutcome((co_await call).outcome);
}

}  // namespace gateway
