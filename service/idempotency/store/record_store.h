#ifndef SERVICE_IDEMPOTENCY_STORE_RECORD_STORE_H_
#define SERVICE_IDEMPOTENCY_STORE_RECORD_STORE_H_

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "service/base/deadline.h"
#include "service/base/task.h"
#include "service/idempotency/store/record.h"

namespace gateway {

// An operation keeps less than that: ids, from a response that is shorter.
inline constexpr size_t kMaxStoredResultBytes = 16 * 1024 * 1024;
// A longer id of a resource cannot be attributed to a record.
inline constexpr size_t kMaxResourceIdBytes = 512;

// A record that is inconclusive without a conclusive moment is kept for this many replay windows:
// people settle it by hand, and a forgotten one is a second write.
inline constexpr int kUnknownForGoodFactor = 30;

// Where records live. Every operation is one durable transaction; an error means that it counts as
// not made, even where the store may have made it (the conditions of later operations see to that).
// Errors are UNAVAILABLE (away), DEADLINE_EXCEEDED (too slow), INTERNAL (broken) or, where a value
// is larger than the store will ever take, RESOURCE_EXHAUSTED. Leases and other times are set and
// compared by the store's own clock. Loop thread only.
class RecordStore {
 public:
  // The claim that TryClaim makes: the first thing that happens to a request_id.
  struct Claim {
    std::string request_id;
    std::string caller;
    std::string principal;
    std::string fingerprint;
    std::string operation;
    std::string serialization_key;
    std::string target;
    Milliseconds lease;
  };
  struct Claimed {
    Record record;
  };
  // The request_id is known already.
  struct Exists {
    Record record;
  };
  // Another record of the key is claimed or sent.
  struct KeyHeld {
    Record holder;
  };
  struct Full {};
  using ClaimResult = std::variant<Claimed, Exists, KeyHeld, Full>;

  // An update of a record; members that are unset stay as they are.
  struct RecordUpdate {
    RecordState state;
    // Counted from the store's now.
    std::optional<Milliseconds> lease;
    std::optional<Milliseconds> conclusive_after;
    // Kept only if the record has none yet.
    std::optional<Baseline> first_baseline;
    std::optional<absl::Time> sent_at;
    std::optional<bool> was_ambiguous;
    std::optional<std::vector<std::string>> candidate_ids;
    // Charged in the same transaction, unless the record is charged already.
    std::optional<WriteBudget> budget;
  };
  // The record changed since it was read; the caller no longer owns it.
  struct VersionConflict {};
  // All writes of the day are used up; nothing was changed.
  struct BudgetReached {
    absl::Time resets_at;
  };
  using UpdateResult = std::variant<Record, KeyHeld, VersionConflict, BudgetReached>;
  // Another record of the key may be the one whose result it is.
  struct Contested {};
  using FoundResult = std::variant<Record, KeyHeld, Contested, VersionConflict>;

  virtual ~RecordStore() = default;

  // Inserts a claim, unless the id is known, the key held or the store full. Its epoch starts
  // at a random number: a former holder of a record that was released and begun anew never takes
  // the new one for its own.
  virtual Task<absl::StatusOr<ClaimResult>> TryClaim(Claim claim, Deadline deadline) = 0;
  // Nothing if the request_id is not known.
  virtual Task<absl::StatusOr<std::optional<Record>>> Find(std::string request_id,
                                                           Deadline deadline) = 0;
  // Applies `change` if epoch and state are still those of `expected`, and counts the epoch up.
  virtual Task<absl::StatusOr<UpdateResult>> Update(Record expected, RecordUpdate change,
                                                    Deadline deadline) = 0;
  // As Update, only if the lease of `expected` has run out by the store's clock.
  virtual Task<absl::StatusOr<UpdateResult>> UpdateIfLeaseExpired(Record expected,
                                                                  RecordUpdate change,
                                                                  Deadline deadline) = 0;
  // Deletes the record if epoch and state are still those of `expected`, and gives its charge back.
  // False: it was lost.
  virtual Task<absl::StatusOr<bool>> Remove(Record expected, Deadline deadline) = 0;
  // Makes the record kDone with a result that was received: whatever became of the record in the
  // meantime, and inserted from `expected` if it is gone. Replaces a reconciled result, never a
  // received one; what was found stays attributed. Nothing is changed if the id was claimed anew by
  // another caller or for other values. An id of a resource that is too long is not attributed.
  // Returns whether it was stored.
  virtual Task<absl::StatusOr<bool>> StoreResponse(Record expected, StoredResult result,
                                                   Deadline deadline) = 0;
  // Makes the record kDone with a result that was found, if epoch and state are still those of
  // `expected`, no other record of the key is claimed or sent, and the resource is attributed to
  // none. A version conflict also if it is attributed by now: look again, either way. Contested if
  // another record is inconclusive whose attempts could still be executed after the baseline of
  // `expected` was read, or was found while its attempt may have gone on after that: Passfort's
  // response may yet say that the resource is that record's. Contested too if it was found for a
  // record of another key.
  virtual Task<absl::StatusOr<FoundResult>> StoreReconciled(Record expected, StoredResult result,
                                                            Deadline deadline) = 0;

  // The resources that are attributed to records of the key other than `request_id`, or were before
  // a received result replaced a reconciled one; ids in lower case.
  virtual Task<absl::StatusOr<std::vector<std::string>>> AttributedIds(
      std::string serialization_key, std::string request_id, Deadline deadline) = 0;
  // A place in the order of leases, and of request_ids where leases are equal.
  struct Cursor {
    absl::Time lease_until = absl::UnixEpoch();
    std::string request_id;
  };
  // At most `limit` records that are sent, the one whose lease ends first in front; only those that
  // come behind `after`.
  virtual Task<absl::StatusOr<std::vector<Record>>> ListSent(Cursor after, int limit,
                                                             Deadline deadline) = 0;

  struct UnresolvedQuery {
    Cursor after;
    int limit = 0;
    // kSent or kInconclusive; unset: both.
    std::optional<RecordState> state;
  };
  // Records whose outcome nobody knows and whose holder is gone: those that are sent and past their
  // lease, and inconclusive ones. In the order of ListSent, and without their baselines.
  virtual Task<absl::StatusOr<std::vector<Record>>> ListUnresolved(UnresolvedQuery query,
                                                                   Deadline deadline) = 0;

  // What a person says became of a write.
  struct Settlement {
    std::string settled_by;
    // It was executed, with this result. Unset: it was not.
    std::optional<StoredResult> result;
    // Not executed: replaces the record's baseline.
    std::string baseline;
  };
  // Another record has the resource.
  struct Attributed {};
  using SettleResult = std::variant<Record, KeyHeld, Attributed, VersionConflict>;
  // Makes the record kDone with a result as if it had been found, or kNoEffect, if epoch and state
  // are still those of `expected`. With a result also only if no other record of the key is claimed
  // or sent, and the resource is attributed to none.
  virtual Task<absl::StatusOr<SettleResult>> Settle(Record expected, Settlement settlement,
                                                    Deadline deadline) = 0;

  using ChargeResult = std::variant<BudgetCharge, BudgetReached>;
  // For a write without a record.
  virtual Task<absl::StatusOr<ChargeResult>> Charge(WriteBudget budget, Deadline deadline) = 0;
  // Of such a write, which was not made after all. Once for each charge.
  virtual Task<absl::Status> GiveBack(BudgetCharge charge, Deadline deadline) = 0;
  // Set if a Charge would be refused now.
  virtual Task<absl::StatusOr<std::optional<BudgetReached>>> LookAtBudget(WriteBudget budget,
                                                                          Deadline deadline) = 0;

  // Records whose outcome is not known.
  struct OpenRecords {
    int64_t in_flight = 0;     // claimed or sent, and the lease is running
    int64_t unresolved = 0;    // sent, and the lease is over
    int64_t inconclusive = 0;  // for a person to settle

    friend bool operator==(const OpenRecords&, const OpenRecords&) = default;
  };
  struct SweepResult {
    int expired = 0;       // deleted
    int inconclusive = 0;  // were sent and are kInconclusive now: an alarm
    int64_t records = 0;   // what is left; of those:
    OpenRecords open;
    bool has_more = false;  // expired, than one sweep ends
  };
  // Ends what has expired, a bounded part at a time. A done record stays for longer while another
  // record of its key could still take the resource for its own: one that is not done and
  // whose baseline is older than the done record's expiry.
  virtual Task<absl::StatusOr<SweepResult>> Sweep(Deadline deadline) = 0;
};

}  // namespace gateway

#endif  // SERVICE_IDEMPOTENCY_STORE_RECORD_STORE_H_
