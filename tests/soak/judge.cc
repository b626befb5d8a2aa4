#include "tests/soak/judge.h"

#include <gmock/gmock.h>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "service/rpc/call_error.h"
#include "tests/chaos/cluster.h"
#include "tests/soak/documented_errors.h"

namespace gateway::soak {
namespace {

using Ending = Replica::Ending;
using Patience = CallEnd::Patience;

// How long the gateway may go on with a call after its caller has gone: until it hears of that.
constexpr std::chrono::seconds kStrayBound{2};

bool KnownByHasPassed(const grpc::Status& status) {
  const auto info = DetailOf<google::rpc::ErrorInfo>(status);
  const auto known_by = info.metadata().find("known_by");
  absl::Time time;
  return known_by == info.metadata().end() ||
         (absl::ParseTime(absl::RFC3339_full, known_by->second, &time, nullptr) &&
          time < absl::Now());
}

bool HasCandidates(const grpc::Status& status) {
  const auto info = DetailOf<google::rpc::ErrorInfo>(status);
  return info.metadata().contains("candidate_ids");
}

}  // namespace

std::string LabelOf(const CallEnd& end) {
  const Answered& answered = end.answered;
  if (IsReplay(answered)) return "OK, replayed";
  if (IsReconciled(answered)) return "OK, reconciled";
  if (answered.status.ok()) return "OK";
  std::string label(GrpcCodeName(answered.status.error_code()));
  if (const std::string reason = ReasonOf(answered.status); !reason.empty()) {
    return label + " " + reason;
  }
  label += ", not the gateway's word: ";
  if (end.patience == Patience::kGaveUp) return label + "the caller gave up";
  if (end.cut_short_by == Ending::kKilled) return label + "the replica was killed";
  if (end.cut_short_by == Ending::kDrained) return label + "the replica had stopped";
  if (end.patience == Patience::kDeadline) return label + "the caller's deadline";
  return label + "?";
}

Judge::Verdict Judge::Hold(Intent& intent, const CallEnd& end) {
  const std::string label = LabelOf(end);
  tally_.Count(kAnswers, label);
  const grpc::Status& status = end.answered.status;
  if (status.ok()) return HoldDone(intent, end);
  const std::string reason = ReasonOf(status);
  if (reason.empty()) return HoldNoWordOfOurs(intent, end);

  const std::string words = intent.entry.what + " at " + end.replica + ": " + label;
  ::testing::StringMatchResultListener why;
  if (!::testing::ExplainMatchResult(IsWellFormedError(), end.answered.error(), &why)) {
    findings_.Add("malformed error", words + ": the error " + why.str());
  }
  switch (PromiseOf(status.error_code(), reason)) {
    case Promise::kNotDocumented:
      findings_.Add("undocumented answer", words + " is not documented");
      return Verdict::kNotKnown;
    case Promise::kNotKnown:
      // What is new on the profile and fits is the caller's, unless there is a stranger's too.
      return intent.has_stranger() && HasCandidates(status) && KnownByHasPassed(status)
                 ? Verdict::kInconclusive
                 : Verdict::kNotKnown;
    case Promise::kNotDone:
    case Promise::kNotDoneMayRepeat:
      return HoldNotDone(intent, end, label);
  }
  return Verdict::kNotKnown;
}

Judge::Verdict Judge::HoldDone(Intent& intent, const CallEnd& end) {
  const std::string& id = end.answered.response.product_application().id();
  const std::string words = intent.entry.what + " at " + end.replica + ": OK";
  const int made = ledger_.Made(intent.entry);
  if (!intent.has_stranger() && made != 1) {
    findings_.Add("untrue OK", words + ", and Passfort has made " + std::to_string(made));
  }
  if (!ledger_.Exists(intent.entry, id)) {
    findings_.Add("untrue OK", words + ", with an application that the profile does not have");
  }
  const bool is_other =
      !intent.application_id.empty() && LowerCase(intent.application_id) != LowerCase(id);
  // What was found may be the stranger's, and an answer that comes later replaces it.
  if (is_other && !intent.has_stranger()) {
    findings_.Add("untrue OK", words + ", with another application than before");
  }
  intent.application_id = id;
  return Verdict::kDone;
}

// Right only where the caller went away or the replica did.
Judge::Verdict Judge::HoldNoWordOfOurs(Intent& intent, const CallEnd& end) {
  const std::string words = intent.entry.what + " at " + end.replica + ": " + LabelOf(end) + " (" +
                            end.answered.status.error_message() + ")";
  if (end.patience != Patience::kEndless) {
    intent.strays_until = std::chrono::steady_clock::now() + kStrayBound;
    return Verdict::kNotKnown;
  }
  if (end.cut_short_by == Ending::kNone) findings_.Add("lost answer", words);
  // A gateway that is told to stop answers every call that it has taken. Those with a request_id
  // may have an earlier call's attempt in flight.
  const bool is_alone = intent.request_id.empty();
  if (end.cut_short_by == Ending::kDrained && is_alone &&
      passfort_.counts(intent.entry.profile_id).posts_begun != end.posts_before) {
    findings_.Add("lost answer", words + ", and the stopping gateway had taken it");
  }
  return Verdict::kNotKnown;
}

Judge::Verdict Judge::HoldNotDone(const Intent& intent, const CallEnd& end,
                                  const std::string& label) {
  // What is said of a call alone is said of all there were as long as there was no other.
  const bool speaks_of_all =
      intent.request_id.empty() || SaysNotDone(end.answered) || intent.calls == 1;
  const bool may_have_strays =
      end.has_company || std::chrono::steady_clock::now() < intent.strays_until;
  if (!speaks_of_all || may_have_strays) return Verdict::kNotKnown;
  if (!intent.application_id.empty()) {
    findings_.Add("untrue not done",
                  intent.entry.what + " at " + end.replica + ": " + label + " after OK");
  }
  if (const int made = ledger_.Made(intent.entry); made != 0) {
    findings_.Add("untrue not done", intent.entry.what + " at " + end.replica + ": " + label +
                                         ", and Passfort has made " + std::to_string(made));
  }
  return Verdict::kNotDone;
}

}  // namespace gateway::soak
