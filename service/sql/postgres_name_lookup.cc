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
  OneShot<Hosts> hosts;
  Timer timer(loop_, [&hosts] {
    hosts.Set(absl::DeadlineExceededError("look up PostgreSQL's host: no answer in time"));
  });
  timer.StartAt(deadline.at());
  waiting_.push_back(&hosts);
  if (!is_running_) StartThread();
  Hosts result = co_await hosts;
  std::erase(waiting_, &hosts);
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
            found.empty() ? Hosts(absl::UnavailableError("look up PostgreSQL's host: no address"))
                          : Hosts(found));
      });
    }).detach();
  } catch (const std::system_error&) {
    is_running_ = false;
    Deliver(absl::UnavailableError("look up PostgreSQL's host: no thread can be started"));
  }
}

void PostgresNameLookup::Deliver(const Hosts& hosts) {
  // A copy: each that is woken takes itself off the list.
  const std::vector<OneShot<Hosts>*> waiting = std::exchange(waiting_, {});
  for (OneShot<Hosts>* const waiter : waiting) waiter->Set(hosts);
}

}  // namespace gateway
