#include "tests/chaos/history/oracle.h"

#include <algorithm>
#include <map>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace gateway::history {
namespace {

// WriteCoordinator's own allowance for giving a record back.
constexpr Milliseconds kSoon{60};
// From the beginning of a list to the end of the call that it decides: the longest wait for a list
// and for two statements.
constexpr Milliseconds kMaxLook{600 + 400 + 400};

bool WasInFlight(const Call& call, SteadyTime at) {
  return call.begun <= at && at <= call.InFlightUntil();
}

bool IsOwn(ResultSource source) { return source != ResultSource::kExisting; }

}  // namespace

void Oracle::JudgeAll() {
  JudgeAtMostOne(passfort_.applications(), "(a) ", " applications");
  JudgeAtMostOne(passfort_.profiles(), "(l) ", " profiles");
  for (const Call& call : callers_.calls()) {
    JudgeTime(call);
    if (!call.result || call.request_id.empty()) continue;
    const auto* const given = std::get_if<Given>(&call.result->outcome);
    if (given == nullptr) {
      JudgeNotDone(call);
      continue;
    }
    const auto* const draft = std::get_if<ApplicationDraft>(&call.wish);
    if (draft == nullptr) continue;
    JudgeOk(call, *draft, *given);
    JudgeSameAnswer(call, *given);
  }
  profiles_.JudgeAll();
  budgets_.JudgeAll();
}

template <typename MadeThings>
void Oracle::JudgeAtMostOne(const MadeThings& made_things, const char* letter, const char* noun) {
  std::map<std::pair<std::string, int>, int> counts;
  for (const Made& made : made_things) {
    if (made.request_id.empty()) continue;
    ++counts[{made.request_id, GenerationOf(made)}];
  }
  for (const auto& [intent, count] : counts) {
    if (count > 1) Report(absl::StrCat(letter, intent.first, " made ", count, noun));
  }
}

void Oracle::JudgeTime(const Call& call) {
  SteadyTime latest = call.deadline;
  if (call.cancelled) latest = std::min(latest, *call.cancelled + kSoon);
  // A frozen process answers nobody.
  if (call.process->last_frozen() >= call.begun)
    latest = std::max(latest, call.process->last_frozen() + kSoon);
  if (!call.ended) return Report(absl::StrCat(NameOf(call), " never ended"));
  if (*call.ended > latest) Report(absl::StrCat(NameOf(call), " ended after its deadline"));
}

// (b) and (e)
void Oracle::JudgeOk(const Call& call, const ApplicationDraft& draft, const Given& given) {
  const std::string id = given.id;
  const MadeApplication* const made = Find(id);
  if (made == nullptr)
    return Report(absl::StrCat("(b) ", NameOf(call), " got ", id, ", which is not"));
  const bool is_its_own = made->request_id == call.request_id;
  const bool is_asked_for =
      passfort_.IsEqual(draft, *made) || (!is_its_own && passfort_.LooksLike(draft, *made));
  if (!is_asked_for) {
    Report(
        absl::StrCat("(e) ", NameOf(call), " got ", id, ", which is of another product or role"));
  }
  if (call.result->source == ResultSource::kExisting) {
    if (!WasAnswered(call.request_id, id)) {
      Report(absl::StrCat("(e) ", NameOf(call), " got ", id, " as existing: not Passfort's word"));
    }
    return;
  }
  // What could not be read before the first attempt, nobody knows to have been there.
  const bool is_unknown = WasAnswered(call.request_id, id) &&
                          passfort_.WasListUnreadable(absl::AsciiStrToLower(draft.profile_id));
  // A response that is stored late brings a record back that expired in the meantime.
  const bool is_brought_back = is_its_own && call.result->replay == Replay::kYes;
  if (made->made_at < FirstCall(call) && !is_unknown && !is_brought_back) {
    Report(absl::StrCat("(e) ", NameOf(call), " got ", id, ", which was there before"));
  }
  if (call.result->source == ResultSource::kReceived && !is_its_own &&
      !WasAnswered(call.request_id, id)) {
    Report(absl::StrCat("(b) ", NameOf(call), " got ", id, " as received, from somebody else"));
  }
  if (call.result->source == ResultSource::kReconciled && !is_its_own) {
    JudgeStrangers(call, *made);
  }
}

// A stranger's application may be taken for the call's own, but not beside that one.
void Oracle::JudgeStrangers(const Call& call, const MadeApplication& found) {
  if (call.result->replay == Replay::kYes) return;
  // The list was begun after that.
  const SteadyTime looked = call.process->RunningBefore(*call.ended - kMaxLook);
  for (const MadeApplication& own : passfort_.applications()) {
    if (own.request_id != call.request_id || own.made_at < FirstCall(call)) continue;
    if (own.made_at >= looked) continue;
    // It was made for a record that has expired: what there is now may know it as there before.
    if (GenerationOf(own) != store_.Generation(call.request_id, *call.ended)) continue;
    // Unless somebody else had taken that one for his.
    const bool is_taken =
        std::any_of(callers_.calls().begin(), callers_.calls().end(), [&](const Call& other) {
          const auto* done = other.result ? std::get_if<Given>(&other.result->outcome) : nullptr;
          return done != nullptr && other.request_id != call.request_id && done->id == own.id;
        });
    if (is_taken) continue;
    Report(absl::StrCat("(e) ", NameOf(call), " got ", found.id, ", though its own ", own.id,
                        " was there"));
  }
}

void Oracle::JudgeSameAnswer(const Call& call, const Given& given) {
  const std::string id = given.id;
  for (const Call& other : callers_.calls()) {
    if (!other.result || other.number >= call.number) continue;
    const auto* const answer = std::get_if<Given>(&other.result->outcome);
    if (answer == nullptr) continue;
    const std::string other_id = answer->id;
    // Not if one of them may have been told of an earlier intent than the other.
    const int generation = store_.Generation(call.request_id, call.begun);
    const bool is_same_intent = other.request_id == call.request_id &&
                                generation == store_.Generation(call.request_id, *call.ended) &&
                                generation == store_.Generation(call.request_id, other.begun) &&
                                generation == store_.Generation(call.request_id, *other.ended);
    if (is_same_intent && id != other_id) {
      const MadeApplication* const made = Find(id);
      const MadeApplication* const other_made = Find(other_id);
      if (made != nullptr && other_made != nullptr) {
        // A received answer replaces a found one, which may have been somebody else's.
        if (made->request_id != call.request_id || other_made->request_id != call.request_id) {
          continue;
        }
        // A process that was frozen may answer with a record that has expired since.
        if (GenerationOf(*made) != GenerationOf(*other_made)) continue;
      }
      Report(absl::StrCat("(d) ", NameOf(call), " and ", NameOf(other), " got ", id, " and ",
                          other_id));
    }
    const bool both_own = IsOwn(call.result->source) && IsOwn(other.result->source);
    // That Passfort itself names an application that another POST made is its own word.
    const bool is_passforts_word = IsPassfortsWord(call, id) || IsPassfortsWord(other, id);
    if (other.request_id != call.request_id && !other.request_id.empty() && id == other_id &&
        both_own && !is_passforts_word) {
      Report(absl::StrCat("(b) ", id, " was given to both ", NameOf(call), " and ", NameOf(other)));
    }
  }
}

// Whether Passfort answered the call with an application that was made for another one.
bool Oracle::IsPassfortsWord(const Call& call, const std::string& id) const {
  const MadeApplication* const made = Find(id);
  return made != nullptr && made->request_id != call.request_id && WasAnswered(call.request_id, id);
}

// (c)
void Oracle::JudgeNotDone(const Call& call) {
  const Meaning meaning = MeaningOf(*call.result);
  if (meaning == Meaning::kNotKnown) return;
  for (const Made& made : passfort_.applications()) JudgeNotDone(call, meaning, made);
  for (const Made& made : passfort_.profiles()) JudgeNotDone(call, meaning, made);
}

void Oracle::JudgeNotDone(const Call& call, Meaning meaning, const Made& made) {
  if (made.request_id != call.request_id) return;
  // What the caller is told was true when the store was asked for the last time.
  const SteadyTime told = call.process->RunningBefore(*call.ended - answer_lag_);
  const Post& post = *passfort_.posts()[static_cast<size_t>(made.post)];
  const SteadyTime left = *post.left_at;
  // What a call is told last is of the record that is there last.
  if (store_.Generation(call.request_id, left) != store_.Generation(call.request_id, *call.ended)) {
    return;
  }
  // Other calls for which this POST may have been sent and that were still to be answered.
  const bool was_for_another =
      std::any_of(callers_.calls().begin(), callers_.calls().end(), [&](const Call& other) {
        if (&other == &call || other.request_id != call.request_id) return false;
        if (other.process != post.process || other.InFlightUntil() <= told) return false;
        return left > told ? other.begun <= left : WasInFlight(other, left);
      });
  if (was_for_another) return;
  // A call that begins at the very moment that a POST leaves comes too late for it.
  const bool is_of_this_call =
      post.process == call.process && call.begun < left && WasInFlight(call, left);
  if (meaning == Meaning::kThisCallDidNothing && !is_of_this_call) return;
  Report(absl::StrCat("(c) ", NameOf(call), " was told ", Describe(*call.result), ", but POST ",
                      post.number, " made ", made.id));
}

// (d)
void Oracle::JudgeRepeat(const Call& call, size_t posts_before) {
  if (!call.result) return Report(absl::StrCat("(d) ", NameOf(call), " got no answer"));
  const auto* const draft = std::get_if<ApplicationDraft>(&call.wish);
  if (draft == nullptr) profiles_.JudgeRepeat(call);
  const auto& outcome = call.result->outcome;
  if (std::holds_alternative<Given>(outcome) || std::holds_alternative<Refused>(outcome)) return;
  if (std::holds_alternative<Ambiguous>(outcome)) {
    if (draft != nullptr) JudgeUndecided(call, *draft, posts_before);
    return;
  }
  const auto* const not_begun = std::get_if<IdempotencyError>(&outcome);
  const bool is_reused =
      not_begun != nullptr && not_begun->cause == IdempotencyError::Cause::kRequestIdReused;
  const auto& intents = callers_.intents();
  const auto names = std::count_if(intents.begin(), intents.end(), [&call](const Intent& intent) {
    return intent.request_id == call.request_id && intent.wish != call.wish;
  });
  if (is_reused && names > 0) return;
  // BudgetOracle asks whether it is.
  if (IsBudgetReached(*call.result) && call.budget) return;
  Report(absl::StrCat("(d) ", NameOf(call), " ended in ", Describe(*call.result)));
}

void Oracle::JudgeUndecided(const Call& call, const ApplicationDraft& draft, size_t posts_before) {
  const auto& posts = passfort_.posts();
  const bool was_sent =
      std::any_of(posts.begin() + static_cast<std::ptrdiff_t>(posts_before), posts.end(),
                  [&call](const auto& post) { return post->request_id == call.request_id; });
  if (was_sent) Report(absl::StrCat("(d) ", NameOf(call), " sent although it is inconclusive"));
  const std::string profile_id = absl::AsciiStrToLower(draft.profile_id);
  const bool was_unreadable = passfort_.WasListUnreadable(profile_id);
  if (was_unreadable || store_.ExpiredWhileSent(call.request_id)) return;
  if (call.result->candidate_ids.empty()) {
    Report(absl::StrCat("(d) ", NameOf(call), " stays UNKNOWN without ids"));
  }
  if (passfort_.HidesWhatWasSent()) return;
  const auto& applications = passfort_.applications();
  const SteadyTime first = FirstCall(call);
  const bool has_stranger =
      std::any_of(applications.begin(), applications.end(), [&](const MadeApplication& there) {
        return there.profile_id == draft.profile_id && there.made_at >= first &&
               there.request_id != call.request_id;
      });
  // Passfort may yet name the call's own application to another record, which has somebody else's.
  const bool has_rival =
      store_.WasFoundEarly(profile_id, call.request_id, first, ShortWindows().settle_window);
  if (!has_stranger && !has_rival) {
    Report(absl::StrCat("(d) ", NameOf(call), " stays UNKNOWN, and no stranger is there"));
  }
}

const MadeApplication* Oracle::Find(const std::string& id) const {
  for (const MadeApplication& made : passfort_.applications()) {
    if (made.id == id) return &made;
  }
  return nullptr;
}

int Oracle::GenerationOf(const Made& made) const {
  const Post& post = *passfort_.posts()[static_cast<size_t>(made.post)];
  return store_.Generation(made.request_id, *post.left_at);
}

bool Oracle::IsOf(const Call& call, int generation) const {
  return store_.Generation(call.request_id, call.begun) <= generation &&
         generation <= store_.Generation(call.request_id, call.ended.value_or(call.deadline));
}

SteadyTime Oracle::FirstCall(const Call& call) const {
  const int generation = store_.Generation(call.request_id, call.begun);
  for (const Call& other : callers_.calls()) {
    if (other.request_id == call.request_id && IsOf(other, generation)) return other.begun;
  }
  return SteadyTime::max();
}

bool Oracle::WasAnswered(const std::string& request_id, const std::string& id) const {
  return std::any_of(passfort_.posts().begin(), passfort_.posts().end(), [&](const auto& post) {
    return post->request_id == request_id && post->answered_id == id;
  });
}

}  // namespace gateway::history
