#include "service/operations/resource_reads.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>
#include <variant>

#include "service/resilience/read_retries.h"
#include "service/resilience/write_retry_policy.h"

namespace gateway {
namespace {

template <typename Message>
const NotExecuted* FailureOf(const ReadResult<Message>& result) {
  return std::get_if<NotExecuted>(&result.outcome);
}

// An attempt has a limit of its own, so its time may be over before the caller's.
RetryDecision ShouldReadAgain(const NotExecuted& failure) {
  if (failure.cause == NotExecuted::Cause::kNoTimeLeft) return Retry{};
  return ShouldRetry(failure);
}

template <typename Message>
ReadResult<Message> Conclude(ReadResult<Message> result, RetryEnd end) {
  result.retry_end = end;
  return result;
}

// No coroutine, nor are those that call it: thousands of calls wait in here, and each frame counts.
template <typename Message, typename Attempt>
Task<ReadResult<Message>> Read(const RetryDependencies& tools, const CallContext& context,
                               Attempt attempt) {
  tools.budget.OnCall();
  return ReadWithRetries<ReadResult<Message>, ReadResult<Message>>(
      tools, context, std::move(attempt), FailureOf<Message>, ShouldReadAgain, Conclude<Message>);
}

Task<ReadResult<pb::ListProductApplicationsResponse>> WithoutHidden(
    Task<ReadResult<pb::ListProductApplicationsResponse>> reading) {
  using List = std::shared_ptr<pb::ListProductApplicationsResponse>;
  ReadResult<pb::ListProductApplicationsResponse> result = co_await reading;
  if (auto* const list = std::get_if<List>(&result.outcome)) {
    auto& applications = *(*list)->mutable_product_applications();
    const auto shown = std::remove_if(
        applications.begin(), applications.end(),
        [](const pb::ProductApplication& application) { return application.hidden(); });
    applications.erase(shown, applications.end());
  }
  co_return result;
}

}  // namespace

Task<ReadResult<pb::ProductApplication>> ResourceReads::GetApplication(ApplicationKey key,
                                                                       const CallContext& context) {
  return Read<pb::ProductApplication>(tools_, context, [this, key = std::move(key), &context] {
    return client_.GetApplication(key, context);
  });
}

Task<ReadResult<pb::ListProductApplicationsResponse>> ResourceReads::ListApplications(
    ApplicationQuery query, const CallContext& context) {
  auto reading = Read<pb::ListProductApplicationsResponse>(
      tools_, context, [this, profile_id = std::move(query.profile_id), &context] {
        return client_.ListApplications(profile_id, context);
      });
  return query.include_hidden ? std::move(reading) : WithoutHidden(std::move(reading));
}

Task<ReadResult<pb::Profile>> ResourceReads::GetProfile(std::string profile_id,
                                                        const CallContext& context) {
  return Read<pb::Profile>(tools_, context, [this, profile_id = std::move(profile_id), &context] {
    return client_.GetProfile(profile_id, context);
  });
}

}  // namespace gateway
