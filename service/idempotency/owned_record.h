#ifndef SERVICE_IDEMPOTENCY_OWNED_RECORD_H_
#define SERVICE_IDEMPOTENCY_OWNED_RECORD_H_

#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "service/base/clock.h"
#include "service/base/task.h"
#include "service/idempotency/store/record_store.h"
#include "service/idempotency/write_observer.h"

namespace gateway {

// The record that a session claimed. Each change is a compare-and-swap with the record as it was
// read last: whoever loses one owns the record no more, and does nothing but follow it. Loop thread
// only.
class OwnedRecord {
 public:
  enum class Change {
    kApplied,
    kVersionConflict,  // somebody else changed it: what is true now is for the store to say
    kStoreFailed,      // or it was applied all the same; later conditions see to that
    kTooLarge,         // for the store, for good
    kBudgetReached,    // `budget_resets_at` says when to come again; nothing was changed
  };

  // All outlive it.
  OwnedRecord(RecordStore& store, Clock& clock, Milliseconds store_timeout, WriteObserver& observer,
              std::string_view trace_id)
      : store_(store),
        clock_(clock),
        store_timeout_(store_timeout),
        observer_(observer),
        trace_id_(trace_id) {}

  void Hold(Record record) { record_ = std::move(record); }
  const Record& operator*() const { return record_; }
  const Record* operator->() const { return &record_; }

  // Before anything leaves: from now on the write may take effect. Without `conclusive_after` no
  // look will ever be conclusive. The first intent of a record is charged to `budget`.
  Task<Change> RecordIntent(Milliseconds lease, std::optional<Milliseconds> conclusive_after,
                            Baseline baseline, absl::Time sent_at,
                            std::optional<WriteBudget> budget);
  // Holds the record as an intent of `sent_at` left it that the store did not acknowledge.
  // kVersionConflict: there is none.
  Task<Change> HoldIntent(absl::Time sent_at);
  // The attempt has ended, so the wait for a conclusive look can be counted from now.
  Task<Change> RecordAmbiguous(std::optional<Milliseconds> conclusive_after);
  // The attempt did nothing, but an earlier one may have: a look is conclusive at once.
  Task<Change> RecordConclusive();
  // Nothing was executed under this record so far: deletes it, or leaves it proven without effect
  // if it was ever ambiguous. `end` says why.
  Task<Change> Release(FinishedWrite::End end);
  // Of the last kStoreFailed.
  const absl::Status& store_failure() const { return store_failure_; }
  // Of the last kBudgetReached.
  absl::Time budget_resets_at() const { return budget_resets_at_; }
  // Passfort's own word, stored whoever owns the record.
  Task<absl::Status> StoreResponse(StoredResult result);

 private:
  Task<Change> Update(RecordStore::RecordUpdate update);
  Task<Change> Remove();
  Change StoreFailed(absl::Status why) {
    store_failure_ = std::move(why);
    return Change::kStoreFailed;
  }
  void ReportToObserver(FinishedWrite::End end) {
    observer_.OnFinished({record_, end, FinishedWrite::By::kCall, trace_id_});
  }
  Deadline StoreDeadline() const { return Deadline(clock_.Now() + store_timeout_); }

  RecordStore& store_;
  Clock& clock_;
  const Milliseconds store_timeout_;
  WriteObserver& observer_;
  const std::string_view trace_id_;
  Record record_;
  absl::Status store_failure_;
  absl::Time budget_resets_at_;
};

}  // namespace gateway

#endif  // SERVICE_IDEMPOTENCY_OWNED_RECORD_H_
