#include "service/idempotency/background_reconciler.h"

#include <algorithm>
#include <utility>

namespace gateway {
namespace {

constexpr Milliseconds kStoreTimeout{5000};
// Lists that are read from Passfort at the same time.
constexpr int kMaxLooks = 4;
constexpr int kPage = 100;
// Of one round.
constexpr int kMaxPages = 10;
constexpr int kMaxSweeps = 20;

// A little earlier or later every time, so that several gateways do not look in step.
Milliseconds AddJitter(Milliseconds poll_interval, RandomSource& random) {
  return std::chrono::duration_cast<Milliseconds>(poll_interval * (0.75 + random.Fraction() / 2));
}

// Whether it is known what became of the write. A later call asks again about an inconclusive one.
bool IsSettled(Reconciliation::Kind kind) {
  return kind == Reconciliation::Kind::kTookEffect || kind == Reconciliation::Kind::kNoEffect;
}

}  // namespace

BackgroundReconciler::BackgroundReconciler(
    SessionDependencies dependencies, Options options,
    std::function<bool(const std::string& request_id)> is_active)
    : dependencies_(std::move(dependencies)), options_(options), is_active_(std::move(is_active)) {}

Task<void> BackgroundReconciler::Run(std::stop_token stop) {
  while (!stop.stop_requested()) {
    co_await Sweep(stop);
    co_await LookAtOverdue(stop);
    co_await dependencies_.clock.SleepUntil(
        dependencies_.clock.Now() + AddJitter(options_.poll_interval, dependencies_.random), stop);
  }
}

Task<void> BackgroundReconciler::Sweep(std::stop_token stop) {
  bool has_more = true;
  for (int i = 0; has_more && i < kMaxSweeps && !stop.stop_requested(); ++i) {
    const auto swept =
        co_await dependencies_.store.Sweep(Deadline(dependencies_.clock.Now() + kStoreTimeout));
    if (!swept.ok()) co_return;
    has_more = swept->has_more;
    if (swept->inconclusive == 0) continue;
    dependencies_.log.Error("writes expired with an unknown outcome",
                            {{"records", int64_t{swept->inconclusive}}});
  }
}

// Goes through what is sent, page by page, as far as the leases have ended.
Task<void> BackgroundReconciler::LookAtOverdue(std::stop_token stop) {
  bool is_last_page = false;
  for (int i = 0; !is_last_page && i < kMaxPages && !stop.stop_requested(); ++i) {
    auto page = co_await dependencies_.store.ListSent(
        after_, kPage, Deadline(dependencies_.clock.Now() + kStoreTimeout));
    if (!page.ok()) co_return;
    is_last_page = std::ssize(*page) < kPage;
    if (!page->empty()) after_ = {page->back().lease_until, page->back().request_id};
    std::deque<Record> due;
    for (Record& record : *page) {
      if (record.store_now < record.lease_until) {
        is_last_page = true;
        break;
      }
      if (!is_active_(record.request_id)) due.push_back(std::move(record));
    }
    co_await ReconcileAll(std::move(due), stop);
  }
  if (is_last_page) after_ = {};
}

Task<void> BackgroundReconciler::ReconcileAll(std::deque<Record> due, std::stop_token stop) {
  if (due.empty()) co_return;
  std::stop_source all_done;
  int lookers = std::min(kMaxLooks, static_cast<int>(due.size()));
  for (int i = lookers; i > 0; --i) Spawn(ReconcileNext(due, lookers, all_done, stop));
  co_await dependencies_.clock.SleepUntil(SteadyTime::max(), all_done.get_token());
}

Task<void> BackgroundReconciler::ReconcileNext(std::deque<Record>& due, int& lookers,
                                               std::stop_source all_done, std::stop_token stop) {
  while (!due.empty() && !stop.stop_requested()) {
    Record record = std::move(due.front());
    due.pop_front();
    UnsettledTraces& traces = dependencies_.unsettled_traces;
    const auto left = traces.Find(record.request_id);
    const TraceContext trace = left ? *left : dependencies_.trace_ids.NewTrace();
    const CallContext context{.stop = stop, .trace = &trace};
    const std::string request_id = record.request_id;
    const auto look = co_await dependencies_.reconciler.Reconcile(std::move(record), context);
    if (IsSettled(look.kind)) traces.Remove(request_id);
  }
  if (--lookers == 0) all_done.request_stop();
}

}  // namespace gateway
