#ifndef SERVICE_IDEMPOTENCY_RECONCILER_H_
#define SERVICE_IDEMPOTENCY_RECONCILER_H_

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "service/base/clock.h"
#include "service/base/task.h"
#include "service/idempotency/operation.h"
#include "service/idempotency/store/record.h"
#include "service/idempotency/store/record_store.h"
#include "service/idempotency/write_observer.h"

namespace gateway {

// What one look at Passfort made of a record.
struct Reconciliation {
  enum class Kind {
    kTookEffect,       // the record is done, with a result that was found
    kNoEffect,         // nothing was executed, and the record says so
    kInconclusive,     // several or unsure finds, or not all could be read; and the record says so
    kTooEarly,         // it is too early to tell
    kUnavailable,      // Passfort's state could not be read, or the store did not answer
    kVersionConflict,  // the record changed hands or state meanwhile
  };
  Kind kind = Kind::kTooEarly;
  // The record as it is now; with kUnavailable and kVersionConflict as it was, with kTooEarly with
  // the candidates that there are so far.
  Record record;
  // kTooEarly: until then no effect can be proven.
  Milliseconds conclusive_after{0};
  // kUnavailable: why, if Passfort did not refuse it and the store did answer.
  std::optional<NotExecuted::Cause> unobserved;
  // kUnavailable: what the store said, if it did not do what it was asked.
  absl::Status store_failure;
  // kVersionConflict: the key's claimed or sent record, if it is what stands in the way.
  std::optional<Record> holder;
};

// Whether it takes a look to know that nothing was executed.
enum class Absence {
  kToBeProven,  // an attempt may have been executed
  kKnown,  // every attempt was definitely not; a look only shows whether that is the whole story
};

// Finds out whether a write whose response was lost took effect. Read-only towards Passfort, so it
// needs no lease; concurrent updates are settled by compare-and-swap. Loop thread only.
class Reconciler {
 public:
  struct Options {
    Milliseconds observe_timeout{10000};
    Milliseconds store_timeout{5000};
    // Who looks.
    FinishedWrite::By by = FinishedWrite::By::kCall;
  };

  // All outlive the reconciler.
  Reconciler(Options options, RecordStore& store, std::vector<Operation*> operations, Clock& clock,
             WriteObserver& observer)
      : options_(options),
        store_(store),
        operations_(std::move(operations)),
        clock_(clock),
        observer_(observer) {}

  // One look. `expected` is sent, inconclusive, or claimed again after it was without effect. A
  // record of an operation that is not among ours is left to those who know it. `context` outlives
  // the task.
  Task<Reconciliation> Reconcile(Record expected,
                                 const CallContext& context [[clang::lifetimebound]],
                                 Absence absence = Absence::kToBeProven);

  // As Reconcile, with an observation that was made already, begun when the store's clock was
  // `expected.store_now`. `now` and `context` outlive the task.
  Task<Reconciliation> Evaluate(Record expected, const Observation& now [[clang::lifetimebound]],
                                const CallContext& context [[clang::lifetimebound]],
                                Absence absence = Absence::kToBeProven);

  // Ends what a process that died left: a claim is given back, a sent record is reconciled, by one
  // look. Only for a record whose lease has run out. Returns why the look showed nothing, if so.
  Task<std::optional<NotExecuted::Cause>> ReleaseExpired(Record expected, const CallContext& context
                                                         [[clang::lifetimebound]]);

 private:
  Operation* FindOperation(const std::string& name) const;
  void ReportToObserver(const Record& record, FinishedWrite::End end, const CallContext& context) {
    observer_.OnFinished({record, end, options_.by, context.trace_id()});
  }
  Deadline StoreDeadline() const { return Deadline(clock_.Now() + options_.store_timeout); }

  const Options options_;
  RecordStore& store_;
  const std::vector<Operation*> operations_;
  Clock& clock_;
  WriteObserver& observer_;
};

}  // namespace gateway

#endif  // SERVICE_IDEMPOTENCY_RECONCILER_H_
