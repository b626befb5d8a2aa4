#include "service/idempotency/at_most_once.h"

#include <algorithm>
#include <chrono>
#include <future>
#include <utility>

#include "service/idempotency/store/metered_record_store.h"

namespace gateway {
namespace {

// Everything in flight at a stop ends at once but for operations of the store, which have 5 s each.
constexpr std::chrono::seconds kMaxStop{20};

// Whoever asks for a record looks by himself. What nobody asks for takes lease, attempt and settle
// window to be settled, so half a settle window more makes little difference.
BackgroundReconciler::Options ReconcilerOptions(const AtMostOnceOptions& once) {
  constexpr Milliseconds kShortest{10};
  constexpr Milliseconds kLongest{30000};
  return {.poll_interval = std::clamp(once.settle_window / 2, kShortest, kLongest)};
}

}  // namespace

absl::StatusOr<std::unique_ptr<AtMostOnce>> AtMostOnce::Open(Options options,
                                                             Dependencies dependencies) {
  options.store.log = &dependencies.log;
  options.store.records.settle_window = options.once.settle_window;
  auto store = OpenStore(dependencies.loop, dependencies.random, options.store_url,
                         std::move(options.store));
  if (!store.ok()) return store.status();
  auto measured = std::make_unique<MeteredRecordStore>(*std::move(store), dependencies.clock,
                                                       dependencies.metrics, dependencies.log);
  return std::unique_ptr<AtMostOnce>(
      new AtMostOnce(options.once, std::move(dependencies), std::move(measured)));
}

AtMostOnce::AtMostOnce(const AtMostOnceOptions& once, Dependencies dependencies,
                       std::unique_ptr<MeteredRecordStore> store)
    : dependencies_(std::move(dependencies)),
      store_(std::move(store)),
      reconciler_({.store_timeout = once.store_timeout}, *store_, dependencies_.operations,
                  dependencies_.clock, dependencies_.observer),
      background_looks_({.store_timeout = once.store_timeout, .by = FinishedWrite::By::kBackground},
                        *store_, dependencies_.operations, dependencies_.clock,
                        dependencies_.observer),
      coordinator_(SharedWith(reconciler_), once),
      budgets_(*store_, dependencies_.clock, dependencies_.log),
      settler_({.store_timeout = once.store_timeout, .settle_window = once.settle_window}, *store_,
               background_looks_, dependencies_.operations, dependencies_.clock,
               dependencies_.observer, unsettled_traces_, dependencies_.fail_point),
      background_reconciler_(
          SharedWith(background_looks_), ReconcilerOptions(once),
          [this](const std::string& request_id) { return coordinator_.IsActive(request_id); }) {}

AtMostOnce::~AtMostOnce() {
  dependencies_.loop.RunAndWait([this] { store_.reset(); });
}

void AtMostOnce::StartReconciling() {
  is_reconciling_ = true;
  dependencies_.loop.Post([this] { Spawn(RunReconciler()); });
}

SessionDependencies AtMostOnce::SharedWith(Reconciler& reconciler) {
  return {.store = *store_,
          .reconciler = reconciler,
          .key_mutex = key_mutex_,
          .clock = dependencies_.clock,
          .random = dependencies_.random,
          .trace_ids = dependencies_.trace_ids,
          .budget = dependencies_.budget,
          .log = dependencies_.log,
          .observer = dependencies_.observer,
          .unsettled_traces = unsettled_traces_,
          .fail_point = dependencies_.fail_point};
}

Task<void> AtMostOnce::RunReconciler() {
  co_await background_reconciler_.Run(background_reconciler_stop_.get_token());
  background_reconciler_ended_.request_stop();
}

Task<void> AtMostOnce::EndAll(std::shared_ptr<std::promise<void>> ended) {
  background_reconciler_stop_.request_stop();
  co_await coordinator_.Drain();
  co_await budgets_.Drain();
  if (is_reconciling_) {
    co_await dependencies_.clock.SleepUntil(SteadyTime::max(),
                                            background_reconciler_ended_.get_token());
  }
  if (coordinator_.IsIdle()) ended->set_value();
}

absl::Status AtMostOnce::Stop() {
  // Shared with the loop, which may outlive a wait in vain.
  const auto ended = std::make_shared<std::promise<void>>();
  const std::future<void> when_ended = ended->get_future();
  dependencies_.loop.Post([this, ended] { Spawn(EndAll(ended)); });
  if (when_ended.wait_for(kMaxStop) != std::future_status::ready) {
    return absl::DeadlineExceededError("shutdown: an operation of the store did not end");
  }
  return absl::OkStatus();
}

}  // namespace gateway
