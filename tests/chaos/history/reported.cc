#include "tests/chaos/history/reported.h"

#include <utility>
#include <variant>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace gateway::history {
namespace {

const char* WordFor(NotExecuted::Cause cause) {
  switch (cause) {
    case NotExecuted::Cause::kUnreachable:
      return "UNREACHABLE";
    case NotExecuted::Cause::kServerError:
      return "PASSFORT_FAILED";
    case NotExecuted::Cause::kUnreadable:
    case NotExecuted::Cause::kResponseTooLarge:
      return "PASSFORT_ANSWER_UNREADABLE";
    case NotExecuted::Cause::kRateLimited:
      return "RATE_LIMITED";
    case NotExecuted::Cause::kNoMemory:
      return "OVERLOADED";
    case NotExecuted::Cause::kNoTimeLeft:
      return "NOT_SENT";
    case NotExecuted::Cause::kStopped:
      return "DRAINING";
    case NotExecuted::Cause::kSendGateClosed:
      return "send gate closed";
    case NotExecuted::Cause::kCircuitOpen:
      return "CIRCUIT_OPEN";
  }
  return "not executed";
}

const char* WordFor(IdempotencyError::Cause cause) {
  switch (cause) {
    case IdempotencyError::Cause::kRequestIdReused:
      return "REQUEST_ID_REUSED";
    case IdempotencyError::Cause::kNeedsStore:
      return "REQUEST_ID_NEEDS_STORE";
    case IdempotencyError::Cause::kStoreUnavailable:
      return "STORE_UNAVAILABLE";
    case IdempotencyError::Cause::kStoreBroken:
      return "STORE_BROKEN";
    case IdempotencyError::Cause::kStoreFull:
      return "STORE_FULL";
    case IdempotencyError::Cause::kTooManySessions:
      return "OVERLOADED";
    case IdempotencyError::Cause::kWriteInProgress:
      return "WRITE_IN_PROGRESS";
    case IdempotencyError::Cause::kNoEffect:
      return "NOT_CREATED";
    case IdempotencyError::Cause::kTooManyToCompare:
      return "QUOTA_REACHED";
    case IdempotencyError::Cause::kBudgetReached:
      return "CALLER_BUDGET_REACHED";
  }
  return "not begun";
}

struct Words {
  std::string operator()(const Given&) const { return "OK"; }
  std::string operator()(const NotExecuted& nothing) const { return WordFor(nothing.cause); }
  std::string operator()(const Refused& refused) const {
    return absl::StrCat("refused ", refused.response.http_status, "/",
                        refused.response.code.value_or(0));
  }
  std::string operator()(const Ambiguous&) const { return "UNKNOWN"; }
  std::string operator()(const IdempotencyError& not_begun) const {
    return WordFor(not_begun.cause);
  }
};

struct Meanings {
  Meaning operator()(const Given&) const { return Meaning::kDone; }
  Meaning operator()(const Refused&) const { return Meaning::kNotDone; }
  Meaning operator()(const Ambiguous&) const { return Meaning::kNotKnown; }
  Meaning operator()(const NotExecuted& nothing) const {
    const bool is_draining = nothing.cause == NotExecuted::Cause::kStopped;
    return is_draining ? Meaning::kThisCallDidNothing : Meaning::kNotDone;
  }
  Meaning operator()(const IdempotencyError& not_begun) const {
    const bool is_about_the_record = not_begun.cause == IdempotencyError::Cause::kWriteInProgress ||
                                     not_begun.cause == IdempotencyError::Cause::kNoEffect ||
                                     not_begun.cause == IdempotencyError::Cause::kBudgetReached;
    return is_about_the_record ? Meaning::kNotDone : Meaning::kThisCallDidNothing;
  }
};

}  // namespace

Reported ToTold(WriteResult result) {
  return MapDone<Given>(std::move(result), [](const Done& done) {
    return Given{.id = absl::AsciiStrToLower(done.application->id())};
  });
}

Reported ToTold(CreateProfileResult result) {
  return MapDone<Given>(std::move(result), [](const CreatedProfile& created) {
    return Given{.id = absl::AsciiStrToLower(created.profile->id())};
  });
}

Meaning MeaningOf(const Reported& told) { return std::visit(Meanings(), told.outcome); }

bool IsBudgetReached(const Reported& told) {
  const auto* const not_begun = std::get_if<IdempotencyError>(&told.outcome);
  return not_begun != nullptr && not_begun->cause == IdempotencyError::Cause::kBudgetReached;
}

std::string KindOf(const Reported& told) {
  std::string text = std::visit(Words(), told.outcome);
  if (told.source == ResultSource::kReconciled) text += " reconciled";
  if (told.source == ResultSource::kExisting) text += " existing";
  if (told.replay == Replay::kYes) text += " replayed";
  if (told.stays_unknown) text += " for good";
  return text;
}

std::string Describe(const Reported& told) {
  std::string text = KindOf(told);
  if (const auto* given = std::get_if<Given>(&told.outcome)) absl::StrAppend(&text, " ", given->id);
  if (!told.candidate_ids.empty()) {
    absl::StrAppend(&text, " [", absl::StrJoin(told.candidate_ids, " "), "]");
  }
  return text;
}

}  // namespace gateway::history
