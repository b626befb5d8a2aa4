#ifndef SERVICE_IDEMPOTENCY_STORE_METERED_RECORD_STORE_H_
#define SERVICE_IDEMPOTENCY_STORE_METERED_RECORD_STORE_H_

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "service/base/clock.h"
#include "service/idempotency/store/record_store.h"
#include "service/idempotency/store/store_failures.h"
#include "service/observability/log.h"
#include "service/observability/metrics.h"
#include "service/observability/status_report.h"

namespace gateway {

// Another store, with the number, errors and duration of its operations and what it holds in the
// metrics, and its failures in the log. Loop thread only.
class MeteredRecordStore final : public RecordStore, public StatusSource {
 public:
  // All others outlive the store.
  MeteredRecordStore(std::unique_ptr<RecordStore> store, Clock& clock, Metrics& metrics, Log& log);

  void Describe(StatusReport& report) const override;

  Task<absl::StatusOr<ClaimResult>> TryClaim(Claim claim, Deadline deadline) override;
  Task<absl::StatusOr<std::optional<Record>>> Find(std::string request_id,
                                                   Deadline deadline) override;
  Task<absl::StatusOr<UpdateResult>> Update(Record expected, RecordUpdate change,
                                            Deadline deadline) override;
  Task<absl::StatusOr<UpdateResult>> UpdateIfLeaseExpired(Record expected, RecordUpdate change,
                                                          Deadline deadline) override;
  Task<absl::StatusOr<bool>> Remove(Record expected, Deadline deadline) override;
  Task<absl::StatusOr<bool>> StoreResponse(Record expected, StoredResult result,
                                           Deadline deadline) override;
  Task<absl::StatusOr<FoundResult>> StoreReconciled(Record expected, StoredResult result,
                                                    Deadline deadline) override;
  Task<absl::StatusOr<std::vector<std::string>>> AttributedIds(std::string serialization_key,
                                                               std::string request_id,
                                                               Deadline deadline) override;
  Task<absl::StatusOr<std::vector<Record>>> ListSent(Cursor after, int limit,
                                                     Deadline deadline) override;
  Task<absl::StatusOr<std::vector<Record>>> ListUnresolved(UnresolvedQuery query,
                                                           Deadline deadline) override;
  Task<absl::StatusOr<SettleResult>> Settle(Record expected, Settlement settlement,
                                            Deadline deadline) override;
  Task<absl::StatusOr<ChargeResult>> Charge(WriteBudget budget, Deadline deadline) override;
  Task<absl::Status> GiveBack(BudgetCharge charge, Deadline deadline) override;
  Task<absl::StatusOr<std::optional<BudgetReached>>> LookAtBudget(WriteBudget budget,
                                                                  Deadline deadline) override;
  Task<absl::StatusOr<SweepResult>> Sweep(Deadline deadline) override;

 private:
  template <typename Result>
  Task<Result> Measure(std::string_view operation, Task<Result> task);

  const std::unique_ptr<RecordStore> store_;
  Clock& clock_;
  StoreFailures failures_;
  const CounterFamily operations_;
  const HistogramFamily seconds_;
  // Without a value until the store has counted.
  const Gauge records_;
  const Gauge open_;
};

}  // namespace gateway

#endif  // SERVICE_IDEMPOTENCY_STORE_METERED_RECORD_STORE_H_
