#ifndef SERVICE_IDEMPOTENCY_STORE_RECORD_H_
#define SERVICE_IDEMPOTENCY_STORE_RECORD_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"

namespace gateway {

// What is known of one `request_id`. Each state says what may have reached Passfort; whoever wants
// to change a record must still hold the very version that it read.
enum class RecordState {
  kClaimed = 1,       // nothing was sent in this attempt
  kSent = 2,          // it may have been executed
  kNoEffect = 3,      // it was sent once, and proven not to have been executed
  kInconclusive = 4,  // several matches or possible ones; nothing is sent again
  kDone = 5,          // the result is known
};

// How the result of a kDone record became known.
enum class ResultOrigin {
  kReceived = 1,    // Passfort answered with it
  kReconciled = 2,  // it was found by a look at Passfort after the response was lost
};

// What there was before the first attempt: what is compared with to see what came later.
struct Baseline {
  // As the operation wrote it.
  std::string state;
  // By the store's clock, and not later than the read was begun.
  absl::Time read_at = absl::UnixEpoch();

  friend bool operator==(const Baseline&, const Baseline&) = default;
};

// What a write came to.
struct StoredResult {
  // What it created or changed, in lower case. Belongs to one record of a serialization key.
  std::string resource_id;
  // As the operation wrote it.
  std::string contents;

  friend bool operator==(const StoredResult&, const StoredResult&) = default;
};

// The person who settled a record.
struct SettledBy {
  // A name in the callers file, or else a principal.
  std::string name;
  // By the store's clock.
  absl::Time at = absl::UnixEpoch();

  friend bool operator==(const SettledBy&, const SettledBy&) = default;
};

// How many writes a caller may make in a day, which begins at midnight UTC by the store's clock.
struct WriteBudget {
  std::string account;
  int64_t writes_per_day = 0;  // at least 1
};

// One write of an account's budget.
struct BudgetCharge {
  std::string account;
  int64_t day = 0;  // since the Unix epoch

  friend bool operator==(const BudgetCharge&, const BudgetCharge&) = default;
};

struct Record {
  std::string request_id;
  // Counts the changes of hands and the intents, from a random start; part of every condition.
  int64_t epoch = 0;
  RecordState state = RecordState::kClaimed;
  // Who asked, and the values that were asked for; another one under the same id is refused.
  std::string caller;
  // What the certificate called whoever asked first. Empty where callers show none.
  std::string principal;
  std::string fingerprint;
  // Which kind of write it is: Operation::name().
  std::string operation;
  // What is written one at a time: of all records with the same key, at most one is claimed or
  // sent.
  std::string serialization_key;
  // What was asked for, as the operation wrote it: enough to recognise it later.
  std::string target;
  // While claimed or sent: until then the holder alone acts on the record.
  absl::Time lease_until;
  // Kept for good. Set from the first intent on.
  std::optional<Baseline> baseline;
  // From when on a look that shows nothing proves that nothing was executed. Set from the first
  // intent on, unless no look ever does (Operation::is_observable).
  std::optional<absl::Time> conclusive_at;
  // When the last attempt was sent, by the gateway's clock, for the caller's eyes.
  std::optional<absl::Time> sent_at;
  // An attempt once ended without a clear outcome: the record is never deleted by a release.
  bool was_ambiguous = false;
  // kInconclusive: what was found, at most 20. None if it is inconclusive only because not all
  // could be read.
  std::vector<std::string> candidate_ids;
  // kDone: the result and its origin.
  StoredResult result;
  ResultOrigin result_origin = ResultOrigin::kReceived;
  // Who said what became of it, where nobody else could. Unset once something else is known of it.
  std::optional<SettledBy> settled;
  // What its first intent was charged to, unless its caller had no budget. Kept for good: all
  // attempts of a request_id are one write.
  std::optional<BudgetCharge> charge;
  absl::Time expires_at;
  // The store's clock when this was read: all times above but `sent_at` are of that clock.
  absl::Time store_now;
};

}  // namespace gateway

#endif  // SERVICE_IDEMPOTENCY_STORE_RECORD_H_
