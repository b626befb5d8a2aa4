#include "service/operations/add_product_application.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <set>
#include <tuple>
#include <utility>
#include <variant>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "service/base/netstring_list.h"
#include "service/operations/application_match.h"
#include "service/operations/replay.h"
#include "service/passfort/mapping/application_list.h"
#include "service/passfort/passfort_error_code.h"

namespace gateway {
namespace {

constexpr int kConflict = 409;
constexpr size_t kDraftValues = 4;
constexpr size_t kMaxKeptBytes = 4096;
constexpr std::string_view kWhole = "whole";
constexpr std::string_view kPartial = "partial";

// The ids follow it.
std::string BeginBaseline(bool is_complete) {
  std::string baseline;
  AppendNetstring(is_complete ? kWhole : kPartial, baseline);
  return baseline;
}

struct ListedBefore {
  std::vector<std::string> ids;
  // False: an application that looks new later may have been there all the time.
  bool is_complete = false;
};

ListedBefore DecodeBaseline(const std::string& baseline) {
  auto values = DecodeNetstrings(baseline);
  if (!values || values->empty()) return {};
  ListedBefore before{.is_complete = values->front() == kWhole};
  values->erase(values->begin());
  before.ids = *std::move(values);
  return before;
}

class ListObservation final : public Observation {
 public:
  explicit ListObservation(ApplicationList list) : list_(std::move(list)) {
    // An id that the store cannot keep is none: the item counts as unreadable.
    const size_t too_long = std::erase_if(list_.applications, [](const ListedApplication& listed) {
      return listed.id.size() > kMaxResourceIdBytes;
    });
    if (too_long > 0) list_.is_complete = false;
  }

  std::string ToBaseline() const override { return EncodeBaseline(list_); }
  const ApplicationList& list() const { return list_; }

 private:
  ApplicationList list_;
};

class AddRequest final : public WriteRequest {
 public:
  AddRequest(AddProductApplication& operation, ApplicationDraft draft)
      : operation_(operation), draft_(std::move(draft)) {
    draft_.profile_id = absl::AsciiStrToLower(draft_.profile_id);
  }

  Operation& operation() const override { return operation_; }
  std::string fingerprint() const override { return FingerprintOf(draft_); }
  std::string serialization_key() const override { return draft_.profile_id; }
  std::string target() const override { return EncodeDraft(draft_); }

  Task<Outcome<SharedResult>> Execute(BootTime send_before,
                                      const CallContext& context) const override {
    WriteAttempt attempt =
        co_await operation_.passfort().CreateApplication(draft_, context, send_before);
    co_return MapDone<SharedResult>(std::move(attempt.outcome), [](Done done) {
      StoredResult stored = ToStoredResult(*done.application);
      return std::make_shared<OperationResult>(
          OperationResult{.stored = std::move(stored), .received = std::move(done)});
    });
  }

 private:
  AddProductApplication& operation_;
  ApplicationDraft draft_;
};

Done ToDone(const OperationResult& result) {
  if (const Done* const received = std::any_cast<Done>(&result.received)) return *received;
  Done done;
  // What ToStoredResult wrote.
  std::ignore = done.application->ParseFromString(result.stored.contents);
  return done;
}

}  // namespace

std::string EncodeDraft(const ApplicationDraft& draft) {
  return EncodeNetstrings({draft.profile_id, draft.product_alias, draft.product_id,
                           absl::StrCat(static_cast<int>(draft.associated_role))});
}

std::optional<ApplicationDraft> DecodeDraft(const std::string& target) {
  auto values = DecodeNetstrings(target);
  int role = 0;
  if (!values || values->size() != kDraftValues || !absl::SimpleAtoi((*values)[3], &role)) {
    return std::nullopt;
  }
  return ApplicationDraft{.profile_id = std::move((*values)[0]),
                          .product_alias = std::move((*values)[1]),
                          .product_id = std::move((*values)[2]),
                          .associated_role = static_cast<pb::AssociatedRole>(role)};
}

std::string EncodeBaseline(const ApplicationList& list) {
  std::string baseline = BeginBaseline(list.is_complete);
  for (const ListedApplication& listed : list.applications) AppendNetstring(listed.id, baseline);
  return baseline;
}

StoredResult ToStoredResult(const pb::ProductApplication& application) {
  pb::ProductApplication kept;
  kept.set_id(application.id());
  kept.set_status(application.status());
  kept.set_flag(application.flag());
  kept.set_associated_role(application.associated_role());
  kept.mutable_product()->set_id(application.product().id());
  kept.mutable_product()->set_alias(application.product().alias());
  // Passfort's text may be as long as a response.
  if (kept.ByteSizeLong() > kMaxKeptBytes) kept.clear_product();
  return {.resource_id = absl::AsciiStrToLower(application.id()),
          .contents = kept.SerializeAsString()};
}

std::string FingerprintOf(const ApplicationDraft& draft) {
  // With its length, so that the alias cannot run into what follows.
  return absl::StrCat("AddProductApplication/", absl::AsciiStrToLower(draft.profile_id), "/",
                      absl::AsciiStrToLower(draft.product_id), "/", draft.product_alias.size(), ":",
                      draft.product_alias, "/", static_cast<int>(draft.associated_role));
}

Task<ObserveResult> AddProductApplication::Observe(std::string target, const CallContext& context) {
  std::optional<ApplicationDraft> draft = DecodeDraft(target);
  if (!draft) {
    co_return NotExecuted{.cause = NotExecuted::Cause::kUnreadable};
  }
  co_return MapDone<std::unique_ptr<const Observation>>(
      co_await passfort_.ListApplications(std::move(draft->profile_id), context),
      [](ApplicationList list) { return std::make_unique<ListObservation>(std::move(list)); });
}

Effect AddProductApplication::Evaluate(const std::string& target, const std::string& baseline,
                                       const Observation& now,
                                       const std::vector<std::string>& attributed_ids) const {
  const ApplicationList& list = dynamic_cast<const ListObservation&>(now).list();
  const std::optional<ApplicationDraft> draft = DecodeDraft(target);
  if (!draft) return {.is_complete = false};
  const ListedBefore before = DecodeBaseline(baseline);
  MatchResult match = MatchApplications(*draft, before.ids, attributed_ids, list.applications);
  Effect effect{.candidate_ids = std::move(match.candidate_ids), .is_complete = list.is_complete};
  // An item that cannot be read now may be the one that we look for. One that could not be read
  // before the first attempt may be the one that looks new now.
  if (match.found && list.is_complete && before.is_complete) {
    effect.result = std::make_shared<OperationResult>(
        OperationResult{.stored = ToStoredResult(ApplicationOf(*match.found))});
  }
  return effect;
}

bool AddProductApplication::IsInBaseline(const std::string& baseline,
                                         const std::string& resource_id) const {
  const std::vector<std::string> ids = DecodeBaseline(baseline).ids;
  return std::find(ids.begin(), ids.end(), resource_id) != ids.end();
}

std::string AddProductApplication::ExtendBaseline(
    const std::string& baseline, const Observation& now,
    const std::vector<std::string>& resource_ids) const {
  const ApplicationList& list = dynamic_cast<const ListObservation&>(now).list();
  const ListedBefore before = DecodeBaseline(baseline);
  std::set<std::string> ids(before.ids.begin(), before.ids.end());
  for (const ListedApplication& listed : list.applications) ids.insert(listed.id);
  ids.insert(resource_ids.begin(), resource_ids.end());
  std::string extended = BeginBaseline(before.is_complete && list.is_complete);
  for (const std::string& id : ids) AppendNetstring(id, extended);
  return extended;
}

Task<ObserveResult> AddProductApplication::ObserveResource(std::string target,
                                                           std::string /*resource_id*/,
                                                           const CallContext& context) {
  return Observe(std::move(target), context);
}

std::optional<StoredResult> AddProductApplication::ResultOf(const Observation& now,
                                                            const std::string& resource_id) const {
  const ApplicationList& list = dynamic_cast<const ListObservation&>(now).list();
  const auto found = std::ranges::find(list.applications, resource_id, &ListedApplication::id);
  if (found == list.applications.end()) return std::nullopt;
  return ToStoredResult(ApplicationOf(*found));
}

bool AddProductApplication::MayMeanAlreadyExecuted(const ResponseSummary& refusal) const {
  return refusal.http_status == kConflict || refusal.code == PassfortErrorCode::kDataPresent;
}

// No coroutine itself: calls without a request_id pay for no frame of it.
Task<WriteResult> AtMostOnceWriter::Add(ApplicationDraft draft, RequestKey key,
                                        const CallContext& context) {
  if (key.request_id.empty())
    return dependencies_.direct.Add(std::move(draft), std::move(key), context);
  return AddOnce(std::move(draft), std::move(key), context);
}

Task<WriteResult> AtMostOnceWriter::AddOnce(ApplicationDraft draft, RequestKey key,
                                            const CallContext& context) {
  std::string profile_id = draft.profile_id;
  auto request = std::make_shared<const AddRequest>(dependencies_.operation, std::move(draft));
  auto read = [this, profile_id = std::move(profile_id)](const std::string& id,
                                                         const CallContext& reading) {
    return dependencies_.reads.GetApplication({.profile_id = profile_id, .application_id = id},
                                              reading);
  };
  co_return co_await Present(
      co_await dependencies_.coordinator.Write(std::move(key), std::move(request), context), ToDone,
      &Done::application, std::move(read), dependencies_.clock, context);
}

}  // namespace gateway
