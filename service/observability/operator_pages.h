#ifndef SERVICE_OBSERVABILITY_OPERATOR_PAGES_H_
#define SERVICE_OBSERVABILITY_OPERATOR_PAGES_H_

#include <atomic>
#include <memory>
#include <mutex>
#include <string_view>

#include "service/observability/metrics.h"
#include "service/observability/metrics_server.h"
#include "service/observability/status_report.h"

namespace gateway {

// What the metrics port answers: `/` and `/statusz.json` with the last report, `/healthz`,
// `/metrics`. It has copies of all it shows, so it answers while the event loop stands still. Safe
// from any thread.
class OperatorPages {
 public:
  // `metrics` outlive it.
  explicit OperatorPages(const Metrics& metrics);

  // Whether the process serves calls; until it is said for the first time it does not.
  void SetServing(bool is_serving) { is_serving_ = is_serving; }
  // What the page shows from now on.
  void Show(StatusReport report);

  HttpPage Get(std::string_view path) const;

 private:
  HttpPage Health() const;
  std::shared_ptr<const StatusReport> report() const;

  const Metrics& metrics_;
  std::atomic<bool> is_serving_ = false;
  mutable std::mutex mutex_;
  // Guarded by mutex_, what it points to never changes.
  std::shared_ptr<const StatusReport> report_;
};

}  // namespace gateway

#endif  // SERVICE_OBSERVABILITY_OPERATOR_PAGES_H_
