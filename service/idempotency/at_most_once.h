#ifndef SERVICE_IDEMPOTENCY_AT_MOST_ONCE_H_
#define SERVICE_IDEMPOTENCY_AT_MOST_ONCE_H_

#include <future>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "service/base/event_loop.h"
#include "service/idempotency/background_reconciler.h"
#include "service/idempotency/budget_ledger.h"
#include "service/idempotency/failpoints.h"
#include "service/idempotency/settler.h"
#include "service/idempotency/store/metered_record_store.h"
#include "service/idempotency/store/store_factory.h"
#include "service/idempotency/unsettled_traces.h"
#include "service/idempotency/write_coordinator.h"
#include "service/idempotency/write_session.h"
#include "service/observability/metrics.h"
#include "service/observability/status_report.h"

namespace gateway {

// At most once as a whole: the store, the coordinator that uses it, and the background reconciler.
// Its methods, but for the coordinator's, are for any thread but the loop's.
class AtMostOnce final : public StatusSource {
 public:
  struct Options {
    // As OpenStore takes it.
    std::string store_url;
    StoreOptions store;
    AtMostOnceOptions once;
  };

  // All of them outlive the object.
  struct Dependencies {
    EventLoop& loop;
    // All that records may be of. They outlive it too.
    std::vector<Operation*> operations;
    Clock& clock;
    RandomSource& random;
    TraceIds& trace_ids;
    RetryBudget& budget;
    Metrics& metrics;
    Log& log;
    WriteObserver& observer;
    FailPoints fail_point;
  };

  // Opens the store, with the errors of OpenStore.
  static absl::StatusOr<std::unique_ptr<AtMostOnce>> Open(Options options,
                                                          Dependencies dependencies);
  // Closes the store. Once there was something to do, only after `Stop` has succeeded.
  ~AtMostOnce() override;
  AtMostOnce(const AtMostOnce&) = delete;
  AtMostOnce& operator=(const AtMostOnce&) = delete;

  void Describe(StatusReport& report) const override { store_->Describe(report); }

  // Takes writes with a request_id. Loop thread only.
  WriteCoordinator& coordinator() { return coordinator_; }

  // Charges writes without one. Loop thread only.
  BudgetLedger& budgets() { return budgets_; }

  // What the store remembers, and how a person settles it. Loop thread only.
  RecordStore& records() { return *store_; }
  Settler& settler() { return settler_; }

  // Begins to reconcile what the store holds unresolved, and goes on with it until `Stop`. Once.
  void StartReconciling();

  // Once no call waits for the coordinator any more: leaves what is unresolved to the store, for
  // this gateway's next life or for another, and ends the background reconciler. In bounded time;
  // fails if something does not end, and the process had better exit without destructors then.
  absl::Status Stop();

 private:
  AtMostOnce(const AtMostOnceOptions& once, Dependencies dependencies,
             std::unique_ptr<MeteredRecordStore> store);

  Task<void> RunReconciler();
  Task<void> EndAll(std::shared_ptr<std::promise<void>> ended);

  SessionDependencies SharedWith(Reconciler& reconciler);

  Dependencies dependencies_;
  std::unique_ptr<MeteredRecordStore> store_;
  Reconciler reconciler_;
  Reconciler background_looks_;
  KeyedMutex key_mutex_;
  UnsettledTraces unsettled_traces_;
  WriteCoordinator coordinator_;
  BudgetLedger budgets_;
  Settler settler_;
  BackgroundReconciler background_reconciler_;
  bool is_reconciling_ = false;
  std::stop_source background_reconciler_stop_;
  std::stop_source background_reconciler_ended_;
};

}  // namespace gateway

#endif  // SERVICE_IDEMPOTENCY_AT_MOST_ONCE_H_
