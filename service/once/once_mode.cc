#include "service/once/once_mode.h"

#include <algorithm>
#include <chrono>
#include <future>
#include <utility>

#include "service/once/measured_record_store.h"

namespace gateway {
namespace {

// Everything under way at a stop ends at once but for operations of the store, which have 5 s each.
constexpr std::chrono::seconds kLongestStop{20};

// Whoever asks for a record looks by himself. What nobody asks for takes lease, attempt and settle
// window to be settled, so half a settle window more makes little difference.
Resolver::Options ResolverOptions(const OnceOptions& once) {
  constexpr Milliseconds kShortest{10};
  constexpr Milliseconds kLongest{30000};
  return {.interval = std::clamp(once.settle_window / 2, kShortest, kLongest)};
}

}  // namespace

absl::StatusOr<std::unique_ptr<OnceMode>> OnceMode::Open(Options options, Parts parts) {
  options.store.log = &parts.log;
  options.store.records.settle_window = options.once.settle_window;
  auto store = OpenStore(parts.loop, parts.random, options.store_url, std::move(options.store));
  if (!store.ok()) return store.status();
  auto measured =
      std::make_unique<MeasuredRecordStore>(*std::move(store), parts.clock, parts.metrics);
  return std::unique_ptr<OnceMode>(
      new OnceMode(options.once, std::move(parts), std::move(measured)));
}

OnceMode::OnceMode(const OnceOptions& once, Parts parts, std::unique_ptr<RecordStore> store)
    : parts_(std::move(parts)),
      store_(std::move(store)),
      settler_({.store_timeout = once.store_timeout}, *store_, parts_.resolving, parts_.clock),
      writer_(Shared(), once, parts_.plain),
      resolver_(
          Shared(), ResolverOptions(once),
          [this](const std::string& request_id) { return writer_.IsActive(request_id); },
          [this](const RecordStore::Swept& swept) {
            parts_.metrics.RecordsKept(swept.records, swept.unresolved);
          }) {}

OnceMode::~OnceMode() {
  parts_.loop.RunAndWait([this] { store_.reset(); });
}

void OnceMode::ResolveInBackground() {
  is_resolving_ = true;
  parts_.loop.Post([this] { Spawn(Resolve()); });
}

OnceParts OnceMode::Shared() {
  return {.store = *store_,
          .passfort = parts_.passfort,
          .settler = settler_,
          .turns = turns_,
          .clock = parts_.clock,
          .random = parts_.random,
          .trace_ids = parts_.trace_ids,
          .budget = parts_.budget,
          .log = parts_.log,
          .at_step = parts_.at_step};
}

Task<void> OnceMode::Resolve() {
  co_await resolver_.Run(resolver_stop_.get_token());
  resolver_ended_.request_stop();
}

Task<void> OnceMode::EndAll(std::shared_ptr<std::promise<void>> ended) {
  resolver_stop_.request_stop();
  co_await writer_.Drain();
  if (is_resolving_) {
    co_await parts_.clock.SleepUntil(SteadyTime::max(), resolver_ended_.get_token());
  }
  if (writer_.IsIdle()) ended->set_value();
}

absl::Status OnceMode::Stop() {
  // Shared with the loop, which may outlive a wait in vain.
  const auto ended = std::make_shared<std::promise<void>>();
  const std::future<void> when_ended = ended->get_future();
  parts_.loop.Post([this, ended] { Spawn(EndAll(ended)); });
  if (when_ended.wait_for(kLongestStop) != std::future_status::ready) {
    return absl::DeadlineExceededError("an operation of the store did not end");
  }
  return absl::OkStatus();
}

}  // namespace gateway
