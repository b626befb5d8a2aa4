#include "service/rpc/operations_validation.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "service/base/netstring_list.h"
#include "service/base/uuid.h"

namespace gateway {
namespace {

using Violations = std::vector<FieldViolation>;

// The end of the year 9999, as google.protobuf.Timestamp has it.
constexpr int64_t kMaxSeconds = 253'402'300'799;

bool IsResourceId(const std::string& id) {
  return !id.empty() && id.size() <= kMaxResourceIdBytes &&
         std::ranges::all_of(id, [](char c) { return c > ' ' && c < '\x7f'; });
}

std::string ResourceIdForm() {
  return absl::StrCat("must be 1 to ", kMaxResourceIdBytes,
                      " visible ASCII characters: an id as Passfort shows it");
}

// A token holds the state that it goes on with, so that it cannot go on with another one.
std::optional<RecordStore::Cursor> DecodePageToken(const std::string& token,
                                                   operations_pb::RequestState state) {
  std::string encoded;
  if (!absl::WebSafeBase64Unescape(token, &encoded)) return std::nullopt;
  const auto values = DecodeNetstrings(encoded);
  int64_t lease_until = 0;
  if (!values || values->size() != 3 || (*values)[0] != absl::StrCat(static_cast<int>(state)) ||
      !absl::SimpleAtoi((*values)[1], &lease_until) || lease_until < 0) {
    return std::nullopt;
  }
  // As the database has to take it.
  if ((*values)[2].size() > kMaxRequestIdBytes ||
      !std::ranges::all_of((*values)[2], [](char c) { return c > ' ' && c < '\x7f'; })) {
    return std::nullopt;
  }
  return RecordStore::Cursor{.lease_until = absl::FromUnixMicros(lease_until),
                             .request_id = (*values)[2]};
}

std::optional<RecordState> RecordStateOf(operations_pb::RequestState state) {
  if (state == operations_pb::REQUEST_STATE_UNRESOLVED) return RecordState::kSent;
  if (state == operations_pb::REQUEST_STATE_INCONCLUSIVE) return RecordState::kInconclusive;
  return std::nullopt;
}

void ReadNotExecuted(const operations_pb::NotExecuted& outcome, PersonsWord& word,
                     Violations& violations) {
  if (outcome.candidate_ids_size() > kMaxNotOurs) {
    violations.push_back(
        {"not_executed.candidate_ids", absl::StrCat("must be at most ", kMaxNotOurs, "; there are ",
                                                    outcome.candidate_ids_size())});
    return;
  }
  for (int i = 0; i < outcome.candidate_ids_size(); ++i) {
    if (!IsResourceId(outcome.candidate_ids(i))) {
      violations.push_back({absl::StrCat("not_executed.candidate_ids[", i, "]"), ResourceIdForm()});
    }
    word.not_ours.push_back(absl::AsciiStrToLower(outcome.candidate_ids(i)));
  }
  const auto& sent_at = outcome.sent_at();
  if (!outcome.has_sent_at() || sent_at.seconds() < 0 || sent_at.seconds() > kMaxSeconds ||
      sent_at.nanos() < 0 || sent_at.nanos() >= 1'000'000'000) {
    violations.push_back({"not_executed.sent_at",
                          "is required: sent_at of the request as it was shown before you looked"});
    return;
  }
  word.sent_at = absl::FromUnixSeconds(sent_at.seconds()) + absl::Nanoseconds(sent_at.nanos());
}

}  // namespace

Validated<RecordStore::UnresolvedQuery> ValidateListUnresolved(
    const operations_pb::ListUnresolvedRequestsRequest& request) {
  Violations violations;
  if (request.page_size() < 0 || request.page_size() > kMaxPageSize) {
    violations.push_back({"page_size", absl::StrCat("must be 1 to ", kMaxPageSize, ", or 0 for ",
                                                    kDefaultPageSize)});
  }
  RecordStore::UnresolvedQuery query{
      .limit = request.page_size() == 0 ? kDefaultPageSize : request.page_size(),
      .state = RecordStateOf(request.state())};
  if (!query.state && request.state() != operations_pb::REQUEST_STATE_UNSPECIFIED) {
    violations.push_back({"state",
                          "must be REQUEST_STATE_UNRESOLVED or REQUEST_STATE_INCONCLUSIVE, or left "
                          "away for both"});
  } else if (!request.page_token().empty()) {
    const auto after = DecodePageToken(request.page_token(), request.state());
    if (after) {
      query.after = *after;
    } else {
      violations.push_back(
          {"page_token", "must be the next_page_token of a page with the same state"});
    }
  }
  if (!violations.empty()) return violations;
  return query;
}

Validated<std::string> ValidateGetRequest(const operations_pb::GetRequestRequest& request) {
  Violations violations;
  CheckRequiredRequestId(request.request_id(), violations);
  if (!violations.empty()) return violations;
  return request.request_id();
}

Validated<SettlementDraft> ValidateSettleRequest(
    const operations_pb::SettleRequestRequest& request) {
  Violations violations;
  CheckRequiredRequestId(request.request_id(), violations);
  SettlementDraft draft{.request_id = request.request_id()};
  switch (request.outcome_case()) {
    case operations_pb::SettleRequestRequest::kProductApplicationId:
      draft.operation = "AddProductApplication";
      draft.word.resource_id = absl::AsciiStrToLower(request.product_application_id());
      if (!IsResourceId(draft.word.resource_id)) {
        violations.push_back({"product_application_id", ResourceIdForm()});
      }
      break;
    case operations_pb::SettleRequestRequest::kProfileId:
      draft.operation = "CreateProfile";
      draft.word.resource_id = absl::AsciiStrToLower(request.profile_id());
      if (!IsUuid(draft.word.resource_id)) {
        violations.push_back(
            {"profile_id", "must be a UUID: 8-4-4-4-12 hexadecimal digits joined by hyphens"});
      }
      break;
    case operations_pb::SettleRequestRequest::kNotExecuted:
      ReadNotExecuted(request.not_executed(), draft.word, violations);
      break;
    case operations_pb::SettleRequestRequest::OUTCOME_NOT_SET:
      violations.push_back(
          {"outcome", "is required: product_application_id, profile_id or not_executed"});
      break;
  }
  if (!violations.empty()) return violations;
  return draft;
}

std::string PageTokenAfter(const Record& last, operations_pb::RequestState state) {
  return absl::WebSafeBase64Escape(
      EncodeNetstrings({absl::StrCat(static_cast<int>(state)),
                        absl::StrCat(absl::ToUnixMicros(last.lease_until)), last.request_id}));
}

}  // namespace gateway
