#ifndef SERVICE_PASSFORT_APPLICATION_WRITER_H_
#define SERVICE_PASSFORT_APPLICATION_WRITER_H_

#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/time/time.h"
#include "service/base/call_context.h"
#include "service/base/task.h"
#include "service/passfort/passfort_client.h"

namespace gateway {

// Nothing was executed, for a reason that lies in the bookkeeping of request_ids.
struct IdempotencyError {
  enum class Cause {
    kRequestIdReused,   // another caller or other values under the same request_id
    kNeedsStore,        // no store is configured
    kStoreUnavailable,  // the store did not answer before anything was sent
    kStoreFull,
    kTooManySessions,   // as many writes in flight as allowed, with those whose callers have left
    kWriteInProgress,   // another record of the profile is claimed or sent
    kNoEffect,          // sent, and proven absent
    kTooManyToCompare,  // the profile has more applications than the store keeps the ids of
  };
  Cause cause = Cause::kStoreUnavailable;
};

// What one intent came to.
struct WriteResult {
  // How the application of a Done became known.
  enum class Source {
    kReceived,    // Passfort answered with it
    kReconciled,  // it was found in the profile's list after the response was lost
    kExisting,    // Passfort answered with an application that had been there before
  };
  enum class Replay { kNo, kYes };

  std::variant<Done, NotExecuted, Refused, Ambiguous, IdempotencyError> outcome;
  // When the last attempt was handed to the transport. Unset if none was.
  std::optional<absl::Time> sent_at;
  Source source = Source::kReceived;
  // kYes: an earlier call under the request_id made it, or found it.
  Replay replay = Replay::kNo;
  // Done only: the application comes from the store, which had no room for all of it.
  bool is_shortened = false;
  // Ambiguous only: from then on a look at the profile's applications shows the truth.
  std::optional<absl::Time> known_by;
  // Ambiguous only: applications that may be the one.
  std::vector<std::string> candidate_ids;
  // Ambiguous only: why the last look at the profile's applications showed none of them.
  std::optional<NotExecuted::Cause> no_list = {};
};

// Who asks for an application, and under which name.
struct RequestKey {
  // Names the intent; empty: every call is an intent of its own.
  std::string request_id;
  // The authenticated caller; empty where callers are not authenticated.
  std::string caller;
};

// Carries out one caller's intent to add an application, by as many attempts as that takes and
// allows. Loop thread only.
class ApplicationWriter {
 public:
  virtual ~ApplicationWriter() = default;

  // Returns what the intent came to. Returns by the context's deadline, or soon after its stop is
  // requested. `context` outlives the task.
  virtual Task<WriteResult> Add(ApplicationDraft draft, RequestKey intent,
                                const CallContext& context [[clang::lifetimebound]]) = 0;
};

}  // namespace gateway

#endif  // SERVICE_PASSFORT_APPLICATION_WRITER_H_
