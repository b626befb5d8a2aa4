#include "tests/chaos/retrying_load.h"

#include <gtest/gtest.h>

#include <chrono>
#include <utility>

namespace gateway {
namespace {

using namespace std::chrono_literals;

// About as long as an undisturbed call takes: some end in time and some do not.
constexpr std::chrono::milliseconds kHardlyAnyTime = 40ms * kSlowness;
constexpr uint32_t kOneInHasHardlyAnyTime = 4;
constexpr uint32_t kOneInAsksAgain = 4;

// What a client leaves between two calls of which the first came to nothing.
constexpr std::chrono::milliseconds kPause = 20ms;

}  // namespace

RetryingLoad::RetryingLoad(const GatewayCluster& cluster, const FakePassfort& passfort, int callers)
    : cluster_(cluster), passfort_(passfort) {
  for (int i = 0; i < callers; ++i) {
    Caller caller = {.number = static_cast<size_t>(i),
                     .calls = 0,
                     .random = std::minstd_rand(static_cast<uint32_t>(i) + 1)};
    threads_.emplace_back([this, caller] { CallUntilStopped(caller); });
  }
}

RetryingLoad::~RetryingLoad() {
  if (!threads_.empty()) Finish();
}

RetryingLoad::Sums RetryingLoad::Finish() {
  {
    const std::lock_guard lock(mutex_);
    stopped_at_ = std::chrono::steady_clock::now();
  }
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();

  for (const Done& done : done_) {
    const auto applications = passfort_.Applications(done.intent.profile_id);
    EXPECT_EQ(applications.size(), 1U) << done.intent.request_id;
    if (applications.empty() || done.application_id.empty()) continue;
    EXPECT_EQ(applications.front().id, done.application_id) << done.intent.request_id;
  }
  return sums_;
}

void RetryingLoad::CallUntilStopped(Caller caller) {
  while (true) {
    const Intent intent = FreshIntent();
    caller.calls = 0;
    std::string id = AddUntilAnswered(caller, intent);
    if (caller.random() % kOneInAsksAgain == 0) {
      ++caller.number;
      EXPECT_EQ(AddUntilAnswered(caller, intent), id) << intent.request_id;
    }
    const std::lock_guard lock(mutex_);
    done_.push_back({.intent = intent, .application_id = std::move(id)});
    ++sums_.done;
    if (stopped_at_) return;
  }
}

std::string RetryingLoad::AddUntilAnswered(Caller& caller, const Intent& intent) {
  while (true) {
    ++caller.calls;
    const bool has_hardly_any_time = caller.random() % kOneInHasHardlyAnyTime == 0;
    const Answered answered =
        cluster_.Caller(caller.number++ % cluster_.size())
            ->Add(RequestOf(intent), has_hardly_any_time ? kHardlyAnyTime : kCallBound);
    Hold(answered, intent, caller.calls);
    if (answered.status.ok()) return answered.response.product_application().id();
    if (IsOverdue()) {
      ADD_FAILURE() << intent.request_id << " has no answer after " << caller.calls
                    << " calls; the last: " << answered.status.error_message();
      return "";
    }
    std::this_thread::sleep_for(kPause);
  }
}

bool RetryingLoad::IsOverdue() {
  const std::lock_guard lock(mutex_);
  return stopped_at_ && std::chrono::steady_clock::now() > *stopped_at_ + kCallBound;
}

// Whatever is said must be true at that moment.
void RetryingLoad::Hold(const Answered& answered, const Intent& intent, int calls) {
  const Counts counts = passfort_.counts(intent.profile_id);
  const std::string reason = ReasonOf(answered.status);
  if (answered.status.ok()) {
    EXPECT_EQ(counts.created, 1) << intent.request_id;
  }
  if (SaysNotDone(answered)) {
    EXPECT_EQ(counts.created, 0) << intent.request_id << ": " << reason;
  }
  // What is said of the call alone is said of the request_id as long as there was no other call.
  if (reason == "STORE_UNAVAILABLE" && calls == 1) {
    EXPECT_EQ(counts.created, 0) << intent.request_id;
  }
  const std::lock_guard lock(mutex_);
  if (IsReplay(answered)) ++sums_.replayed;
  if (IsReconciled(answered)) ++sums_.reconciled;
  if (IsBroken(answered)) ++sums_.broken;
  if (reason == "OUTCOME_UNKNOWN") ++sums_.unknown;
  if (reason == "STORE_UNAVAILABLE") ++sums_.without_store;
  if (SaysNotDone(answered)) ++sums_.not_done;
}

}  // namespace gateway
