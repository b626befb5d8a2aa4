#include "service/passfort/resource_client.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "service/passfort/http_status.h"
#include "service/passfort/mapping/resource_reading.h"
#include "service/passfort/outcome_table.h"

namespace gateway {
namespace {

using Cause = NotExecuted::Cause;

template <typename Message>
class WholeReading final : public ResponseReading {
 public:
  WholeReading(const HttpResponse& response, size_t max_values)
      : response_(response), reading_(response.body, max_values) {}

  bool ReadPiece() override { return !IsSuccess(response_.status) || reading_.ReadPiece(); }

  ReadResponse TakeOutcome(absl::Time now, const MessageFilter* messages) override {
    if (!IsSuccess(response_.status)) return TableOutcome(now, messages);
    if (!MayBeWhole(response_)) {
      return {.outcome = Failure(Cause::kUnreadable),
              .remark = "the response was a part or an old copy; it is not used"};
    }
    std::optional<Message> message = reading_.TakeResult();
    if (message) return {ApiResponse{std::make_shared<Message>(*std::move(message))}};
    if (reading_.is_over_limit()) return {Failure(Cause::kResponseTooLarge)};
    return TableOutcome(now, messages);
  }

  size_t BytesOf(const ApiResponse& /*response*/) const override {
    return reading_.MemoryOfResult();
  }

 private:
  ReadResponse TableOutcome(absl::Time now, const MessageFilter* messages) const {
    return {ToReadOutcome(OutcomeOfResponse(response_, std::nullopt, now, messages))};
  }
  NotExecuted Failure(Cause cause) const {
    return {.cause = cause, .response = ResponseSummary{.http_status = response_.status}};
  }

  const HttpResponse& response_;
  ResourceReading<Message> reading_;
};

template <typename Message, size_t max_values>
std::unique_ptr<ResponseReading> Read(const HttpResponse& response,
                                      std::string_view /*profile_id*/) {
  return std::make_unique<WholeReading<Message>>(response, max_values);
}

bool IsSame(std::string_view id, std::string_view asked) {
  return absl::EqualsIgnoreCase(absl::string_view(id.data(), id.size()),
                                absl::string_view(asked.data(), asked.size()));
}

struct Asked {
  std::string_view profile_id;
  std::string_view application_id = {};
};

// Whether an application names another profile. That member is not documented, so mostly missing.
bool IsOfProfile(const pb::ProductApplication& application, std::string_view profile_id) {
  const auto& fields = application.unmapped().fields();
  const auto is_other = [profile_id](const google::protobuf::Value& id) {
    return !id.string_value().empty() && !IsSame(id.string_value(), profile_id);
  };
  if (const auto named = fields.find("profile_id"); named != fields.end()) {
    if (is_other(named->second)) return false;
  }
  const auto profile = fields.find("profile");
  if (profile == fields.end()) return true;
  const auto& members = profile->second.struct_value().fields();
  const auto id = members.find("id");
  return id == members.end() || !is_other(id->second);
}

bool IsWhatWasAsked(const pb::ProductApplication& application, const Asked& asked) {
  return IsSame(application.id(), asked.application_id) &&
         IsOfProfile(application, asked.profile_id);
}

bool IsWhatWasAsked(const pb::Profile& profile, const Asked& asked) {
  return IsSame(profile.id(), asked.profile_id);
}

bool IsWhatWasAsked(const pb::ListProductApplicationsResponse& list, const Asked& asked) {
  return std::ranges::all_of(list.product_applications(), [&](const auto& application) {
    return IsOfProfile(application, asked.profile_id);
  });
}

template <typename Message>
ReadResult<Message> ToReadResult(ApiResult result, const Asked& asked) {
  ReadResult<Message> read{.outcome = NotExecuted{.cause = Cause::kUnreadable},
                           .was_sent = result.sent_at.has_value()};
  if (auto* const response = std::get_if<ApiResponse>(&result.outcome)) {
    auto message = std::static_pointer_cast<Message>(std::move(response->value));
    if (IsWhatWasAsked(*message, asked)) read.outcome = std::move(message);
  } else if (auto* const failure = std::get_if<NotExecuted>(&result.outcome)) {
    read.outcome = std::move(*failure);
  } else if (auto* const refused = std::get_if<Refused>(&result.outcome)) {
    read.outcome = std::move(*refused);
  }
  return read;  // a read is never Ambiguous
}

template <typename Message>
Task<ReadResult<Message>> Await(Task<ApiResult> call, Asked asked) {
  co_return ToReadResult<Message>(co_await call, asked);
}

// No coroutine itself, so that the request is in no frame of a waiting call.
template <typename Message>
Task<ReadResult<Message>> Send(ApiTransport& transport, const ApiEndpoint& endpoint, Asked asked,
                               const CallContext& context) {
  return Await<Message>(
      transport.Call(endpoint,
                     {.profile_id = asked.profile_id, .application_id = asked.application_id},
                     context),
      asked);
}

}  // namespace

constinit const ApiEndpoint kGetApplication{
    .name = "GET /profiles/{profile_id}/applications/{application_id}",
    .read = Read<pb::ProductApplication, kMaxJsonValues>};
constinit const ApiEndpoint kGetApplications{
    .name = "GET /profiles/{profile_id}/applications",
    .read = Read<pb::ListProductApplicationsResponse, kMaxJsonValuesOfList>,
    .max_response_bytes = kMaxLargeBytes};
constinit const ApiEndpoint kGetProfile{.name = "GET /profiles/{profile_id}",
                                        .read = Read<pb::Profile, kMaxJsonValuesOfList>,
                                        .max_response_bytes = kMaxLargeBytes};

Task<ReadResult<pb::ProductApplication>> ResourceClient::GetApplication(
    const ApplicationKey& key, const CallContext& context) {
  return Send<pb::ProductApplication>(
      transport_, kGetApplication,
      {.profile_id = key.profile_id, .application_id = key.application_id}, context);
}

Task<ReadResult<pb::ListProductApplicationsResponse>> ResourceClient::ListApplications(
    const std::string& profile_id, const CallContext& context) {
  return Send<pb::ListProductApplicationsResponse>(transport_, kGetApplications,
                                                   {.profile_id = profile_id}, context);
}

Task<ReadResult<pb::Profile>> ResourceClient::GetProfile(const std::string& profile_id,
                                                         const CallContext& context) {
  return Send<pb::Profile>(transport_, kGetProfile, {.profile_id = profile_id}, context);
}

}  // namespace gateway
