#include "service/operations/create_profile.h"

#include <any>
#include <memory>
#include <tuple>
#include <utility>
#include <variant>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "service/base/netstring_list.h"
#include "service/base/sha256.h"
#include "service/operations/direct_write.h"
#include "service/operations/replay.h"

namespace gateway {
namespace {

class NothingToSee final : public Observation {
 public:
  std::string ToBaseline() const override { return ""; }
};

// Ids only: the store keeps nothing about a person.
StoredResult ToStoredResult(const pb::Profile& profile) {
  pb::Profile kept;
  kept.set_id(profile.id());
  for (const auto& application : profile.product_applications()) {
    kept.add_product_applications()->set_id(application.id());
  }
  return {.resource_id = absl::AsciiStrToLower(profile.id()), .contents = kept.SerializeAsString()};
}

// A profile that somebody named.
class ProfileObservation final : public Observation {
 public:
  explicit ProfileObservation(StoredResult profile) : profile_(std::move(profile)) {}

  std::string ToBaseline() const override { return ""; }
  const StoredResult& profile() const { return profile_; }

 private:
  StoredResult profile_;
};

class CreateRequest final : public WriteRequest {
 public:
  CreateRequest(CreateProfile& operation, const std::string& request_id, ProfileDraft draft)
      : operation_(operation),
        request_id_(request_id),
        fingerprint_(Sha256(EncodeNetstrings({name_, request_id, draft.body, draft.unsent}))),
        body_(std::move(draft.body)) {}

  Operation& operation() const override { return operation_; }
  // With the request_id, so that equal people do not look equal in the store.
  std::string fingerprint() const override { return fingerprint_; }
  // No profile is there to be written to, so no other write has to wait.
  std::string serialization_key() const override { return absl::StrCat(name_, "/", request_id_); }
  std::string target() const override { return ""; }

  Task<Outcome<SharedResult>> Execute(BootTime send_before,
                                      const CallContext& context) const override {
    CreateProfileAttempt attempt =
        co_await operation_.passfort().CreateProfile(body_, context, send_before);
    co_return MapDone<SharedResult>(std::move(attempt.outcome), [](CreatedProfile created) {
      StoredResult stored = ToStoredResult(*created.profile);
      return std::make_shared<OperationResult>(
          OperationResult{.stored = std::move(stored), .received = std::move(created)});
    });
  }

 private:
  CreateProfile& operation_;
  const std::string name_ = std::string(operation_.name());
  const std::string request_id_;
  const std::string fingerprint_;
  const std::string body_;
};

CreatedProfile ToCreated(const OperationResult& result) {
  if (const auto* const received = std::any_cast<CreatedProfile>(&result.received))
    return *received;
  CreatedProfile created;
  std::ignore = created.profile->ParseFromString(result.stored.contents);  // by ToStoredResult
  return created;
}

}  // namespace

Task<ObserveResult> CreateProfile::Observe(std::string /*target*/, const CallContext& /*context*/) {
  co_return std::make_unique<NothingToSee>();
}

Task<ObserveResult> CreateProfile::ObserveResource(std::string /*target*/, std::string resource_id,
                                                   const CallContext& context) {
  ReadResult<pb::Profile> read = co_await reads_.GetProfile(resource_id, context);
  if (auto* const failed = std::get_if<NotExecuted>(&read.outcome)) co_return std::move(*failed);
  if (auto* const refused = std::get_if<Refused>(&read.outcome)) co_return std::move(*refused);
  const auto& profile = *std::get<std::shared_ptr<pb::Profile>>(read.outcome);
  co_return std::make_unique<ProfileObservation>(ToStoredResult(profile));
}

std::optional<StoredResult> CreateProfile::ResultOf(const Observation& now,
                                                    const std::string& resource_id) const {
  const StoredResult& shown = dynamic_cast<const ProfileObservation&>(now).profile();
  if (shown.resource_id != resource_id) return std::nullopt;
  return shown;
}

Effect CreateProfile::Evaluate(const std::string& /*target*/, const std::string& /*baseline*/,
                               const Observation& /*now*/,
                               const std::vector<std::string>& /*attributed_ids*/) const {
  return {.is_complete = false};
}

// No coroutine itself: each kind of call pays for its own frame only.
Task<CreateProfileResult> ProfileWriter::Create(ProfileDraft draft, RequestKey key,
                                                const CallContext& context) {
  if (key.request_id.empty()) {
    return CreateDirectly(std::move(draft.body), std::move(key.budget), context);
  }
  if (dependencies_.coordinator == nullptr) return RefuseRequestId<CreatedProfile>();
  return CreateOnce(std::move(draft), std::move(key), context);
}

Task<CreateProfileResult> ProfileWriter::CreateDirectly(std::string body,
                                                        std::optional<WriteBudget> budget,
                                                        const CallContext& context) {
  auto attempt = [this, body = std::move(body), &context] {
    return dependencies_.operation.passfort().CreateProfile(body, context, std::nullopt);
  };
  if (budget) {
    return WriteWithinBudget<CreatedProfile>(dependencies_.ledger, *std::move(budget),
                                             dependencies_.retries, context, std::move(attempt));
  }
  return WriteDirectly<CreatedProfile>(dependencies_.retries, context, std::move(attempt));
}

Task<CreateProfileResult> ProfileWriter::CreateOnce(ProfileDraft draft, RequestKey key,
                                                    const CallContext& context) {
  auto request = std::make_shared<const CreateRequest>(dependencies_.operation, key.request_id,
                                                       std::move(draft));
  auto read = [this](const std::string& id, const CallContext& reading) {
    return dependencies_.reads.GetProfile(id, reading);
  };
  co_return co_await Present(
      co_await dependencies_.coordinator->Write(std::move(key), std::move(request), context),
      ToCreated, &CreatedProfile::profile, std::move(read), dependencies_.retries.clock, context);
}

}  // namespace gateway
