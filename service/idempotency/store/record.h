#ifndef SERVICE_IDEMPOTENCY_STORE_RECORD_H_
#define SERVICE_IDEMPOTENCY_STORE_RECORD_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "service/passfort/passfort_client.h"

namespace gateway {

// What is known of one `request_id`. Each state says what may have reached Passfort; whoever wants
// to change a record must still hold the very version that it read.
enum class RecordState {
  kClaimed = 1,       // nothing was sent in this attempt
  kSent = 2,          // it may have been done
  kNoEffect = 3,      // it was sent once, and proven not to have been done
  kInconclusive = 4,  // several or unsure finds; nothing is sent again
  kDone = 5,          // the application is known
};

// How the application of a kDone record became known.
enum class ResultOrigin {
  kReceived = 1,    // Passfort answered with it
  kReconciled = 2,  // it was found in the list after the response was lost
};

// What was on a profile before the first attempt: what is compared with to see what came later.
struct Baseline {
  // Of the applications, in lower case.
  std::vector<std::string> ids;
  // False: some items of the list could not be read, so an application that looks new later may
  // have been there all the time.
  bool is_complete = true;
  // By the store's clock, and not later than the list was begun.
  absl::Time read_at = absl::UnixEpoch();

  friend bool operator==(const Baseline&, const Baseline&) = default;
};

struct Record {
  std::string request_id;
  // Counts the changes of hands and the intents, from a random start; part of every condition.
  int64_t epoch = 0;
  RecordState state = RecordState::kClaimed;
  // Who asked, and the values that were asked for; another one under the same id is refused.
  std::string caller;
  std::string fingerprint;
  // Needed again by whoever goes on with the record.
  ApplicationDraft draft;
  // While claimed or sent: until then the holder alone acts on the record.
  absl::Time lease_until;
  // Kept for good. Set from the first intent on.
  std::optional<Baseline> baseline;
  // From when on a list that shows nothing proves that nothing was executed. Set from the first
  // intent on.
  std::optional<absl::Time> conclusive_at;
  // When the last attempt was sent, by the gateway's clock, for the caller's eyes.
  std::optional<absl::Time> sent_at;
  // An attempt once ended without a clear outcome: the record is never deleted by a release.
  bool was_ambiguous = false;
  // kInconclusive: what was found, at most 20. None if it is inconclusive only because the list
  // could not be read to its end.
  std::vector<std::string> candidate_ids;
  // kDone: the application's id in lower case, the serialized pb::ProductApplication and its
  // origin.
  std::string application_id;
  std::string answer;
  // The application was too large for the store: `answer` is not all of it.
  bool is_answer_shortened = false;
  ResultOrigin origin = ResultOrigin::kReceived;
  absl::Time expires_at;
  // The store's clock when this was read: all times above but `sent_at` are of that clock.
  absl::Time store_now;
};

}  // namespace gateway

#endif  // SERVICE_IDEMPOTENCY_STORE_RECORD_H_
