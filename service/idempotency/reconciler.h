#ifndef SERVICE_IDEMPOTENCY_RECONCILER_H_
#define SERVICE_IDEMPOTENCY_RECONCILER_H_

#include <optional>
#include <variant>

#include "service/base/clock.h"
#include "service/base/task.h"
#include "service/idempotency/store/record.h"
#include "service/idempotency/store/record_store.h"
#include "service/passfort/passfort_client.h"

namespace gateway {

// What one look at a profile's list made of a record.
struct Reconciliation {
  enum class Kind {
    kTookEffect,       // the record is done, with an application that was found
    kNoEffect,         // nothing was executed, and the record says so
    kInconclusive,     // several or unsure finds, or not all could be read; and the record says so
    kTooEarly,         // it is too early to tell
    kUnavailable,      // Passfort did not answer with a list that can be read, or the store did not
                       // answer
    kVersionConflict,  // the record changed hands or state meanwhile
  };
  Kind kind = Kind::kTooEarly;
  // The record as it is now; with kUnavailable and kVersionConflict as it was, with kTooEarly with
  // the candidates that the list shows so far.
  Record record;
  // kTooEarly: until then nothing can be proven absent.
  Milliseconds conclusive_after{0};
  // kUnavailable: why, if Passfort did not refuse it and the store did answer.
  std::optional<NotExecuted::Cause> no_list;
  // kVersionConflict: the profile's claimed or sent record, if it is what stands in the way.
  std::optional<Record> holder;
};

// Whether it takes a list to know that nothing was executed.
enum class Absence {
  kToBeProven,  // an attempt may have been executed
  kKnown,  // every attempt was definitely not; the list only shows whether that is the whole story
};

// Finds out whether a write whose response was lost took effect. Read-only towards Passfort, so it
// needs no lease; concurrent updates are settled by compare-and-swap. Loop thread only.
class Reconciler {
 public:
  struct Options {
    Milliseconds list_timeout{10000};
    Milliseconds store_timeout{5000};
  };

  // All outlive the reconciler.
  Reconciler(Options options, RecordStore& store, PassfortClient& passfort, Clock& clock)
      : options_(options), store_(store), passfort_(passfort), clock_(clock) {}

  // One look. `expected` is sent, inconclusive, or claimed again after it was absent. `context`
  // outlives the task.
  Task<Reconciliation> Reconcile(Record expected,
                                 const CallContext& context [[clang::lifetimebound]],
                                 Absence absence = Absence::kToBeProven);

  // As Reconcile, with a list that was read already, begun when the store's clock was
  // `expected.store_now`.
  Task<Reconciliation> Evaluate(Record expected, ApplicationList list,
                                Absence absence = Absence::kToBeProven);

 private:
  Deadline StoreDeadline() const { return Deadline(clock_.Now() + options_.store_timeout); }

  const Options options_;
  RecordStore& store_;
  PassfortClient& passfort_;
  Clock& clock_;
};

// What a list says as far as the store can keep it: an item whose id is too long counts as
// unreadable.
ApplicationList Storable(ApplicationList list);

// The response of a record that is done.
Done ToDone(const Record& record);
// Shortened if it is too large for the store.
RecordStore::StoredResult ToStoredResult(const pb::ProductApplication& application);

}  // namespace gateway

#endif  // SERVICE_IDEMPOTENCY_RECONCILER_H_
