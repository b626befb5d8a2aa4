#include "service/sql/postgres_name_lookup.h"

#include <pthread.h>

#include <algorithm>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

namespace gateway {

struct PostgresNameLookup::Shared {
  std::mutex mutex;
  EventLoop* loop;            // guarded by mutex; null once the owner is gone
  PostgresNameLookup* owner;  // loop thread only; null once it is gone
};

PostgresNameLookup::PostgresNameLookup(EventLoop& loop, std::vector<PostgresHost> hosts)
    : loop_(loop), hosts_(std::move(hosts)), shared_(std::make_shared<Shared>()) {
  shared_->loop = &loop;
  shared_->owner = this;
}

PostgresNameLookup::~PostgresNameLookup() {
  shared_->owner = nullptr;
  const std::lock_guard lock(shared_->mutex);
  shared_->loop = nullptr;
}

Task<absl::StatusOr<std::vector<PostgresHost>>> PostgresNameLookup::Resolve(Deadline deadline) {
  if (std::none_of(hosts_.begin(), hosts_.end(),
                   [](const PostgresHost& host) { return host.NeedsLookup(); })) {
    co_return hosts_;
  }
  OneShot<Answer> answer;
  Timer timer(loop_, [&answer] {
    answer.Set(absl::DeadlineExceededError("look up PostgreSQL's host: no answer in time"));
  });
  timer.StartAt(deadline.at());
  waiting_.push_back(&answer);
  if (!is_running_) StartThread();
  Answer result = co_await answer;
  std::erase(waiting_, &answer);
  co_return result;
}

void PostgresNameLookup::Stop() { Deliver(absl::CancelledError("look up PostgreSQL's host")); }

void PostgresNameLookup::StartThread() {
  is_running_ = true;
  try {
    std::thread([shared = shared_, hosts = hosts_] {
      pthread_setname_np(pthread_self(), "store-dns");
      std::vector<PostgresHost> found = LookUpPostgresHosts(hosts);
      const std::lock_guard lock(shared->mutex);
      if (shared->loop == nullptr) return;
      shared->loop->Post([shared, found = std::move(found)] {
        if (shared->owner == nullptr) return;
        shared->owner->is_running_ = false;
        shared->owner->Deliver(
            found.empty() ? Answer(absl::UnavailableError("look up PostgreSQL's host: no address"))
                          : Answer(found));
      });
    }).detach();
  } catch (const std::system_error&) {
    is_running_ = false;
    Deliver(absl::UnavailableError("look up PostgreSQL's host: no thread can be started"));
  }
}

void PostgresNameLookup::Deliver(const Answer& answer) {
  // A copy: each that is woken takes itself off the list.
  const std::vector<OneShot<Answer>*> waiting = std::exchange(waiting_, {});
  for (OneShot<Answer>* const waiter : waiting) waiter->Set(answer);
}

}  // namespace gateway
