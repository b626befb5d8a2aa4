#ifndef SERVICE_SQL_POSTGRES_NAME_LOOKUP_H_
#define SERVICE_SQL_POSTGRES_NAME_LOOKUP_H_

#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "service/base/deadline.h"
#include "service/base/event_loop.h"
#include "service/base/one_shot.h"
#include "service/base/task.h"
#include "service/sql/postgres_target.h"

namespace gateway {

// Looks the names of a fixed list of hosts up without blocking the loop: libpq's own asynchronous
// connect would. A thread does it, one at a time and only while somebody asks; who asks meanwhile
// gets its response. Loop thread only, destruction included.
class PostgresNameLookup {
 public:
  // `loop` outlives the object.
  PostgresNameLookup(EventLoop& loop, std::vector<PostgresHost> hosts);
  // Does not wait for the thread: it ends by itself.
  ~PostgresNameLookup();

  // The hosts with their addresses. UNAVAILABLE if none has one; CANCELLED after `Stop`.
  Task<absl::StatusOr<std::vector<PostgresHost>>> Resolve(Deadline deadline);
  void Stop();

 private:
  using Hosts = absl::StatusOr<std::vector<PostgresHost>>;
  struct Shared;

  void StartThread();
  void Deliver(const Hosts& hosts);

  EventLoop& loop_;
  const std::vector<PostgresHost> hosts_;
  // With the thread, which may outlive this object.
  const std::shared_ptr<Shared> shared_;
  bool is_running_ = false;
  std::vector<OneShot<Hosts>*> waiting_;
};

}  // namespace gateway

#endif  // SERVICE_SQL_POSTGRES_NAME_LOOKUP_H_
