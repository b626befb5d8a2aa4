#ifndef SERVICE_ONCE_RECORD_H_
#define SERVICE_ONCE_RECORD_H_

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
  kClaimed = 1,    // nothing was sent in this attempt
  kSent = 2,       // it may have been done
  kAbsent = 3,     // it was sent once, and proven not to have been done
  kUndecided = 4,  // several or unsure finds; nothing is sent again
  kDone = 5,       // the application is known
};

// How the application of a kDone record became known.
enum class AnswerOrigin {
  kReceived = 1,  // Passfort answered with it
  kFound = 2,     // it was found in the list after the answer was lost
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
  // The ids on the profile before the first attempt; kept for good. Set from the first intent on.
  std::optional<std::vector<std::string>> snapshot;
  // From when on a list that shows nothing proves that nothing was done. Set from the first intent
  // on.
  std::optional<absl::Time> quiet_at;
  // When the last attempt was sent, by the gateway's clock, for the caller's eyes.
  std::optional<absl::Time> sent_at;
  // An attempt once ended without a clear outcome: the record is never deleted by a release.
  bool was_ambiguous = false;
  // kUndecided: what was found, at most 20.
  std::vector<std::string> candidate_ids;
  // kDone: the application's id in lower case, the serialized pb::ProductApplication and its
  // origin.
  std::string application_id;
  std::string answer;
  AnswerOrigin origin = AnswerOrigin::kReceived;
  absl::Time expires_at;
  // The store's clock when this was read: all times above but `sent_at` are of that clock.
  absl::Time store_now;
};

}  // namespace gateway

#endif  // SERVICE_ONCE_RECORD_H_
