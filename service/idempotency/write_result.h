#ifndef SERVICE_IDEMPOTENCY_WRITE_RESULT_H_
#define SERVICE_IDEMPOTENCY_WRITE_RESULT_H_

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "service/idempotency/store/record.h"
#include "service/resilience/outcome.h"
#include "service/resilience/retry_end.h"

namespace gateway {

// A RequestKey says who asks for a write and under which name. A WriteResultOf is what the write
// came to: the outcome of its last attempt or an IdempotencyError, and how that became known (a
// ResultSource, a Replay).

// Nothing was executed, for a reason that lies in the bookkeeping of request_ids.
struct IdempotencyError {
  enum class Cause {
    kRequestIdReused,   // another caller or other values under the same request_id
    kNeedsStore,        // no store is configured
    kStoreUnavailable,  // the store did not answer before anything was sent
    kStoreBroken,       // it refused, as it will until somebody repairs it
    kStoreFull,
    kTooManySessions,   // as many writes in flight as allowed, with those whose callers have left
    kWriteInProgress,   // another record of the key is claimed or sent
    kNoEffect,          // sent, and proven without effect
    kTooManyToCompare,  // there is more to compare with than the store keeps
    kBudgetReached,     // the caller's writes of the day are used up
  };
  Cause cause = Cause::kStoreUnavailable;
  // kBudgetReached only: when the next day begins.
  std::optional<absl::Time> resets_at = {};
};

// What it is for a caller that the store failed with `status`.
inline IdempotencyError::Cause StoreFailureCause(const absl::Status& status) {
  return absl::IsInternal(status) ? IdempotencyError::Cause::kStoreBroken
                                  : IdempotencyError::Cause::kStoreUnavailable;
}

// A caller by its name in the callers file, told apart from what is a principal.
inline constexpr std::string_view kNamedCaller = "caller:";
inline std::string OfNamedCaller(std::string_view name) {
  return std::string(kNamedCaller).append(name);
}
// That name; nothing if `caller` is a principal.
inline std::optional<std::string_view> CallerName(std::string_view caller) {
  if (!caller.starts_with(kNamedCaller)) return std::nullopt;
  return caller.substr(kNamedCaller.size());
}

// Who asks for a write, and under which name.
struct RequestKey {
  // Names the intent; empty: every call is an intent of its own.
  std::string request_id;
  // The authenticated caller: as OfNamedCaller says, or else its principal; empty where callers are
  // not authenticated.
  std::string caller;
  // What the caller's certificate calls it, which may be the same. Whoever has the principal that
  // made a record owns it too, whatever a caller's name was then or is here: names come and go, and
  // not on all replicas at once.
  std::string principal = {};
  // Unset: any number of writes.
  std::optional<WriteBudget> budget = {};
  // Kept until the write needs nobody's attention any more, which may be after its callers left.
  std::shared_ptr<const void> place = {};

  // Whether a record is the caller's own.
  bool Owns(const Record& record) const {
    if (record.caller == caller) return true;
    return !principal.empty() && (record.caller == principal || record.principal == principal);
  }
};

// How a result became known.
enum class ResultSource {
  kReceived,    // Passfort answered with it
  kReconciled,  // it was found by a look at Passfort after the response was lost
  kExisting,    // Passfort answered with what had been there before
  kSettled,     // a person said so
};

enum class Replay { kNo, kYes };

// What one intent came to; a Done is its result.
template <typename Done>
struct WriteResultOf {
  using Source = ResultSource;
  using Replay = gateway::Replay;

  std::variant<Done, NotExecuted, Refused, Ambiguous, IdempotencyError> outcome;
  // When the last attempt was handed to the transport. Unset if none was.
  std::optional<absl::Time> sent_at = {};
  Source source = Source::kReceived;
  // kYes: an earlier call under the request_id made it, or found it.
  Replay replay = Replay::kNo;
  // Why the last attempt of this call, or the last look before one, was the last. Unset if it made
  // none, and while the outcome of one is looked for.
  std::optional<RetryEnd> retry_end = {};
  // Done only: it comes from the store, which keeps no more than ids, and could not be read anew.
  bool is_truncated = false;
  // Ambiguous only: from then on a look at Passfort shows the truth.
  std::optional<absl::Time> known_by = {};
  // Ambiguous only: nobody will ever know through the API, so retrying does not help.
  bool stays_unknown = false;
  // Ambiguous only: what may be the result.
  std::vector<std::string> candidate_ids = {};
  // Ambiguous only: why the last look at Passfort failed.
  std::optional<NotExecuted::Cause> unobserved = {};
};

// The same, with what `convert` makes of a result.
template <typename To, typename From, typename Convert>
WriteResultOf<To> MapDone(WriteResultOf<From> result, Convert convert) {
  return {.outcome = MapDone<To>(std::move(result.outcome), std::move(convert)),
          .sent_at = result.sent_at,
          .source = result.source,
          .replay = result.replay,
          .retry_end = result.retry_end,
          .is_truncated = result.is_truncated,
          .known_by = result.known_by,
          .stays_unknown = result.stays_unknown,
          .candidate_ids = std::move(result.candidate_ids),
          .unobserved = result.unobserved};
}

}  // namespace gateway

#endif  // SERVICE_IDEMPOTENCY_WRITE_RESULT_H_
