#include "tests/chaos/history/profile_oracle.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace gateway::history {
namespace {

// Longer than the store takes for one when it is well.
constexpr Milliseconds kOneStatement{10};

bool IsCreate(const Wish& wish) { return std::holds_alternative<Person>(wish); }

bool HasLeft(const Post& post) { return IsCreate(post.wish) && post.left_at.has_value(); }

}  // namespace

void ProfileOracle::JudgeAll() {
  for (const auto& post : passfort_.posts()) {
    if (HasLeft(*post) && !post->request_id.empty()) JudgePost(*post);
  }
  for (const Call& call : callers_.calls()) {
    if (!IsCreate(call.wish) || !call.result || call.request_id.empty()) continue;
    if (const auto* given = std::get_if<Given>(&call.result->outcome)) JudgeOk(call, *given);
    if (MeaningOf(*call.result) == Meaning::kNotKnown) JudgeUnknown(call);
  }
  JudgeReads();
}

// A POST may leave only if all earlier ones are known to have done nothing.
void ProfileOracle::JudgePost(const Post& post) {
  for (const auto& earlier : passfort_.posts()) {
    const bool is_earlier =
        HasLeft(*earlier) && earlier.get() != &post &&
        std::pair(*earlier->left_at, earlier->number) < std::pair(*post.left_at, post.number);
    if (!is_earlier || !IsSameIntent(*earlier, post)) continue;
    const bool is_known_undone =
        earlier->learnt == Post::Learnt::kNotDone && *earlier->learnt_at <= *post.left_at;
    if (is_known_undone) continue;
    Report(absl::StrCat("POST ", post.number, " of ", post.request_id, " left though POST ",
                        earlier->number, " may have made a profile"));
  }
}

void ProfileOracle::JudgeOk(const Call& call, const Given& given) {
  const auto& profiles = passfort_.profiles();
  const auto made = std::find_if(profiles.begin(), profiles.end(), [&](const MadeProfile& there) {
    return there.id == given.id && there.request_id == call.request_id &&
           Wish(there.person) == call.wish;
  });
  if (made == profiles.end()) {
    return Report(absl::StrCat(NameOf(call), " got '", given.id, "', which it did not make"));
  }
  const Post& post = *passfort_.posts()[static_cast<size_t>(made->post)];
  const bool is_received = call.result->source == ResultSource::kReceived;
  if (is_received && post.learnt == Post::Learnt::kDone) return;
  Report(absl::StrCat(NameOf(call), " got ", given.id, ", which no answer of Passfort named"));
}

void ProfileOracle::JudgeUnknown(const Call& call) {
  if (call.result->known_by || !call.result->candidate_ids.empty()) {
    Report(absl::StrCat(NameOf(call), " is promised that its outcome will be known"));
  }
  if (!call.result->stays_unknown) return;
  if (!HasReason(call)) {
    Report(absl::StrCat(NameOf(call), " is told for no reason that nobody will ever know"));
  }
  for (const auto& post : passfort_.posts()) {
    if (!HasLeft(*post) || !IsOfIntent(*post, call)) continue;
    if (WasStoredInTime(*post)) {
      Report(absl::StrCat(NameOf(call), " is told that nobody will ever know, but Passfort's ",
                          "answer to POST ", post->number, " was stored"));
    }
    if (*post->left_at <= *call.ended) continue;
    Report(absl::StrCat("POST ", post->number, " left after ", NameOf(call),
                        " was told that nobody will ever know"));
  }
  JudgeAfterUnknown(call);
}

// OK is possible: a process that stood still may have Passfort's answer in its hands.
void ProfileOracle::JudgeAfterUnknown(const Call& call) {
  for (const Call& later : callers_.calls()) {
    const bool is_later = later.result && later.begun > *call.ended && IsSameIntent(call, later);
    if (!is_later || MeaningOf(*later.result) != Meaning::kNotDone) continue;
    Report(absl::StrCat(NameOf(later), " was told ", Describe(*later.result), " after ",
                        NameOf(call), " was told that nobody will ever know"));
  }
}

// After all faults: what is not known now never will be, and what was made is shown anew.
void ProfileOracle::JudgeRepeat(const Call& call) {
  const bool is_unknown = MeaningOf(*call.result) == Meaning::kNotKnown;
  if (is_unknown && !call.result->stays_unknown) {
    Report(absl::StrCat(NameOf(call), " is still told that it may become known"));
  }
  if (call.result->is_truncated) {
    Report(absl::StrCat(NameOf(call), " was not shown the profile as it is now"));
  }
}

// No list shows what became of a create: only those that add applications read any.
void ProfileOracle::JudgeReads() {
  std::set<std::string> known;
  for (const Call& call : callers_.calls()) {
    const auto* const draft = std::get_if<ApplicationDraft>(&call.wish);
    if (draft != nullptr) known.insert(absl::AsciiStrToLower(draft->profile_id));
  }
  for (const std::string& profile_id : passfort_.listed_profiles()) {
    if (known.contains(absl::AsciiStrToLower(profile_id))) continue;
    Report(absl::StrCat("the applications of '", profile_id, "' were listed for a create"));
  }
}

bool ProfileOracle::IsSameIntent(const Call& call, const Call& later) const {
  return later.request_id == call.request_id && later.wish == call.wish &&
         store_.Generation(call.request_id, call.begun) ==
             store_.Generation(call.request_id, *later.ended);
}

bool ProfileOracle::IsSameIntent(const Post& post, const Post& later) const {
  return later.request_id == post.request_id &&
         store_.Generation(post.request_id, *post.left_at) ==
             store_.Generation(post.request_id, *later.left_at);
}

bool ProfileOracle::IsOfIntent(const Post& post, const Call& call) const {
  if (post.request_id != call.request_id) return false;
  const int generation = store_.Generation(call.request_id, *post.left_at);
  return generation == store_.Generation(call.request_id, call.begun) &&
         generation == store_.Generation(call.request_id, *call.ended);
}

bool ProfileOracle::HasReason(const Call& call) const {
  const auto& posts = passfort_.posts();
  const bool was_lost = std::any_of(posts.begin(), posts.end(), [&](const auto& post) {
    return post->request_id == call.request_id && post->learnt == Post::Learnt::kNothing;
  });
  if (was_lost) return true;
  for (const Call& other : callers_.calls()) {
    if (other.request_id != call.request_id || other.begun > *call.ended) continue;
    if (store_.WasUnwell(other.begun, *call.ended)) return true;
    if (!other.process->RanThrough(other.begun, *call.ended)) return true;
  }
  return false;
}

bool ProfileOracle::WasStoredInTime(const Post& post) const {
  if (post.learnt != Post::Learnt::kDone) return false;
  const SteadyTime stored_at = *post.learnt_at + kOneStatement;
  return !store_.WasUnwell(*post.left_at, stored_at) &&
         post.process->RanThrough(*post.left_at, stored_at);
}

}  // namespace gateway::history
